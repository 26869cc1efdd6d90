package onnx

import "unsafe"

// slack is the memory that a file may take in addition to its own size. Tests
// hold the estimates below to 64 MB.
const slack = 48 << 20

// Parse reads a model from memory, without external data. The Model keeps data
// and hands out slices of it; it must not change.
func Parse(data []byte) (*Model, error) {
	p := &parser{b: data, left: int64(len(data)) + slack}
	m := &Model{data: data}
	p.model(m)
	if p.err != nil {
		return nil, p.err
	}
	return m, nil
}

func (p *parser) model(m *Model) {
	s := p.open(modelMsg, 0, len(p.b))
	for s.next() {
		if s.def == nil {
			continue
		}
		switch s.def.name {
		case "ir_version":
			m.IRVersion = int64(s.val)
		case "producer_name":
			m.Producer = s.str()
		case "producer_version":
			m.ProducerVersion = s.str()
		case "domain":
			m.Domain = s.str()
		case "model_version":
			m.Version = int64(s.val)
		case "doc_string":
			m.Doc = s.str()
		case "graph":
			m.Graph = s.graph(m, nil)
		case "opset_import":
			m.Opsets = push(&s, m.Opsets, s.opset())
		case "metadata_props":
			e, at := s.entry()
			m.Metadata, m.props = push(&s, m.Metadata, e), push(&s, m.props, at)
		case "training_info":
			m.Training = push(&s, m.Training, s.training(m))
		case "functions":
			m.Functions = push(&s, m.Functions, s.function(m))
		case "configuration":
			s.skim()
		}
	}
	switch {
	case p.err != nil:
	case m.IRVersion < 1:
		p.fail(0, malformed("no ir_version: not an ONNX model"))
	case m.Graph == nil:
		p.fail(0, malformed("no graph: not an ONNX model"))
	}
}

// add charges for a value that is allocated.
func add[T any](s *scanner) *T {
	var t T
	s.p.charge(s.tag, int64(unsafe.Sizeof(t))*9/8+16)
	return &t
}

// push appends to a list and charges for its growth.
func push[T any](s *scanner, list []T, v T) []T {
	if len(list) == cap(list) {
		n := max(1, 2*len(list))
		s.p.charge(s.tag, int64(n)*int64(unsafe.Sizeof(v))+8)
		if s.p.err != nil {
			return list
		}
		list = append(make([]T, 0, n), list...)
	}
	return append(list, v)
}

func (s *scanner) opset() Opset {
	var o Opset
	c := s.sub()
	for c.next() {
		switch {
		case c.def == nil:
		case c.def.name == "domain":
			o.Domain = c.str()
		case c.def.name == "version":
			o.Version = int64(c.val)
		}
	}
	return o
}

// entry reads a StringStringEntryProto.
func (s *scanner) entry() (Prop, propAt) {
	var e Prop
	var at propAt
	c := s.sub()
	for c.next() {
		if c.def == nil {
			continue
		}
		field := Span{int64(c.tag), int64(c.end)}
		if c.def.name == "key" {
			e.Key, at.key = c.str(), field
		} else {
			e.Value, at.value = c.str(), field
		}
	}
	return e, at
}

func (s *scanner) graph(m *Model, owner *Node) *Graph {
	g := add[Graph](s)
	g.m, g.Owner, g.Span = m, owner, s.span()
	c := s.sub()
	for c.next() {
		if c.def == nil {
			continue
		}
		switch c.def.name {
		case "name":
			g.Name = c.str()
		case "node":
			g.Nodes = push(&c, g.Nodes, c.node(g))
		case "initializer":
			g.Initializers = push(&c, g.Initializers, c.tensor(m))
		case "sparse_initializer":
			g.Sparse = push(&c, g.Sparse, c.sparse(m))
		case "input":
			g.Inputs = push(&c, g.Inputs, c.valueInfo())
		case "output":
			g.Outputs = push(&c, g.Outputs, c.valueInfo())
		case "value_info":
			g.Values = push(&c, g.Values, c.valueInfo())
		case "quantization_annotation":
			g.Annotations = push(&c, g.Annotations, c.annotation())
		case "metadata_props":
			c.skim()
		}
	}
	return g
}

