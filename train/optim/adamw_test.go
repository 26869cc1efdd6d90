package optim_test

import (
	"math"
	"testing"

	"github.com/detox-surgery/detox-surgery/train/nn"
	"github.com/detox-surgery/detox-surgery/train/optim"
)

// TestAdamWFollowsTheDefinition compares ten steps with the formulas in float64.
func TestAdamWFollowsTheDefinition(t *testing.T) {
	const n, lr, wd = 37, 1e-2, 0.1
	p := nn.NewParam("p", n)
	x, m, v := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range x {
		p.X[i] = float32(math.Sin(float64(i)))
		x[i] = float64(p.X[i])
	}
	o := optim.NewAdamW([]*nn.Param{p}, optim.Config{WeightDecay: wd, Clip: -1})
	for step := 1; step <= 10; step++ {
		for i := range x {
			g := math.Cos(float64(i*step)) * 0.3
			p.G[i] = float32(g)
			m[i] = 0.9*m[i] + 0.1*g
			v[i] = 0.99*v[i] + 0.01*g*g
			mh, vh := m[i]/(1-math.Pow(0.9, float64(step))), v[i]/(1-math.Pow(0.99, float64(step)))
			x[i] -= lr * (mh/(math.Sqrt(vh)+1e-8) + wd*x[i])
		}
		o.Step(lr)
		for i := range x {
			if d := math.Abs(float64(p.X[i]) - x[i]); d > 2e-6 {
				t.Fatalf("step %d, parameter %d: %g, want %g", step, i, p.X[i], x[i])
			}
		}
	}
}

func TestClipAndBrokenGradients(t *testing.T) {
	p := nn.NewParam("p", 2)
	o := optim.NewAdamW([]*nn.Param{p}, optim.Config{})
	p.G[0], p.G[1] = 3, 4
	if n := o.Step(0); math.Abs(n-5) > 1e-6 {
		t.Errorf("norm before clipping %g, want 5", n)
	}
	if m := o.State().M[0]; math.Abs(float64(m[0])-0.06) > 1e-6 || math.Abs(float64(m[1])-0.08) > 1e-6 {
		t.Errorf("first moment %v of the clipped gradient, want 0.06 and 0.08", m)
	}
	before := p.X[0]
	p.G[0] = float32(math.NaN())
	if n := o.Step(1); !math.IsNaN(n) || p.X[0] != before || p.G[0] != 0 {
		t.Errorf("a gradient that is not finite must move nothing: norm %g, parameter %g, gradient %g", n, p.X[0], p.G[0])
	}
}

func TestLinearSchedule(t *testing.T) {
	for _, c := range []struct {
		step int
		want float32
	}{{0, 0.1}, {9, 0.919}, {50, 0.55}, {100, 0.1}} {
		if got := optim.LinearSchedule(c.step, 100, 10, 0.1); math.Abs(float64(got-c.want)) > 1e-6 {
			t.Errorf("step %d: %g, want %g", c.step, got, c.want)
		}
	}
}
