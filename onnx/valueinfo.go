package onnx

func (s *scanner) valueInfo() *ValueInfo {
	v := add[ValueInfo](s)
	v.Span = s.span()
	c := s.sub()
	for c.next() {
		if c.def == nil {
			continue
		}
		switch c.def.name {
		case "name":
			v.Name = c.str()
		case "type":
			v.Type = c.valueType()
		case "metadata_props":
			c.skim()
		}
	}
	return v
}

// typeKinds maps the fields of TypeProto.
var typeKinds = map[string]ValueKind{
	"tensor_type": TensorKind, "sparse_tensor_type": SparseKind, "sequence_type": SequenceKind,
	"optional_type": OptionalKind, "map_type": MapKind, "opaque_type": OpaqueKind,
}

// valueType reads a TypeProto. Of a oneof the last field counts.
func (s *scanner) valueType() *ValueType {
	t := add[ValueType](s)
	c := s.sub()
	for c.next() {
		if c.def == nil || c.def.kind != sub {
			continue
		}
		*t = ValueType{Kind: typeKinds[c.def.name]}
		c.inside(t)
	}
	return t
}

// inside reads the message that one of the kinds has.
func (s *scanner) inside(t *ValueType) {
	c := s.sub()
	for c.next() {
		if c.def == nil {
			continue
		}
		switch {
		case c.def.name == "elem_type" && c.def.kind == varint, c.def.name == "key_type":
			t.Elem = Type(c.i32())
		case c.def.name == "shape":
			t.HasShape = true
			t.Shape = c.shape()
		case c.def.kind == sub: // elem_type, value_type
			t.Of = c.valueType()
		}
	}
}

func (s *scanner) shape() []Dim {
	var shape []Dim
	c := s.sub()
	for c.next() {
		if c.def == nil {
			continue
		}
		d := Dim{Value: -1}
		e := c.sub()
		for e.next() {
			switch {
			case e.def == nil:
			case e.def.name == "dim_value":
				d = Dim{Value: int64(e.val)}
			case e.def.name == "dim_param":
				d = Dim{Value: -1, Param: e.str()}
			}
		}
		shape = push(&c, shape, d)
	}
	return shape
}
