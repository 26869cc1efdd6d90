package simd_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/simd/internal/simdtest"
)

// lengths covers every remainder of every vector width, and the cuts of long slices.
func lengths() []int {
	var ns []int
	for n := range 131 {
		ns = append(ns, n)
	}
	return append(ns, 576, 1000, 2047, 2048, 2049, 5000)
}

// elementwise describes a function that computes element i of its first out
// buffers from element i of all its buffers.
type elementwise struct {
	name      string
	bufs, out int
	run       func(b [][]float32)
	// ref returns the outputs in float64, and for each the sum of the
	// magnitudes of its terms, to which the error is relative.
	ref func(v []float64) (want, size []float64)
}

func one(want float64) (w, s []float64) { return []float64{want}, []float64{math.Abs(want)} }

func sigma(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func geluArg(x float64) (z, slope float64) {
	c := 2 * math.Sqrt(2/math.Pi)
	return c * (x + 0.044715*x*x*x), c * (1 + 3*0.044715*x*x)
}

func gluBackRef(v []float64, z, slope float64) (want, size []float64) {
	s := sigma(z)
	d, x := v[2]*v[4]*s, v[3]
	want = []float64{v[0] + d*(1+x*(1-s)*slope), v[1] + v[2]*x*s}
	e := 1 + math.Abs(z) // the error of the exponent's argument
	size = []float64{math.Abs(v[0]) + e*math.Abs(d)*(1+math.Abs(x*slope)), math.Abs(v[1]) + e*math.Abs(v[2]*x*s)}
	return want, size
}

var elementwiseFuncs = []elementwise{
	{"Axpy", 2, 1, func(b [][]float32) { simd.Axpy(b[0], 1.5, b[1]) }, func(v []float64) (w, s []float64) {
		return []float64{v[0] + 1.5*v[1]}, []float64{math.Abs(v[0]) + 1.5*math.Abs(v[1])}
	}},
	{"Add", 3, 1, func(b [][]float32) { simd.Add(b[0], b[1], b[2]) }, func(v []float64) (w, s []float64) { return one(v[1] + v[2]) }},
	{"AddInPlace", 2, 1, func(b [][]float32) { simd.Add(b[0], b[0], b[1]) }, func(v []float64) (w, s []float64) { return one(v[0] + v[1]) }},
	{"Mul", 3, 1, func(b [][]float32) { simd.Mul(b[0], b[1], b[2]) }, func(v []float64) (w, s []float64) { return one(v[1] * v[2]) }},
	{"Scale", 2, 1, func(b [][]float32) { simd.Scale(b[0], -0.3, b[1]) }, func(v []float64) (w, s []float64) { return one(float64(float32(-0.3)) * v[1]) }},
	{"ScaleBlocks", 1, 1, func(b [][]float32) { simd.ScaleBlocks(b[0], scalesFor(b[0], 0.7), scalesFor(b[0], 0.1), 48) }, func(v []float64) (w, s []float64) {
		a, c := float64(float32(0.7)), float64(float32(0.1))
		return []float64{v[0]*a + c}, []float64{math.Abs(v[0]*a) + c}
	}},
	{"Exp", 2, 1, func(b [][]float32) { simd.Exp(b[0], b[1]) }, func(v []float64) (w, s []float64) { return one(math.Exp(v[1])) }},
	{"SiLUMul", 3, 1, func(b [][]float32) { simd.SiLUMul(b[0], b[1], b[2]) }, func(v []float64) (w, s []float64) {
		return one(v[1] * sigma(v[1]) * v[2])
	}},
	{"GeLUMul", 3, 1, func(b [][]float32) { simd.GeLUMul(b[0], b[1], b[2]) }, func(v []float64) (w, s []float64) {
		z, _ := geluArg(v[1])
		w, s = one(v[1] * sigma(z) * v[2])
		s[0] *= 1 + math.Abs(z) // the error of the exponent's argument
		return w, s
	}},
	{"SiLUMulBack", 5, 2, func(b [][]float32) { simd.SiLUMulBack(b[0], b[1], b[2], b[3], b[4]) }, func(v []float64) (w, s []float64) {
		return gluBackRef(v, v[3], 1)
	}},
	{"GeLUMulBack", 5, 2, func(b [][]float32) { simd.GeLUMulBack(b[0], b[1], b[2], b[3], b[4]) }, func(v []float64) (w, s []float64) {
		z, slope := geluArg(v[3])
		return gluBackRef(v, z, slope)
	}},
	{"AdamW", 4, 4, func(b [][]float32) {
		for i, x := range b[3] {
			b[3][i] = x * x // a second moment is not negative
		}
		simd.AdamW(b[0], b[1], b[2], b[3], 0.01, 0.9, 0.99, 1e-8, 0.1, 0.2, 0.05)
	}, adamRef},
}

func adamRef(v []float64) (want, size []float64) {
	f := func(x float32) float64 { return float64(x) }
	p, g, m, u := v[0], v[1], v[2], v[3]*v[3]
	m1 := f(0.9)*m + (1-f(0.9))*g
	u1 := f(0.99)*u + (1-f(0.99))*g*g
	step := f(0.01) * (m1 / f(0.2)) / (math.Sqrt(u1/f(0.05)) + 1e-8)
	want = []float64{p*(1-f(0.01)*f(0.1)) - step, g, m1, u1}
	// 1-beta is rounded in float32 from a difference of nearly equal numbers.
	return want, []float64{math.Abs(p) + 10, math.Abs(g), math.Abs(m) + math.Abs(g), u + g*g}
}

func scalesFor(w []float32, f float32) []float32 {
	s := make([]float32, (len(w)+47)/48)
	for i := range s {
		s[i] = f
	}
	return s
}

func random(rng *rand.Rand, x []float32) {
	for i := range x {
		x[i] = float32(rng.NormFloat64() * 2)
	}
}

// TestElementwise compares with float64, at both ends of guarded memory, and
// requires the same bits wherever a slice is cut.
func TestElementwise(t *testing.T) {
	const most = 5000
	for _, f := range elementwiseFuncs {
		t.Run(f.name, func(t *testing.T) {
			guards, in, whole := make([]*simdtest.Guard, f.bufs), make([][]float32, f.bufs), make([][]float32, f.bufs)
			rng := rand.New(rand.NewPCG(1, uint64(f.bufs)))
			for i := range guards {
				guards[i] = simdtest.NewGuard(t, 4*most)
				in[i], whole[i] = make([]float32, most), make([]float32, most)
				random(rng, in[i])
			}
			simdtest.EachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
				for i := range whole {
					copy(whole[i], in[i])
				}
				f.run(whole)
				f.compare(t, whole, in)
				for _, n := range lengths() {
					f.cut(t, guards, in, whole, n)
				}
			})
		})
	}
}

