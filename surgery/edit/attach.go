package edit

import (
	"fmt"
	"sync"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/train/model"
)

// Attachment is an edit that a model computes with, until Detach.
type Attachment struct {
	m        *model.Model
	matrices map[model.Role]simd.Matrix // what was there before
	gains    map[model.Role][]float32
}

// Attach makes the model compute with the float edit, nothing rounded. It fails,
// and leaves the model as it is, if a part does not fit the model. The edit must
// not change while it is attached.
func Attach(m *model.Model, e *Edit) (*Attachment, error) {
	if err := e.Check(m); err != nil {
		return nil, err
	}
	a := &Attachment{m: m, matrices: map[model.Role]simd.Matrix{}, gains: map[model.Role][]float32{}}
	for _, r := range e.Roles() {
		p := e.Parts[r]
		if p.IsZero() {
			continue
		}
		w := newEdited(m.Tensor(r), p)
		if g := m.Gain(r); g != nil {
			a.gains[r] = g.X
			g.X = make([]float32, p.Cols)
			w.DequantRows(g.X, p.Cols, 0, 1)
			continue
		}
		a.matrices[r] = m.Matrix(r)
		m.SetMatrix(r, w)
	}
	return a, nil
}

// Detach gives the model the weights back that it had before Attach.
func (a *Attachment) Detach() {
	for r, w := range a.matrices {
		a.m.SetMatrix(r, w)
	}
	for r, x := range a.gains {
		a.m.Gain(r).X = x
	}
	a.matrices, a.gains = nil, nil
}

// Check reports whether every part fits the model: roles, shapes, and carriers
// made on these very tensors. The error is ErrMismatch.
func (e *Edit) Check(m *model.Model) error {
	if arch := m.Config().Arch; e.Meta.Arch != "" && e.Meta.Arch != arch {
		return fmt.Errorf("%w: the edit is for architecture %q, the model is %q", ErrMismatch, e.Meta.Arch, arch)
	}
	for _, r := range e.Roles() {
		p, t := e.Parts[r], m.Tensor(r)
		if t == nil {
			return fmt.Errorf("%w: the model has no tensor %s", ErrMismatch, r)
		}
		if t.Rows() != p.Rows || t.Cols() != p.Cols {
			return fmt.Errorf("%w: %s is [%d, %d] in the edit and [%d, %d] in the model", ErrMismatch, r, p.Rows, p.Cols, t.Rows(), t.Cols())
		}
		c := p.Carriers
		if c == nil {
			continue
		}
		if c.Type != t.Type || c.Grid != hashBytes(t.Raw()) {
			return fmt.Errorf("%w: the carriers of %s were trained on other %s codes than this file's (%s)", ErrMismatch, r, c.Type, t.Type)
		}
	}
	return nil
}

// edited is the matrix that a float edit asks for.
type edited struct {
	t      *gguf.Tensor
	part   *Part
	movers sync.Pool // of *rowMover
}

func newEdited(t *gguf.Tensor, p *Part) *edited {
	return &edited{t: t, part: p, movers: sync.Pool{New: func() any { return new(rowMover) }}}
}

// Rows implements simd.Matrix.
func (w *edited) Rows() int { return w.part.Rows }

// Cols implements simd.Matrix.
func (w *edited) Cols() int { return w.part.Cols }

// DequantRows implements simd.Matrix.
func (w *edited) DequantRows(dst []float32, ld, r0, r1 int) {
	w.t.DequantRows(dst, ld, r0, r1)
	mv := w.movers.Get().(*rowMover)
	defer w.movers.Put(mv)
	for r := r0; r < r1; r++ {
		row := dst[(r-r0)*ld : (r-r0)*ld+w.part.Cols]
		if c := w.part.Carriers; c != nil {
			n := len(c.Scale) / w.part.Rows
			mv.move(c.Type, row, rowBytes(w.t, r), c.Scale[r*n:(r+1)*n], c.mins(r, n))
		}
		w.part.addFloats(row, r)
	}
}

// mins are the moves of row r's n minimums, nil if the type has none.
func (c *Carriers) mins(r, n int) []float32 {
	if c.Min == nil {
		return nil
	}
	return c.Min[r*n : (r+1)*n]
}

// rowBytes is row r of a tensor as stored.
func rowBytes(t *gguf.Tensor, r int) []byte {
	n := t.Type.RowBytes(t.Cols())
	return t.Raw()[r*n : (r+1)*n]
}
