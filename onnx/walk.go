package onnx

// Field is a field of the model file: where it lies and what it is.
type Field struct {
	Path    string // such as graph.node[3].op_type; "?" stands for a field that the schema lacks
	Number  int32
	Depth   int   // 0 for fields of the model itself
	Tag     int64 // where the field begins
	Value   int64 // where its value begins, its length prefix included
	Content Span  // the value without length prefix
}

// Walk visits every field of the model file in its order, messages before the
// fields in them.
func (m *Model) Walk(visit func(Field)) {
	s := m.rescan(modelMsg, Span{0, int64(len(m.data))})
	s.walk(visit)
}

func (s *scanner) walk(visit func(Field)) {
	depth := len(s.p.path) - 1
	for s.next() {
		f := Field{Path: pathString(s.p.path), Number: int32(s.num), Depth: depth, Tag: int64(s.tag), Value: int64(s.lenAt), Content: s.span()}
		if s.def == nil {
			f.Path = "?"
			if depth > 0 {
				f.Path = pathString(s.p.path[:depth]) + ".?"
			}
		}
		visit(f)
		if s.def != nil && s.def.kind == sub {
			c := s.sub()
			c.walk(visit)
		}
	}
}

// where names the message that begins at the span's start and ends at its end.
func (m *Model) where(target Span) string {
	s := m.rescan(modelMsg, Span{0, int64(len(m.data))})
	for s.next() {
		if int64(s.end) < target.End || int64(s.tag) > target.Start || s.def == nil || s.def.kind != sub {
			continue
		}
		if s.span() == target {
			return pathString(s.p.path)
		}
		s = s.sub()
	}
	return "model"
}

// Places names the place of every tensor, in the order of Tensors, in one pass.
func (m *Model) Places() []string {
	at := make(map[int64]string, len(m.Tensors))
	s := m.rescan(modelMsg, Span{0, int64(len(m.data))})
	s.places(at)
	out := make([]string, len(m.Tensors))
	for i, t := range m.Tensors {
		out[i] = at[t.Span.Start]
	}
	return out
}

func (s *scanner) places(at map[int64]string) {
	for s.next() {
		switch {
		case s.def == nil || s.def.kind != sub:
		case s.def.msg == tensorMsg:
			at[int64(s.start)] = pathString(s.p.path)
		default:
			c := s.sub()
			c.places(at)
		}
	}
}
