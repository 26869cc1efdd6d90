// Package atomicfile puts files in place all or nothing: the bytes go to a
// temporary file in the same folder, which is synced and then renamed.
package atomicfile

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

// Write makes the file at path from what write produces. An existing file is
// refused (fs.ErrExist) unless force is set, and stays as it was if anything
// fails; the temporary file is removed then.
func Write(path string, force bool, write func(io.Writer) error) error {
	f, err := Create(path, force)
	if err != nil {
		return err
	}
	defer f.Discard()
	if err := write(f); err != nil {
		return err
	}
	return Place(f)
}

// File is a file that is being written and not yet in place.
type File struct {
	path   string
	force  bool
	tmp    *os.File
	buf    *bufio.Writer
	backup string // where the file lies that this one replaced
	placed bool
}

// Create starts a file. Without force an existing one is refused (fs.ErrExist);
// what is not a regular file always is.
func Create(path string, force bool) (*File, error) {
	mode := fs.FileMode(0o666)
	switch info, err := os.Lstat(path); {
	case err == nil && !force:
		return nil, fs.ErrExist
	case err == nil && !info.Mode().IsRegular():
		return nil, errors.New("exists and is not a regular file")
	case err == nil:
		mode = info.Mode().Perm()
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	tmp, err := temporary(path, mode)
	if err != nil {
		return nil, err
	}
	return &File{path: path, force: force, tmp: tmp, buf: bufio.NewWriterSize(tmp, 1<<20)}, nil
}

// Path is where the file will be.
func (f *File) Path() string { return f.path }

// Write implements io.Writer.
func (f *File) Write(p []byte) (int, error) { return f.buf.Write(p) }

// CopyRange appends n bytes of src from offset off. Linux copies them within the
// kernel, which takes half the time of writes from a mapping.
func (f *File) CopyRange(src *os.File, off, n int64) (int64, error) {
	if err := f.buf.Flush(); err != nil {
		return 0, err
	}
	if _, err := src.Seek(off, io.SeekStart); err != nil {
		return 0, err
	}
	done, err := io.CopyN(f.tmp, src, n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return done, err
}

// Discard removes what was written, unless the file is in place.
func (f *File) Discard() {
	if f.placed {
		return
	}
	_ = f.tmp.Close() // the error that matters is on its way
	_ = os.Remove(f.tmp.Name())
}

// Place moves files that belong together to their names, in this order: the last
// one, which refers to the others, comes when they are there. If any step fails
// the names hold what they held before; only a crash between two renames can
// leave new files beside an old last one.
func Place(files ...*File) error {
	for _, f := range files {
		for _, step := range []func() error{f.buf.Flush, f.tmp.Sync, f.tmp.Close} {
			if err := step(); err != nil {
				return err
			}
		}
	}
	for i, f := range files {
		if err := f.place(i < len(files)-1); err != nil {
			for _, g := range files[:i+1] {
				err = errors.Join(err, g.takeBack())
			}
			return err
		}
	}
	var errs []error
	for _, f := range files {
		if f.backup != "" {
			errs = append(errs, os.Remove(f.backup))
		}
		errs = append(errs, syncDir(filepath.Dir(f.path)))
	}
	return errors.Join(errs...)
}

// place moves the file to its name; keep saves what is replaced.
func (f *File) place(keep bool) error {
	if keep && f.force {
		if err := f.saveOld(); err != nil {
			return err
		}
	}
	if err := move(f.tmp.Name(), f.path, f.force); err != nil {
		return err
	}
	f.placed = true
	return nil
}

// saveOld moves an existing file out of the way.
func (f *File) saveOld() error {
	if _, err := os.Lstat(f.path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	hold, err := temporary(f.path, 0o600) // reserves a name
	if err != nil {
		return err
	}
	if err := errors.Join(hold.Close(), os.Rename(f.path, hold.Name())); err != nil {
		return errors.Join(err, os.Remove(hold.Name()))
	}
	f.backup = hold.Name()
	return nil
}

// takeBack undoes place.
func (f *File) takeBack() error {
	var err error
	if f.placed {
		err = os.Remove(f.path)
	}
	if f.backup != "" {
		err = errors.Join(err, os.Rename(f.backup, f.path))
		f.backup = ""
	}
	return err
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

// move renames tmp to path. Without force a hard link does it, which fails if
// someone else has made the file meanwhile; file systems without links get a
// rename.
func move(tmp, path string, force bool) error {
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

// syncDir makes new names durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
