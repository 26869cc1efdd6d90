package gguf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/detox-surgery/detox-surgery/gguf/quant"
)

// Edits says what to change while a file is written again.
type Edits struct {
	// Set replaces the values of existing keys in place; other keys are appended
	// in this order. The alignment cannot be changed.
	Set []KV
	// Data replaces the data of tensors by name. The dimensions stay; where the
	// type and so the size changes, the data is laid out anew.
	Data map[string]Replacement
}

// Replacement is the new data of a tensor.
type Replacement struct {
	Type  quant.Type
	Bytes []byte // as long as the tensor's dimensions need in this type
	// Make, if not nil, gives the bytes when they are written, one tensor after the
	// other, so that they never exist together. They are used until its next call.
	Make func() ([]byte, error)
}

// size is the number of bytes for t, whose dimensions have been checked.
func (r *Replacement) size(t *Tensor) int64 {
	n, _ := sizeOf(t.Dims, r.Type)
	return n
}

// WriteTo writes the file with edits and returns the number of bytes written.
// Without edits the output equals the input. Otherwise every part that is not
// edited is copied: keys, the order of tensors, padding and bytes after the last
// tensor; only a header or a tensor that changes its length moves what follows. Edits are
// checked before the first byte is written; errors of w are returned as they are.
func (f *File) WriteTo(w io.Writer, e Edits) (int64, error) {
	if f.data == nil {
		return 0, fmt.Errorf("gguf: %s: it is not one GGUF file and cannot be written as one", f.path)
	}
	if err := f.checkEdits(e); err != nil {
		return 0, err
	}
	out := &counter{w: w}
	if len(e.Set) == 0 && !f.retyped(e) {
		out.write(f.data[:f.DataOffset])
	} else {
		out.write(f.header(e))
	}
	f.writeData(out, e)
	return out.n, out.err
}

// counter counts what is written; the first error sticks.
type counter struct {
	w   io.Writer
	n   int64
	err error
}

func (c *counter) write(b []byte) {
	if c.err != nil || len(b) == 0 {
		return
	}
	n, err := c.w.Write(b)
	c.n += int64(n)
	if err != nil {
		c.err = err
	}
}

// checkEdits refuses edits that would not give a readable file.
func (f *File) checkEdits(e Edits) error {
	seen := make(map[string]bool, len(e.Set))
	for _, kv := range e.Set {
		switch {
		case len(kv.Key) == 0 || len(kv.Key) > maxKey || !utf8.ValidString(kv.Key) || strings.IndexByte(kv.Key, 0) >= 0:
			return fmt.Errorf("gguf: edit: %q is no key", kv.Key)
		case kv.Key == alignKey:
			return fmt.Errorf("gguf: edit: %s cannot be changed", alignKey)
		case seen[kv.Key]:
			return fmt.Errorf("gguf: edit: key %s is set twice", kv.Key)
		case kv.Value.raw == nil && kv.Value.Type != Array:
			return fmt.Errorf("gguf: edit: key %s has no value", kv.Key)
		}
		seen[kv.Key] = true
	}
	for name, r := range e.Data {
		t := f.Tensor(name)
		if t == nil {
			return fmt.Errorf("gguf: edit: no tensor %s", name)
		}
		if !r.Type.Valid() {
			return fmt.Errorf("gguf: edit: tensor %s: %v is no type", name, r.Type)
		}
		size, err := sizeOf(t.Dims, r.Type)
		if err != nil {
			return fmt.Errorf("gguf: edit: tensor %s: %w", name, err)
		}
		if r.Make == nil && size != int64(len(r.Bytes)) {
			return fmt.Errorf("gguf: edit: tensor %s: %d bytes, %v of these dimensions has %d", name, len(r.Bytes), r.Type, size)
		}
	}
	return nil
}

// retyped reports whether a tensor changes its type.
func (f *File) retyped(e Edits) bool {
	for name, r := range e.Data {
		if f.Tensor(name).Type != r.Type {
			return true
		}
	}
	return false
}

