package surgery

import (
	"errors"
	"fmt"
	"slices"

	"github.com/detox-surgery/detox-surgery/surgery/edit"
	"github.com/detox-surgery/detox-surgery/surgery/locate"
	"github.com/detox-surgery/detox-surgery/train/model"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

// Installed is a set of trainable handles in a model.
type Installed struct {
	m       *model.Model
	how     How
	roles   []model.Role
	handles []nn.Trainable // one per role; nil for a gain
	params  []*nn.Param
	Skipped []model.Role // tensors of types that this way of training cannot move
}

// Install puts trainable handles over the tensors that t names. neurons, ranked
// best first, is needed for Columns. Remove takes the handles out again.
func Install(m *model.Model, t Trainable, neurons []locate.Neuron) (*Installed, error) {
	roles, err := t.Roles(m)
	if err != nil {
		return nil, err
	}
	in := &Installed{m: m, how: t.How}
	for _, r := range roles {
		h, err := newHandle(m, r, t, neurons)
		if errors.Is(err, nn.ErrNoGrid) {
			in.Skipped = append(in.Skipped, r)
			continue
		}
		if err != nil {
			in.Remove()
			return nil, err
		}
		if h == nil {
			continue
		}
		m.SetMatrix(r, h)
		in.roles, in.handles = append(in.roles, r), append(in.handles, h)
		in.params = append(in.params, h.Params()...)
	}
	if t.Gains {
		in.installGains(roles)
	}
	if len(in.params) == 0 {
		return nil, fmt.Errorf("%w: nothing of %s can train as %s", model.ErrUnsupported, t.Targets, t.How)
	}
	return in, nil
}

// installGains makes the norm gains of the blocks that train trainable.
func (in *Installed) installGains(roles []model.Role) {
	seen := map[int]bool{}
	for _, r := range roles {
		if seen[r.Block] {
			continue
		}
		seen[r.Block] = true
		for _, k := range []model.Kind{model.AttnNorm, model.FFNNorm, model.PostAttnNorm, model.PostFFNNorm} {
			g := model.Role{Kind: k, Block: r.Block}
			if gain := in.m.Gain(g); gain != nil {
				in.roles, in.handles = append(in.roles, g), append(in.handles, nil)
				in.params = append(in.params, gain.Train(g.String()))
			}
		}
	}
}

// newHandle makes the handle of one tensor; nil where Columns has no neuron in it.
func newHandle(m *model.Model, r model.Role, t Trainable, neurons []locate.Neuron) (nn.Trainable, error) {
	tensor := m.Tensor(r)
	if tensor == nil {
		return nil, fmt.Errorf("%w: the model has no %s", model.ErrUnsupported, r)
	}
	how := t.How
	if tensor.Type.Block() == 1 && (how == Carriers || how == Grid) {
		how = Delta
	}
	// Where weights of a whole channel share a scale, as in ONNX, there are only codes.
	if g, ok := tensor.Type.Grid(); ok && g.Coarse && how == Carriers && !tensor.Type.Valid() {
		how = Grid
	}
	switch how {
	case Carriers:
		c, err := nn.NewCarriers(r.String(), tensor, tensor.Type, tensor.Raw())
		if err != nil {
			return nil, err
		}
		c.Round(true)
		return c, nil
	case Grid:
		g, err := nn.NewGrid(r.String(), tensor, tensor.Type, tensor.Raw(), true)
		if err != nil {
			return nil, err
		}
		g.Round(true)
		return g, nil
	case Columns:
		if r.Kind != model.FFNDown {
			return nil, fmt.Errorf("surgery: columns train in ffn_down, not in %s", r)
		}
		var cols []int32
		for i, n := range neurons {
			if i < t.Neurons && n.Block == r.Block {
				cols = append(cols, int32(n.Index))
			}
		}
		if cols == nil {
			return nil, nil
		}
		slices.Sort(cols)
		return nn.NewColumns(r.String(), tensor, cols), nil
	case Delta:
		return nn.NewDelta(r.String(), tensor), nil
	}
	return nil, fmt.Errorf("surgery: unknown way to train %q", t.How)
}

// Params returns everything that trains.
func (in *Installed) Params() []*nn.Param { return in.params }

// Sync recomputes the effective weights after the parameters moved.
func (in *Installed) Sync() {
	in.m.Pool().Do(len(in.handles), func(i, _ int) {
		if h := in.handles[i]; h != nil {
			h.Sync()
		} else {
			in.m.Gain(in.roles[i]).Sync()
		}
	})
}

// Remove gives the model its own weights back.
func (in *Installed) Remove() {
	for i, r := range in.roles {
		if in.handles[i] != nil {
			in.m.SetMatrix(r, nil)
		} else if g := in.m.Gain(r); g != nil {
			g.X, g.Delta = g.Base, nil
		}
	}
}

// Edit returns what was trained.
func (in *Installed) Edit(meta edit.Meta) *edit.Edit {
	e := edit.New(meta)
	for i, r := range in.roles {
		t := in.m.Tensor(r)
		p := &edit.Part{Rows: t.Rows(), Cols: t.Cols()}
		switch h := in.handles[i].(type) {
		case nil:
			p.Delta = slices.Clone(in.m.Gain(r).Delta.X)
		case *nn.Carriers:
			p.Carriers = edit.NewCarriers(t, h.Params())
		case *nn.Grid:
			p.Delta = gridDelta(h)
			if ps := h.Params()[1:]; len(ps) > 0 {
				p.Carriers = edit.NewCarriers(t, ps)
			}
		case *nn.Columns:
			p.Columns = &edit.Columns{Index: h.Index(), X: slices.Clone(h.Params()[0].X)}
		case *nn.Delta:
			p.Delta = slices.Clone(h.Params()[0].X)
		}
		if !p.IsZero() {
			e.Parts[r] = p
		}
	}
	return e
}

// gridDelta is the difference between a weight on its grid and the original codes
// on the moved grid.
func gridDelta(g *nn.Grid) []float32 {
	d := make([]float32, g.Rows()*g.Cols())
	g.CodeDelta(d)
	return d
}
