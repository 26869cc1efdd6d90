package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// eachPrecision runs f for every precision below Float32 that this CPU has.
func eachPrecision(t *testing.T, f func(t *testing.T, prec Precision)) {
	t.Helper()
	for prec := BFloat16; prec < precisions; prec++ {
		t.Run(prec.String(), func(t *testing.T) {
			if !prec.Available() {
				t.Skip("this CPU or build has no kernels of this precision")
			}
			f(t, prec)
		})
	}
}

// roundBF16 rounds to nearest even, denormals to zero.
func roundBF16(x float32) float32 {
	b := math.Float32bits(x)
	switch {
	case x != x:
		return x
	case b&0x7f800000 == 0:
		return math.Float32frombits(b & 0x80000000)
	}
	b += 0x7fff + b>>16&1
	return math.Float32frombits(b &^ 0xffff)
}

// roundInt16 rounds blocks of 32 values to multiples of their scale.
func roundInt16(x []float32) {
	for ; len(x) > 0; x = x[min(32, len(x)):] {
		b, most := x[:min(32, len(x))], uint32(0)
		for _, v := range b {
			most = max(most, math.Float32bits(v)&^(1<<31))
		}
		amax := math.Float32frombits(most)
		scale, inverse := amax*(1.0/8191), float32(0)
		if !(amax < 0x1p-100) {
			inverse = 8191 / amax
		}
		for i, v := range b {
			b[i] = scale * float32(math.RoundToEven(float64(v*inverse)))
		}
	}
}

// rounded is p with operands as prec rounds them.
func (p *product) rounded(prec Precision) *product {
	q := *p
	q.a, q.b = slices.Clone(p.a), slices.Clone(p.b)
	if prec == BFloat16 {
		for _, x := range [][]float32{q.a, q.b} {
			for i, v := range x {
				x[i] = roundBF16(v)
			}
		}
	}
	if prec == Int16 && !p.transA && p.transB {
		for i := range p.m {
			roundInt16(q.a[i*p.lda:][:p.k])
		}
		for j := range p.n {
			roundInt16(q.b[j*p.ldb:][:p.k])
		}
	}
	return &q
}

// runIn returns C after the product in precision prec.
func (p *product) runIn(pool *Pool, prec Precision) []float32 {
	c := p.output()
	prec.Gemm(pool, p.transA, p.transB, p.m, p.n, p.k, p.a, p.lda, p.b, p.ldb, p.beta, c, p.ldc)
	return c
}

func TestLowPrecisionAgainstFloat64(t *testing.T) {
	sizes := []int{1, 2, 3, 4, 5, 7, 8, 11, 12, 13, 15, 16, 17, 25, 31, 32, 33, 63, 64, 67}
	blocks := [][3]int{{150, 33, 2*depthBlock + 9}, {2, 330, 8*depthBlock + 5}, {300, 40, 64}}
	eachPrecision(t, func(t *testing.T, prec Precision) { //nolint:thelper // a subtest, not a helper
		r := rand.New(rand.NewPCG(1, 2))
		pick := func() int { return sizes[r.IntN(len(sizes))] }
		for i := range 240 + 8*len(blocks) {
			p := newProduct(r, i&1 != 0, i&2 != 0, pick(), pick(), pick(), float32(i>>2&1))
			if i >= 240 {
				s := blocks[(i-240)/8]
				p = newProduct(r, i&1 != 0, i&2 != 0, s[0], s[1], s[2], float32(i>>2&1))
			}
			if !t.Run(p.String(), func(t *testing.T) { p.rounded(prec).check(t, p.runIn(nil, prec)) }) {
				return
			}
		}
	})
}

// TestLowPrecisionOfValues goes through magnitudes, denormals and ties.
func TestLowPrecisionOfValues(t *testing.T) {
	eachPrecision(t, func(t *testing.T, prec Precision) { //nolint:thelper // a subtest, not a helper
		r := rand.New(rand.NewPCG(3, 4))
		for range 200 {
			p := newProduct(r, false, true, 13, 33, 64, 0)
			for _, x := range [][]float32{p.a, p.b} {
				for i := range x {
					switch x[i] = float32(math.Ldexp(r.NormFloat64(), r.IntN(80)-40)); r.IntN(8) {
					case 0:
						x[i] = math.Float32frombits(math.Float32bits(x[i])&^0xffff | 0x8000) // a tie of bfloat16
					case 1:
						x[i] = math.Float32frombits(r.Uint32() & 0x807fffff) // a denormal
					case 2:
						x[i] = float32(math.Copysign(0, float64(x[i])))
					}
				}
			}
			p.rounded(prec).check(t, p.runIn(nil, prec))
		}
	})
}

