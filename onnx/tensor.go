package onnx

import (
	"encoding/binary"
	"math"
)

// Storage is where a tensor's elements lie.
type Storage uint8

// Kinds of storage.
const (
	NoData   Storage = iota // nowhere: an empty tensor, or a model without its weights
	RawData                 // in the field raw_data
	Typed                   // in one of the fields float_data, int32_data and so on
	External                // in a file beside the model
)

// Tensor is a tensor of a model.
type Tensor struct {
	Name     string
	Type     Type
	Dims     []int64 // row-major, the last one runs fastest
	Span     Span    // of the message in the model file, without tag and length
	Storage  Storage
	External *ExternalData // of Storage External

	m     *Model
	elems int64
	size  int64 // in bytes, as raw data; -1 where the type does not tell
	raw   Span  // content of raw_data
}

// tensor reads a TensorProto and checks everything but the elements.
func (s *scanner) tensor(m *Model) *Tensor {
	t := add[Tensor](s)
	t.m, t.Span = m, s.span()
	var x externalFields
	typed := ""
	c := s.sub()
	at := s.tag
	for c.next() {
		if c.def == nil {
			continue
		}
		switch c.def.name {
		case "dims":
			t.Dims = c.ints(t.Dims)
		case "data_type":
			t.Type = Type(c.i32())
		case "name":
			t.Name = c.str()
		case "raw_data":
			t.raw, t.Storage = c.span(), RawData
		case "float_data", "int32_data", "string_data", "int64_data", "double_data", "uint64_data":
			if c.end == c.start && c.packed {
				continue // a packed field of no values
			}
			if typed != "" && typed != c.def.name {
				s.p.fail(c.tag, malformed("elements in %s and in %s", typed, c.def.name))
			}
			typed = c.def.name
		case "data_location":
			x.used = c.val == 1
			if c.val > 1 {
				s.p.fail(c.tag, unsupported("data_location %d", c.val))
			}
		case "external_data":
			x.add(&c)
		case "metadata_props":
			c.skim()
		case "segment":
			s.p.fail(c.tag, unsupported("a tensor in segments"))
		}
	}
	if s.p.err != nil {
		return t
	}
	if typed != "" && t.Storage == RawData {
		s.p.fail(at, malformed("elements in raw_data and in %s", typed))
	}
	if typed != "" {
		t.Storage = Typed
	}
	if err := t.check(typed); err != nil {
		s.p.fail(at, err)
	}
	if x.used {
		t.external(s, &x)
	}
	m.Tensors = push(s, m.Tensors, t)
	return t
}

// check compares dimensions, type and storage.
func (t *Tensor) check(typed string) (err error) {
	if t.elems, err = elements(t.Dims); err != nil {
		return err
	}
	t.size = -1
	row := t.Type.row()
	if row.bits > 0 {
		if t.size, err = t.Type.rawSize(t.elems); err != nil {
			return err
		}
	}
	switch {
	case t.Storage == Typed && row.field != typed:
		return malformed("elements of type %v in %s", t.Type, typed)
	case t.Storage == RawData && t.Type == String:
		return malformed("strings in raw_data")
	case t.Storage == RawData && t.size >= 0 && t.raw.Len() != t.size:
		return malformed("%d bytes of raw_data, %d elements of %v take %d", t.raw.Len(), t.elems, t.Type, t.size)
	}
	return nil
}

// Len is the number of elements.
func (t *Tensor) Len() int64 { return t.elems }

// Size is the number of bytes of the elements as raw data; -1 for strings and
// types that this package does not know.
func (t *Tensor) Size() int64 { return t.size }

// Where is the tensor's place in the model, such as graph.initializer[3].
func (t *Tensor) Where() string { return t.m.where(t.Span) }

func (t *Tensor) errorf(err error) error {
	return &Error{File: t.m.path, Offset: t.Span.Start, Field: t.Where(), Err: err}
}

// Raw is the elements as raw data: little-endian, in order, types smaller than a
// byte packed from the low bits up. It is a slice of the mapped file, not to be
// written to, or, of storage Typed, made anew at every call.
func (t *Tensor) Raw() ([]byte, error) {
	if t.size < 0 {
		return nil, t.errorf(unsupported("elements of %v are not raw bytes", t.Type))
	}
	switch t.Storage {
	case RawData:
		return t.m.data[t.raw.Start:t.raw.End:t.raw.End], nil
	case Typed:
		return t.gather()
	case External:
		return t.External.bytes(t)
	case NoData:
	}
	if t.elems > 0 {
		return nil, t.errorf(malformed("%d elements and no data", t.elems))
	}
	return nil, nil
}

