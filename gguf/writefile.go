package gguf

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// WriteFile makes the file at path from what write produces, all or nothing: the
// bytes go to a temporary file in the same folder, which is synced and then
// renamed. An existing file is refused (fs.ErrExist) unless force is set, and
// stays as it was if anything fails; the temporary file is removed then.
func WriteFile(path string, force bool, write func(io.Writer) error) (err error) {
	wrap := func(err error) error { return fmt.Errorf("gguf: write %s: %w", path, err) }
	mode := fs.FileMode(0o666)
	switch info, err := os.Lstat(path); {
	case err == nil && !force:
		return wrap(fs.ErrExist)
	case err == nil && !info.Mode().IsRegular():
		return wrap(errors.New("exists and is not a regular file"))
	case err == nil:
		mode = info.Mode().Perm()
	case !errors.Is(err, fs.ErrNotExist):
		return wrap(err)
	}
	tmp, err := temporary(path, mode)
	if err != nil {
		return wrap(err)
	}
	placed := false
	defer func() {
		if !placed {
			_ = tmp.Close() // the error that matters is on its way
			_ = os.Remove(tmp.Name())
		}
	}()
	buf := bufio.NewWriterSize(tmp, 1<<20)
	for _, step := range []func() error{func() error { return write(buf) }, buf.Flush, tmp.Sync, tmp.Close} {
		if err := step(); err != nil {
			return wrap(err)
		}
	}
	if err := place(tmp.Name(), path, force); err != nil {
		return wrap(err)
	}
	placed = true
	if err := syncDir(filepath.Dir(path)); err != nil {
		return wrap(err)
	}
	return nil
}

// temporary creates a file beside path. Unlike os.CreateTemp it leaves the mode
// to the umask, because the file becomes the user's.
func temporary(path string, mode fs.FileMode) (*os.File, error) {
	dir, base := filepath.Split(path)
	for range 100 {
		name := filepath.Join(dir, fmt.Sprintf(".%s.%08x.tmp", base, rand.Uint32()))
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
	return nil, errors.New("no free name for a temporary file")
}

// place moves tmp to path. Without force a hard link does it, which fails if
// someone else has made the file meanwhile; file systems without links get a
// rename.
func place(tmp, path string, force bool) error {
	if !force {
		err := os.Link(tmp, path)
		if err == nil {
			return os.Remove(tmp)
		}
		if errors.Is(err, fs.ErrExist) {
			return fs.ErrExist
		}
	}
	return os.Rename(tmp, path)
}

// syncDir makes the new name durable.
func syncDir(dir string) error {
	if dir == "" {
		dir = "."
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
