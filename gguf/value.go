package gguf

import (
	"encoding/binary"
	"math"
)

// ValueType is the type of a value by its id in the file.
type ValueType uint32

// The value types of the format.
const (
	Uint8 ValueType = iota
	Int8
	Uint16
	Int16
	Uint32
	Int32
	Float32
	Bool
	String
	Array
	Uint64
	Int64
	Float64
)

// valueTypes has a row for each type: its name and its size in bytes, 0 where
// that varies.
var valueTypes = [...]struct {
	name string
	size int
}{
	Uint8: {"u8", 1}, Int8: {"i8", 1}, Uint16: {"u16", 2}, Int16: {"i16", 2},
	Uint32: {"u32", 4}, Int32: {"i32", 4}, Float32: {"f32", 4}, Bool: {"bool", 1},
	String: {"string", 0}, Array: {"array", 0},
	Uint64: {"u64", 8}, Int64: {"i64", 8}, Float64: {"f64", 8},
}

// Valid reports whether t is a type of the format.
func (t ValueType) Valid() bool { return int64(t) < int64(len(valueTypes)) }

// String is the short name of the type, such as "u32".
func (t ValueType) String() string {
	if !t.Valid() {
		return "unknown type"
	}
	return valueTypes[t].name
}

// Value is a value in the file's own encoding; it is decoded when asked for.
type Value struct {
	Type ValueType
	Elem ValueType // type of the elements of an Array
	Len  int       // number of elements of an Array, else 1
	raw  []byte    // encoding without the type; of an Array the elements only
}

// KV is a key with its value.
type KV struct {
	Key   string
	Value Value
}

// ValueOf makes a value of a bool, a sized number, a string, or a slice of one
// of these. Any other type is a mistake of the caller.
func ValueOf(x any) Value {
	if v, ok := scalarValue(x); ok {
		return v
	}
	switch x := x.(type) {
	case []string:
		return arrayOf(String, x)
	case []bool:
		return arrayOf(Bool, x)
	case []uint8:
		return arrayOf(Uint8, x)
	case []int8:
		return arrayOf(Int8, x)
	case []uint16:
		return arrayOf(Uint16, x)
	case []int16:
		return arrayOf(Int16, x)
	case []uint32:
		return arrayOf(Uint32, x)
	case []int32:
		return arrayOf(Int32, x)
	case []uint64:
		return arrayOf(Uint64, x)
	case []int64:
		return arrayOf(Int64, x)
	case []float32:
		return arrayOf(Float32, x)
	case []float64:
		return arrayOf(Float64, x)
	}
	panic("gguf: no value type for this Go type")
}

func arrayOf[T any](elem ValueType, xs []T) Value {
	v := Value{Type: Array, Elem: elem, Len: len(xs)}
	for _, x := range xs {
		e, _ := scalarValue(x)
		v.raw = append(v.raw, e.raw...)
	}
	return v
}

// scalarValue encodes anything but a slice.
func scalarValue(x any) (Value, bool) {
	le := binary.LittleEndian
	switch x := x.(type) {
	case string:
		return Value{String, 0, 1, append(le.AppendUint64(nil, uint64(len(x))), x...)}, true
	case bool:
		b := byte(0)
		if x {
			b = 1
		}
		return Value{Bool, 0, 1, []byte{b}}, true
	case uint8:
		return Value{Uint8, 0, 1, []byte{x}}, true
	case int8:
		return Value{Int8, 0, 1, []byte{byte(x)}}, true
	case uint16:
		return Value{Uint16, 0, 1, le.AppendUint16(nil, x)}, true
	case int16:
		return Value{Int16, 0, 1, le.AppendUint16(nil, uint16(x))}, true
	case uint32:
		return Value{Uint32, 0, 1, le.AppendUint32(nil, x)}, true
	case int32:
		return Value{Int32, 0, 1, le.AppendUint32(nil, uint32(x))}, true
	case uint64:
		return Value{Uint64, 0, 1, le.AppendUint64(nil, x)}, true
	case int64:
		return Value{Int64, 0, 1, le.AppendUint64(nil, uint64(x))}, true
	case float32:
		return Value{Float32, 0, 1, le.AppendUint32(nil, math.Float32bits(x))}, true
	case float64:
		return Value{Float64, 0, 1, le.AppendUint64(nil, math.Float64bits(x))}, true
	}
	return Value{}, false
}

// Any decodes the value: a bool, a sized number, a string, or a slice of these.
func (v Value) Any() any {
	if v.Type != Array {
		return scalar(v.Type, v.raw)
	}
	switch v.Elem {
	case Uint8:
		return collect[uint8](v)
	case Int8:
		return collect[int8](v)
	case Uint16:
		return collect[uint16](v)
	case Int16:
		return collect[int16](v)
	case Uint32:
		return collect[uint32](v)
	case Int32:
		return collect[int32](v)
	case Float32:
		return collect[float32](v)
	case Bool:
		return collect[bool](v)
	case String:
		return v.strings()
	case Uint64:
		return collect[uint64](v)
	case Int64:
		return collect[int64](v)
	case Float64:
		return collect[float64](v)
	case Array: // the reader refuses arrays of arrays
	}
	return nil
}

// scalar decodes the bytes of one value that is not an array.
func scalar(t ValueType, b []byte) any {
	le := binary.LittleEndian
	switch t {
	case Uint8:
		return b[0]
	case Int8:
		return int8(b[0])
	case Uint16:
		return le.Uint16(b)
	case Int16:
		return int16(le.Uint16(b))
	case Uint32:
		return le.Uint32(b)
	case Int32:
		return int32(le.Uint32(b))
	case Float32:
		return math.Float32frombits(le.Uint32(b))
	case Bool:
		return b[0] != 0
	case String:
		return string(b[8:])
	case Uint64:
		return le.Uint64(b)
	case Int64:
		return int64(le.Uint64(b))
	case Float64:
		return math.Float64frombits(le.Uint64(b))
	case Array: // Any takes arrays apart
	}
	return nil
}

// collect decodes an array of numbers or bools.
func collect[T any](v Value) []T {
	out, size := make([]T, v.Len), valueTypes[v.Elem].size
	for i := range out {
		out[i] = scalar(v.Elem, v.raw[i*size:]).(T)
	}
	return out
}

func (v Value) strings() []string {
	out, b := make([]string, v.Len), v.raw
	for i := range out {
		n := binary.LittleEndian.Uint64(b)
		out[i] = string(b[8 : 8+n])
		b = b[8+n:]
	}
	return out
}

// appendTo appends the value as it stands in a file, type first.
func (v Value) appendTo(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(v.Type))
	if v.Type == Array {
		b = binary.LittleEndian.AppendUint32(b, uint32(v.Elem))
		b = binary.LittleEndian.AppendUint64(b, uint64(v.Len))
	}
	return append(b, v.raw...)
}
