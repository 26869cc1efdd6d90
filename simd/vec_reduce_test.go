package simd_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/simd/internal/simdtest"
)

// reduction describes a function of two vectors that sums over them. ref returns
// its value and the sum of the magnitudes of its terms, in float64.
type reduction struct {
	name string
	run  func(a, b []float32) float64
	ref  func(a, b []float32) (want, size float64)
	tol  float64 // of size, in units of 2^-24
}

var reductions = []reduction{
	{"Dot", func(a, b []float32) float64 { return float64(simd.Dot(a, b)) }, func(a, b []float32) (w, s float64) {
		for i := range a {
			w += float64(a[i]) * float64(b[i])
			s += math.Abs(float64(a[i]) * float64(b[i]))
		}
		return w, s
	}, 20},
	{"Sum", func(a, _ []float32) float64 { return simd.Sum(a) }, func(a, _ []float32) (w, s float64) {
		for _, v := range a {
			w += float64(v)
			s += math.Abs(float64(v))
		}
		return w, s
	}, 1e-6},
	{"SumSquares", func(a, _ []float32) float64 { return simd.SumSquares(a) }, func(a, _ []float32) (w, s float64) {
		for _, v := range a {
			w += float64(v) * float64(v)
		}
		return w, w
	}, 1e-6},
	{"Max", func(a, _ []float32) float64 { return float64(simd.Max(a)) }, func(a, _ []float32) (w, s float64) {
		w = math.Inf(-1)
		for _, v := range a {
			w = max(w, float64(v))
		}
		return w, 0
	}, 0},
	{"ExpSum", func(a, _ []float32) float64 { return simd.ExpSum(nil, a, 1) }, func(a, _ []float32) (w, s float64) {
		for _, v := range a {
			w += math.Exp(float64(v) - 1)
		}
		return w, w
	}, 20},
	{"LogSumExp", func(a, _ []float32) float64 { return simd.LogSumExp(a) }, func(a, _ []float32) (w, s float64) {
		for _, v := range a {
			w += math.Exp(float64(v))
		}
		return math.Log(w), 1 + math.Abs(math.Log(w))
	}, 20},
}

func TestReductions(t *testing.T) {
	for _, r := range reductions {
		t.Run(r.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(2, 2))
			ga, gb := simdtest.NewGuard(t, 4*5000), simdtest.NewGuard(t, 4*5000)
			simdtest.EachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
				for _, n := range lengths() {
					for _, last := range []bool{true, false} {
						a, b := ga.FirstFloats(n), gb.FirstFloats(n)
						if last {
							a, b = ga.LastFloats(n), gb.LastFloats(n)
						}
						random(rng, a)
						random(rng, b)
						var got float64
						simdtest.NoFault(t, func() { got = r.run(a, b) })
						want, size := r.ref(a, b)
						if got != want && !(math.Abs(got-want) <= r.tol*size*0x1p-24) {
							t.Fatalf("n=%d: got %.9g, want %.9g", n, got, want)
						}
					}
				}
			})
		})
	}
}

// TestMax: negative elements alone must win over the lanes beyond the tail, and
// NaN must not.
func TestMax(t *testing.T) {
	nan := float32(math.NaN())
	simdtest.EachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
		for n := 1; n < 70; n++ {
			x := make([]float32, n)
			for at := range x {
				for i := range x {
					x[i] = -7
					if i%3 == 1 {
						x[i] = nan
					}
				}
				x[at] = -2
				if got := simd.Max(x); got != -2 {
					t.Fatalf("n=%d: maximum at %d: got %g", n, at, got)
				}
			}
		}
		if got := simd.Max([]float32{nan, nan}); !math.IsInf(float64(got), -1) {
			t.Errorf("Max(NaN, NaN) = %g, want -Inf", got)
		}
	})
}

func TestSoftmax(t *testing.T) {
	simdtest.EachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
		rng := rand.New(rand.NewPCG(3, 3))
		for _, n := range lengths() {
			x, y := make([]float32, n), make([]float32, n)
			random(rng, x)
			if n > 2 {
				x[n/2] = float32(math.Inf(-1))
			}
			simd.Softmax(y, x)
			var total float64
			for _, v := range x {
				total += math.Exp(float64(v))
			}
			for i, v := range x {
				want := math.Exp(float64(v)) / total
				if math.Abs(float64(y[i])-want) > 2e-6*want {
					t.Fatalf("n=%d: element %d is %g, want %g", n, i, y[i], want)
				}
			}
		}
	})
}

