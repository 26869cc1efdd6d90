package gguf

import (
	"fmt"
	"io"

	"github.com/detox-surgery/detox-surgery/internal/atomicfile"
)

// WriteFile makes the file at path from what write produces, all or nothing: the
// bytes go to a temporary file in the same folder, which is synced and then
// renamed. An existing file is refused (fs.ErrExist) unless force is set, and
// stays as it was if anything fails; the temporary file is removed then.
func WriteFile(path string, force bool, write func(io.Writer) error) error {
	if err := atomicfile.Write(path, force, write); err != nil {
		return fmt.Errorf("gguf: write %s: %w", path, err)
	}
	return nil
}