func (s *scanner) node(g *Graph) *Node {
	n := add[Node](s)
	n.Graph, n.Span = g, s.span()
	c := s.sub()
	for c.next() {
		if c.def == nil {
			continue
		}
		switch c.def.name {
		case "input":
			n.Inputs = c.strs(n.Inputs)
		case "output":
			n.Outputs = c.strs(n.Outputs)
		case "name":
			n.Name = c.str()
		case "op_type":
			n.Op = c.str()
		case "domain":
			n.Domain = c.str()
		case "overload":
			n.Overload = c.str()
		case "attribute":
			n.Attrs = push(&c, n.Attrs, c.attr(g.m, n))
		case "metadata_props", "device_configurations":
			c.skim()
		}
	}
	return n
}

func (s *scanner) annotation() Annotation {
	var a Annotation
	c := s.sub()
	for c.next() {
		switch {
		case c.def == nil:
		case c.def.name == "tensor_name":
			a.Tensor = c.str()
		case c.def.kind == sub:
			e, _ := c.entry()
			a.Params = push(&c, a.Params, e)
		}
	}
	return a
}

func (s *scanner) sparse(m *Model) *Sparse {
	x := add[Sparse](s)
	c := s.sub()
	for c.next() {
		switch {
		case c.def == nil:
		case c.def.name == "values":
			x.Values = c.tensor(m)
		case c.def.name == "indices":
			x.Indices = c.tensor(m)
		case c.def.name == "dims":
			x.Dims = c.ints(x.Dims)
		}
	}
	if x.Values == nil && s.p.err == nil {
		s.p.fail(s.tag, malformed("sparse tensor without values"))
	}
	return x
}

func (s *scanner) function(m *Model) *Function {
	f := add[Function](s)
	f.Span, f.Body = s.span(), add[Graph](s)
	f.Body.m, f.Body.Span = m, f.Span
	c := s.sub()
	for c.next() {
		if c.def == nil {
			continue
		}
		switch c.def.name {
		case "name":
			f.Name = c.str()
			f.Body.Name = f.Name
		case "domain":
			f.Domain = c.str()
		case "overload":
			f.Overload = c.str()
		case "input":
			v := add[ValueInfo](&c)
			v.Name, v.Span = c.str(), c.span()
			f.Body.Inputs = push(&c, f.Body.Inputs, v)
		case "output":
			v := add[ValueInfo](&c)
			v.Name, v.Span = c.str(), c.span()
			f.Body.Outputs = push(&c, f.Body.Outputs, v)
		case "attribute":
			f.Attributes = c.strs(f.Attributes)
		case "attribute_proto":
			f.Defaults = push(&c, f.Defaults, c.attr(m, nil))
		case "node":
			f.Body.Nodes = push(&c, f.Body.Nodes, c.node(f.Body))
		case "opset_import":
			f.Opsets = push(&c, f.Opsets, c.opset())
		case "value_info":
			f.Body.Values = push(&c, f.Body.Values, c.valueInfo())
		case "metadata_props":
			c.skim()
		}
	}
	return f
}

func (s *scanner) training(m *Model) *Training {
	t := add[Training](s)
	c := s.sub()
	for c.next() {
		if c.def == nil {
			continue
		}
		switch c.def.name {
		case "initialization":
			t.Initialization = c.graph(m, nil)
		case "algorithm":
			t.Algorithm = c.graph(m, nil)
		case "initialization_binding":
			e, _ := c.entry()
			t.InitBindings = push(&c, t.InitBindings, e)
		case "update_binding":
			e, _ := c.entry()
			t.Updates = push(&c, t.Updates, e)
		}
	}
	return t
}