// TestInt16HoldsTheLargestSums multiplies blocks of equal magnitudes, whose sums
// of products are the largest that there are, and blocks near the limits.
func TestInt16HoldsTheLargestSums(t *testing.T) {
	if !Int16.Available() {
		t.Skip("no kernels of this precision")
	}
	r := rand.New(rand.NewPCG(5, 6))
	for _, size := range []float32{1, -3, 0x1p-100, 0x1p-101, 0x1p-60, 0x1p60} {
		p := newProduct(r, false, true, 7, 40, 96, 0)
		for i := range p.a {
			p.a[i] = size
		}
		for i := range p.b {
			p.b[i] = 1
		}
		p.rounded(Int16).check(t, p.runIn(nil, Int16))
	}
}

func TestLowPrecisionPropagatesNaNAndInf(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	eachPrecision(t, func(t *testing.T, prec Precision) { //nolint:thelper // a subtest, not a helper
		r := rand.New(rand.NewPCG(7, 8))
		for i, bad := range []float32{inf, -inf, nan, inf, -inf, nan, inf, -inf, nan, inf, -inf, nan} {
			p := newProduct(r, i/3&1 != 0, i/6&1 == 0, 30, 70, 40, 0)
			const row, col = 17, 64
			at := func(trans bool, ld, major, minor int) int {
				if trans {
					return minor*ld + major
				}
				return major*ld + minor
			}
			p.a[at(p.transA, p.lda, row, 9)] = bad
			p.b[at(!p.transB, p.ldb, col, 11)] = bad
			got := p.runIn(nil, prec)
			for i := range p.m {
				for j := range p.n {
					v := float64(got[i*p.ldc+j])
					if finite := !math.IsNaN(v) && !math.IsInf(v, 0); finite != (i != row && j != col) {
						t.Fatalf("operands hold %v: C[%d,%d] = %v", bad, i, j, v)
					}
				}
			}
		}
	})
}

func TestLowPrecisionMaps(t *testing.T) {
	eachPrecision(t, func(t *testing.T, prec Precision) { //nolint:thelper // a subtest, not a helper
		r := rand.New(rand.NewPCG(11, 12))
		pool := NewPool(2)
		defer pool.Close()
		for _, s := range mapCases() {
			for _, beta := range []float32{0, 1} {
				t.Run(fmt.Sprintf("t=%d,n=%d,k=%d,beta=%g", s[0], s[1], s[2], beta), func(t *testing.T) {
					c := newMapCase(r, s[0], s[1], s[2])
					forward, backward := c.forward(beta), c.backward(beta)
					y, dx := forward.output(), backward.output()
					prec.MatMulT(pool, c.t, c.x, c.ldx, c.w, beta, y, c.ldy)
					prec.MatMul(pool, c.t, c.dy, c.ldy, c.w, beta, dx, c.ldx)
					if c.t > dotMaxRows {
						forward = forward.rounded(prec)
					}
					forward.check(t, y)
					backward.rounded(prec).check(t, dx)
					again := forward.output()
					prec.MatMulT(pool, c.t, c.x, c.ldx, &Dense{c.n, c.k, c.data}, beta, again, c.ldy)
					for i := range c.t {
						if !slices.Equal(again[i*c.ldy:][:c.n], y[i*c.ldy:][:c.n]) {
							t.Fatal("Dense differs from the same matrix expanded by rows")
						}
					}
				})
			}
		}
	})
}

func TestLowPrecisionSameBitsForAnyWorkers(t *testing.T) {
	eachPrecision(t, func(t *testing.T, prec Precision) { //nolint:thelper // a subtest, not a helper
		r := rand.New(rand.NewPCG(13, 14))
		for i := range 4 {
			p := newProduct(r, i&1 != 0, i&2 != 0, 310, 200, 900, 1)
			want := p.runIn(nil, prec)
			for _, workers := range []int{2, 3, 7} {
				pool := NewPool(workers)
				got := p.runIn(pool, prec)
				pool.Close()
				if !slices.Equal(got, want) {
					t.Fatalf("%v: %d workers change the result", p, workers)
				}
			}
		}
	})
}

// TestLowPrecisionWithoutExtension: then it is Float32, and so is Int16 where it
// has no kernels.
func TestLowPrecisionWithoutExtension(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	other := newProduct(r, false, false, 30, 40, 50, 0)
	other.check(t, other.runIn(nil, Int16))
	restore := SetExtensions()
	defer restore()
	for prec := BFloat16; prec < precisions; prec++ {
		p := newProduct(r, false, true, 30, 40, 50, 0)
		p.check(t, p.runIn(nil, prec))
		if prec.Available() {
			t.Errorf("%v is available without extensions", prec)
		}
	}
}

