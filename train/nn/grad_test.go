package nn

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/detox-surgery/detox-surgery/simd"
)

func random(seed uint64, n int) []float32 {
	r := rand.New(rand.NewPCG(seed, 7))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

func denseOf(seed uint64, n, k int) *simd.Dense {
	return &simd.Dense{N: n, K: k, Data: random(seed, n*k)}
}

// graph computes a result from leaves; it is run again for every difference.
type graph func(tp *Tape, in []*Value) *Value

// input is a leaf of a graph: its shape and content.
type input struct {
	t, d int
	x    []float32
}

func leaf(seed uint64, t, d int) input { return input{t, d, random(seed, t*d)} }

// evaluate returns Σ coef*out in float64 and the gradients of the leaves.
func evaluate(p *simd.Pool, g graph, in []input, coef []float32) (float64, [][]float32) {
	tp := NewTape(p, true)
	vs := make([]*Value, len(in))
	for i, v := range in {
		vs[i] = tp.Const(v.t, v.d, v.x)
		tp.Watch(vs[i])
	}
	out := g(tp, vs)
	var sum float64
	seed := tp.Seed(out)
	for i, x := range out.X {
		sum += float64(x) * float64(coef[i])
		seed[i] += coef[i]
	}
	tp.Backward()
	grads := make([][]float32, len(vs))
	for i, v := range vs {
		grads[i] = append([]float32(nil), v.G...)
	}
	return sum, grads
}

// differences compares grad with central differences of f along x, relative to
// the largest component.
func differences(t *testing.T, name string, x, grad []float32, step float32, tol float64, f func() float64) {
	t.Helper()
	if len(grad) != len(x) {
		t.Fatalf("%s: gradient has %d values, want %d", name, len(grad), len(x))
	}
	scale, worst, at := 1e-3, 0.0, -1
	for i := range x {
		old := x[i]
		hi, lo := old+step, old-step
		x[i] = hi
		up := f()
		x[i] = lo
		down := f()
		x[i] = old
		want := (up - down) / float64(hi-lo)
		scale = max(scale, math.Abs(want))
		if e := math.Abs(want - float64(grad[i])); e > worst || math.IsNaN(e) {
			worst, at = e, i
		}
	}
	if !(worst <= tol*scale) {
		t.Errorf("%s: gradient %d is off by %.3g of a largest %.3g", name, at, worst, scale)
	}
}

func checkOp(t *testing.T, name string, g graph, size int, in ...input) {
	t.Helper()
	coef := random(99, size)
	_, grads := evaluate(nil, g, in, coef)
	for i := range in {
		differences(t, name, in[i].x, grads[i], 4e-3, 2e-3, func() float64 {
			s, _ := evaluate(nil, g, in, coef)
			return s
		})
	}
	p := simd.NewPool(2)
	defer p.Close()
	_, again := evaluate(p, g, in, coef)
	for i := range grads {
		for j := range grads[i] {
			if math.Float32bits(grads[i][j]) != math.Float32bits(again[i][j]) {
				t.Fatalf("%s: gradient of input %d differs between 1 and 2 workers", name, i)
			}
		}
	}
}

func testGain(n int) *Gain { return NewGain(random(5, n)) }

func TestGradients(t *testing.T) {
	pos := []int32{0, 1, 2, 3, 4, 0, 1, 2, 3}
	spans := []Span{{0, 5}, {5, 4}}
	w := denseOf(3, 10, 12)
	attn := func(c AttnConfig) graph {
		c.Heads, c.KVHeads, c.HeadDim, c.Scale, c.Spans = 4, 2, 6, 0.4, spans
		return func(tp *Tape, in []*Value) *Value { return Attention(tp, in[0], in[1], in[2], c) }
	}
	rope := func(neox bool, dim int, factors ...float32) graph {
		rot := &Rotation{HeadDim: 6, Dim: dim, Base: 100, Scale: 0.5, NeoX: neox, Factors: factors, Magnitude: float32(dim) / 6}
		return func(tp *Tape, in []*Value) *Value { return RoPE(tp, in[0], pos, rot) }
	}
	qkv := []input{leaf(1, 9, 24), leaf(2, 9, 12), leaf(3, 9, 12)}
	for _, c := range []struct {
		name string
		g    graph
		size int
		in   []input
	}{
		{"add", func(tp *Tape, in []*Value) *Value { return Add(tp, in[0], Add(tp, in[0], in[1])) }, 35, []input{leaf(1, 5, 7), leaf(2, 5, 7)}},
		{"bias", func(tp *Tape, in []*Value) *Value {
			return Add(tp, in[0], AddBias(tp, in[0], []float32{1, 2, 3, 4, 5, 6, 7}))
		}, 35, []input{leaf(1, 5, 7)}},
		{"center", func(tp *Tape, in []*Value) *Value { return Add(tp, Center(tp, in[0]), in[0]) }, 35, []input{leaf(1, 5, 7)}},
		{"gelu", func(tp *Tape, in []*Value) *Value { return Add(tp, GELU(tp, in[0]), GELU(tp, in[0])) }, 35, []input{leaf(1, 5, 7)}},
		{"slice", func(tp *Tape, in []*Value) *Value { return Add(tp, Slice(tp, in[0], 0, 3), Slice(tp, in[0], 2, 3)) }, 15, []input{leaf(1, 5, 7)}},
		{"rope of some dimensions", rope(true, 4, 1, 2.5), 9 * 12, []input{leaf(1, 9, 12)}},
		{"rope of some dimensions, neighbours", rope(false, 2, 0.7), 9 * 12, []input{leaf(1, 9, 12)}},
		{"experts", func(tp *Tape, in []*Value) *Value {
			// The first columns decide, far enough apart that a small step changes no choice.
			probs, route := Route(tp, Add(tp, Scale(tp, in[1], 0.2), tp.Const(5, 4, routeLogits)), 2)
			y := ExpertLinear(tp, GatherRows(tp, in[0], route.Tokens), denseOf(3, 20, 12), route.Offsets)
			return Combine(tp, y, probs, route.Rows)
		}, 25, []input{leaf(1, 5, 12), leaf(2, 5, 4)}},
		{"scale", func(tp *Tape, in []*Value) *Value { return Scale(tp, in[0], -1.7) }, 35, []input{leaf(1, 5, 7)}},
		{"linear", func(tp *Tape, in []*Value) *Value { return Linear(tp, in[0], w) }, 50, []input{leaf(1, 5, 12)}},
		{"rmsnorm", func(tp *Tape, in []*Value) *Value { return RMSNorm(tp, in[0], testGain(12), 1e-2) }, 60, []input{leaf(1, 5, 12)}},
		{"rmsnorm without gain", func(tp *Tape, in []*Value) *Value { return RMSNorm(tp, in[0], nil, 1e-2) }, 60, []input{leaf(1, 5, 12)}},
		{"headnorm", func(tp *Tape, in []*Value) *Value { return HeadNorm(tp, in[0], testGain(6), 1e-2) }, 60, []input{leaf(1, 5, 12)}},
		{"residual norm", func(tp *Tape, in []*Value) *Value { return Add(tp, in[0], RMSNorm(tp, in[0], testGain(12), 1e-2)) }, 60, []input{leaf(1, 5, 12)}},
		{"rope", rope(false, 6), 108, []input{leaf(1, 9, 12)}},
		{"rope neox", rope(true, 6), 108, []input{leaf(1, 9, 12)}},
		{"rope twice", func(tp *Tape, in []*Value) *Value { return Add(tp, rope(true, 6)(tp, in), rope(false, 6)(tp, in)) }, 108, []input{leaf(1, 9, 12)}},
		{"silu", func(tp *Tape, in []*Value) *Value { return SiLUMul(tp, in[0], in[1]) }, 35, []input{leaf(1, 5, 7), leaf(2, 5, 7)}},
		{"gelu", func(tp *Tape, in []*Value) *Value { return GeLUMul(tp, in[0], in[1]) }, 35, []input{leaf(1, 5, 7), leaf(2, 5, 7)}},
		{"gather", func(tp *Tape, in []*Value) *Value { return GatherRows(tp, in[0], []int32{4, 0, 4, 2}) }, 28, []input{leaf(1, 5, 7)}},
		{"attention", attn(AttnConfig{}), 216, qkv},
		{"attention window", attn(AttnConfig{Window: 3}), 216, qkv},
		{"attention softcap", attn(AttnConfig{Softcap: 1.5}), 216, qkv},
	} {
		t.Run(c.name, func(t *testing.T) { checkOp(t, c.name, c.g, c.size, c.in...) })
	}
}

func TestGradReverse(t *testing.T) {
	in, coef := leaf(1, 3, 4), random(2, 12)
	sum, grads := evaluate(nil, func(tp *Tape, in []*Value) *Value { return GradReverse(tp, in[0], 0.5) }, []input{in}, coef)
	var want float64
	for i, c := range coef {
		want += float64(c) * float64(in.x[i])
		if grads[0][i] != -0.5*c {
			t.Fatalf("gradient %d: %g, want %g", i, grads[0][i], -0.5*c)
		}
	}
	if sum != want {
		t.Errorf("forward changed the value: %g, want %g", sum, want)
	}
}

func TestGainGradient(t *testing.T) {
	x, coef := random(1, 60), random(2, 60)
	gain := testGain(12)
	p := gain.Train("norm")
	f := func(tp *Tape) *Value { return RMSNorm(tp, tp.Const(5, 12, x), gain, 1e-2) }
	tp := NewTape(nil, true)
	copy(tp.Seed(f(tp)), coef)
	tp.Backward()
	differences(t, "gain", p.X, p.G, 1e-2, 1e-3, func() float64 {
		gain.Sync()
		return weighted(f(NewTape(nil, false)).X, coef)
	})
}

func weighted(x, coef []float32) float64 {
	var s float64
	for i, v := range x {
		s += float64(v) * float64(coef[i])
	}
	return s
}

// routeLogits [5, 4] send five tokens to all but the last of four experts.
var routeLogits = []float32{
	9, 6, 3, -9,
	6, 9, 3, -9,
	3, 6, 9, -9,
	9, 3, 6, -9,
	6, 3, 9, -9,
}
