package op

import (
	"math"

	"github.com/detox-surgery/detox-surgery/simd"
)

// softmax normalizes along an axis; before version 13, along all dimensions from
// it on.
func softmax(c *call) []*Value { return one(c.alongAxis(softmaxRow)) }

func logSoftmax(c *call) []*Value {
	return one(c.alongAxis(func(dst, x []float32) {
		top := float64(simd.Max(x))
		l := math.Log(sumOf(x, len(x), 1, func(v float64) float64 { return math.Exp(v - top) }))
		for i, v := range x {
			dst[i] = float32(float64(v) - top - l)
		}
	}))
}

// softmaxRow gives NaN for a row that is minus infinity throughout, as the
// definition does.
func softmaxRow(dst, x []float32) { simd.Softmax(dst, x) }

func (c *call) alongAxis(f func(dst, x []float32)) *Value {
	x := c.floats(0)
	rank := len(x.Dims)
	if c.version < 13 {
		a := c.int("axis", 1)
		k := rank
		if a != int64(rank) {
			k = c.axis(a, rank)
		}
		return c.lastRows(x, product(x.Dims[k:]), f)
	}
	if rank == 0 {
		return c.lastRows(x, 1, f)
	}
	k := c.axis(c.int("axis", -1), rank)
	if k == rank-1 {
		return c.lastRows(x, x.Dims[k], f)
	}
	perm := make([]int64, rank)
	for i := range perm {
		perm[i] = int64(i)
	}
	perm[k], perm[rank-1] = perm[rank-1], perm[k]
	y := c.permuted(x, perm)
	return c.permuted(c.lastRows(y, x.Dims[k], f), perm)
}

// lastRows applies f to rows of n elements.
func (c *call) lastRows(x *Value, n int, f func(dst, x []float32)) *Value {
	out := c.alloc(x.Type, x.Dims)
	if n > 0 {
		c.rows(len(x.F)/n, n, func(r int) { f(out.F[r*n:(r+1)*n], x.F[r*n:(r+1)*n]) })
	}
	return out
}

// hardmax is 1 at the first largest element of a row.
func hardmax(c *call) []*Value {
	return one(c.alongAxis(func(dst, x []float32) {
		best := 0
		for i, v := range x {
			if v > x[best] {
				best = i
			}
		}
		if len(dst) > 0 {
			dst[best] = 1
		}
	}))
}
