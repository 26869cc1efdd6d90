package op

import (
	"slices"

	"github.com/detox-surgery/detox-surgery/onnx"
)

// Value is a tensor, row-major, or a sequence of tensors. Elements of float types
// are in F, of integer types and bools (0 and 1) in I, of strings in S; an UINT64 is
// kept as the int64 of the same bits. A value that a program was given or returned
// must not be written to while the program is used: values share their slices.
type Value struct {
	Type onnx.Type
	Dims []int // empty for a scalar
	F    []float32
	I    []int64
	S    []string
	List []*Value // of a sequence, whose Type is that of its elements

	sequence bool
	b        []byte // while a program runs: BOOL and integers below 16 bits, sign-extended to a byte each
	loose    bool   // F is wider than the type: it is rounded before it is moved or returned
	buf      *buffer
}

// Floats makes a tensor of float32, which keeps x.
func Floats(dims []int, x []float32) *Value { return &Value{Type: onnx.Float, Dims: dims, F: x} }

// Ints makes a tensor of int64, which keeps x.
func Ints(dims []int, x []int64) *Value { return &Value{Type: onnx.Int64, Dims: dims, I: x} }

// Strings makes a tensor of strings, which keeps x.
func Strings(dims []int, x []string) *Value { return &Value{Type: onnx.String, Dims: dims, S: x} }

// Len is the number of elements, 0 for a sequence.
func (v *Value) Len() int { return len(v.F) + len(v.I) + len(v.b) + len(v.S) }

func bit(x bool) byte {
	if x {
		return 1
	}
	return 0
}

// product is the number of elements of dimensions that are known to be small.
func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// store is which slice of a Value holds the elements of a type.
type store uint8

const (
	noStore store = iota
	inF
	inI
	inB
	inS
)

func storeOf(t onnx.Type) store {
	switch {
	case t.IsFloat():
		return inF
	case t == onnx.String:
		return inS
	case t.IsInteger() && t.Bits() < 16:
		return inB
	case t.IsInteger():
		return inI
	}
	return noStore
}

const (
	// valueBytes is about what a Value takes without its elements.
	valueBytes = 256
	// maxEmpty bounds the other dimensions of a tensor without elements: loops run over
	// them.
	maxEmpty = 1 << 24
)

// emptyTooLarge reports whether dimensions hold no elements and much of nothing.
func emptyTooLarge(dims []int) bool {
	n := 1
	for _, d := range dims {
		if n *= max(1, d); n > maxEmpty || d > maxEmpty {
			return slices.Contains(dims, 0)
		}
	}
	return false
}

// elementBytes is the memory that an element takes, by store.
var elementBytes = [...]int64{inF: 4, inI: 8, inB: 1, inS: 16}

func (v *Value) make(n int) {
	switch storeOf(v.Type) {
	case inF:
		v.F = make([]float32, n)
	case inI:
		v.I = make([]int64, n)
	case inB:
		v.b = make([]byte, n)
	case inS:
		v.S = make([]string, n)
	case noStore:
		panic("onnx/op: no such element type")
	}
}

// inside is a value as programs have it: small integers as bytes.
func inside(v *Value) *Value {
	if storeOf(v.Type) != inB || v.sequence {
		return v
	}
	w := &Value{Type: v.Type, Dims: v.Dims, b: make([]byte, len(v.I))}
	for i, x := range v.I {
		w.b[i] = byte(wrap(v.Type, x))
	}
	return w
}

// outside is a value as callers have it, free of the run that made it.
func outside(v *Value) *Value {
	w := *rounded(v)
	w.buf, w.b = nil, nil
	if storeOf(v.Type) == inB && !v.sequence {
		w.I = make([]int64, len(v.b))
		for i, b := range v.b {
			w.I[i] = fromByte(v.Type, b)
		}
	}
	w.List = make([]*Value, len(v.List))
	for i, e := range v.List {
		w.List[i] = outside(e)
	}
	return &w
}

// sharing is a value with other dimensions and the same elements.
func (v *Value) sharing(dims []int) *Value {
	w := *v
	w.Dims = dims
	return &w
}

// half reports whether the type is narrower than the float32 it is computed in.
func half(t onnx.Type) bool { return t == onnx.Float16 || t == onnx.BFloat16 }

// integer reports whether the type is an integer type, BOOL not counted.
func integer(t onnx.Type) bool { return t.IsInteger() && t != onnx.Bool }

// signedType reports whether integers of the type have a sign.
func signedType(t onnx.Type) bool {
	return t == onnx.Int64 || t == onnx.Int32 || t == onnx.Int8 || t == onnx.Int16 || t == onnx.Int4 || t == onnx.Int2
}

// wrap reduces x to the range of the type, as arithmetic in the type would.
func wrap(t onnx.Type, x int64) int64 {
	shift := 64 - t.Bits()
	if t == onnx.Bool {
		return int64(bit(x != 0))
	}
	if signedType(t) {
		return x << shift >> shift
	}
	return int64(uint64(x) << shift >> shift)
}

// fromByte is the integer that a byte stands for.
func fromByte(t onnx.Type, b byte) int64 {
	if signedType(t) {
		return int64(int8(b))
	}
	return int64(b)
}

// limits are the smallest and largest number of an integer type.
func limits(t onnx.Type) (lo, hi int64) {
	if t == onnx.Bool {
		return 0, 1
	}
	if signedType(t) {
		hi = 1<<(t.Bits()-1) - 1
		return -hi - 1, hi
	}
	return 0, int64(^uint64(0) >> max(1, 64-t.Bits()))
}
