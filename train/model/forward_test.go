package model_test

import (
	"math"
	"slices"
	"testing"

	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/train/model"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

// TestGradientEqualsPyTorch compares the gradient of ffn_down in a model of two
// blocks with autograd's in float64.
func TestGradientEqualsPyTorch(t *testing.T) {
	var g struct {
		IDs    []int32
		Loss   float64
		Blocks []struct {
			Norm  float64
			Index []int
			Value []float64
		}
	}
	golden(t, "grad-smollm2.json", &g)
	m := open(t, "smollm2").Truncate(2)
	var deltas []*nn.Delta
	for l := range 2 {
		r := model.Role{Kind: model.FFNDown, Block: l}
		deltas = append(deltas, nn.NewDelta(r.String(), m.Original(r)))
		m.SetMatrix(r, deltas[l])
	}
	n := len(g.IDs) - 1
	targets, weight := append(slices.Clone(g.IDs[1:]), -1), make([]float32, n+1)
	for i := range n {
		weight[i] = 1 / float32(n)
	}
	tp := nn.NewTape(m.Pool(), true)
	h := m.Forward(tp, model.NewBatch(g.IDs), model.ForwardOptions{})
	if loss := nn.CrossEntropy(tp, h.Last, m.Head(), targets, weight); !(math.Abs(loss-g.Loss) < 1e-4*g.Loss) {
		t.Errorf("loss %.6f, PyTorch %.6f", loss, g.Loss)
	}
	tp.Backward()
	for l, want := range g.Blocks {
		grad := deltas[l].Params()[0].G
		var diff, size float64
		for i, at := range want.Index {
			d := float64(grad[at]) - want.Value[i]
			diff += d * d
			size += want.Value[i] * want.Value[i]
		}
		norm, rel := math.Sqrt(simd.SumSquares(grad)), math.Sqrt(diff/size)
		t.Logf("block %d: norm %.6f (PyTorch %.6f), sampled entries off by %.2g", l, norm, want.Norm, rel)
		if !(rel <= 1e-3) || !(math.Abs(norm-want.Norm) <= 1e-3*want.Norm) {
			t.Errorf("block %d: gradient differs from PyTorch's", l)
		}
	}
}

func TestSetMatrix(t *testing.T) {
	m := open(t, "smollm2").Truncate(3)
	var g logitsGolden
	golden(t, "logits-smollm2.json", &g)
	ids := g.Prompts[0].IDs
	r := model.Role{Kind: model.FFNDown, Block: 1}
	before := logits(m, ids)

	w := m.Original(r)
	zero := &simd.Dense{N: w.Rows(), K: w.Cols(), Data: make([]float32, w.Rows()*w.Cols())}
	m.SetMatrix(r, zero)
	if m.Matrix(r) != simd.Matrix(zero) || m.Original(r) == simd.Matrix(zero) {
		t.Error("handles are mixed up")
	}
	if slices.Equal(logits(m, ids)[5], before[5]) {
		t.Error("a replaced matrix changes nothing")
	}
	m.SetMatrix(r, nil)
	for at, y := range logits(m, ids) {
		if !slices.Equal(y, before[at]) {
			t.Fatalf("logits at %d differ after restoring the file's matrix", at)
		}
	}
	for name, f := range map[string]func(){
		"shape": func() { m.SetMatrix(r, &simd.Dense{N: 1, K: 1, Data: []float32{0}}) },
		"role":  func() { m.SetMatrix(model.Role{Kind: model.FFNDown, Block: 3}, nil) },
		"gain":  func() { m.SetMatrix(model.Role{Kind: model.FFNNorm}, zero) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

// TestForwardPacked checks that packed sequences do not see each other, and that
// a pass from a kept block ends where the whole pass does.
func TestForwardPacked(t *testing.T) {
	m := open(t, "smollm2").Truncate(4)
	var g logitsGolden
	golden(t, "logits-smollm2.json", &g)
	a, b := g.Prompts[0].IDs, g.Prompts[1].IDs
	tp := nn.NewTape(m.Pool(), false)
	batch := model.NewBatch(a, nil, b)
	h := m.Forward(tp, batch, model.ForwardOptions{KeepBlocks: true, KeepActs: true})
	for _, s := range []struct {
		ids   []int32
		start int
	}{{a, 0}, {b, len(a)}} {
		one := nn.NewTape(m.Pool(), false)
		want := m.Forward(one, model.NewBatch(s.ids), model.ForwardOptions{}).Last.X
		got := h.Last.X[s.start*h.Last.D : (s.start+len(s.ids))*h.Last.D]
		if d := difference(got, want); !(d < 1e-4) {
			t.Errorf("sequence at row %d changes by %g in company", s.start, d)
		}
	}
	c := m.Config()
	for l := range c.Blocks {
		if h.Blocks[l].D != c.Width || h.Acts[l].D != c.FFN || h.Acts[l].T != len(batch.IDs) || h.Acts[l].X == nil || h.Blocks[l].X == nil {
			t.Fatalf("block %d is not kept", l)
		}
	}
	rest := nn.NewTape(m.Pool(), false)
	in := rest.Const(len(batch.IDs), c.Width, h.Blocks[1].X)
	got := m.Forward(rest, batch, model.ForwardOptions{From: 2, Input: in}).Last.X
	if !slices.Equal(got, h.Last.X) {
		t.Error("a pass from block 2 ends elsewhere")
	}
}

func difference(a, b []float32) float64 {
	worst := 0.0
	for i, x := range a {
		worst = max(worst, math.Abs(float64(x-b[i])))
	}
	return worst
}

// TestWatchedActs compares the gradient left in activations with a difference.
func TestWatchedActs(t *testing.T) {
	m := open(t, "smollm2").Truncate(2)
	var g logitsGolden
	golden(t, "logits-smollm2.json", &g)
	ids := g.Prompts[0].IDs
	targets, weight := append(slices.Clone(ids[1:]), -1), make([]float32, len(ids))
	for i := range ids[1:] {
		weight[i] = 1
	}
	r := model.Role{Kind: model.FFNDown, Block: 1}
	tp := nn.NewTape(m.Pool(), true)
	h := m.Forward(tp, model.NewBatch(ids), model.ForwardOptions{WatchActs: true, WatchBlocks: true})
	base := nn.CrossEntropy(tp, h.Last, m.Head(), targets, weight)
	tp.Backward()
	// Silencing a neuron everywhere changes the loss by about -Σ m ∂L/∂m.
	f, w := m.Config().FFN, m.Original(r)
	best, at := 0.0, 0
	for i := range f {
		sum := 0.0
		for j := range ids {
			sum += float64(h.Acts[1].X[j*f+i]) * float64(h.Acts[1].G[j*f+i])
		}
		if math.Abs(sum) > math.Abs(best) {
			best, at = sum, i
		}
	}
	if h.Blocks[0].G == nil {
		t.Error("watched block has no gradient")
	}
	const step = 0.02
	d := nn.NewColumns("", w, []int32{int32(at)})
	column := make([]float32, w.Rows()*w.Cols())
	w.DequantRows(column, w.Cols(), 0, w.Rows())
	for i := range w.Rows() {
		d.Params()[0].X[i] = -step * column[i*w.Cols()+at]
	}
	d.Sync()
	m.SetMatrix(r, d)
	tp = nn.NewTape(m.Pool(), false)
	h = m.Forward(tp, model.NewBatch(ids), model.ForwardOptions{})
	got := nn.CrossEntropy(tp, h.Last, m.Head(), targets, weight) - base
	if want := -step * best; !(math.Abs(got-want) < 0.05*math.Abs(want)) {
		t.Errorf("weakening neuron %d by %g changes the loss by %g, its gradient says %g", at, step, got, want)
	}
}
