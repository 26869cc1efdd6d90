package onnx

import (
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// ExternalData says where the elements of a tensor lie.
type ExternalData struct {
	File   *ExternalFile
	Offset int64 // in the file
	Length int64 // in bytes

	location Span // the field with the file's name, in the model file
}

// ExternalFile is a file beside the model that holds elements of tensors. Path,
// Size and the data are there only after Open.
type ExternalFile struct {
	Location string // as in the model but cleaned: relative to its folder, with slashes
	Path     string
	Size     int64
	Tensors  []*Tensor // in the order of the model

	data []byte
}

// Bytes is the whole file; it must not be written to.
func (f *ExternalFile) Bytes() []byte { return f.data }

// externalFields collects the entries of external_data.
type externalFields struct {
	used                     bool
	location, offset, length *string
	at                       Span
}

func (x *externalFields) add(s *scanner) {
	s.p.charge(s.tag, 48)
	e, at := s.entry()
	var slot **string
	switch e.Key {
	case "location":
		slot = &x.location
	case "offset":
		slot = &x.offset
	case "length":
		slot = &x.length
	}
	if slot == nil || s.p.err != nil {
		return // checksum, basepath and what may come
	}
	if *slot != nil {
		s.p.fail(s.tag, malformed("external data has %q twice", e.Key))
	}
	*slot = &e.Value
	if e.Key == "location" {
		x.at = at.value
	}
}

// checkLocation refuses names that could lead out of the model's folder.
func checkLocation(loc string) error {
	switch {
	case loc == "":
		return malformed("external data without a location")
	case strings.IndexByte(loc, 0) >= 0 || len(loc) > 4096:
		return malformed("external location %q is no file name", short(loc))
	case path.IsAbs(loc) || filepath.IsAbs(loc):
		return malformed("external location %q is absolute", short(loc))
	}
	for part := range strings.SplitSeq(filepath.ToSlash(loc), "/") {
		if part == ".." {
			return malformed("external location %q leaves the model's folder", short(loc))
		}
	}
	if !filepath.IsLocal(filepath.FromSlash(loc)) || path.Clean(loc) == "." {
		return malformed("external location %q is no file name", short(loc))
	}
	return nil
}

// byteCount reads an offset or length.
func byteCount(s *string, what string) (int64, error) {
	if s == nil {
		return 0, nil
	}
	n, err := strconv.ParseInt(*s, 10, 64)
	if err != nil || n < 0 {
		return 0, malformed("external %s %q is no number of bytes", what, short(*s))
	}
	return n, nil
}

// external gives the tensor its place in a file. Data inside the model is ignored
// then, as other readers do.
func (t *Tensor) external(s *scanner, x *externalFields) {
	d := add[ExternalData](s)
	fail := func(err error) { s.p.fail(s.tag, err) }
	if s.p.err != nil {
		return
	}
	if x.location == nil {
		x.location = new(string)
	}
	if err := checkLocation(*x.location); err != nil {
		fail(err)
		return
	}
	var err1, err2 error
	d.Offset, err1 = byteCount(x.offset, "offset")
	d.Length, err2 = byteCount(x.length, "length")
	switch {
	case err1 != nil:
		fail(err1)
	case err2 != nil:
		fail(err2)
	case t.Type == String:
		fail(malformed("strings in an external file"))
	case t.size < 0 && x.length == nil:
		fail(unsupported("external data of %v without a length", t.Type))
	case x.length != nil && t.size >= 0 && d.Length != t.size:
		fail(malformed("external length %d, %d elements of %v take %d", d.Length, t.elems, t.Type, t.size))
	}
	if t.size >= 0 {
		d.Length = t.size
	}
	if d.Offset > 1<<62 || d.Length > 1<<62 {
		fail(malformed("external data of %d bytes at %d", d.Length, d.Offset))
	}
	if s.p.err != nil {
		return
	}
	d.location = x.at
	d.File = t.m.externalFile(s, path.Clean(filepath.ToSlash(*x.location)))
	d.File.Tensors = push(s, d.File.Tensors, t)
	t.Storage, t.External, t.raw = External, d, Span{}
}

// externalFile finds or adds a file.
func (m *Model) externalFile(s *scanner, location string) *ExternalFile {
	if f := m.files[location]; f != nil {
		return f
	}
	f := add[ExternalFile](s)
	f.Location = location
	s.p.charge(s.tag, 128+int64(len(location)))
	if m.files == nil {
		m.files = make(map[string]*ExternalFile)
	}
	m.files[location] = f
	m.Files = push(s, m.Files, f)
	return f
}

// bytes is the tensor's part of the file.
func (d *ExternalData) bytes(t *Tensor) ([]byte, error) {
	if d.File.Path == "" {
		return nil, t.errorf(unsupported("the model was opened without its external data"))
	}
	end := d.Offset + d.Length
	return d.File.data[d.Offset:end:end], nil
}