// Floats decodes elements from index from on to dst, as many as it holds. The
// type must be a float type; doubles are rounded.
func (t *Tensor) Floats(dst []float32, from int64) error {
	if from < 0 || int64(len(dst)) > t.elems-from {
		panic("onnx: elements outside of the tensor")
	}
	if !t.Type.IsFloat() {
		return t.errorf(unsupported("%v is no float type", t.Type))
	}
	raw, err := t.Raw()
	if err != nil {
		return err
	}
	if t.Type == Float {
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*(from+int64(i)):]))
		}
		return nil
	}
	row := t.Type.row()
	for i := range dst {
		dst[i] = row.float(code(raw, row.bits, from+int64(i)))
	}
	return nil
}

// Float32s decodes all elements of a float type.
func (t *Tensor) Float32s() ([]float32, error) {
	if _, err := t.Raw(); err != nil { // before so much is allocated
		return nil, err
	}
	dst := make([]float32, t.elems)
	return dst, t.Floats(dst, 0)
}

// Float64s decodes all elements of a float type.
func (t *Tensor) Float64s() ([]float64, error) {
	return decode(t, floatClass, "a float type", func(raw []byte, i int64) (float64, error) {
		c := code(raw, t.Type.Bits(), i)
		if t.Type == Double {
			return math.Float64frombits(c), nil
		}
		return float64(t.Type.row().float(c)), nil
	})
}

// Ints decodes all elements of an integer type or of bools.
func (t *Tensor) Ints() ([]int64, error) {
	class := t.Type.row().class
	if class != unsigned {
		class = signed
	}
	width := t.Type.Bits()
	return decode(t, class, "an integer type", func(raw []byte, i int64) (int64, error) {
		c := code(raw, width, i)
		if class == signed {
			return int64(c<<(64-width)) >> (64 - width), nil
		}
		if c > math.MaxInt64 {
			return 0, unsupported("element %d is %d, too large for an int64", i, c)
		}
		return int64(c), nil
	})
}

// Uints decodes all elements of an unsigned integer type or of bools.
func (t *Tensor) Uints() ([]uint64, error) {
	return decode(t, unsigned, "an unsigned integer type", func(raw []byte, i int64) (uint64, error) {
		return code(raw, t.Type.Bits(), i), nil
	})
}

// Bools decodes all elements of type BOOL; any code but 0 is true.
func (t *Tensor) Bools() ([]bool, error) {
	if t.Type != Bool {
		return nil, t.errorf(unsupported("%v is not BOOL", t.Type))
	}
	return decode(t, unsigned, "BOOL", func(raw []byte, i int64) (bool, error) { return raw[i] != 0, nil })
}

// Complexes decodes all elements of a complex type.
func (t *Tensor) Complexes() ([]complex128, error) {
	return decode(t, complexClass, "a complex type", func(raw []byte, i int64) (complex128, error) {
		if t.Type == Complex64 {
			re, im := code(raw, 32, 2*i), code(raw, 32, 2*i+1)
			return complex(float64(math.Float32frombits(uint32(re))), float64(math.Float32frombits(uint32(im)))), nil
		}
		return complex(math.Float64frombits(code(raw, 64, 2*i)), math.Float64frombits(code(raw, 64, 2*i+1))), nil
	})
}

// decode makes a list of all elements.
func decode[T any](t *Tensor, want class, what string, element func(raw []byte, i int64) (T, error)) ([]T, error) {
	if t.Type.row().class != want {
		return nil, t.errorf(unsupported("%v is not %s", t.Type, what))
	}
	raw, err := t.Raw()
	if err != nil {
		return nil, err
	}
	out := make([]T, t.elems)
	for i := range out {
		if out[i], err = element(raw, int64(i)); err != nil {
			return nil, t.errorf(err)
		}
	}
	return out, nil
}

// Strings returns all elements of type STRING; they need not be UTF-8.
func (t *Tensor) Strings() ([]string, error) {
	if t.Type != String {
		return nil, t.errorf(unsupported("%v is not STRING", t.Type))
	}
	var out []string
	s := t.m.rescan(tensorMsg, t.Span)
	for s.next() {
		if s.def != nil && s.def.name == "string_data" {
			out = append(out, string(s.content()))
		}
	}
	if int64(len(out)) != t.elems {
		return nil, t.errorf(malformed("%d strings for %d elements", len(out), t.elems))
	}
	return out, nil
}
