package onnx

import "math"

// AttrType is the type of an attribute, by AttributeProto's numbers.
type AttrType int32

// Attribute types.
const (
	AttrUndefined AttrType = iota
	AttrFloat
	AttrInt
	AttrString
	AttrTensor
	AttrGraph
	AttrFloats
	AttrInts
	AttrStrings
	AttrTensors
	AttrGraphs
	AttrSparse
	AttrSparses
	AttrTypeProto
	AttrTypeProtos
)

// attrFields are the fields that hold each attribute type.
var attrFields = [...]string{
	AttrFloat: "f", AttrInt: "i", AttrString: "s", AttrTensor: "t", AttrGraph: "g", AttrFloats: "floats", AttrInts: "ints", AttrStrings: "strings",
	AttrTensors: "tensors", AttrGraphs: "graphs", AttrSparse: "sparse_tensor", AttrSparses: "sparse_tensors", AttrTypeProto: "tp", AttrTypeProtos: "type_protos",
}

// Attr is an attribute of a node. Tensors and graphs are indexed with the model;
// the other values are decoded when they are asked for.
type Attr struct {
	Name    string
	Type    AttrType // where the file leaves it out, by the field that is there
	Ref     string   // inside a function: the function's attribute that gives the value
	Tensors []*Tensor
	Graphs  []*Graph
	Sparse  []*Sparse
	Span    Span

	m *Model
}

// attr reads an AttributeProto of the node n, nil for a function's default.
func (s *scanner) attr(m *Model, n *Node) *Attr {
	a := add[Attr](s)
	a.m, a.Span = m, s.span()
	guess := AttrUndefined
	c := s.sub()
	for c.next() {
		if c.def == nil {
			continue
		}
		switch c.def.name {
		case "name":
			a.Name = c.str()
		case "type":
			a.Type = AttrType(c.i32())
		case "ref_attr_name":
			a.Ref = c.str()
		case "t", "tensors":
			a.Tensors = push(&c, a.Tensors, c.tensor(m))
		case "g", "graphs":
			a.Graphs = push(&c, a.Graphs, c.graph(m, n))
		case "sparse_tensor", "sparse_tensors":
			a.Sparse = push(&c, a.Sparse, c.sparse(m))
		case "tp", "type_protos":
			c.valueType()
		}
		for t, field := range attrFields {
			if field == c.def.name && field != "" {
				guess = AttrType(t)
			}
		}
	}
	if a.Type == AttrUndefined {
		a.Type = guess
	}
	if s.p.err == nil && (a.Type < 0 || int(a.Type) >= len(attrFields)) {
		s.p.fail(s.tag, unsupported("attribute type %d", a.Type))
	}
	return a
}

// Value decodes the attribute: float32, int64, string, *Tensor, *Graph, *Sparse,
// *ValueType or a slice of one of them; nil where the value is left out, as it is
// for a reference to a function's attribute. A float or integer of value 0 may
// be left out in the file.
func (a *Attr) Value() (any, error) {
	switch a.Type {
	case AttrTensor:
		return first(a.Tensors), nil
	case AttrTensors:
		return a.Tensors, nil
	case AttrGraph:
		return first(a.Graphs), nil
	case AttrGraphs:
		return a.Graphs, nil
	case AttrSparse:
		return first(a.Sparse), nil
	case AttrSparses:
		return a.Sparse, nil
	case AttrUndefined, AttrFloat, AttrInt, AttrString, AttrFloats, AttrInts, AttrStrings, AttrTypeProto, AttrTypeProtos:
	}
	return a.scan()
}

// first is the first element as any, nil if there is none.
func first[T any](list []*T) any {
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

// scan decodes the values that are not indexed.
func (a *Attr) scan() (any, error) {
	if a.Type == AttrUndefined || a.Ref != "" {
		return nil, nil
	}
	var f []float32
	var i []int64
	var str []string
	var types []*ValueType
	field := attrFields[a.Type]
	s := a.m.rescan(attrMsg, a.Span)
	for s.next() {
		if s.def == nil || s.def.name != field {
			continue
		}
		switch field {
		case "f", "floats":
			s.numbers(func(v uint64) { f = append(f, math.Float32frombits(uint32(v))) })
		case "i", "ints":
			s.numbers(func(v uint64) { i = append(i, int64(v)) })
		case "s", "strings":
			str = append(str, string(s.content()))
		default:
			types = append(types, s.valueType())
		}
	}
	if s.p.err != nil {
		e := *s.p.err
		e.File, e.Field = a.m.path, a.m.where(a.Span)+"."+e.Field
		return nil, &e
	}
	switch field {
	case "f":
		return append(f, 0)[0], nil
	case "i":
		return append(i, 0)[0], nil
	case "s":
		return append(str, "")[0], nil
	case "floats":
		return f, nil
	case "ints":
		return i, nil
	case "strings":
		return str, nil
	case "tp":
		return first(types), nil
	}
	return types, nil
}

// attrAs decodes an attribute of the node, fallback where it has none.
func attrAs[T any](n *Node, name string, fallback T) (T, error) {
	a := n.Attr(name)
	if a == nil {
		return fallback, nil
	}
	v, err := a.Value()
	if err != nil {
		return fallback, err
	}
	t, ok := v.(T)
	if !ok {
		return fallback, &Error{File: a.m.path, Offset: a.Span.Start, Field: a.m.where(a.Span), Err: malformed("attribute %s is of another type", short(name))}
	}
	return t, nil
}

// Int is the integer attribute of that name, fallback if the node has none.
func (n *Node) Int(name string, fallback int64) (int64, error) { return attrAs(n, name, fallback) }

// Ints is the list of integers of that name, nil if the node has none.
func (n *Node) Ints(name string) ([]int64, error) { return attrAs[[]int64](n, name, nil) }

// Float is the float attribute of that name, fallback if the node has none.
func (n *Node) Float(name string, fallback float32) (float32, error) {
	return attrAs(n, name, fallback)
}

// Str is the string attribute of that name, fallback if the node has none.
func (n *Node) Str(name, fallback string) (string, error) { return attrAs(n, name, fallback) }
