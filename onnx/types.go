package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
)

// Type is the type of a tensor's elements, by TensorProto's numbers.
type Type int32

// Element types.
const (
	Undefined Type = iota
	Float
	Uint8
	Int8
	Uint16
	Int16
	Int32
	Int64
	String
	Bool
	Float16
	Double
	Uint32
	Uint64
	Complex64
	Complex128
	BFloat16
	Float8E4M3FN
	Float8E4M3FNUZ
	Float8E5M2
	Float8E5M2FNUZ
	Uint4
	Int4
	Float4E2M1
	Float8E8M0
	Uint2
	Int2
	Float6E2M3
	Float6E3M2
)

// class is what the elements of a type are.
type class uint8

const (
	noClass class = iota
	floatClass
	signed
	unsigned
	complexClass
	stringClass
)

// typeRow is what is to know of an element type.
type typeRow struct {
	name  string
	class class
	bits  int    // of an element
	field string // of TensorProto, where the elements lie if not in raw_data
	width int    // bytes of raw data that one value of that field stands for; 0 for 6-bit types: one element
	float func(code uint64) float32
}

// types holds a row per Type.
var types = [...]typeRow{
	Undefined:      {name: "UNDEFINED"},
	Float:          {"FLOAT", floatClass, 32, "float_data", 4, func(c uint64) float32 { return math.Float32frombits(uint32(c)) }},
	Uint8:          {"UINT8", unsigned, 8, "int32_data", 1, nil},
	Int8:           {"INT8", signed, 8, "int32_data", 1, nil},
	Uint16:         {"UINT16", unsigned, 16, "int32_data", 2, nil},
	Int16:          {"INT16", signed, 16, "int32_data", 2, nil},
	Int32:          {"INT32", signed, 32, "int32_data", 4, nil},
	Int64:          {"INT64", signed, 64, "int64_data", 8, nil},
	String:         {"STRING", stringClass, 0, "string_data", 0, nil},
	Bool:           {"BOOL", unsigned, 8, "int32_data", 1, nil},
	Float16:        {"FLOAT16", floatClass, 16, "int32_data", 2, func(c uint64) float32 { return small(c, 5, 10, 15, ieee) }},
	Double:         {"DOUBLE", floatClass, 64, "double_data", 8, func(c uint64) float32 { return float32(math.Float64frombits(c)) }},
	Uint32:         {"UINT32", unsigned, 32, "uint64_data", 4, nil},
	Uint64:         {"UINT64", unsigned, 64, "uint64_data", 8, nil},
	Complex64:      {"COMPLEX64", complexClass, 64, "float_data", 4, nil},
	Complex128:     {"COMPLEX128", complexClass, 128, "double_data", 8, nil},
	BFloat16:       {"BFLOAT16", floatClass, 16, "int32_data", 2, func(c uint64) float32 { return math.Float32frombits(uint32(c) << 16) }},
	Float8E4M3FN:   {"FLOAT8E4M3FN", floatClass, 8, "int32_data", 1, func(c uint64) float32 { return small(c, 4, 3, 7, topNaN) }},
	Float8E4M3FNUZ: {"FLOAT8E4M3FNUZ", floatClass, 8, "int32_data", 1, func(c uint64) float32 { return small(c, 4, 3, 8, minusZeroNaN) }},
	Float8E5M2:     {"FLOAT8E5M2", floatClass, 8, "int32_data", 1, func(c uint64) float32 { return small(c, 5, 2, 15, ieee) }},
	Float8E5M2FNUZ: {"FLOAT8E5M2FNUZ", floatClass, 8, "int32_data", 1, func(c uint64) float32 { return small(c, 5, 2, 16, minusZeroNaN) }},
	Uint4:          {"UINT4", unsigned, 4, "int32_data", 1, nil},
	Int4:           {"INT4", signed, 4, "int32_data", 1, nil},
	Float4E2M1:     {"FLOAT4E2M1", floatClass, 4, "int32_data", 1, func(c uint64) float32 { return small(c, 2, 1, 1, finite) }},
	Float8E8M0:     {"FLOAT8E8M0", floatClass, 8, "int32_data", 1, powerOfTwo},
	Uint2:          {"UINT2", unsigned, 2, "int32_data", 1, nil},
	Int2:           {"INT2", signed, 2, "int32_data", 1, nil},
	Float6E2M3:     {"FLOAT6E2M3", floatClass, 6, "int32_data", 0, func(c uint64) float32 { return small(c, 2, 3, 1, finite) }},
	Float6E3M2:     {"FLOAT6E3M2", floatClass, 6, "int32_data", 0, func(c uint64) float32 { return small(c, 3, 2, 3, finite) }},
}

