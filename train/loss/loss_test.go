package loss_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/detox-surgery/detox-surgery/train/loss"
)

func states(n, d int, gap float64, seed uint64) *loss.States {
	r := rand.New(rand.NewPCG(seed, 1))
	s := &loss.States{}
	for i := range n {
		toxic := i%3 == 0
		for j := range d {
			x := r.NormFloat64()
			if toxic && j == 0 {
				x += gap
			}
			s.X = append(s.X, float32(x))
		}
		s.Label = append(s.Label, toxic)
	}
	return s
}

// TestDiscriminatorGradients holds dD/du and dD/dθ to central differences.
func TestDiscriminatorGradients(t *testing.T) {
	const width = 5
	for _, hidden := range []int{0, 7} {
		d := loss.NewDiscriminator(width, hidden, 3)
		r := rand.New(rand.NewPCG(9, 9))
		for _, p := range d.Params() {
			for i := range p.X {
				p.X[i] = float32(r.NormFloat64() * 0.5)
			}
		}
		u := []float32{0.3, -1.2, 0.7, 2, -0.4}
		du := make([]float32, width)
		d.Logit(u, du, 1)
		check := func(name string, x []float32, g []float32) {
			for i := range x {
				const h = 1e-2
				old := x[i]
				x[i] = old + h
				hi := float64(d.Logit(u, nil, 0))
				x[i] = old - h
				lo := float64(d.Logit(u, nil, 0))
				x[i] = old
				if want := (hi - lo) / (2 * h); math.Abs(want-float64(g[i])) > 2e-3*(1+math.Abs(want)) {
					t.Errorf("hidden %d, %s[%d]: gradient %g, differences %g", hidden, name, i, g[i], want)
				}
			}
		}
		check("u", u, du)
		for _, p := range d.Params() {
			check(p.Name, p.X, append([]float32(nil), p.G...))
		}
	}
}

// TestNothingMovesAtTheStart: with equal states of both classes the loss is ln 2
// and a linear discriminator that starts at zero moves no state.
func TestNothingMovesAtTheStart(t *testing.T) {
	d := loss.NewDiscriminator(4, 0, 1)
	s := states(30, 4, 0, 2)
	bce, _ := d.Train(s, 0, 0)
	if math.Abs(bce-math.Ln2) > 1e-6 {
		t.Errorf("loss at the start %g, want ln 2", bce)
	}
	du := make([]float32, len(s.X))
	wt, wb := s.Weight()
	loss.REPO{Variant: loss.Saturating}.BodyGradient(d, s.X, du, s.Label, wt, wb, 1)
	for i, g := range du {
		if g != 0 {
			t.Fatalf("state entry %d moves by %g", i, g)
		}
	}
}

func TestDiscriminatorLearns(t *testing.T) {
	for _, hidden := range []int{0, 16} {
		d := loss.NewDiscriminator(4, hidden, 1)
		s := states(300, 4, 4, 5)
		for range 40 {
			d.Train(s, 0.05, 5)
		}
		if bce, acc := d.Train(s, 0, 0); acc < 0.93 || bce > 0.3 {
			t.Errorf("hidden %d: accuracy %.2f, loss %.2f on separable states", hidden, acc, bce)
		}
	}
}

// TestVariants checks the direction and size of what the body receives.
func TestVariants(t *testing.T) {
	d := loss.NewDiscriminator(1, 0, 1)
	d.Params()[0].X[0] = 1 // z = u
	u, label := []float32{2, 2}, []bool{true, false}
	sig := float32(1 / (1 + math.Exp(-2)))
	for _, c := range []struct {
		variant       loss.Variant
		toxic, benign float32
	}{
		{loss.Saturating, 0.5 * (1 - sig), -0.5 * sig},
		{loss.NonSaturating, 0.5 * sig, 0},
		{loss.Confusion, 0.5 * (sig - 0.5), 0.5 * (sig - 0.5)},
	} {
		du := make([]float32, 2)
		loss.REPO{Variant: c.variant}.BodyGradient(d, u, du, label, 0.5, 0.5, 2)
		if math.Abs(float64(du[0]-2*c.toxic)) > 1e-6 || math.Abs(float64(du[1]-2*c.benign)) > 1e-6 {
			t.Errorf("%s: gradient %v, want %g and %g", c.variant, du, 2*c.toxic, 2*c.benign)
		}
		swapped := make([]float32, 2)
		loss.REPO{Variant: loss.Saturating}.BodyGradient(d, u, swapped, []bool{false, true}, 0.5, 0.5, 1)
		if swapped[0] >= 0 || swapped[1] <= 0 {
			t.Errorf("swapped labels must flip the signs: %v", swapped)
		}
	}
}

// TestReversedGradientErases runs the whole game in two dimensions: the body is a
// shift of the toxic states, the discriminator follows, and in the end a fresh
// discriminator cannot tell the classes apart.
func TestReversedGradientErases(t *testing.T) {
	s := states(600, 2, 2, 11)
	shift := make([]float64, 2)
	cfg := loss.REPO{Variant: loss.Saturating}
	d := loss.NewDiscriminator(2, 0, 1)
	for range 600 {
		moved := shifted(s, shift)
		d.Train(moved, 0.05, 3)
		du := make([]float32, len(s.X))
		wt, wb := s.Weight()
		cfg.BodyGradient(d, moved.X, du, s.Label, wt, wb, 1)
		for i, toxic := range s.Label {
			if toxic {
				shift[0] -= 0.1 * float64(du[2*i])
				shift[1] -= 0.1 * float64(du[2*i+1])
			}
		}
	}
	fresh, moved := loss.NewDiscriminator(2, 0, 7), shifted(s, shift)
	for range 100 {
		fresh.Train(moved, 0.05, 2)
	}
	if _, acc := fresh.Train(moved, 0, 0); acc > 0.56 {
		t.Errorf("a fresh discriminator is right on %.0f %% after erasure (shift %.2f), want about 50 %%", 100*acc, shift)
	}
}

func shifted(s *loss.States, by []float64) *loss.States {
	out := &loss.States{X: append([]float32(nil), s.X...), Label: s.Label}
	for i, toxic := range s.Label {
		if toxic {
			out.X[2*i] += float32(by[0])
			out.X[2*i+1] += float32(by[1])
		}
	}
	return out
}

func TestPositionsAndRamp(t *testing.T) {
	for p, want := range map[loss.Positions][]int{loss.Read: {3, 4}, loss.Predict: {2, 3}, loss.Both: {2, 3, 4}} {
		got := p.Rows(3, 5)
		if len(got) != len(want) || got[0] != want[0] || got[len(got)-1] != want[len(want)-1] {
			t.Errorf("%s: rows %v, want %v", p, got, want)
		}
	}
	c := loss.REPO{Lambda: 3, Ramp: 10}
	if c.LambdaAt(0) != 0 || math.Abs(c.LambdaAt(1)-3) > 1e-3 {
		t.Errorf("ramp from %g to %g, want 0 to 3", c.LambdaAt(0), c.LambdaAt(1))
	}
}
