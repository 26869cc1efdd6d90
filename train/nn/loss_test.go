package nn

import (
	"math"
	"testing"

	"github.com/detox-surgery/detox-surgery/simd"
)

// logSoftmax is log p over the rows of w for one hidden state, in float64.
func logSoftmax(h []float32, w *simd.Dense, softcap float64) []float64 {
	l := make([]float64, w.N)
	var sum float64
	for v := range l {
		for k, x := range h {
			l[v] += float64(x) * float64(w.Data[v*w.K+k])
		}
		if softcap > 0 {
			l[v] = softcap * math.Tanh(l[v]/softcap)
		}
		sum += math.Exp(l[v] - 20)
	}
	for v := range l {
		l[v] -= 20 + math.Log(sum)
	}
	return l
}

const vocab = 2*headRows + 37

var lossWeight = []float32{0.5, 0, 1.25, -0.75, 2}

func headOf(w *simd.Dense, softcap float64) simd.Matrix {
	if softcap > 0 {
		return &CappedHead{w, float32(softcap)}
	}
	return w
}

// lossGradient checks the gradient that loss leaves in h against differences of naive.
func lossGradient(t *testing.T, name string, h []float32, d int, loss func(tp *Tape, h *Value) float64, naive func() float64) {
	t.Helper()
	run := func(p *simd.Pool) (float64, []float32) {
		tp := NewTape(p, true)
		v := tp.Const(len(h)/d, d, h)
		tp.Watch(v)
		l := loss(tp, v)
		tp.Backward()
		return l, v.G
	}
	got, grad := run(nil)
	if want := naive(); math.Abs(got-want) > 1e-5*(1+math.Abs(want)) {
		t.Errorf("%s: %.8g, want %.8g", name, got, want)
	}
	differences(t, name, h, grad, 1e-3, 1e-4, naive)
	p := simd.NewPool(2)
	defer p.Close()
	again, grad2 := run(p)
	if again != got {
		t.Errorf("%s: %g with 1 worker, %g with 2", name, got, again)
	}
	same(t, name+" workers", grad2, grad, 0)
}

func TestCrossEntropy(t *testing.T) {
	const d = 6
	w := denseOf(1, vocab, d)
	for _, softcap := range []float64{0, 3} {
		h := random(2, 5*d)
		targets := []int32{3, 5, vocab - 1, headRows, -1}
		lossGradient(t, "cross-entropy", h, d, func(tp *Tape, v *Value) float64 {
			return CrossEntropy(tp, v, headOf(w, softcap), targets, lossWeight)
		}, func() float64 {
			var s float64
			for i, id := range targets {
				if id >= 0 {
					s -= float64(lossWeight[i]) * logSoftmax(h[i*d:(i+1)*d], w, softcap)[id]
				}
			}
			return s
		})
	}
}

// Weights that depend on the log-probabilities: a DPO-like loss Σ lp²/2 has the
// weights lp.
func TestLogProbs(t *testing.T) {
	const d = 6
	w, h := denseOf(1, vocab, d), random(2, 5*d)
	targets := []int32{3, -1, vocab - 1, headRows, 0}
	lossGradient(t, "log-probabilities", h, d, func(tp *Tape, v *Value) float64 {
		lp, back := LogProbs(tp, v, w, targets)
		back(lp)
		var s float64
		for _, x := range lp {
			s += float64(x) * float64(x) / 2
		}
		return s
	}, func() float64 {
		var s float64
		for i, id := range targets {
			if id >= 0 {
				x := logSoftmax(h[i*d:(i+1)*d], w, 0)[id]
				s += x * x / 2
			}
		}
		return s
	})
}

func TestKLToRef(t *testing.T) {
	const d = 6
	w, r := denseOf(1, vocab, d), denseOf(4, vocab, d)
	for _, softcap := range []float64{0, 3} {
		for _, ref := range []*simd.Dense{w, r} {
			h, href := random(2, 5*d), random(3, 5*d)
			head := headOf(w, softcap)
			refHead := head
			if ref != w {
				refHead = headOf(ref, softcap)
			}
			lossGradient(t, "divergence", h, d, func(tp *Tape, v *Value) float64 {
				return KLToRef(tp, v, href, head, refHead, lossWeight)
			}, func() float64 {
				var s float64
				for i, wt := range lossWeight {
					p, q := logSoftmax(href[i*d:(i+1)*d], ref, softcap), logSoftmax(h[i*d:(i+1)*d], w, softcap)
					for k := range p {
						s += float64(wt) * math.Exp(p[k]) * (p[k] - q[k])
					}
				}
				return s
			})
		}
	}
}

// A model that still is its reference gets a divergence and a gradient of exactly zero.
func TestKLOfItself(t *testing.T) {
	w, h := denseOf(1, vocab, 6), random(2, 5*6)
	tp := NewTape(nil, true)
	v := tp.Const(5, 6, h)
	tp.Watch(v)
	if kl := KLToRef(tp, v, h, w, w, lossWeight); kl != 0 {
		t.Errorf("divergence from itself is %g", kl)
	}
	for i, g := range v.G {
		if g != 0 {
			t.Fatalf("gradient %d is %g", i, g)
		}
	}
}

// Logits far apart and far from zero neither overflow nor lose the target.
func TestCrossEntropyExtremes(t *testing.T) {
	w := &simd.Dense{N: headRows + 2, K: 1, Data: make([]float32, headRows+2)}
	w.Data[0], w.Data[headRows+1] = -1e4, 1e4
	tp := NewTape(nil, true)
	h := tp.Const(2, 1, []float32{1, 1})
	tp.Watch(h)
	got := CrossEntropy(tp, h, w, []int32{0, headRows + 1}, []float32{1, 1})
	if math.Abs(got-2e4) > 1e-2 {
		t.Errorf("cross-entropy %g, want 20000", got)
	}
	if h.G[0] != 2e4 || h.G[1] != 0 {
		t.Errorf("gradient %v, want [20000 0]", h.G)
	}
}

func TestBCE(t *testing.T) {
	z := []float32{-40, -1, 0, 2, 50}
	labels := []float32{1, 0, 0.5, 1, 0}
	naive := func() float64 {
		var s float64
		for i, x := range z {
			p := 1 / (1 + math.Exp(-float64(x)))
			q := 1 / (1 + math.Exp(float64(x)))
			y := float64(labels[i])
			s -= float64(lossWeight[i]) * (y*math.Log(p) + (1-y)*math.Log(q))
		}
		return s
	}
	lossGradient(t, "bce", z, 1, func(tp *Tape, v *Value) float64 { return BCE(tp, v, labels, lossWeight) }, naive)
}
