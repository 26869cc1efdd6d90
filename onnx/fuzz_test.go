package onnx

import (
	"bytes"
	"testing"
)

// FuzzReader: no bytes make the reader fail other than by an error. What it reads it
// can decode, look through and write again unchanged, and an edit of it reads back
// as it was given.
func FuzzReader(f *testing.F) {
	dir, models := golden(f)
	for name := range models {
		f.Add(get(f, dir+"/"+name))
	}
	for _, h := range hostile() {
		if len(h.data) < 1<<12 {
			f.Add(h.data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse(data)
		if err != nil {
			return
		}
		m.Walk(func(x Field) {
			if x.Tag < 0 || x.Content.Start < x.Value || x.Content.End > int64(len(data)) {
				t.Fatalf("field %+v", x)
			}
		})
		m.Graphs(func(g *Graph) {
			for _, n := range g.Nodes {
				n.Metadata()
				for _, a := range n.Attrs {
					_, _ = a.Value()
				}
			}
			if order, err := g.Sorted(); err == nil && len(order) != len(g.Nodes) {
				t.Fatal("nodes are lost")
			}
		})
		_ = m.Check()
		NewIndex(m)
		var out bytes.Buffer
		if _, err := m.WriteTo(&out, Edits{}); err != nil || !bytes.Equal(out.Bytes(), data) {
			t.Fatalf("not written unchanged: %v", err)
		}
		fuzzEdit(t, m)
	})
}

// fuzzEdit changes all tensors and a metadata key.
func fuzzEdit(t *testing.T, m *Model) {
	t.Helper()
	e := Edits{Data: map[*Tensor][]byte{}, Metadata: []Prop{{"detox.key", "value"}}}
	for _, x := range m.Tensors {
		_, _ = x.Strings()
		raw, err := x.Raw()
		if err != nil || x.Storage == External {
			continue
		}
		if x.Type.IsFloat() {
			if _, err := x.Float64s(); err != nil {
				t.Fatal(err)
			}
		}
		_, _ = x.Ints()
		_, _ = x.Uints()
		_, _ = x.Complexes()
		e.Data[x] = raw
		if len(raw) > 0 {
			e.Data[x] = inverted(t, x)
		}
	}
	var out bytes.Buffer
	if _, err := m.WriteTo(&out, e); err != nil {
		t.Fatal(err)
	}
	g, err := Parse(out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := g.Meta("detox.key"); !ok || v != "value" || len(g.Tensors) != len(m.Tensors) {
		t.Fatalf("metadata %q, %d tensors, were %d", v, len(g.Tensors), len(m.Tensors))
	}
	for i, x := range m.Tensors {
		want, ok := e.Data[x]
		if !ok {
			continue
		}
		if got, err := g.Tensors[i].Raw(); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%s: elements % x, want % x (%v)", x.Where(), got, want, err)
		}
	}
}
