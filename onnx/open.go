package onnx

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/edsrzf/mmap-go"
)

// Open maps the model at path and the files with its external data, and checks
// all that is not elements of tensors. The files must not be truncated while they
// are open. External files must be regular and lie in the model's folder or below
// it; a symlink may not lead elsewhere. Where the model itself is a symlink, as in
// a download cache, the folder that it points to counts as well.
func Open(path string) (*Model, error) { return open(path, true) }

// OpenGraph is Open without the external data: tensors that lie there have no
// elements, and the files need not exist.
func OpenGraph(path string) (*Model, error) { return open(path, false) }

func open(path string, data bool) (_ *Model, err error) {
	var maps mappings
	defer func() {
		if err != nil {
			err = errors.Join(err, maps.close())
		}
	}()
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	b, err := maps.add(file, path)
	if err != nil {
		return nil, err
	}
	m, err := Parse(b)
	if err != nil {
		if e, ok := errors.AsType[*Error](err); ok {
			e.File = path
		}
		return nil, err
	}
	m.path, m.close = path, maps.close
	if !data {
		return m, nil
	}
	roots, err := openFolders(path)
	if err != nil {
		return nil, err
	}
	defer roots.close()
	for _, f := range m.Files {
		if err := m.attach(f, roots, &maps); err != nil {
			return nil, err
		}
	}
	m.close = maps.close
	return m, nil
}

// mappings are the files that a model has mapped.
type mappings []mmap.MMap

func (ms *mappings) close() error {
	var errs []error
	for _, m := range *ms {
		errs = append(errs, m.Unmap())
	}
	*ms = nil
	return errors.Join(errs...)
}

// add maps a file and closes it. An empty file has nil bytes.
func (ms *mappings) add(file *os.File, path string) ([]byte, error) {
	defer func() { _ = file.Close() }() // only read
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &Error{File: path, Field: "file", Err: malformed("not a regular file")}
	}
	if info.Size() == 0 {
		return nil, nil
	}
	m, err := mmap.Map(file, mmap.RDONLY, 0)
	if err != nil {
		return nil, &os.PathError{Op: "mmap", Path: path, Err: err}
	}
	*ms = append(*ms, m)
	return m, nil
}

// folders are where external files may lie: the model's folder, and the one of the
// file that it is a symlink to.
type folders struct {
	dir    string // as the model's path has it
	roots  []*os.Root
	actual []string // each without symlinks
}

func openFolders(path string) (*folders, error) {
	f := &folders{dir: filepath.Dir(path)}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	for _, dir := range []string{f.dir, filepath.Dir(target)} {
		actual, err := filepath.EvalSymlinks(dir)
		if err == nil {
			actual, err = filepath.Abs(actual)
		}
		var root *os.Root
		if err == nil {
			root, err = os.OpenRoot(actual)
		}
		if err != nil {
			f.close()
			return nil, err
		}
		f.roots, f.actual = append(f.roots, root), append(f.actual, actual)
	}
	return f, nil
}

func (f *folders) close() {
	for _, r := range f.roots {
		_ = r.Close() // only read
	}
}

// open opens a file below one of the folders. os.Root follows symlinks as long
// as they stay inside.
func (f *folders) open(location string) (*os.File, error) {
	full := filepath.Join(f.dir, filepath.FromSlash(location))
	actual, err := filepath.EvalSymlinks(full)
	if err == nil {
		actual, err = filepath.Abs(actual)
	}
	if err != nil {
		return nil, err
	}
	for i, root := range f.roots {
		rel, err := filepath.Rel(f.actual[i], actual)
		if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
			continue
		}
		info, err := root.Stat(rel)
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() { // opening a pipe would wait for its other end
			return nil, malformed("not a regular file")
		}
		return root.Open(rel)
	}
	return nil, malformed("external location %q is a symlink that leaves the model's folder", short(location))
}

// attach maps an external file and checks that its tensors lie inside.
func (m *Model) attach(f *ExternalFile, dirs *folders, maps *mappings) error {
	full := filepath.Join(dirs.dir, filepath.FromSlash(f.Location))
	file, err := dirs.open(f.Location)
	if err != nil {
		return &Error{File: m.path, Offset: f.Tensors[0].Span.Start, Field: f.Tensors[0].Where(), Err: err}
	}
	b, err := maps.add(file, full)
	if err != nil {
		return err
	}
	f.Path, f.Size, f.data = full, int64(len(b)), b
	for _, t := range f.Tensors {
		d := t.External
		if d.Offset > f.Size || d.Length > f.Size-d.Offset {
			return &Error{File: full, Offset: d.Offset, Field: t.Where(), Err: malformed("%d bytes of external data at %d, the file has %d", d.Length, d.Offset, f.Size)}
		}
	}
	return nil
}
