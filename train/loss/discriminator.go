package loss

import (
	"math"
	"math/rand/v2"

	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/train/nn"
	"github.com/detox-surgery/detox-surgery/train/optim"
)

// Discriminator is D: R^D -> R, linear (Hidden 0) or with one hidden layer of
// GELU units. It is not part of the model and is thrown away after training.
type Discriminator struct {
	Width, Hidden int
	params        []*nn.Param // linear: w [D], b [1]; hidden: w1 [H,D], b1 [H], w2 [H], b2 [1]
	opt           *optim.AdamW
}

// NewDiscriminator returns a discriminator with small random weights. A linear
// one starts at zero, where it says ½ everywhere and moves nothing.
func NewDiscriminator(width, hidden int, seed uint64) *Discriminator {
	d := &Discriminator{Width: width, Hidden: hidden}
	add := func(name string, n int) []float32 {
		p := &nn.Param{Name: "discriminator." + name, X: make([]float32, n), G: make([]float32, n)}
		d.params = append(d.params, p)
		return p.X
	}
	if hidden == 0 {
		add("w", width)
		add("b", 1)
	} else {
		r := rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))
		for _, x := range [][]float32{add("w1", hidden*width), add("b1", hidden), add("w2", hidden), add("b2", 1)} {
			if len(x) == 1 || len(x) == hidden && &x[0] == &d.params[1].X[0] {
				continue
			}
			s := 1 / math.Sqrt(float64(width))
			if len(x) == hidden {
				s = 1 / math.Sqrt(float64(hidden))
			}
			for i := range x {
				x[i] = float32(r.NormFloat64() * s)
			}
		}
	}
	d.opt = optim.NewAdamW(d.params, optim.Config{Beta2: 0.999, Clip: -1})
	return d
}

// Params returns the parameters, for checkpoints and tests.
func (d *Discriminator) Params() []*nn.Param { return d.params }

// Optimizer returns the optimizer's state, for checkpoints.
func (d *Discriminator) Optimizer() *optim.AdamW { return d.opt }

func gelu(x float64) (y, dy float64) {
	phi := 0.5 * (1 + math.Erf(x/math.Sqrt2))
	return x * phi, phi + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)
}

// Logit returns D(u) for one state u [D]; with du it also writes dD/du there,
// and with scale != 0 it adds scale * dD/dθ to the parameters' gradients.
func (d *Discriminator) Logit(u, du []float32, scale float32) float32 {
	if d.Hidden == 0 {
		w, b := d.params[0], d.params[1]
		if du != nil {
			copy(du, w.X)
		}
		if scale != 0 {
			simd.Axpy(w.G, scale, u)
			b.G[0] += scale
		}
		return simd.Dot(w.X, u) + b.X[0]
	}
	w1, b1, w2, b2 := d.params[0], d.params[1], d.params[2], d.params[3]
	clear(du)
	z := float64(b2.X[0])
	for h := range d.Hidden {
		row := w1.X[h*d.Width : (h+1)*d.Width]
		y, dy := gelu(float64(simd.Dot(row, u) + b1.X[h]))
		z += float64(w2.X[h]) * y
		g := w2.X[h] * float32(dy)
		if du != nil {
			simd.Axpy(du, g, row)
		}
		if scale != 0 {
			simd.Axpy(w1.G[h*d.Width:(h+1)*d.Width], scale*g, u)
			b1.G[h] += scale * g
			w2.G[h] += scale * float32(y)
		}
	}
	if scale != 0 {
		b2.G[0] += scale
	}
	return float32(z)
}

// States is a set of token states that the discriminator sees in one step.
type States struct {
	X     []float32 // [len(Label), D], each row RMS-normalised
	Label []bool    // toxic
}

// Weight returns the class-balanced weights: ½ over the number of toxic rows,
// ½ over the number of benign ones; 0 for a class without rows.
func (s *States) Weight() (toxic, benign float32) {
	n := 0
	for _, l := range s.Label {
		if l {
			n++
		}
	}
	if n > 0 {
		toxic = 0.5 / float32(n)
	}
	if m := len(s.Label) - n; m > 0 {
		benign = 0.5 / float32(m)
	}
	return toxic, benign
}

// Train takes steps AdamW steps at learning rate lr on the class-balanced binary
// cross-entropy of s. It returns the loss and the class-balanced accuracy before
// the first step.
func (d *Discriminator) Train(s *States, lr float32, steps int) (bce, accuracy float64) {
	wt, wb := s.Weight()
	for step := range max(1, steps) {
		for i, toxic := range s.Label {
			u := s.X[i*d.Width : (i+1)*d.Width]
			y, w := float32(0), wb
			if toxic {
				y, w = 1, wt
			}
			z := d.Logit(u, nil, 0)
			if steps > 0 {
				d.Logit(u, nil, w*(sigmoid(z)-y))
			}
			if step == 0 {
				bce += float64(w) * softplus(float64(z)*float64(1-2*y))
				if (z > 0) == toxic {
					accuracy += float64(w)
				}
			}
		}
		if steps > 0 {
			d.opt.Step(lr)
		}
	}
	return bce, accuracy
}

func sigmoid(z float32) float32 { return float32(1 / (1 + math.Exp(-float64(z)))) }

// softplus is log(1 + e^x).
func softplus(x float64) float64 {
	if x > 30 {
		return x
	}
	return math.Log1p(math.Exp(x))
}
