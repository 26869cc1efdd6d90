package onnx

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// maxDepth bounds how deep messages may nest, as protobuf's own readers do. A
// graph inside a node of a graph is three levels down.
const maxDepth = 100

// Span is a range of bytes of a file, from Start to before End.
type Span struct{ Start, End int64 }

// Len is the number of bytes.
func (s Span) Len() int64 { return s.End - s.Start }

// parser walks over the bytes of a model. The first error sticks.
type parser struct {
	b     []byte
	left  int64 // bytes of memory that may still be used
	path  []step
	names map[string]string
	err   *Error
}

// step is a field on the way from the model to what is being read.
type step struct {
	def   *fieldDef
	index int32
}

func (p *parser) fail(at int, err error) {
	if p.err == nil {
		p.err = &Error{Offset: int64(at), Field: pathString(p.path), Err: err}
	}
}

// charge accounts for memory that what is being read will take.
func (p *parser) charge(at int, n int64) {
	if p.left -= n; p.left < 0 {
		p.fail(at, unsupported("more parts than memory of the file's size and 64 MB can hold"))
	}
}

func pathString(path []step) string {
	var s strings.Builder
	for _, st := range path {
		if st.def == nil {
			continue
		}
		if s.Len() > 0 {
			s.WriteByte('.')
		}
		s.WriteString(st.def.name)
		if st.def.many {
			fmt.Fprintf(&s, "[%d]", st.index)
		}
	}
	if s.Len() == 0 {
		return "model"
	}
	return s.String()
}

// scanner goes through the fields of one message.
type scanner struct {
	p    *parser
	msg  *message
	pos  int
	stop int // end of the message
	seen [27]int32

	// The current field.
	num        protowire.Number
	def        *fieldDef // nil: unknown to the schema, or of another wire type
	tag        int       // where it begins
	lenAt      int       // where its value begins, length prefix included
	start, end int       // its content, without tag and length
	packed     bool
	val        uint64 // of kinds varint, fixed32 and fixed64
}

// open starts on the message m in the bytes start to end of the file.
func (p *parser) open(m msg, start, end int) scanner {
	if len(p.path) >= maxDepth {
		p.fail(start, unsupported("messages are nested more than %d deep", maxDepth))
	}
	p.path = append(p.path, step{})
	return scanner{p: p, msg: schema[m], pos: start, stop: end}
}

// sub starts on the message that is the current field.
func (s *scanner) sub() scanner { return s.p.open(s.def.msg, s.start, s.end) }

// next moves to the next field; false at the end and after an error.
func (s *scanner) next() bool {
	p := s.p
	if p.err != nil {
		return false
	}
	if s.pos == s.stop {
		p.path = p.path[:len(p.path)-1]
		return false
	}
	b := p.b[s.pos:s.stop]
	num, typ, n := protowire.ConsumeTag(b)
	if n < 0 {
		p.path[len(p.path)-1] = step{}
		p.fail(s.pos, malformed("field tag: %w", protowire.ParseError(n)))
		return false
	}
	s.tag, s.lenAt = s.pos, s.pos+n
	s.num, s.def, s.packed = num, s.msg.field(num), false
	if d := s.def; d != nil && typ != wire[d.kind] {
		if s.packed = d.many && d.kind < bytesOf && typ == protowire.BytesType; !s.packed {
			s.def = nil
		}
	}
	p.path[len(p.path)-1] = step{def: s.def}
	if !s.value(num, typ, b[n:]) {
		return false
	}
	s.pos = s.end
	if s.def == nil {
		return true
	}
	count := &s.seen[s.def.number]
	p.path[len(p.path)-1].index = *count
	if *count++; *count > 1 && !s.def.many {
		p.fail(s.tag, unsupported("field occurs more than once"))
	}
	return p.err == nil
}

// value reads the value of the current field from b, which begins with it.
func (s *scanner) value(num protowire.Number, typ protowire.Type, b []byte) bool {
	var n int
	s.start = s.lenAt
	switch typ {
	case protowire.VarintType:
		s.val, n = protowire.ConsumeVarint(b)
	case protowire.Fixed32Type:
		var v uint32
		v, n = protowire.ConsumeFixed32(b)
		s.val = uint64(v)
	case protowire.Fixed64Type:
		s.val, n = protowire.ConsumeFixed64(b)
	case protowire.BytesType:
		var v []byte
		v, n = protowire.ConsumeBytes(b)
		s.start = s.lenAt + n - len(v)
	case protowire.StartGroupType, protowire.EndGroupType: // not part of the schema
		n = protowire.ConsumeFieldValue(num, typ, b)
	default:
		n = -1
	}
	if n < 0 {
		err := protowire.ParseError(n)
		if l, m := protowire.ConsumeVarint(b); typ == protowire.BytesType && m > 0 {
			err = fmt.Errorf("%d bytes announced, %d left", l, len(b)-m)
		}
		s.p.fail(s.lenAt, malformed("field %d: %w", num, err))
		return false
	}
	s.end = s.lenAt + n
	return true
}

// span is the current field's content.
func (s *scanner) span() Span { return Span{int64(s.start), int64(s.end)} }

// content is the current field's content.
func (s *scanner) content() []byte { return s.p.b[s.start:s.end:s.end] }

// str is the current field as a string, one copy for equal ones.
func (s *scanner) str() string {
	b := s.content()
	if t, ok := s.p.names[string(b)]; ok {
		return t
	}
	s.p.charge(s.tag, int64(len(b))+112)
	if s.p.err != nil {
		return ""
	}
	t := string(b)
	if s.p.names == nil {
		s.p.names = make(map[string]string)
	}
	s.p.names[t] = t
	return t
}

// strs appends the current field to a list of strings.
func (s *scanner) strs(list []string) []string {
	return push(s, list, s.str())
}

// i32 is the current field as an int32, which the wire may hold in more bits.
func (s *scanner) i32() int32 { return int32(uint32(s.val)) }

// numbers calls each for the values of the current field, one if it is not packed.
func (s *scanner) numbers(each func(v uint64)) {
	if !s.packed {
		each(s.val)
		return
	}
	b := s.content()
	for at := 0; at < len(b); {
		v, n := number(s.def.kind, b[at:])
		if n < 0 {
			s.p.fail(s.start+at, malformed("packed value: %w", protowire.ParseError(n)))
			return
		}
		each(v)
		at += n
		if s.p.err != nil {
			return
		}
	}
}

// number reads one scalar and returns the number of its bytes, negative as
// protowire has it.
func number(k kind, b []byte) (v uint64, n int) {
	switch k {
	case fixed32:
		var w uint32
		w, n = protowire.ConsumeFixed32(b)
		return uint64(w), n
	case fixed64:
		return protowire.ConsumeFixed64(b)
	case varint, bytesOf, sub:
	}
	return protowire.ConsumeVarint(b)
}

// ints appends the values of the current field.
func (s *scanner) ints(list []int64) []int64 {
	s.numbers(func(v uint64) { list = push(s, list, int64(v)) })
	return list
}

// skim checks the message that is the current field and what is below it.
func (s *scanner) skim() {
	c := s.sub()
	for c.next() {
		if c.def != nil && c.def.kind == sub {
			c.skim()
		}
	}
}
