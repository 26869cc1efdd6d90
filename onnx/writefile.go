package onnx

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/detox-surgery/detox-surgery/internal/atomicfile"
)

// Written is what [Model.WriteFile] has written: the model first, then its external
// files in the order of Model.Files.
type Written struct{ Files []WrittenFile }

// WrittenFile is a file of an output, and what an undo needs to make the parent's
// file of it.
type WrittenFile struct {
	Path     string
	Parent   string // the file of the parent that it was made from
	Location string // of external files: the name in the model
	Kept     bool   // the parent's own file, unedited and already in its place
	Size     int64
	SHA256   string // in hexadecimal; empty if Kept
	Changes  []Change
}

// output is a file to be written.
type output struct {
	WrittenFile
	data    []byte
	splices []splice
	force   bool
}

// WriteFile writes the model with edits to path and its external data beside it, all
// or nothing: every file is complete and synced before the first gets its name, the
// model comes last. An existing model is refused (fs.ErrExist) unless force is set.
//
// External files keep the names that they have in the parent, except where that
// name is taken, by the parent itself or, without force, by any file: then they
// are named after the output, and the model refers to the new name. A file of
// the parent is never written to; one that is not edited and already lies in its
// place is used as it is.
func (m *Model) WriteFile(path string, force bool, e Edits) (*Written, error) {
	w, err := m.writeFile(path, force, e)
	if err != nil {
		return nil, fmt.Errorf("onnx: write %s: %w", path, err)
	}
	return w, nil
}

func (m *Model) writeFile(path string, force bool, e Edits) (*Written, error) {
	p, err := m.plan(e)
	if err != nil {
		return nil, err
	}
	if m.isPart(path) {
		return nil, errors.New("the output is a file of the input")
	}
	if _, err := os.Lstat(path); err == nil && !force {
		return nil, fs.ErrExist
	}
	outs := []*output{{WrittenFile: WrittenFile{Path: path, Parent: m.path}, data: m.data, force: force}}
	for _, f := range m.Files {
		o, err := m.placeExternal(f, p, outs, force)
		if err != nil {
			return nil, err
		}
		outs = append(outs, o)
	}
	if outs[0].splices, err = m.nest(p.model); err != nil {
		return nil, err
	}
	return write(outs)
}

// isPart reports whether path is the model or one of its external files.
func (m *Model) isPart(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	names := []string{m.path}
	for _, f := range m.Files {
		names = append(names, f.Path)
	}
	for _, name := range names {
		if own, err := os.Stat(name); name != "" && err == nil && os.SameFile(info, own) {
			return true
		}
	}
	return false
}

// placeExternal chooses the name of an external file and, where it is a new one,
// adds it to the splices of the model.
func (m *Model) placeExternal(f *ExternalFile, p *plan, taken []*output, force bool) (*output, error) {
	if f.Path == "" {
		return nil, unsupported("the model was opened without its external data")
	}
	dir := filepath.Dir(taken[0].Path)
	o := &output{WrittenFile: WrittenFile{Parent: f.Path}, data: f.data, splices: p.files[f], force: force}
	for try := 0; ; try++ {
		o.Location = m.candidate(f.Location, taken[0].Path, try)
		o.Path = filepath.Join(dir, filepath.FromSlash(o.Location))
		if try == 0 && len(o.splices) == 0 && sameFile(o.Path, f.Path) {
			o.Kept = true
			break
		}
		if !m.taken(o.Path, taken, force) {
			break
		}
		if try > 1000 {
			return nil, fmt.Errorf("no free name for %s", f.Location)
		}
	}
	if o.Location != f.Location {
		for _, t := range f.Tensors {
			at := t.External.location
			p.model = append(p.model, splice{at.Start, at.End, appendText(nil, 2, o.Location)})
		}
	}
	return o, nil
}

func (m *Model) taken(path string, outs []*output, force bool) bool {
	for _, o := range outs {
		if o.Path == path || sameFile(o.Path, path) {
			return true
		}
	}
	_, err := os.Lstat(path)
	return err == nil && (!force || m.isPart(path))
}

func sameFile(a, b string) bool {
	x, err1 := os.Stat(a)
	y, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(x, y)
}

// candidate is a name for an external file of the output out: its own, then the
// output's name instead of the model's in front, then numbers.
func (m *Model) candidate(location, out string, try int) string {
	if try == 0 {
		return location
	}
	dir, base := path.Split(location)
	name := filepath.Base(out)
	rest, ok := strings.CutPrefix(base, filepath.Base(m.path))
	if !ok {
		rest = "." + base
	}
	if try > 1 {
		name = fmt.Sprintf("%s.%d", name, try)
	}
	return dir + name + rest
}

// write writes the files beside their places and then moves all there.
func write(outs []*output) (*Written, error) {
	w := &Written{}
	var files []*atomicfile.File
	defer func() {
		for _, f := range files {
			f.Discard()
		}
	}()
	for i, o := range outs {
		o.Size = int64(len(o.data)) + growth(o.splices)
		if o.Kept {
			w.Files = append(w.Files, o.WrittenFile)
			continue
		}
		if err := os.MkdirAll(filepath.Dir(o.Path), 0o777); err != nil {
			return nil, err
		}
		f, err := atomicfile.Create(o.Path, o.force)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			files = append(files, f)
		} else {
			files = append(files[:len(files)-1], f, files[len(files)-1]) // the model stays last
		}
		h := sha256.New()
		if _, err := writeSpliced(io.MultiWriter(f, h), o.data, o.splices); err != nil {
			return nil, err
		}
		o.SHA256 = hex.EncodeToString(h.Sum(nil))
		o.Changes = changes(o.splices)
		w.Files = append(w.Files, o.WrittenFile)
	}
	return w, atomicfile.Place(files...)
}