// Valid reports whether the type exists and is not Undefined.
func (t Type) Valid() bool { return t > Undefined && int(t) < len(types) }

func (t Type) row() *typeRow {
	if !t.Valid() {
		return &types[Undefined]
	}
	return &types[t]
}

// String is ONNX's name of the type.
func (t Type) String() string {
	if t < 0 || int(t) >= len(types) {
		return fmt.Sprintf("type %d", int32(t))
	}
	return types[t].name
}

// Bits is the size of an element, 0 for strings and unknown types.
func (t Type) Bits() int { return t.row().bits }

// IsFloat reports whether the elements are real floating-point numbers.
func (t Type) IsFloat() bool { return t.row().class == floatClass }

// IsInteger reports whether the elements are integers or bools.
func (t Type) IsInteger() bool { return t.row().class == signed || t.row().class == unsigned }

// special is how a small float type uses its odd codes.
type special uint8

const (
	finite       special = iota // every code is a number
	ieee                        // the largest exponent is for infinities and NaN
	topNaN                      // all ones is NaN
	minusZeroNaN                // minus zero is NaN
)

// small decodes a float of sign, exponent e bits wide and mantissa of m bits.
func small(code uint64, e, m, bias int, sp special) float32 {
	mant := code & (1<<m - 1)
	exp := int(code>>m) & (1<<e - 1)
	neg := code>>(e+m)&1 == 1
	var v float64
	switch {
	case sp == minusZeroNaN && neg && exp == 0 && mant == 0,
		sp == topNaN && exp == 1<<e-1 && mant == 1<<m-1,
		sp == ieee && exp == 1<<e-1 && mant != 0:
		v = math.NaN()
	case sp == ieee && exp == 1<<e-1:
		v = math.Inf(1)
	case exp == 0:
		v = math.Ldexp(float64(mant), 1-bias-m)
	default:
		v = math.Ldexp(float64(mant|1<<m), exp-bias-m)
	}
	if neg {
		v = -v
	}
	return float32(v)
}

// powerOfTwo decodes E8M0.
func powerOfTwo(code uint64) float32 {
	if code == 255 {
		return float32(math.NaN())
	}
	return float32(math.Ldexp(1, int(code)-127))
}

// elements is the product of dimensions, checked.
func elements(dims []int64) (int64, error) {
	n, empty := uint64(1), false
	for _, d := range dims {
		switch {
		case d < 0:
			return 0, malformed("dimension %d is negative", d)
		case d == 0:
			empty = true
			continue
		}
		hi, lo := bits.Mul64(n, uint64(d))
		if hi != 0 || lo >= 1<<63 {
			return 0, malformed("%d dimensions overflow", len(dims))
		}
		n = lo
	}
	if empty {
		return 0, nil
	}
	return int64(n), nil
}

// rawSize is the number of bytes that n elements take in raw_data.
func (t Type) rawSize(n int64) (int64, error) {
	hi, lo := bits.Mul64(uint64(n), uint64(t.Bits()))
	if hi != 0 || lo >= 1<<63 {
		return 0, malformed("%d elements of %v overflow", n, t)
	}
	return int64((lo + 7) / 8), nil
}

// code is element i of raw data, of at most 64 bits.
func code(raw []byte, width int, i int64) uint64 {
	if width >= 8 {
		n := int64(width / 8)
		return little(raw[i*n : (i+1)*n])
	}
	bit := i * int64(width)
	v := uint64(raw[bit/8])
	if next := bit/8 + 1; bit%8+int64(width) > 8 {
		v |= uint64(raw[next]) << 8
	}
	return v >> (bit % 8) & (1<<width - 1)
}

// little is a little-endian number of 1, 2, 4 or 8 bytes.
func little(b []byte) uint64 {
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.LittleEndian.Uint16(b))
	case 4:
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return binary.LittleEndian.Uint64(b)
}