func TestLowPrecisionAllocatesNothing(t *testing.T) {
	eachPrecision(t, func(t *testing.T, prec Precision) { //nolint:thelper // a subtest, not a helper
		c := newMapCase(rand.New(rand.NewPCG(17, 18)), 40, 60, 50)
		pool := NewPool(2)
		defer pool.Close()
		y, dx := make([]float32, len(c.dy)), make([]float32, len(c.x))
		allocs := testing.AllocsPerRun(20, func() {
			prec.MatMulT(pool, c.t, c.x, c.ldx, c.w, 0, y, c.ldy)
			prec.MatMul(pool, c.t, c.dy, c.ldy, c.w, 0, dx, c.ldx)
			prec.Gemm(pool, true, false, c.n, c.k, c.t, c.dy, c.ldy, c.x, c.ldx, 0, c.data, c.k)
		})
		if allocs != 0 {
			t.Errorf("%v allocations per step", allocs)
		}
	})
}

// TestAccuracyOfPrecisions measures the relative error of dot products of depth
// 2048 between rows with an outlier channel of 60 times the others, as activations
// have them, and weights on a grid of 4 bits.
func TestAccuracyOfPrecisions(t *testing.T) {
	r := rand.New(rand.NewPCG(19, 20))
	p := newProduct(r, false, true, 24, 64, 2048, 0)
	for i := range p.m {
		for l := 100; l < p.k; l += 257 {
			p.a[i*p.lda+l] *= 60
		}
	}
	for i := range p.b {
		p.b[i] = float32(r.IntN(16)-8) * float32(0.9+0.2*r.Float64())
	}
	for prec, bound := range map[Precision]float64{Float32: 2e-6, BFloat16: 4e-3, Int16: 4e-4} {
		if !prec.Available() {
			continue
		}
		got := p.runIn(nil, prec)
		var off, norm float64
		for i := range p.m {
			for j := range p.n {
				sum := 0.0
				for l := range p.k {
					sum += p.at(i, l) * p.bt(l, j)
				}
				d := float64(got[i*p.ldc+j]) - sum
				off, norm = off+d*d, norm+sum*sum
			}
		}
		rms := math.Sqrt(off / norm)
		t.Logf("%v: relative error %.1e", prec, rms)
		if !(rms <= bound) {
			t.Errorf("%v: relative error %.2e, over %g", prec, rms, bound)
		}
	}
}

func TestPrecisionNames(t *testing.T) {
	for prec, want := range map[Precision]string{Float32: "f32", BFloat16: "bf16", Int16: "int16", precisions: "unknown", -1: "unknown"} {
		if got := prec.String(); got != want {
			t.Errorf("precision %d is called %q, want %q", prec, got, want)
		}
	}
}

// BenchmarkPrecision times both directions of the maps of the reference models
// and the gradient of a weight.
func BenchmarkPrecision(b *testing.B) {
	for _, s := range [][3]int{{512, 576, 576}, {512, 1536, 576}, {512, 576, 1536}, {512, 1024, 640}, {512, 1024, 576}} {
		c := newMapCase(rand.New(rand.NewPCG(1, 1)), s[0], s[1], s[2])
		y, dx, dw := make([]float32, len(c.dy)), make([]float32, len(c.x)), make([]float32, c.n*c.k)
		flop := 2 * float64(c.t) * float64(c.n) * float64(c.k)
		for _, op := range []struct {
			name string
			f    func(prec Precision)
		}{
			{"forward", func(prec Precision) { prec.MatMulT(nil, c.t, c.x, c.ldx, c.w, 0, y, c.ldy) }},
			{"backward", func(prec Precision) { prec.MatMul(nil, c.t, c.dy, c.ldy, c.w, 0, dx, c.ldx) }},
			{"weight", func(prec Precision) {
				prec.Gemm(nil, true, false, c.n, c.k, c.t, c.dy, c.ldy, c.x, c.ldx, 1, dw, c.k)
			}},
		} {
			for prec := range precisions {
				if prec == Int16 && op.name != "forward" || !prec.Available() {
					continue
				}
				b.Run(fmt.Sprintf("%s/t=%d/n=%d/k=%d/%v", op.name, s[0], s[1], s[2], prec), func(b *testing.B) {
					for b.Loop() {
						op.f(prec)
					}
					b.ReportMetric(flop*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
				})
			}
		}
	}
}