// header encodes everything before the tensor data, padding included.
func (f *File) header(e Edits) []byte {
	le := binary.LittleEndian
	set := make(map[string]Value, len(e.Set))
	added := 0
	for _, kv := range e.Set {
		set[kv.Key] = kv.Value
		if _, ok := f.keys[kv.Key]; !ok {
			added++
		}
	}
	b := le.AppendUint32([]byte("GGUF"), f.Version)
	b = le.AppendUint64(b, uint64(len(f.Tensors)))
	b = le.AppendUint64(b, uint64(len(f.KV)+added))
	for i, kv := range f.KV {
		if v, ok := set[kv.Key]; ok {
			b = appendKV(b, KV{kv.Key, v})
			continue
		}
		b = append(b, f.data[f.spans[i].start:f.spans[i].end]...)
	}
	for _, kv := range e.Set {
		if _, ok := f.keys[kv.Key]; !ok {
			b = appendKV(b, kv)
		}
	}
	b = f.appendInfos(b, e)
	// A header of unchanged length keeps its padding, whatever is in it.
	if len(b) == f.infoEnd {
		return append(b, f.data[f.infoEnd:f.DataOffset]...)
	}
	if len(f.Tensors) == 0 && f.DataOffset == int64(f.infoEnd) {
		return b
	}
	return append(b, make([]byte, padded(int64(len(b)), f.Alignment)-int64(len(b)))...)
}

func appendKV(b []byte, kv KV) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(len(kv.Key)))
	return kv.Value.appendTo(append(b, kv.Key...))
}

func (f *File) appendInfos(b []byte, e Edits) []byte {
	var next int64
	for _, t := range f.Tensors {
		typ, size := t.Type, t.Size
		if r, ok := e.Data[t.Name]; ok {
			typ, size = r.Type, r.size(t)
		}
		b = appendInfo(b, t, typ, next)
		next = padded(next+size, f.Alignment)
	}
	return b
}

// appendInfo encodes a tensor info whose data begins offset bytes into the data.
func appendInfo(b []byte, t *Tensor, typ quant.Type, offset int64) []byte {
	le := binary.LittleEndian
	b = le.AppendUint64(b, uint64(len(t.Name)))
	b = append(b, t.Name...)
	b = le.AppendUint32(b, uint32(len(t.Dims)))
	for _, d := range t.Dims {
		b = le.AppendUint64(b, d)
	}
	b = le.AppendUint32(b, uint32(typ))
	return le.AppendUint64(b, uint64(offset))
}

// RangeCopier is a writer that takes n bytes from offset off of src without their
// passing through this process, where the system can do that.
type RangeCopier interface {
	CopyRange(src *os.File, off, n int64) (int64, error)
}

// minRange is the length from which a copy within the kernel is worth a call.
const minRange = 1 << 20

// copy writes b, which lies in src, if that is not nil, from offset off.
func (c *counter) copy(b []byte, src *os.File, off int64) {
	w, ok := c.w.(RangeCopier)
	if !ok || src == nil || len(b) < minRange {
		c.write(b)
		return
	}
	if c.err == nil {
		var n int64
		n, c.err = w.CopyRange(src, off, int64(len(b)))
		c.n += n
	}
}

// writeData writes tensor data and what follows it. A tensor of unchanged size
// keeps the padding after it.
func (f *File) writeData(out *counter, e Edits) {
	for i, t := range f.Tensors {
		end := int64(len(f.data)) // of the tensor's padding
		if i+1 < len(f.Tensors) {
			end = f.Tensors[i+1].Offset
		}
		pad := f.data[t.Offset+t.Size : end]
		r, ok := e.Data[t.Name]
		if !ok {
			out.copy(f.data[t.Offset:end], f.file, t.Offset)
			continue
		}
		b, size := r.Bytes, r.size(t)
		if r.Make != nil && out.err == nil {
			if b, out.err = r.Make(); out.err == nil && int64(len(b)) != size {
				panic(errMade)
			}
		}
		out.write(b)
		if size != t.Size {
			old := padded(t.Size, f.Alignment) - t.Size
			pad = slices.Concat(make([]byte, padded(size, f.Alignment)-size), pad[min(old, int64(len(pad))):])
		}
		out.write(pad)
	}
	if len(f.Tensors) == 0 {
		out.copy(f.data[f.DataOffset:], f.file, f.DataOffset)
	}
}

// Equal reports whether two values have the same type and bytes.
func (v Value) Equal(o Value) bool {
	return v.Type == o.Type && v.Elem == o.Elem && v.Len == o.Len && bytes.Equal(v.raw, o.raw)
}

const errMade = "gguf: replacement of another length than its type has"
