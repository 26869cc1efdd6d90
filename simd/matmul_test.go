package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// rowsOnly hides a Dense from the products, so that they expand its rows as they
// would those of a quantized tensor.
type rowsOnly struct{ *Dense }

// mapCase is a linear map with operands for both directions.
type mapCase struct {
	t, n, k  int
	w        Matrix
	data     []float32 // of w
	x, dy    []float32
	ldx, ldy int
}

func newMapCase(r *rand.Rand, t, n, k int) *mapCase {
	c := &mapCase{t: t, n: n, k: k, data: randoms(r, n*k)}
	c.w = rowsOnly{&Dense{N: n, K: k, Data: c.data}}
	c.ldx, c.ldy = k+r.IntN(5), n+r.IntN(5)
	c.x, c.dy = randoms(r, t*c.ldx), randoms(r, t*c.ldy)
	return c
}

// forward is the product that MatMulT computes, for its float64 check.
func (c *mapCase) forward(beta float32) *product {
	return &product{transB: true, m: c.t, n: c.n, k: c.k, lda: c.ldx, ldb: c.k, ldc: c.ldy, beta: beta, a: c.x, b: c.data, c: c.dy}
}

func (c *mapCase) backward(beta float32) *product {
	return &product{m: c.t, n: c.k, k: c.n, lda: c.ldy, ldb: c.k, ldc: c.ldx, beta: beta, a: c.dy, b: c.data, c: c.x}
}

// output is a copy of C, with NaN in [m, n] if beta is 0.
func (p *product) output() []float32 {
	c := append([]float32(nil), p.c...)
	for i := range p.m {
		for j := 0; p.beta == 0 && j < p.n; j++ {
			c[i*p.ldc+j] = float32(math.NaN())
		}
	}
	return c
}

func (c *mapCase) runForward(pool *Pool, beta float32) []float32 {
	y := c.forward(beta).output()
	MatMulT(pool, c.t, c.x, c.ldx, c.w, beta, y, c.ldy)
	return y
}

func (c *mapCase) runBackward(pool *Pool, beta float32) []float32 {
	dx := c.backward(beta).output()
	MatMul(pool, c.t, c.dy, c.ldy, c.w, beta, dx, c.ldx)
	return dx
}

func mapCases() [][3]int {
	cases := [][3]int{{1, 1, 1}, {1, 37, 64}, {2, 9, 31}, {4, 33, 65}, {5, 64, 33}, {12, 32, 32}, {13, 70, 97}, {64, 40, 130}}
	if !emulated() {
		cases = append(cases, [3]int{3, 576, 192}, [3]int{33, 192, 576}, [3]int{150, 400, 100}, [3]int{6, 720, 1537})
	}
	return cases
}

func TestMapsAgainstFloat64(t *testing.T) {
	eachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
		r := rand.New(rand.NewPCG(11, 12))
		pool := NewPool(2)
		defer pool.Close()
		for _, s := range mapCases() {
			for _, beta := range []float32{0, 1} {
				t.Run(fmt.Sprintf("t=%d,n=%d,k=%d,beta=%g", s[0], s[1], s[2], beta), func(t *testing.T) {
					c := newMapCase(r, s[0], s[1], s[2])
					c.forward(beta).check(t, c.runForward(pool, beta))
					c.backward(beta).check(t, c.runBackward(pool, beta))
				})
			}
		}
	})
}

func TestMapsSameBitsForAnyWorkers(t *testing.T) {
	eachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
		r := rand.New(rand.NewPCG(13, 14))
		for _, s := range [][3]int{{3, 50, 70}, {70, 100, 50}} {
			c := newMapCase(r, s[0], s[1], s[2])
			y, dx := c.runForward(nil, 1), c.runBackward(nil, 1)
			for _, workers := range []int{2, 5} {
				pool := NewPool(workers)
				for i, v := range c.runForward(pool, 1) {
					if math.Float32bits(v) != math.Float32bits(y[i]) {
						t.Fatalf("forward with %d workers: value %d is %g, with one %g", workers, i, v, y[i])
					}
				}
				for i, v := range c.runBackward(pool, 1) {
					if math.Float32bits(v) != math.Float32bits(dx[i]) {
						t.Fatalf("backward with %d workers: value %d is %g, with one %g", workers, i, v, dx[i])
					}
				}
				pool.Close()
			}
		}
	})
}

