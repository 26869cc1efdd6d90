package onnx

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// Edits says what to change while a model is written again.
type Edits struct {
	// Data gives tensors of the model new elements, as raw data of the same type and
	// dimensions. They are stored in the way that the old ones were.
	Data map[*Tensor][]byte
	// Metadata sets the values of keys in metadata_props; new keys are appended in
	// this order.
	Metadata []Prop
}

// splice replaces a range of bytes of a file.
type splice struct {
	at, end int64
	data    []byte
}

// Change is a range of bytes that an edit replaced: where it was in the parent and
// where what took its place is in the output. All bytes outside of the changes
// are the parent's, in the same order.
type Change struct{ Old, New Span }

// plan is the splices of each file, in order.
type plan struct {
	model []splice // length prefixes not yet among them
	files map[*ExternalFile][]splice
}

// WriteTo writes the model file with edits and returns the number of bytes written.
// Without edits the output equals the input. Otherwise only the payloads that are
// edited and, where one changes its length, the length prefixes of the messages
// around it differ. Elements in external files cannot be edited here, see
// [Model.WriteFile]. Edits are checked before the first byte is written; errors of
// w are returned as they are.
func (m *Model) WriteTo(w io.Writer, e Edits) (int64, error) {
	p, err := m.plan(e)
	if err != nil {
		return 0, err
	}
	for f := range p.files {
		return 0, fmt.Errorf("onnx: edit: %w", unsupported("elements in %s are not part of the model file", f.Location))
	}
	list, err := m.nest(p.model)
	if err != nil {
		return 0, err
	}
	return writeSpliced(w, m.data, list)
}

// plan checks edits and turns them into splices.
func (m *Model) plan(e Edits) (*plan, error) {
	p := &plan{files: make(map[*ExternalFile][]splice)}
	for t, raw := range e.Data {
		if err := m.planData(p, t, raw); err != nil {
			where := "a tensor of another model"
			if t != nil && t.m == m {
				where = t.Where() + " " + short(t.Name)
			}
			return nil, fmt.Errorf("onnx: edit: %s: %w", where, err)
		}
	}
	for _, f := range m.Files {
		if err := f.checkShared(e.Data); err != nil {
			return nil, fmt.Errorf("onnx: edit: %w", err)
		}
		list := p.files[f]
		slices.SortFunc(list, bySplice)
		// What several tensors share was checked to be the same.
		p.files[f] = slices.CompactFunc(list, func(a, b splice) bool { return a.at == b.at })
		if len(list) == 0 {
			delete(p.files, f)
		}
	}
	if err := m.planMetadata(p, e.Metadata); err != nil {
		return nil, fmt.Errorf("onnx: edit: %w", err)
	}
	return p, nil
}

func bySplice(a, b splice) int {
	if a.at < b.at {
		return -1
	}
	return int(min(a.at-b.at, 1))
}

func (m *Model) planData(p *plan, t *Tensor, raw []byte) error {
	if t == nil || t.m != m {
		return fmt.Errorf("not a tensor of this model")
	}
	old, err := t.Raw()
	if err != nil {
		return err
	}
	if len(raw) != len(old) {
		return fmt.Errorf("%d bytes, %d elements of %v take %d", len(raw), t.elems, t.Type, t.size)
	}
	if bytes.Equal(raw, old) {
		return nil
	}
	switch t.Storage {
	case RawData:
		p.model = append(p.model, splice{t.raw.Start, t.raw.End, raw})
	case External:
		at := t.External.Offset
		p.files[t.External.File] = append(p.files[t.External.File], splice{at, at + t.External.Length, raw})
	case Typed:
		list, err := t.scatter(raw)
		p.model = append(p.model, list...)
		return err
	case NoData:
	}
	return nil
}

// checkShared refuses to edit a part of a file that a tensor that is not edited,
// or is edited otherwise, holds as well.
func (f *ExternalFile) checkShared(data map[*Tensor][]byte) error {
	byOffset := slices.Clone(f.Tensors)
	slices.SortFunc(byOffset, func(a, b *Tensor) int {
		return bySplice(splice{at: a.External.Offset}, splice{at: b.External.Offset})
	})
	var last *Tensor // the one that reaches furthest
	for _, t := range byOffset {
		if last != nil && t.External.Offset < last.External.Offset+last.External.Length && t.External.Length > 0 {
			a, edited := data[last]
			b, too := data[t]
			same := t.External.Offset == last.External.Offset && bytes.Equal(a, b)
			if (edited || too) && !(edited && too && same) {
				return unsupported("tensors %s and %s share bytes of %s: both must get the same elements", short(last.Name), short(t.Name), f.Location)
			}
		}
		if last == nil || t.External.Offset+t.External.Length > last.External.Offset+last.External.Length {
			last = t
		}
	}
	return nil
}

