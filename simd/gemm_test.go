package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
)

// eachTier runs f once for every tier of this CPU.
func eachTier(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	for _, tier := range Tiers() {
		t.Run(tier.String(), func(t *testing.T) {
			defer SetTier(tier)()
			f(t)
		})
	}
}

// emulated is true where tests run under an emulator in practice and sizes must
// stay small.
func emulated() bool { return testing.Short() || runtime.GOARCH == "arm64" }

func randoms(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// product is one case of a matrix product with its operands.
type product struct {
	transA, transB bool
	m, n, k        int
	lda, ldb, ldc  int
	beta           float32
	a, b, c        []float32
}

func newProduct(r *rand.Rand, transA, transB bool, m, n, k int, beta float32) *product {
	p := &product{transA: transA, transB: transB, m: m, n: n, k: k, beta: beta}
	extra := func() int { return r.IntN(3) * r.IntN(9) }
	size := func(trans bool, rows, cols int) (length, ld int) {
		if trans {
			rows, cols = cols, rows
		}
		ld = cols + extra()
		return rows * ld, ld
	}
	var na, nb, nc int
	na, p.lda = size(transA, m, k)
	nb, p.ldb = size(transB, k, n)
	nc, p.ldc = size(false, m, n)
	p.a, p.b, p.c = randoms(r, na), randoms(r, nb), randoms(r, nc)
	return p
}

func (p *product) at(i, l int) float64 {
	if p.transA {
		return float64(p.a[l*p.lda+i])
	}
	return float64(p.a[i*p.lda+l])
}

func (p *product) bt(l, j int) float64 {
	if p.transB {
		return float64(p.b[j*p.ldb+l])
	}
	return float64(p.b[l*p.ldb+j])
}

// check compares got with the product in float64: |error| <= 2 K 2^-24 sum|a||b|
// (one more term for C), and everything outside [m, n] must be untouched.
func (p *product) check(t *testing.T, got []float32) {
	t.Helper()
	for i := range p.m {
		for j := range p.n {
			sum, abs := 0.0, 0.0
			if p.beta != 0 {
				sum = float64(p.c[i*p.ldc+j])
				abs = math.Abs(sum)
			}
			for l := range p.k {
				x := p.at(i, l) * p.bt(l, j)
				sum += x
				abs += math.Abs(x)
			}
			bound := 2 * float64(p.k+1) * 0x1p-24 * abs
			if d := math.Abs(float64(got[i*p.ldc+j]) - sum); !(d <= bound) {
				t.Fatalf("C[%d,%d] = %g, want %g, difference %g over bound %g", i, j, got[i*p.ldc+j], sum, d, bound)
			}
		}
		for j := i*p.ldc + p.n; j < min((i+1)*p.ldc, len(got)); j++ {
			if got[j] != p.c[j] {
				t.Fatalf("row %d: value %d outside C changed", i, j-i*p.ldc)
			}
		}
	}
}

// run returns C after the product.
func (p *product) run(pool *Pool) []float32 {
	c := p.output()
	Gemm(pool, p.transA, p.transB, p.m, p.n, p.k, p.a, p.lda, p.b, p.ldb, p.beta, c, p.ldc)
	return c
}

func (p *product) String() string {
	return fmt.Sprintf("transA=%v,transB=%v,m=%d,n=%d,k=%d,beta=%g", p.transA, p.transB, p.m, p.n, p.k, p.beta)
}

func TestGemmAgainstFloat64(t *testing.T) {
	sizes := []int{1, 2, 3, 4, 5, 7, 8, 11, 12, 13, 15, 16, 17, 25, 31, 32, 33, 67}
	cases := 400
	if emulated() {
		cases = 120
	}
	eachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
		r := rand.New(rand.NewPCG(1, 2))
		pick := func() int { return sizes[r.IntN(len(sizes))] }
		for i := range cases {
			p := newProduct(r, i&1 != 0, i&2 != 0, pick(), pick(), pick(), float32(i>>2&1))
			if !t.Run(p.String(), func(t *testing.T) { p.check(t, p.run(nil)) }) {
				return
			}
		}
	})
}

func TestGemmBlocks(t *testing.T) {
	sizes := [][3]int{{150, 70, 390}, {5, 720, 4*depthBlock + 5}, {300, 40, 64}}
	if emulated() {
		sizes = [][3]int{{150, 30, 20}, {9, 14, 390}}
	}
	eachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
		r := rand.New(rand.NewPCG(3, 4))
		for _, s := range sizes {
			for i := range 8 {
				p := newProduct(r, i&1 != 0, i&2 != 0, s[0], s[1], s[2], float32(i>>2))
				t.Run(p.String(), func(t *testing.T) { p.check(t, p.run(nil)) })
			}
		}
	})
}

