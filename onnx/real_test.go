package onnx

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/detox-surgery/detox-surgery/internal/testenv"
)

// TestReal reads and writes what exporters and quantizers make of a language model.
func TestReal(t *testing.T) {
	for _, path := range testenv.ONNX(t) {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			m := opened(t, path)
			if err := m.Check(); err != nil {
				t.Error(err)
			}
			x := NewIndex(m)
			if len(x.Missing) > 0 {
				t.Errorf("missing: %v", x.Missing)
			}
			var out bytes.Buffer
			if _, err := m.WriteTo(&out, Edits{}); err != nil || !bytes.Equal(out.Bytes(), m.Bytes()) {
				t.Errorf("not written unchanged: %v", err)
			}
			e := Edits{Data: map[*Tensor][]byte{}, Metadata: []Prop{{"detox.version", "test"}}}
			for s := RawData; s <= External; s++ {
				if w := largest(m, x, s); w != nil {
					e.Data[w] = inverted(t, w)
				}
			}
			w, err := m.WriteFile(filepath.Join(t.TempDir(), "model.onnx"), false, e)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range w.Files {
				checkChanges(t, f)
			}
			g := opened(t, w.Files[0].Path)
			for i, a := range m.Tensors {
				want, ok := e.Data[a]
				if !ok {
					want = rawOf(t, a)
				}
				if !bytes.Equal(rawOf(t, g.Tensors[i]), want) {
					t.Errorf("%s has other elements", a.Name)
				}
			}
		})
	}
}

// largest is the largest initializer that is stored in one way.
func largest(m *Model, x *Index, s Storage) (found *Tensor) {
	for _, t := range m.Tensors {
		if t.Storage == s && x.Tensor(t) != nil && (found == nil || t.Size() > found.Size()) {
			found = t
		}
	}
	return found
}