func TestDenseGivesTheSameBits(t *testing.T) {
	eachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
		for _, rows := range []int{3, 20} {
			c := newMapCase(rand.New(rand.NewPCG(23, 24)), rows, 50, depthBlock+20)
			y, dx := c.runForward(nil, 1), c.runBackward(nil, 1)
			c.w = &Dense{N: c.n, K: c.k, Data: c.data}
			if !slices.Equal(c.runForward(nil, 1), y) || !slices.Equal(c.runBackward(nil, 1), dx) {
				t.Errorf("%d rows: Dense differs from the same matrix expanded by rows", rows)
			}
		}
	})
}

// TestMapsAreAdjoint ties both directions together: <dy, x Wᵀ> = <dy W, x>.
func TestMapsAreAdjoint(t *testing.T) {
	inner := func(a []float32, lda int, b []float32, ldb, rows, cols int) (sum, abs float64) {
		for i := range rows {
			for j := range cols {
				x := float64(a[i*lda+j]) * float64(b[i*ldb+j])
				sum += x
				abs += math.Abs(x)
			}
		}
		return sum, abs
	}
	eachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
		c := newMapCase(rand.New(rand.NewPCG(15, 16)), 21, 45, 77)
		left, scale := inner(c.dy, c.ldy, c.runForward(nil, 0), c.ldy, c.t, c.n)
		right, _ := inner(c.runBackward(nil, 0), c.ldx, c.x, c.ldx, c.t, c.k)
		if math.Abs(left-right) > 1e-6*scale {
			t.Errorf("<dy, x Wᵀ> = %g, <dy W, x> = %g", left, right)
		}
	})
}

func TestMapsAllocateNothing(t *testing.T) {
	c := newMapCase(rand.New(rand.NewPCG(17, 18)), 40, 60, 50)
	small := newMapCase(rand.New(rand.NewPCG(19, 20)), 2, 60, 50)
	pool := NewPool(2)
	defer pool.Close()
	y, dx := make([]float32, len(c.dy)), make([]float32, len(c.x))
	allocs := testing.AllocsPerRun(20, func() {
		MatMulT(pool, c.t, c.x, c.ldx, c.w, 0, y, c.ldy)
		MatMul(pool, c.t, c.dy, c.ldy, c.w, 0, dx, c.ldx)
		MatMulT(pool, small.t, small.x, small.ldx, small.w, 0, y, small.ldy)
		Gemm(pool, true, false, c.n, c.k, c.t, c.dy, c.ldy, c.x, c.ldx, 0, c.data, c.k)
	})
	if allocs != 0 {
		t.Errorf("%v allocations per step", allocs)
	}
}

func BenchmarkMaps(b *testing.B) {
	for _, s := range [][3]int{{1, 576, 576}, {512, 576, 576}, {512, 1536, 576}, {512, 576, 1536}} {
		c := newMapCase(rand.New(rand.NewPCG(1, 1)), s[0], s[1], s[2])
		y, dx := make([]float32, len(c.dy)), make([]float32, len(c.x))
		flop := 2 * float64(c.t) * float64(c.n) * float64(c.k)
		for _, tier := range Tiers()[1:] {
			shape := fmt.Sprintf("t=%d/n=%d/k=%d/tier=%v", s[0], s[1], s[2], tier)
			b.Run("forward/"+shape, func(b *testing.B) {
				defer SetTier(tier)()
				for b.Loop() {
					MatMulT(nil, c.t, c.x, c.ldx, c.w, 0, y, c.ldy)
				}
				reportFlops(b, flop, 1, tier)
			})
			b.Run("backward/"+shape, func(b *testing.B) {
				defer SetTier(tier)()
				for b.Loop() {
					MatMul(nil, c.t, c.dy, c.ldy, c.w, 0, dx, c.ldx)
				}
				reportFlops(b, flop, 1, tier)
			})
		}
	}
}