func (m *Model) planMetadata(p *plan, set []Prop) error {
	seen := make(map[string]bool, len(set))
	for _, kv := range set {
		switch {
		case kv.Key == "" || !utf8.ValidString(kv.Key) || !utf8.ValidString(kv.Value):
			return fmt.Errorf("metadata %q: key and value must be UTF-8 and the key not empty", short(kv.Key))
		case seen[kv.Key]:
			return fmt.Errorf("metadata %q is set twice", short(kv.Key))
		}
		seen[kv.Key] = true
		found := false
		for i, old := range m.Metadata {
			if old.Key != kv.Key {
				continue
			}
			found = true
			if old.Value != kv.Value {
				p.model = append(p.model, m.setProp(m.props[i], kv.Value))
			}
		}
		if !found {
			body := appendText(appendText(nil, 1, kv.Key), 2, kv.Value)
			p.model = append(p.model, splice{m.Size(), m.Size(), appendText(nil, 14, string(body))})
		}
	}
	return nil
}

// appendText appends a field of strings, bytes or a message.
func appendText(dst []byte, number protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(dst, number, protowire.BytesType), s)
}

// setProp gives an entry that has a key another value.
func (m *Model) setProp(at propAt, value string) splice {
	field := appendText(nil, 2, value)
	if at.value.Len() > 0 {
		return splice{at.value.Start, at.value.End, field}
	}
	return splice{at.key.Start, at.key.End, append(slices.Clone(m.data[at.key.Start:at.key.End]), field...)}
}

// nest adds the length prefixes that change to the splices of the model file.
func (m *Model) nest(list []splice) ([]splice, error) {
	slices.SortStableFunc(list, bySplice)
	s := m.rescan(modelMsg, Span{0, m.Size()})
	out, delta := s.nest(list)
	if m.Size()+delta > math.MaxInt32 {
		return nil, fmt.Errorf("onnx: edit: %w", unsupported("a model file of %d bytes; protobuf holds 2 GiB", m.Size()+delta))
	}
	return out, nil
}

func (s *scanner) nest(list []splice) (out []splice, delta int64) {
	for s.next() {
		k := 0
		for k < len(list) && list[k].at < int64(s.end) {
			k++
		}
		inner := list[:k]
		list = list[k:]
		if k > 0 && s.def != nil && s.def.kind == sub {
			c := s.sub()
			var d int64
			inner, d = c.nest(inner)
			if d != 0 {
				head := protowire.AppendVarint(nil, uint64(int64(s.end-s.start)+d))
				out = append(out, splice{int64(s.lenAt), int64(s.start), head})
				delta += d + int64(len(head)-(s.start-s.lenAt))
			}
			out = append(out, inner...)
			continue
		}
		out = append(out, inner...)
		delta += growth(inner)
	}
	return append(out, list...), delta + growth(list) // what is appended
}

func growth(list []splice) (n int64) {
	for _, p := range list {
		n += int64(len(p.data)) - (p.end - p.at)
	}
	return n
}

// writeSpliced writes data with splices, which are in order.
func writeSpliced(w io.Writer, data []byte, list []splice) (int64, error) {
	var n int64
	put := func(b []byte) error {
		k, err := w.Write(b)
		n += int64(k)
		return err
	}
	pos := int64(0)
	for _, p := range list {
		if err := put(data[pos:p.at]); err != nil {
			return n, err
		}
		if err := put(p.data); err != nil {
			return n, err
		}
		pos = p.end
	}
	return n, put(data[pos:])
}

// changes are the ranges of splices before and after.
func changes(list []splice) []Change {
	var out []Change
	delta := int64(0)
	for _, p := range list {
		n := int64(len(p.data))
		out = append(out, Change{Span{p.at, p.end}, Span{p.at + delta, p.at + delta + n}})
		delta += n - (p.end - p.at)
	}
	return out
}