func (f *elementwise) compare(t *testing.T, got, in [][]float32) {
	t.Helper()
	v := make([]float64, f.bufs)
	for i := range in[0] {
		for j := range v {
			v[j] = float64(in[j][i])
		}
		want, size := f.ref(v)
		for o := range f.out {
			if err := math.Abs(float64(got[o][i]) - want[o]); !(err <= 8*size[o]*0x1p-24) {
				t.Fatalf("element %d of output %d from %v: got %g, want %g", i, o, v, got[o][i], want[o])
			}
		}
	}
}

func (f *elementwise) cut(t *testing.T, guards []*simdtest.Guard, in, whole [][]float32, n int) {
	t.Helper()
	for _, place := range []func(*simdtest.Guard, int) []float32{(*simdtest.Guard).LastFloats, (*simdtest.Guard).FirstFloats} {
		b := make([][]float32, f.bufs)
		for i, g := range guards {
			b[i] = place(g, n)
			copy(b[i], in[i])
		}
		simdtest.NoFault(t, func() { f.run(b) })
		for i := range b {
			for k, got := range b[i] {
				if math.Float32bits(got) != math.Float32bits(whole[i][k]) {
					t.Fatalf("n=%d: element %d of buffer %d is %g, %g in a longer slice", n, k, i, got, whole[i][k])
				}
			}
		}
	}
}

// TestCanary checks that nothing beside the outputs is written.
func TestCanary(t *testing.T) {
	for _, f := range elementwiseFuncs {
		t.Run(f.name, func(t *testing.T) {
			simdtest.EachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
				for n := range 70 {
					all, b := make([][]float32, f.bufs), make([][]float32, f.bufs)
					for i := range all {
						all[i] = make([]float32, n+64)
						for k := range all[i] {
							all[i][k] = 0.5
						}
						b[i] = all[i][32+i : 32+i+n]
					}
					f.run(b)
					for i := range all {
						for k, v := range all[i] {
							if (k < 32+i || k >= 32+i+n) && v != 0.5 {
								t.Fatalf("n=%d: buffer %d: element %d was written", n, i, k-32-i)
							}
						}
					}
				}
			})
		})
	}
}

// TestLong: slices longer than one assembly call takes.
func TestLong(t *testing.T) {
	const n = 3<<16 + 77
	for _, f := range elementwiseFuncs {
		t.Run(f.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(5, 5))
			in, out := make([][]float32, f.bufs), make([][]float32, f.bufs)
			for i := range in {
				in[i], out[i] = make([]float32, n), make([]float32, n)
				random(rng, in[i])
				copy(out[i], in[i])
			}
			f.run(out)
			f.compare(t, out, in)
		})
	}
	x := make([]float32, n)
	for i := range x {
		x[i] = 2
	}
	if s, q := simd.Sum(x), simd.SumSquares(x); s != 2*n || q != 4*n {
		t.Errorf("sums of %d twos: %g, of squares %g", n, s, q)
	}
}

// ulps is the distance of got from want in units of the last place of float32.
func ulps(got float32, want float64) float64 {
	e := max(-126, math.Floor(math.Log2(math.Abs(want))))
	return math.Abs(float64(got)-want) / math.Ldexp(1, int(e)-23)
}

