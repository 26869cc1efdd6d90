package op

import (
	"fmt"
	"math"

	"github.com/detox-surgery/detox-surgery/onnx"
)

// Value is a tensor. Elements of float types are in F, of integer types and bools in
// I, of strings in S.
type Value struct {
	Type onnx.Type
	Dims []int
	F    []float32
	I    []int64
	S    []string
}

// Floats makes a tensor of float32.
func Floats(dims []int, x []float32) *Value { return &Value{Type: onnx.Float, Dims: dims, F: x} }

// Ints makes a tensor of int64.
func Ints(dims []int, x []int64) *Value { return &Value{Type: onnx.Int64, Dims: dims, I: x} }

// Len is the number of elements.
func (v *Value) Len() int { return product(v.Dims) }

func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// maxElements bounds a tensor: 2^31 floats are 8 GiB.
const maxElements = 1 << 31

// checked is product for dimensions that come from input.
func checked(dims []int) (int, error) {
	n := 1
	for _, d := range dims {
		if d < 0 || d > maxElements || n > maxElements/max(d, 1) {
			return 0, fmt.Errorf("a tensor of shape %v is too large", dims)
		}
		n *= d
	}
	return n, nil
}

// bytes is the memory that a value takes.
func (v *Value) bytes() int64 { return 4*int64(len(v.F)) + 8*int64(len(v.I)) + 16*int64(len(v.S)) }

// like makes a value of another shape and type, with room for its elements.
func made(t onnx.Type, dims []int) *Value {
	v := &Value{Type: t, Dims: dims}
	n := product(dims)
	switch {
	case t.IsFloat():
		v.F = make([]float32, n)
	case t == onnx.String:
		v.S = make([]string, n)
	default:
		v.I = make([]int64, n)
	}
	return v
}

// reshaped is the same elements in another shape.
func (v *Value) reshaped(dims []int) *Value {
	w := *v
	w.Dims = dims
	return &w
}

// pick copies elements by index.
func (v *Value) pick(dims []int, from func(i int) int) *Value {
	w := made(v.Type, dims)
	n := w.Len()
	switch {
	case v.F != nil:
		for i := range n {
			w.F[i] = v.F[from(i)]
		}
	case v.S != nil:
		for i := range n {
			w.S[i] = v.S[from(i)]
		}
	case v.I != nil:
		for i := range n {
			w.I[i] = v.I[from(i)]
		}
	}
	return w
}

// copyRun copies n elements of src from s to d.
func (v *Value) copyRun(d int, src *Value, s, n int) {
	switch {
	case v.F != nil:
		copy(v.F[d:d+n], src.F[s:s+n])
	case v.S != nil:
		copy(v.S[d:d+n], src.S[s:s+n])
	case v.I != nil:
		copy(v.I[d:d+n], src.I[s:s+n])
	}
}

// round brings the elements onto the grid of the value's type.
func (v *Value) round() {
	switch v.Type {
	case onnx.Float16:
		for i, x := range v.F {
			v.F[i] = toHalf(x)
		}
	case onnx.BFloat16:
		for i, x := range v.F {
			v.F[i] = toBFloat(x)
		}
	default:
	}
}

// toBFloat rounds to the nearest bfloat16, ties to even.
func toBFloat(x float32) float32 {
	b := math.Float32bits(x)
	if x != x {
		return x
	}
	return math.Float32frombits((b + 0x7fff + b>>16&1) &^ 0xffff)
}

// toHalf rounds to the nearest float16, ties to even.
func toHalf(x float32) float32 {
	a := math.Abs(float64(x))
	switch {
	case x != x || a == 0 || math.IsInf(a, 0):
		return x
	case a >= 65520:
		return float32(math.Inf(1)) * float32(math.Copysign(1, float64(x)))
	}
	exp := max(math.Ilogb(a), -14) - 10
	return float32(math.Copysign(math.Ldexp(math.RoundToEven(math.Ldexp(a, -exp)), exp), float64(x)))
}

// wrap brings an integer into the range of a type, as a cast does.
func wrap(t onnx.Type, x int64) int64 {
	switch t {
	case onnx.Bool:
		if x != 0 {
			return 1
		}
		return 0
	case onnx.Uint8:
		return int64(uint8(x))
	case onnx.Int8:
		return int64(int8(x))
	case onnx.Uint16:
		return int64(uint16(x))
	case onnx.Int16:
		return int64(int16(x))
	case onnx.Int32:
		return int64(int32(x))
	case onnx.Uint32:
		return int64(uint32(x))
	case onnx.Uint4:
		return x & 15
	case onnx.Int4:
		return x << 60 >> 60
	case onnx.Uint2:
		return x & 3
	case onnx.Int2:
		return x << 62 >> 62
	default:
		return x
	}
}

// limits are the smallest and largest number of an integer type.
func limits(t onnx.Type) (lo, hi int64) {
	switch t {
	case onnx.Uint8:
		return 0, math.MaxUint8
	case onnx.Int8:
		return math.MinInt8, math.MaxInt8
	case onnx.Uint16:
		return 0, math.MaxUint16
	case onnx.Int16:
		return math.MinInt16, math.MaxInt16
	case onnx.Int32:
		return math.MinInt32, math.MaxInt32
	case onnx.Uint4:
		return 0, 15
	case onnx.Int4:
		return -8, 7
	case onnx.Uint2:
		return 0, 3
	case onnx.Int2:
		return -2, 1
	default:
		return math.MinInt64, math.MaxInt64
	}
}

// fromTensor decodes a tensor of the model.
func fromTensor(t *onnx.Tensor) (v *Value, err error) {
	v = &Value{Type: t.Type, Dims: make([]int, len(t.Dims))}
	for i, d := range t.Dims {
		v.Dims[i] = int(d)
	}
	if _, err := checked(v.Dims); err != nil {
		return nil, err
	}
	switch {
	case t.Type == onnx.String:
		v.S, err = t.Strings()
	case t.Type.IsFloat():
		v.F, err = t.Float32s()
	default:
		v.I, err = t.Ints()
	}
	return v, err
}
