package edit

import (
	"slices"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/train/model"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

// Collect makes an edit of what a model's trainable handles and gains have
// learned. Parameters are copied. Meta.Parent and Meta.Arch are filled in.
func Collect(m *model.Model, meta Meta) *Edit {
	meta.Parent, meta.Arch = hashBytes(m.File().Bytes()), m.Config().Arch
	e := New(meta)
	for _, r := range m.Roles() {
		t := m.Tensor(r)
		p := &Part{Rows: t.Rows(), Cols: t.Cols()}
		if g := m.Gain(r); g != nil {
			if g.Delta == nil {
				continue
			}
			p.Delta = slices.Clone(g.Delta.X)
		} else if !p.collect(m.Matrix(r), t) {
			continue
		}
		e.Parts[r] = p
	}
	return e
}

// collect takes over what a handle has learned; false if it does not train.
func (p *Part) collect(w simd.Matrix, t *gguf.Tensor) bool {
	switch w := w.(type) {
	case *nn.Delta:
		p.Delta = slices.Clone(w.Params()[0].X)
	case *nn.Columns:
		p.Columns = sortedColumns(w.Index(), w.Params()[0].X, p.Rows)
	case *nn.Carriers:
		p.Carriers = newCarriers(t, w.Params())
	case *nn.Grid:
		if ps := w.Params()[1:]; len(ps) > 0 {
			p.Carriers = newCarriers(t, ps)
		}
		p.Delta = p.gap(w, t)
	default:
		return false
	}
	return true
}

// newCarriers binds trained moves, scales first, to a tensor.
func newCarriers(t *gguf.Tensor, ps []*nn.Param) *Carriers {
	c := &Carriers{Type: t.Type, Grid: hashBytes(t.Raw()), Scale: slices.Clone(ps[0].X)}
	if len(ps) > 1 {
		c.Min = slices.Clone(ps[1].X)
	}
	return c
}

// sortedColumns is a change of columns in ascending order.
func sortedColumns(index []int32, x []float32, rows int) *Columns {
	empty := &Columns{}
	return empty.plus(&Columns{Index: index, X: x}, rows)
}

// gap is what is missing from the part so far to make it the weight w.
func (p *Part) gap(w simd.Matrix, t *gguf.Tensor) []float32 {
	have := newEdited(t, p)
	delta, row := make([]float32, p.Rows*p.Cols), make([]float32, p.Cols)
	w.DequantRows(delta, p.Cols, 0, p.Rows)
	for r := range p.Rows {
		have.DequantRows(row, p.Cols, r, r+1)
		for j, x := range row {
			delta[r*p.Cols+j] -= x
		}
	}
	return delta
}
