package model_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/train/model"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

const precisionText = "The river runs past the old mill, where the miller's daughter used to sit and read."

// graded trains a full difference on every ffn_down and returns a function that
// computes loss and gradient in a precision.
func graded(t *testing.T, m *model.Model) (params []*nn.Param, step func(nn.Precision, bool) (float64, []float32)) {
	t.Helper()
	for _, r := range m.Roles() {
		if r.Kind == model.FFNDown {
			d := nn.NewDelta(r.String(), m.Original(r))
			m.SetMatrix(r, d)
			params = append(params, d.Params()...)
		}
	}
	ids := append(m.Tokenizer().TextStart(), m.Tokenizer().Encode(precisionText)...)
	batch := model.NewBatch(ids, ids[:len(ids)/2])
	targets, weight := make([]int32, len(batch.IDs)), make([]float32, len(batch.IDs))
	for i := range targets {
		if targets[i] = -1; i+1 < len(batch.IDs) && batch.Pos[i+1] > 0 {
			targets[i], weight[i] = batch.IDs[i+1], 1.0/float32(len(batch.IDs))
		}
	}
	return params, func(p nn.Precision, divergence bool) (loss float64, grad []float32) {
		tp := nn.NewTape(m.Pool(), true)
		tp.SetPrecision(p)
		h := m.Forward(tp, batch, model.ForwardOptions{}).Last
		if divergence {
			loss = nn.KLToRef(tp, h, reference(m, batch, p).X, m.Head(), m.Head(), weight)
		} else {
			loss = nn.CrossEntropy(tp, h, m.Head(), targets, weight)
		}
		tp.Backward()
		for _, p := range params {
			grad = append(grad, p.G...)
			clear(p.G)
		}
		return loss, grad
	}
}

// reference is the final hidden states of the model as its file holds it.
func reference(m *model.Model, b *model.Batch, p nn.Precision) *nn.Value {
	plain := m.Truncate(m.Config().Blocks)
	for _, r := range m.Roles() {
		if r.Kind == model.FFNDown {
			plain.SetMatrix(r, nil)
		}
	}
	tp := nn.NewTape(m.Pool(), false)
	tp.SetPrecision(p)
	return plain.Forward(tp, b, model.ForwardOptions{}).Last
}

func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	return ab / math.Sqrt(aa*bb)
}

// TestFastIsCloseToF32 compares loss and gradient of the fast precision with
// those of float32: the cross-entropy of text, and the divergence of a model that
// is a little off from the original, whose gradient is a difference of close
// things.
func TestFastIsCloseToF32(t *testing.T) {
	if !simd.Int16.Available() || !simd.BFloat16.Available() {
		t.Skip("this CPU or build has no 16-bit products: fast is f32")
	}
	fast, _ := nn.NamedPrecision(nn.Fast)
	for name := range files {
		t.Run(name, func(t *testing.T) {
			m := open(t, name)
			params, step := graded(t, m)
			rng := rand.New(rand.NewPCG(1, 2))
			for _, c := range []struct {
				off             float64 // of the parameters; 0: cross-entropy
				loss, direction float64 // what may differ
			}{{0, 1e-3, 1e-4}, {1e-3, 2e-2, 2e-3}} {
				for _, p := range params {
					for i := range p.X {
						p.X[i] = float32(c.off * rng.NormFloat64())
					}
				}
				loss, grad := step(nn.Precision{}, c.off > 0)
				got, g := step(fast, c.off > 0)
				apart, away := math.Abs(got/loss-1), 1-cosine(g, grad)
				t.Logf("weights off by %g: loss %.4g differs by %.1e, the gradient's cosine from 1 by %.1e", c.off, loss, apart, away)
				if !(apart <= c.loss) || !(away <= c.direction) {
					t.Errorf("loss may differ by %g, the cosine by %g", c.loss, c.direction)
				}
			}
		})
	}
}
