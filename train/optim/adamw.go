package optim

import (
	"math"

	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

const errState = "optim: state does not fit the parameters"

// Config holds AdamW's constants. The zero value of a field selects its default.
type Config struct {
	Beta1       float32 // default 0.9
	Beta2       float32 // default 0.99
	Eps         float32 // default 1e-8
	WeightDecay float32 // decoupled; default 0
	Clip        float64 // largest global gradient norm; default 1, negative: no clipping
}

func (c Config) withDefaults() Config {
	if c.Beta1 == 0 {
		c.Beta1 = 0.9
	}
	if c.Beta2 == 0 {
		c.Beta2 = 0.99
	}
	if c.Eps == 0 {
		c.Eps = 1e-8
	}
	if c.Clip == 0 {
		c.Clip = 1
	}
	return c
}

// AdamW is the optimizer's state for a list of parameters.
type AdamW struct {
	cfg    Config
	params []*nn.Param
	m, v   [][]float32
	step   int
}

// NewAdamW returns an optimizer of params with zero moments.
func NewAdamW(params []*nn.Param, cfg Config) *AdamW {
	o := &AdamW{cfg: cfg.withDefaults(), params: params}
	for _, p := range params {
		o.m = append(o.m, make([]float32, len(p.X)))
		o.v = append(o.v, make([]float32, len(p.X)))
	}
	return o
}

// Step clips the gradients, moves the parameters by one AdamW step at learning
// rate lr, zeroes the gradients and returns their norm before clipping. A norm
// that is not finite leaves the parameters as they are.
func (o *AdamW) Step(lr float32) (norm float64) {
	for _, p := range o.params {
		norm += simd.SumSquares(p.G)
	}
	norm = math.Sqrt(norm)
	if math.IsNaN(norm) || math.IsInf(norm, 0) {
		o.zero()
		return norm
	}
	if o.cfg.Clip > 0 && norm > o.cfg.Clip {
		for _, p := range o.params {
			simd.Scale(p.G, float32(o.cfg.Clip/norm), p.G)
		}
	}
	o.step++
	bias1 := float32(1 - math.Pow(float64(o.cfg.Beta1), float64(o.step)))
	bias2 := float32(1 - math.Pow(float64(o.cfg.Beta2), float64(o.step)))
	for i, p := range o.params {
		simd.AdamW(p.X, p.G, o.m[i], o.v[i], lr, o.cfg.Beta1, o.cfg.Beta2, o.cfg.Eps, o.cfg.WeightDecay, bias1, bias2)
	}
	o.zero()
	return norm
}

func (o *AdamW) zero() {
	for _, p := range o.params {
		clear(p.G)
	}
}

// State is what a checkpoint keeps of an optimizer.
type State struct {
	Step int
	M, V [][]float32
}

// State returns a view of the optimizer's state, not a copy.
func (o *AdamW) State() State { return State{o.step, o.m, o.v} }

// Restore copies a saved state. It panics when the shapes differ.
func (o *AdamW) Restore(s State) {
	if len(s.M) != len(o.m) || len(s.V) != len(o.v) {
		panic(errState)
	}
	for i := range o.m {
		if len(s.M[i]) != len(o.m[i]) || len(s.V[i]) != len(o.v[i]) {
			panic(errState)
		}
		copy(o.m[i], s.M[i])
		copy(o.v[i], s.V[i])
	}
	o.step = s.Step
}

// LinearSchedule is the learning rate's factor at step of steps: a linear rise
// over the first warmup steps, times a linear fall from 1 to floor.
func LinearSchedule(step, steps, warmup int, floor float64) float32 {
	f := 1 - (1-floor)*float64(step)/float64(max(1, steps))
	if warmup > 0 && step < warmup {
		f *= float64(step+1) / float64(warmup)
	}
	return float32(f)
}
