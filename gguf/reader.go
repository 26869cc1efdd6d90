package gguf

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"

	"github.com/detox-surgery/detox-surgery/gguf/quant"
)

// Bounds of the format and of ggml's loader.
const (
	maxKey    = 65535 // bytes of a key
	maxName   = 63    // bytes of a tensor name
	maxDims   = 4
	minKV     = 8 + 1 + 4 + 1     // bytes of the smallest key and value
	minTensor = 8 + 1 + 4 + 4 + 8 // bytes of the smallest tensor info
	alignKey  = "general.alignment"
)

// cursor walks through the header. The first error sticks.
type cursor struct {
	b     []byte
	pos   int
	field string // what is being read, for errors
	err   *Error
}

func (c *cursor) fail(at int, err error) {
	if c.err == nil {
		c.err = &Error{Offset: int64(at), Field: c.field, Err: err}
	}
}

// take returns the next n bytes, or nil after an error.
func (c *cursor) take(n uint64) []byte {
	if c.err != nil {
		return nil
	}
	if n > uint64(len(c.b)-c.pos) {
		c.fail(c.pos, malformed("%d bytes announced, %d left in the file", n, len(c.b)-c.pos))
		return nil
	}
	b := c.b[c.pos : c.pos+int(n) : c.pos+int(n)]
	c.pos += int(n)
	return b
}

