package onnx

import (
	"encoding/binary"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// values calls each for every occurrence of the typed field that holds the
// tensor's elements. The file may have them in several, packed or not.
func (t *Tensor) values(each func(s *scanner)) error {
	s := t.m.rescan(tensorMsg, t.Span)
	for s.next() {
		if s.def != nil && s.def.name == t.Type.row().field {
			each(&s)
		}
	}
	if s.p.err != nil {
		e := *s.p.err
		e.File, e.Field = t.m.path, t.Where()+"."+t.Type.row().field
		return &e
	}
	return nil
}

// count is how many values the typed field must hold.
func (t *Tensor) count() int64 {
	if w := int64(t.Type.row().width); w > 0 {
		return t.size / w
	}
	return t.elems
}

// gather makes raw data of the typed field.
func (t *Tensor) gather() ([]byte, error) {
	n := int64(0)
	if err := t.values(func(s *scanner) { s.numbers(func(uint64) { n++ }) }); err != nil {
		return nil, err
	}
	if n != t.count() {
		return nil, t.errorf(malformed("%d values in %s, %d expected", n, t.Type.row().field, t.count()))
	}
	raw := make([]byte, 0, t.size+8)
	i := int64(0)
	width := t.Type.row().width
	err := t.values(func(s *scanner) {
		s.numbers(func(v uint64) {
			if width > 0 {
				raw = binary.LittleEndian.AppendUint64(raw, v)[:len(raw)+width]
				return
			}
			raw = raw[:t.size]
			put6(raw, i, v)
			i++
		})
	})
	return raw, err
}

// put6 stores 6-bit element i in zeroed raw data.
func put6(raw []byte, i int64, v uint64) {
	bit := i * 6
	w := v & 63 << (bit % 8)
	raw[bit/8] |= byte(w)
	if bit%8 > 2 {
		raw[bit/8+1] |= byte(w >> 8)
	}
}

// scatter makes splices that turn the typed field into raw, which has t.size
// bytes: occurrence by occurrence in the form that each has, and a value that
// stays keeps its bytes.
func (t *Tensor) scatter(raw []byte) ([]splice, error) {
	if _, err := t.gather(); err != nil { // the count of values is right
		return nil, err
	}
	var list []splice
	i := int64(0)
	err := t.values(func(s *scanner) {
		old := s.content()
		if !s.packed {
			old = s.p.b[s.lenAt:s.end]
		}
		var body []byte
		for at := 0; at < len(old); i++ {
			v, n := number(s.def.kind, old[at:])
			body = t.appendValue(body, s.def.kind, raw, i, v, old[at:at+n])
			at += n
		}
		switch {
		case slices.Equal(body, old):
		case s.packed && len(body) != len(old):
			head := protowire.AppendVarint(nil, uint64(len(body)))
			list = append(list, splice{int64(s.lenAt), int64(s.end), append(head, body...)})
		default:
			list = append(list, splice{int64(s.end - len(old)), int64(s.end), body})
		}
	})
	return list, err
}

// appendValue encodes value i of the typed field, which was old with bytes was.
func (t *Tensor) appendValue(dst []byte, k kind, raw []byte, i int64, old uint64, was []byte) []byte {
	row := t.Type.row()
	var v, mask uint64
	if row.width == 0 {
		v, mask = code(raw, 6, i), 63
	} else {
		bits := 8 * row.width
		v, mask = code(raw, bits, i), ^uint64(0)>>(64-bits)
		if row.class == signed && row.bits >= 8 {
			v = uint64(int64(v<<(64-bits)) >> (64 - bits))
		}
	}
	if (v^old)&mask == 0 {
		return append(dst, was...)
	}
	switch k {
	case fixed32:
		return protowire.AppendFixed32(dst, uint32(v))
	case fixed64:
		return protowire.AppendFixed64(dst, v)
	case varint, bytesOf, sub:
	}
	return protowire.AppendVarint(dst, v)
}