// TestExp walks through the float32 numbers.
func TestExp(t *testing.T) {
	step := uint32(1009)
	if testing.Short() {
		step = 50021
	}
	simdtest.EachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
		x, y := make([]float32, 4096), make([]float32, 4096)
		worst, at := 0.0, float32(0)
		for lo := uint64(0); lo < 1<<32; lo += uint64(len(x)) * uint64(step) {
			for i := range x {
				x[i] = math.Float32frombits(uint32(lo) + uint32(i)*step)
			}
			simd.Exp(y, x)
			for i, v := range x {
				want := math.Exp(float64(v))
				switch {
				case v != v:
					if y[i] == y[i] {
						t.Fatalf("Exp(NaN) = %g", y[i])
					}
				case float32(want) == 0 || math.IsInf(float64(float32(want)), 1):
					if y[i] != float32(want) && !(y[i] == 1e-45 && want > 0x1p-150) {
						t.Fatalf("Exp(%g) = %g, want %g", v, y[i], want)
					}
				default:
					if u := ulps(y[i], want); !(u <= worst) {
						worst, at = u, v
					}
				}
			}
		}
		t.Logf("largest error %.2f ulp at %g", worst, at)
		if !(worst <= 2) {
			t.Errorf("Exp(%g) is off by %g ulp, want at most 2", at, worst)
		}
	})
}

// TestSpecial compares where NaN, infinities and denormals come out.
func TestSpecial(t *testing.T) {
	inf := float32(math.Inf(1))
	nan := float32(math.NaN())
	specials := []float32{0, float32(math.Copysign(0, -1)), 1, -1, inf, -inf, nan, 1e-45, -1e-40, 1e18, -1e18, 88.7, -103, 1e-3}
	for _, f := range elementwiseFuncs {
		t.Run(f.name, func(t *testing.T) {
			restore := simd.SetTier(simd.Generic)
			want := specialInputs(f.bufs, specials)
			f.run(want)
			restore()
			simdtest.EachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
				in, got := specialInputs(f.bufs, specials), specialInputs(f.bufs, specials)
				f.run(got)
				for o := range f.out {
					for i, g := range got[o] {
						if !alike(g, want[o][i]) {
							t.Errorf("output %d of %v: got %g, generic code has %g", o, column(in, i), g, want[o][i])
						}
					}
				}
			})
		})
	}
}

func column(b [][]float32, i int) []float32 {
	var v []float32
	for _, x := range b {
		v = append(v, x[i])
	}
	return v
}

// specialInputs pairs each special with each: buffer b steps through them at
// its own pace.
func specialInputs(bufs int, specials []float32) [][]float32 {
	n := len(specials)
	in := make([][]float32, bufs)
	for b := range in {
		in[b] = make([]float32, n*n*n)
		for i := range in[b] {
			k := []int{i, i / n, i / n / n, i, i / n}[b]
			in[b][i] = specials[k%n]
		}
	}
	return in
}

// alike: equal, both NaN, or within rounding.
func alike(a, b float32) bool {
	if a == b || a != a && b != b {
		return true
	}
	return math.Abs(float64(a)-float64(b)) <= 4e-6*math.Abs(float64(b))+3e-45
}

func TestLengthPanics(t *testing.T) {
	x, y := make([]float32, 3), make([]float32, 4)
	for name, f := range map[string]func(){
		"Dot":         func() { simd.Dot(x, y) },
		"Axpy":        func() { simd.Axpy(x, 1, y) },
		"Add":         func() { simd.Add(x, x, y) },
		"Mul":         func() { simd.Mul(x, y, x) },
		"Scale":       func() { simd.Scale(x, 1, y) },
		"Exp":         func() { simd.Exp(x, y) },
		"ExpSum":      func() { simd.ExpSum(x, y, 0) },
		"Softmax":     func() { simd.Softmax(x, y) },
		"RMSNorm":     func() { simd.RMSNorm(x, x, y, 0) },
		"RMSNormBack": func() { simd.RMSNormBack(x, x, y, nil, 0) },
		"SiLUMul":     func() { simd.SiLUMul(x, x, y) },
		"SiLUMulBack": func() { simd.SiLUMulBack(x, y, x, x, x) },
		"GeLUMul":     func() { simd.GeLUMul(x, x, y) },
		"GeLUMulBack": func() { simd.GeLUMulBack(x, x, x, x, y) },
		"AdamW":       func() { simd.AdamW(x, x, x, y, 0, 0, 0, 0, 0, 1, 1) },
		"ScaleBlocks": func() { simd.ScaleBlocks(x, y, nil, 1) },
		"Dequant":     func() { simd.DequantQ8_0(x, make([]byte, 34)) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("did not panic")
				}
			}()
			f()
		})
	}
}

func BenchmarkElementwise(b *testing.B) {
	const n = 2048
	for _, f := range elementwiseFuncs {
		b.Run(f.name, func(b *testing.B) {
			buf := make([][]float32, f.bufs)
			rng := rand.New(rand.NewPCG(1, 1))
			for i := range buf {
				buf[i] = make([]float32, n)
				random(rng, buf[i])
			}
			simdtest.BenchEachTier(b, func(b *testing.B) { //nolint:thelper // a subtest, not a helper
				b.SetBytes(4 * n)
				for b.Loop() {
					f.run(buf)
				}
			})
		})
	}
}