func (c *cursor) u32() uint32 {
	if b := c.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) u64() uint64 {
	if b := c.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// name reads a key or tensor name: UTF-8 without NUL, 1 to most bytes.
func (c *cursor) name(most uint64) string {
	at, n := c.pos, c.u64()
	if c.err == nil && (n == 0 || n > most) && n <= uint64(len(c.b)-c.pos) {
		c.fail(at, malformed("name of %d bytes, 1 to %d are allowed", n, most))
	}
	b := c.take(n)
	if !utf8.Valid(b) || bytes.IndexByte(b, 0) >= 0 {
		c.fail(at, malformed("name is not UTF-8 text"))
	}
	return string(b)
}

// Parse reads a GGUF file from memory. The File keeps data and hands out
// slices of it; it must not change.
func Parse(data []byte) (*File, error) {
	c := &cursor{b: data, field: "header"}
	f := &File{data: data, Alignment: 32}
	nTensors, nKV := c.header(f)
	f.kvs(c, nKV)
	f.infos(c, nTensors)
	f.place(c)
	if c.err != nil {
		return nil, c.err
	}
	return f, nil
}

// header reads magic, version and the two counts, each bounded by the file.
func (c *cursor) header(f *File) (tensors, kvs int) {
	if m := c.take(4); c.err == nil && string(m) != "GGUF" {
		c.fail(0, malformed("magic is %q, not \"GGUF\"", m))
	}
	v := c.u32()
	switch {
	case c.err != nil:
		return 0, 0
	case v == 1:
		c.fail(4, unsupported("version 1 with 32-bit counts; convert the file to version 3"))
	case v != 0 && v&0xffff == 0 && bits.ReverseBytes32(v) <= 3:
		c.fail(4, unsupported("big-endian file; gguf-convert-endian of gguf-py makes it little-endian"))
	case v != 2 && v != 3:
		c.fail(4, unsupported("version %d, only 2 and 3 are read", v))
	}
	f.Version = v
	nt, nk := c.u64(), c.u64()
	left := uint64(len(c.b) - c.pos)
	if c.err == nil && nt > left/minTensor {
		c.fail(8, malformed("%d tensors announced, %d bytes left in the file", nt, left))
	}
	if c.err == nil && nk > left/minKV {
		c.fail(16, malformed("%d keys announced, %d bytes left in the file", nk, left))
	}
	if c.err != nil {
		return 0, 0
	}
	return int(nt), int(nk)
}

func (f *File) kvs(c *cursor, n int) {
	f.keys = make(map[string]int, min(n, 1<<12))
	for i := 0; i < n && c.err == nil; i++ {
		c.field = "key"
		at := c.pos
		key := c.name(maxKey)
		if _, dup := f.keys[key]; dup {
			c.field = key
			c.fail(at, malformed("key occurs twice"))
		}
		if c.err != nil {
			return
		}
		c.field = key
		f.keys[key] = len(f.KV)
		f.KV = append(f.KV, KV{key, c.value()})
		f.spans = append(f.spans, span{at, c.pos})
	}
	if v, ok := f.value(alignKey); ok && c.err == nil {
		c.field = alignKey
		f.align(c, v)
	}
}

// align checks the alignment key. The specification asks for a multiple of 8;
// ggml wants a power of two as well.
func (f *File) align(c *cursor, v Value) {
	at := f.spans[f.keys[alignKey]].start
	if v.Type != Uint32 {
		c.fail(at, malformed("alignment is of type %v, not u32", v.Type))
		return
	}
	a := v.Any().(uint32)
	if a < 8 || a&(a-1) != 0 || a > 1<<30 {
		c.fail(at, malformed("alignment %d is not a power of two from 8 to 2^30", a))
		return
	}
	f.Alignment = int(a)
}

func (c *cursor) value() Value {
	at := c.pos
	v := Value{Type: ValueType(c.u32()), Len: 1}
	if c.err == nil && !v.Type.Valid() {
		c.fail(at, malformed("value type %d does not exist", uint32(v.Type)))
	}
	if c.err != nil {
		return v
	}
	if v.Type != Array {
		v.raw = c.elements(v.Type, 1)
		return v
	}
	at = c.pos
	v.Elem = ValueType(c.u32())
	n := c.u64()
	switch {
	case c.err != nil:
		return v
	case v.Elem == Array:
		c.fail(at, unsupported("array of arrays"))
	case !v.Elem.Valid():
		c.fail(at, malformed("array of type %d, which does not exist", uint32(v.Elem)))
	case n > uint64(len(c.b)-c.pos):
		c.fail(at, malformed("array of %d elements, %d bytes left in the file", n, len(c.b)-c.pos))
	default:
		v.Len = int(n)
		v.raw = c.elements(v.Elem, v.Len)
	}
	return v
}

// elements checks n values of type t, n at most the bytes left, and returns
// their bytes.
func (c *cursor) elements(t ValueType, n int) []byte {
	start := c.pos
	if t != String {
		b := c.take(uint64(n) * uint64(valueTypes[t].size))
		if t == Bool {
			for i, x := range b {
				if x > 1 {
					c.fail(start+i, malformed("bool is %d, not 0 or 1", x))
					break
				}
			}
		}
		return b
	}
	for i := 0; i < n && c.err == nil; i++ {
		c.take(c.u64())
	}
	return c.b[start:c.pos:c.pos]
}

// infos reads the tensor infos; Offset is relative to the data until place.
func (f *File) infos(c *cursor, n int) {
	f.names = make(map[string]*Tensor, min(n, 1<<12))
	f.infoStart = c.pos
	for i := 0; i < n && c.err == nil; i++ {
		c.field = "tensor name"
		at := c.pos
		t := &Tensor{Name: c.name(maxName)}
		if c.err != nil {
			break
		}
		c.field = "tensor " + t.Name
		if f.names[t.Name] != nil {
			c.fail(at, malformed("tensor occurs twice"))
		}
		c.info(t)
		f.names[t.Name] = t
		f.Tensors = append(f.Tensors, t)
	}
	f.infoEnd = c.pos
}

func (c *cursor) info(t *Tensor) {
	at, n := c.pos, c.u32()
	if n > maxDims {
		c.fail(at, malformed("%d dimensions, at most %d are allowed", n, maxDims))
	}
	if c.err != nil {
		return
	}
	t.Dims = make([]uint64, n)
	for i := range t.Dims {
		t.Dims[i] = c.u64()
	}
	typeAt := c.pos
	t.Type = quant.Type(c.u32())
	offAt, off := c.pos, c.u64()
	if c.err != nil {
		return
	}
	if !t.Type.Valid() {
		c.fail(typeAt, unsupported("tensor type %d is unknown or was removed from the format", uint32(t.Type)))
		return
	}
	size, err := sizeOf(t.Dims, t.Type)
	if err != nil {
		c.fail(at, err)
		return
	}
	if off >= 1<<62 || size > int64(len(c.b)) {
		c.fail(offAt, malformed("%d bytes of data at offset %d in a file of %d bytes", size, off, len(c.b)))
		return
	}
	t.Offset, t.Size, t.infoAt = int64(off), size, at
}

// sizeOf is the number of bytes of a tensor; element and byte counts that do not
// fit 63 bits are errors, also where a dimension of 0 makes the product 0.
func sizeOf(dims []uint64, t quant.Type) (int64, error) {
	elements, empty := uint64(1), false
	for _, d := range dims {
		if d == 0 {
			empty = true
			continue
		}
		hi, lo := bits.Mul64(elements, d)
		if hi != 0 || lo >= 1<<63 {
			return 0, malformed("dimensions %v overflow", dims)
		}
		elements = lo
	}
	cols := uint64(1)
	if len(dims) > 0 {
		cols = dims[0]
	}
	if cols%uint64(t.Block()) != 0 {
		return 0, malformed("rows of %d weights are not whole blocks of %d (%v)", cols, t.Block(), t)
	}
	hi, size := bits.Mul64(elements/uint64(t.Block()), uint64(t.Bytes()))
	if hi != 0 || size >= 1<<63 {
		return 0, malformed("dimensions %v overflow", dims)
	}
	if empty {
		return 0, nil
	}
	return int64(size), nil
}

// place turns offsets absolute and checks that the tensors follow one another
// without gap or overlap, each padded to the alignment, inside the file.
func (f *File) place(c *cursor) {
	if c.err != nil {
		return
	}
	size := int64(len(c.b))
	f.DataOffset = padded(int64(c.pos), f.Alignment)
	if len(f.Tensors) == 0 {
		f.DataOffset = min(f.DataOffset, size)
	}
	var next int64
	for _, t := range f.Tensors {
		c.field = "tensor " + t.Name
		if t.Offset != next {
			c.fail(t.infoAt, malformed("data at offset %d, expected %d", t.Offset, next))
			return
		}
		next = padded(next+t.Size, f.Alignment)
		t.Offset += f.DataOffset
		if t.Offset > size || t.Size > size-t.Offset {
			c.fail(t.infoAt, malformed("data ends at byte %d of a file of %d bytes", t.Offset+t.Size, size))
			return
		}
		t.raw = c.b[t.Offset : t.Offset+t.Size : t.Offset+t.Size]
	}
}

// padded rounds n up to a multiple of align. Both are far below 2^63.
func padded(n int64, align int) int64 {
	a := int64(align)
	return (n + a - 1) / a * a
}
