package gguf

import (
	"errors"
	"math"
	"os"

	"github.com/edsrzf/mmap-go"

	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/simd"
)

// File is an open GGUF file.
type File struct {
	Version    uint32
	KV         []KV      // in the file's order
	Tensors    []*Tensor // in the file's order, which is also the order of the data
	Alignment  int       // of tensor data, in bytes
	DataOffset int64     // where tensor data starts

	path               string
	data               []byte
	mapped             mmap.MMap
	file               *os.File // what is mapped, for copies within the kernel
	keys               map[string]int
	names              map[string]*Tensor
	spans              []span // of each KV
	infoStart, infoEnd int
	set                []*File // that this is made of, see OpenWhole
}

// span is a range of bytes of the file.
type span struct{ start, end int }

// Open maps the file at path and reads its header. The file must not be
// truncated while it is open.
func Open(path string) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	f, err := open(file, path)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return f, nil
}

func open(file *os.File, path string) (*File, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() < 4 {
		return nil, &Error{Path: path, Field: "header", Err: malformed("not a regular file of at least 4 bytes")}
	}
	m, err := mmap.Map(file, mmap.RDONLY, 0)
	if err != nil {
		return nil, &os.PathError{Op: "mmap", Path: path, Err: err}
	}
	f, err := Parse(m)
	if err != nil {
		if e, ok := errors.AsType[*Error](err); ok {
			e.Path = path
		}
		return nil, errors.Join(err, m.Unmap())
	}
	f.path, f.mapped, f.file = path, m, file
	for _, t := range f.Tensors {
		t.in = file
	}
	return f, nil
}

// Close unmaps the file. Slices of it must not be used afterwards.
func (f *File) Close() error {
	if f.set != nil {
		return CloseSet(f.set)
	}
	if f.mapped == nil {
		return nil
	}
	f.data = nil
	return errors.Join(f.mapped.Unmap(), f.file.Close())
}

// Path is the name that the file was opened by; empty after Parse.
func (f *File) Path() string { return f.path }

// Files is the number of files that the model lies in.
func (f *File) Files() int { return max(1, len(f.set)) }

// Size is the size of the file, or of all that it is made of, in bytes.
func (f *File) Size() int64 {
	n := int64(len(f.data))
	for _, part := range f.set {
		n += part.Size()
	}
	return n
}

// Bytes is the whole file; it must not be written to. A set has none.
func (f *File) Bytes() []byte { return f.data }

// Tensor returns the tensor of that name, or nil.
func (f *File) Tensor(name string) *Tensor { return f.names[name] }

func (f *File) value(key string) (Value, bool) {
	i, ok := f.keys[key]
	if !ok {
		return Value{}, false
	}
	return f.KV[i].Value, true
}

// Get returns the decoded value of a key, see [Value.Any].
func (f *File) Get(key string) (any, bool) {
	v, ok := f.value(key)
	if !ok {
		return nil, false
	}
	return v.Any(), true
}

// get returns the value of a key if it is of type T.
func get[T any](f *File, key string) (T, bool) {
	x, _ := f.Get(key)
	t, ok := x.(T)
	return t, ok
}

// String returns the string at key; false if there is none or it is no string.
func (f *File) String(key string) (string, bool) { return get[string](f, key) }

// Bool returns the bool at key.
func (f *File) Bool(key string) (bool, bool) { return get[bool](f, key) }

// Strings returns the array of strings at key.
func (f *File) Strings(key string) ([]string, bool) { return get[[]string](f, key) }

// Floats returns the array of f32 at key.
func (f *File) Floats(key string) ([]float32, bool) { return get[[]float32](f, key) }

// Uint returns the integer at key, of any size and not negative.
func (f *File) Uint(key string) (uint64, bool) {
	x, _ := f.Get(key)
	var i int64
	switch x := x.(type) {
	case uint8:
		return uint64(x), true
	case uint16:
		return uint64(x), true
	case uint32:
		return uint64(x), true
	case uint64:
		return x, true
	case int8:
		i = int64(x)
	case int16:
		i = int64(x)
	case int32:
		i = int64(x)
	case int64:
		i = x
	default:
		return 0, false
	}
	return uint64(i), i >= 0
}

// Float returns the number at key, a float of either size or an integer.
func (f *File) Float(key string) (float64, bool) {
	x, _ := f.Get(key)
	switch x := x.(type) {
	case float32:
		return float64(x), true
	case float64:
		return x, true
	}
	u, ok := f.Uint(key)
	return float64(u), ok
}

// Ints returns the array of integers at key, of any size as long as every
// element fits an int32.
func (f *File) Ints(key string) ([]int32, bool) {
	x, _ := f.Get(key)
	switch x := x.(type) {
	case []int32:
		return x, true
	case []uint32:
		return narrow(x)
	case []int64:
		return narrow(x)
	case []uint64:
		return narrow(x)
	case []int16:
		return narrow(x)
	case []uint16:
		return narrow(x)
	case []int8:
		return narrow(x)
	case []uint8:
		return narrow(x)
	}
	return nil, false
}

func narrow[T int8 | uint8 | int16 | uint16 | uint32 | int64 | uint64](xs []T) ([]int32, bool) {
	out := make([]int32, len(xs))
	for i, x := range xs {
		if uint64(x) > math.MaxInt32 && !(x < 0 && int64(x) >= math.MinInt32) {
			return nil, false
		}
		out[i] = int32(x)
	}
	return out, true
}

// Tensor is a tensor of a file. It implements simd.Matrix and simd.BlockMatrix.
type Tensor struct {
	Name   string
	Dims   []uint64 // ggml's order: Dims[0] is the number of columns
	Type   quant.Type
	Offset int64 // in the file
	Size   int64 // in bytes

	raw    []byte
	in     *os.File // what it lies in, nil for memory
	infoAt int
}

// Raw is the encoded data, a slice of the mapped file that must not be written to.
func (t *Tensor) Raw() []byte { return t.raw }

// Cols is the number of weights in a row; 1 for a scalar.
func (t *Tensor) Cols() int {
	if len(t.Dims) == 0 {
		return 1
	}
	return int(t.Dims[0])
}

// Rows is the number of rows: the product of all dimensions but the first.
func (t *Tensor) Rows() int {
	n := 1
	for _, d := range t.Dims[min(1, len(t.Dims)):] {
		n *= int(d)
	}
	return n
}

// DequantRows expands rows r0 <= r < r1 to dst, row r at dst[(r-r0)*ld:]. The
// type must be one that can be decoded.
func (t *Tensor) DequantRows(dst []float32, ld, r0, r1 int) {
	cols := t.Cols()
	size := t.Type.RowBytes(cols)
	if ld == cols {
		t.Type.Decode(dst[:(r1-r0)*cols], t.raw[r0*size:r1*size])
		return
	}
	for r := r0; r < r1; r++ {
		t.Type.Decode(dst[(r-r0)*ld:(r-r0)*ld+cols], t.raw[r*size:(r+1)*size])
	}
}

// Blocks implements simd.BlockMatrix.
func (t *Tensor) Blocks() (simd.BlockType, []byte) { return t.Type.Blocks(), t.raw }

// BlockRow implements simd.BlockMatrix.
func (t *Tensor) BlockRow(codes []uint8, scale, offset []float32, r int) {
	size := t.Type.RowBytes(t.Cols())
	t.Type.BlockRow(codes, scale, offset, t.raw[r*size:(r+1)*size])
}