func TestGemmSameBitsForAnyWorkers(t *testing.T) {
	m, n, k := 310, 200, 500
	if emulated() {
		m, n, k = 150, 40, 30
	}
	eachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
		r := rand.New(rand.NewPCG(5, 6))
		p := newProduct(r, false, true, m, n, k, 1)
		want := p.run(nil)
		for _, workers := range []int{1, 2, 3, 7} {
			pool := NewPool(workers)
			got := p.run(pool)
			pool.Close()
			for i := range got {
				if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
					t.Fatalf("%d workers: value %d is %g, with one worker %g", workers, i, got[i], want[i])
				}
			}
		}
	})
}

func TestGemmPropagatesNaNAndInf(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	eachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
		r := rand.New(rand.NewPCG(7, 8))
		for _, bad := range []float32{inf, -inf, nan} {
			p := newProduct(r, false, false, 30, 70, 40, 0)
			const row, col = 17, 64
			p.a[row*p.lda+9] = bad
			p.b[11*p.ldb+col] = bad
			got := p.run(nil)
			for i := range p.m {
				for j := range p.n {
					finite := !math.IsNaN(float64(got[i*p.ldc+j])) && !math.IsInf(float64(got[i*p.ldc+j]), 0)
					if finite != (i != row && j != col) {
						t.Fatalf("operands hold %v: C[%d,%d] = %v", bad, i, j, got[i*p.ldc+j])
					}
				}
			}
		}
	})
}

func TestGemmEmpty(t *testing.T) {
	eachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
		c := []float32{1, 2, 3, 4}
		Gemm(nil, false, false, 0, 2, 2, nil, 2, []float32{1, 2, 3, 4}, 2, 0, c, 2)
		Gemm(nil, false, false, 2, 2, 0, nil, 0, nil, 2, 1, c, 2)
		if c[0] != 1 || c[3] != 4 {
			t.Errorf("an empty sum changed C: %v", c)
		}
		Gemm(nil, false, false, 2, 2, 0, nil, 0, nil, 2, 0, c, 2)
		if c[0] != 0 || c[3] != 0 {
			t.Errorf("an empty sum with beta 0 left C: %v", c)
		}
	})
}

func TestGemmRejectsBadCallers(t *testing.T) {
	x := make([]float32, 16)
	for name, f := range map[string]func(){
		"short A": func() { Gemm(nil, false, false, 4, 4, 4, x[:15], 4, x, 4, 0, make([]float32, 16), 4) },
		"short B": func() { Gemm(nil, false, false, 4, 4, 4, x, 4, x[:15], 4, 0, make([]float32, 16), 4) },
		"short C": func() { Gemm(nil, false, false, 4, 4, 4, x, 4, x, 4, 0, make([]float32, 15), 4) },
		"beta":    func() { Gemm(nil, false, false, 4, 4, 4, x, 4, x, 4, 0.5, make([]float32, 16), 4) },
		"stride":  func() { Gemm(nil, false, false, 4, 4, 4, x, 3, x, 4, 0, make([]float32, 16), 4) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}

func BenchmarkGemm(b *testing.B) {
	for _, n := range []int{64, 128, 256, 512, 1024} {
		for _, tier := range Tiers()[1:] {
			for _, workers := range []int{1, 2} {
				b.Run(fmt.Sprintf("n=%d/tier=%v/workers=%d", n, tier, workers), func(b *testing.B) {
					defer SetTier(tier)()
					benchGemm(b, n, n, n, workers, tier)
				})
			}
		}
	}
}

func benchGemm(b *testing.B, m, n, k, workers int, tier Tier) {
	b.Helper()
	r := rand.New(rand.NewPCG(1, 1))
	x, y, z := randoms(r, m*k), randoms(r, n*k), make([]float32, m*n)
	pool := NewPool(workers)
	defer pool.Close()
	for b.Loop() {
		Gemm(pool, false, false, m, n, k, x, k, y, n, 0, z, n)
	}
	reportFlops(b, 2*float64(m)*float64(n)*float64(k), workers, tier)
}

// reportFlops reports the speed and its share of the register peak.
func reportFlops(b *testing.B, flop float64, workers int, tier Tier) {
	b.Helper()
	speed := flop * float64(b.N) / float64(b.Elapsed().Nanoseconds())
	b.ReportMetric(speed, "GFLOP/s")
	if peak := PeakFMA(tier) * float64(workers); peak > 0 {
		b.ReportMetric(100*speed/peak, "%peak")
	}
}