func TestSoftmaxSpecial(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	simdtest.EachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
		for _, c := range []struct {
			x, want []float32
			lse     float64
		}{
			{[]float32{-inf, -inf, -inf}, []float32{0, 0, 0}, math.Inf(-1)},
			{[]float32{1e30, 0, -1e30}, []float32{1, 0, 0}, float64(float32(1e30))},
			{[]float32{0, inf, 0}, []float32{nan, nan, nan}, math.Inf(1)},
			{[]float32{0, nan}, []float32{nan, nan}, math.NaN()},
			{[]float32{-inf, nan}, []float32{nan, nan}, math.NaN()},
			{[]float32{-3e38}, []float32{1}, float64(float32(-3e38))},
			{nil, nil, math.Inf(-1)},
		} {
			y := make([]float32, len(c.x))
			simd.Softmax(y, c.x)
			for i := range y {
				if !sameBits(y[i], c.want[i]) {
					t.Errorf("Softmax(%v) = %v, want %v", c.x, y, c.want)
				}
			}
			if got := simd.LogSumExp(c.x); got != c.lse && !(math.IsNaN(got) && math.IsNaN(c.lse)) {
				t.Errorf("LogSumExp(%v) = %g, want %g", c.x, got, c.lse)
			}
		}
	})
}

// rmsNormRef is RMSNorm and its gradient by the chain rule, in float64.
func rmsNormRef(x, gain, dy []float32, eps float64) (y, dx []float64, rstd float64) {
	n := len(x)
	var ss, c float64
	for _, v := range x {
		ss += float64(v) * float64(v)
	}
	rstd = 1 / math.Sqrt(ss/float64(n)+eps)
	g := make([]float64, n)
	for i := range g {
		g[i] = 1
		if gain != nil {
			g[i] = float64(gain[i])
		}
		c += float64(dy[i]) * g[i] * float64(x[i])
	}
	y, dx = make([]float64, n), make([]float64, n)
	for i := range g {
		y[i] = float64(x[i]) * rstd * g[i]
		dx[i] = rstd*float64(dy[i])*g[i] - float64(x[i])*rstd*rstd*rstd*c/float64(n)
	}
	return y, dx, rstd
}

func TestRMSNorm(t *testing.T) {
	const eps = 1e-5
	simdtest.EachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
		rng := rand.New(rand.NewPCG(4, 4))
		for _, n := range lengths() {
			for _, withGain := range []bool{true, false} {
				x, dy, gain := make([]float32, n), make([]float32, n), make([]float32, n)
				random(rng, x)
				random(rng, dy)
				random(rng, gain)
				if !withGain {
					gain = nil
				}
				checkRMSNorm(t, x, dy, gain, eps)
			}
		}
	})
}

func checkRMSNorm(t *testing.T, x, dy, gain []float32, eps float32) {
	t.Helper()
	n := len(x)
	y, dx := make([]float32, n), make([]float32, n)
	for i := range dx {
		dx[i] = 1
	}
	rstd := simd.RMSNorm(y, x, gain, eps)
	simd.RMSNormBack(dx, dy, x, gain, rstd)
	if n == 0 {
		return
	}
	wantY, wantX, wantR := rmsNormRef(x, gain, dy, float64(eps))
	if math.Abs(float64(rstd)-wantR) > 1e-6*wantR {
		t.Fatalf("n=%d: rstd %g, want %g", n, rstd, wantR)
	}
	for i := range y {
		if math.Abs(float64(y[i])-wantY[i]) > 4e-7*math.Abs(wantY[i]) {
			t.Fatalf("n=%d: y[%d] = %g, want %g", n, i, y[i], wantY[i])
		}
		// The two terms of dx are of the size of rstd dy gain and cancel.
		if math.Abs(float64(dx[i])-1-wantX[i]) > 1e-5*(1+wantR*20) {
			t.Fatalf("n=%d: dx[%d] = %g, want %g", n, i, dx[i], 1+wantX[i])
		}
	}
}

// TestNoAllocation: a training step calls these thousands of times.
func TestNoAllocation(t *testing.T) {
	x, y := make([]float32, 3000), make([]float32, 3000)
	b := make([]byte, 34*20)
	simdtest.EachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
		if n := testing.AllocsPerRun(10, func() {
			simd.Softmax(y, x)
			simd.LogSumExp(x)
			simd.RMSNorm(y, x, nil, 1e-5)
			simd.SiLUMul(y, x, x)
			simd.Dot(x, y)
			simd.AdamW(x, y, x, y, 0, 0, 0, 1, 0, 1, 1)
			simd.DequantQ8_0(x, b)
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

func BenchmarkReduction(b *testing.B) {
	const n = 2048
	for _, r := range reductions {
		b.Run(r.name, func(b *testing.B) {
			x, y := make([]float32, n), make([]float32, n)
			rng := rand.New(rand.NewPCG(1, 1))
			random(rng, x)
			random(rng, y)
			simdtest.BenchEachTier(b, func(b *testing.B) { //nolint:thelper // a subtest, not a helper
				b.SetBytes(4 * n)
				for b.Loop() {
					r.run(x, y)
				}
			})
		})
	}
}
