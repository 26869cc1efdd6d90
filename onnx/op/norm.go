package op

import (
	"math"

	"github.com/detox-surgery/detox-surgery/onnx"
)

// normalized is what one row of a normalization leaves besides its result.
type moments struct{ mean, rstd float32 }

// layerNorm normalizes a row to mean 0 and variance 1.
func layerNorm(dst, x []float32, eps float64) moments {
	mean := sumOf(x, len(x), 1, same64) / float64(len(x))
	variance := sumOf(x, len(x), 1, func(v float64) float64 { return (v - mean) * (v - mean) }) / float64(len(x))
	rstd := 1 / math.Sqrt(variance+eps)
	for i, v := range x {
		dst[i] = float32((float64(v) - mean) * rstd)
	}
	return moments{float32(mean), float32(rstd)}
}

// rmsNorm divides a row by its root mean square.
func rmsNorm(dst, x []float32, eps float64) moments {
	rstd := 1 / math.Sqrt(sumOf(x, len(x), 1, square64)/float64(len(x))+eps)
	for i, v := range x {
		dst[i] = float32(float64(v) * rstd)
	}
	return moments{rstd: float32(rstd)}
}

// norm normalizes rows of n elements, scales and shifts them. Scale and bias are
// broadcast to x.
func (c *call) norm(x *Value, n int, eps float32, row func(dst, x []float32, eps float64) moments, scale, bias *Value) (*Value, []moments) {
	out := c.alloc(x.Type, x.Dims)
	if n == 0 || len(x.F) == 0 {
		return out, nil
	}
	stats := make([]moments, len(x.F)/n)
	c.rows(len(stats), n, func(r int) { stats[r] = row(out.F[r*n:(r+1)*n], x.F[r*n:(r+1)*n], float64(eps)) })
	for i, v := range []*Value{scale, bias} {
		if v == nil {
			continue
		}
		w := c.expanded(v, x.Dims)
		c.chunks(len(out.F), func(lo, hi int) {
			for k := lo; k < hi; k++ {
				if i == 0 {
					out.F[k] *= w.F[k]
				} else {
					out.F[k] += w.F[k]
				}
			}
		})
	}
	return out, stats
}

// statistics makes tensors of the means and inverse standard deviations of rows.
func (c *call) statistics(dims []int, stats []moments) (mean, rstd *Value) {
	mean, rstd = c.alloc(onnx.Float, dims), c.alloc(onnx.Float, dims)
	for i, s := range stats {
		mean.F[i], rstd.F[i] = s.mean, s.rstd
	}
	return mean, rstd
}

// layerNormalization gives the result, the means and the inverse deviations.
func layerNormalization(c *call) []*Value {
	x := c.floats(0)
	k := c.axis(c.int("axis", -1), len(x.Dims))
	y, stats := c.norm(x, product(x.Dims[k:]), c.float("epsilon", 1e-5), layerNorm, c.floats(1), c.optFloats(2))
	dims := append([]int(nil), x.Dims...)
	for i := k; i < len(dims); i++ {
		dims[i] = 1
	}
	mean, rstd := c.statistics(dims, stats)
	return []*Value{y, mean, rstd}
}

// rmsNormalization is RMSNormalization and, with another result, onnxruntime's
// SimplifiedLayerNormalization.
func rmsNormalization(c *call) []*Value {
	x := c.floats(0)
	k := c.axis(c.int("axis", -1), len(x.Dims))
	y, stats := c.norm(x, product(x.Dims[k:]), c.float("epsilon", 1e-5), rmsNorm, c.floats(1), nil)
	if !c.wants(1) {
		return one(y)
	}
	dims := append([]int(nil), x.Dims...)
	for i := k; i < len(dims); i++ {
		dims[i] = 1
	}
	_, rstd := c.statistics(dims, stats)
	return []*Value{y, rstd}
}

// skipNormalization makes a kernel of com.microsoft's SkipLayerNormalization or
// SkipSimplifiedLayerNormalization: the sum of input, skip and bias is normalized
// and is the fourth result.
func skipNormalization(row func(dst, x []float32, eps float64) moments, betas int) kernel {
	return func(c *call) []*Value {
		x := c.binary(&addition, c.floats(0), c.floats(1))
		if len(x.Dims) == 0 || len(c.floats(0).Dims) != len(x.Dims) {
			c.fail("input and skip of dimensions %v and %v", c.floats(0).Dims, c.floats(1).Dims)
		}
		var beta *Value
		if betas > 0 {
			beta = c.optFloats(3)
		}
		if b := c.optFloats(3 + betas); b != nil {
			x = c.binary(&addition, x, b)
		}
		y, stats := c.norm(x, x.Dims[len(x.Dims)-1], c.float("epsilon", 1e-12), row, c.floats(2), beta)
		dims := append([]int(nil), x.Dims...)
		dims[len(dims)-1] = 1
		mean, rstd := c.statistics(dims, stats)
		return []*Value{y, mean, rstd, x}
	}
}
