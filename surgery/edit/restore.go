package edit

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/detox-surgery/detox-surgery/gguf"
)

// ErrMismatch marks an undo file that belongs to another model file, and models
// that an edit was not made for.
var ErrMismatch = errors.New("edit: files do not belong together")

// ErrSameFile is returned when an output is one of the inputs.
var ErrSameFile = errors.New("edit: the output is an input")

// Restore makes the parent of the written model out from it and its undo file,
// bit for bit, and returns the parent's sha256. The file to appears only when its
// hash has been checked; an existing one is replaced only with force.
func Restore(out, undo, to string, force bool) (string, error) {
	if err := refuseSame(to, out, undo); err != nil {
		return "", err
	}
	u, err := openUndo(undo)
	if err != nil {
		return "", err
	}
	defer u.file.Close() //nolint:errcheck // only read
	f, err := os.Open(out)
	if err != nil {
		return "", fmt.Errorf("edit: restore: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	if err := u.checkWritten(f); err != nil {
		return "", fmt.Errorf("edit: restore %s: %w", out, err)
	}
	err = gguf.WriteFile(to, force, func(w io.Writer) error { return u.rebuild(w, f) })
	if err != nil {
		return "", err
	}
	return u.Parent, u.restoreBeside(out, to, force)
}

// checkWritten compares a file with the one the undo file was written for.
func (u *undoFile) checkWritten(f *os.File) error {
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return err
	}
	if sum := hex.EncodeToString(h.Sum(nil)); n != u.WrittenSize || sum != u.Written {
		return fmt.Errorf("%w: the undo file is for sha256 %.12s, this file has %.12s", ErrMismatch, u.Written, sum)
	}
	return nil
}

// rebuild writes the parent to w. It fails, so that nothing is kept, unless the
// bytes have the parent's hash.
func (u *undoFile) rebuild(w io.Writer, written io.ReaderAt) error {
	h := sha256.New()
	w = io.MultiWriter(w, h)
	buf, other := make([]byte, 1<<16), make([]byte, 1<<16)
	for _, s := range u.Segments {
		for done := int64(0); done < s.Length; {
			n := min(int64(len(buf)), s.Length-done)
			b, o := buf[:n], other[:n]
			if err := u.fill(b, o, written, s, done); err != nil {
				return err
			}
			if _, err := w.Write(b); err != nil {
				return err
			}
			done += n
		}
	}
	if sum := hex.EncodeToString(h.Sum(nil)); sum != u.Parent {
		return formatErr("the undo file gives sha256 %.12s instead of the parent's %.12s", sum, u.Parent)
	}
	return nil
}

// fill makes len(b) bytes of a segment from its byte done on; o is scratch.
func (u *undoFile) fill(b, o []byte, written io.ReaderAt, s segment, done int64) error {
	if s.Kind != segLiteral {
		if _, err := written.ReadAt(o, s.Offset+done); err != nil {
			return err
		}
	}
	if s.Kind == segCopy {
		copy(b, o)
		return nil
	}
	if _, err := io.ReadFull(u.stream, b); err != nil {
		return formatErr("undo stream: %v", err)
	}
	if s.Kind == segXor {
		xorTo(b, o)
	}
	return nil
}

// refuseSame refuses an output path that names one of the inputs, through
// whatever links.
func refuseSame(out string, inputs ...string) error {
	o, err := os.Stat(out)
	if err != nil {
		return nil //nolint:nilerr // an output that cannot be found is no input
	}
	for _, in := range inputs {
		if i, err := os.Stat(in); err == nil && os.SameFile(o, i) {
			return fmt.Errorf("%w: %s and %s are the same file", ErrSameFile, out, in)
		}
	}
	return nil
}
