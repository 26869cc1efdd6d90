package op

import (
	"math"

	"github.com/detox-surgery/detox-surgery/onnx"
)

// reduction is a way to make one number of many.
type reduction func(x []float64) float64

func sum(x []float64) (s float64) {
	for _, v := range x {
		s += v
	}
	return s
}

func mean(x []float64) float64 { return sum(x) / float64(len(x)) }

func top(x []float64) float64 {
	best := math.Inf(-1)
	for _, v := range x {
		best = max(best, v)
	}
	return best
}

func bottom(x []float64) float64 {
	best := math.Inf(1)
	for _, v := range x {
		best = min(best, v)
	}
	return best
}

func prod(x []float64) float64 {
	p := 1.0
	for _, v := range x {
		p *= v
	}
	return p
}

// reduce makes an operator over axes.
func reduce(f reduction) func(c *Call) ([]*Value, error) {
	return func(c *Call) ([]*Value, error) {
		if err := c.need(1); err != nil {
			return nil, err
		}
		x, axes := c.In[0], c.list("axes", 1)
		if len(axes) == 0 && c.int("noop_with_empty_axes", 0) != 0 {
			return []*Value{x}, nil
		}
		gone := make([]bool, len(x.Dims))
		for i := range gone {
			gone[i] = len(axes) == 0
		}
		for _, a := range axes {
			a, err := axis(a, len(x.Dims))
			if err != nil {
				return nil, err
			}
			gone[a] = true
		}
		return []*Value{reduced(x, gone, c.int("keepdims", 1) != 0, f)}, nil
	}
}

func reduced(x *Value, gone []bool, keep bool, f reduction) *Value {
	var perm, outer, inner, dims []int
	for i, g := range gone {
		switch {
		case !g:
			perm, outer, dims = append(perm, i), append(outer, x.Dims[i]), append(dims, x.Dims[i])
		case keep:
			dims = append(dims, 1)
		}
	}
	for i, g := range gone {
		if g {
			perm, inner = append(perm, i), append(inner, x.Dims[i])
		}
	}
	x = permuted(x, perm)
	y := made(x.Type, dims)
	n := product(inner)
	buf := make([]float64, n)
	for o := range product(outer) {
		for i := range buf {
			if x.F != nil {
				buf[i] = float64(x.F[o*n+i])
			} else {
				buf[i] = float64(x.I[o*n+i])
			}
		}
		if v := f(buf); y.F != nil {
			y.F[o] = float32(v)
		} else {
			y.I[o] = int64(v)
		}
	}
	return y
}

func argMax(c *Call) ([]*Value, error) {
	if err := c.need(1); err != nil {
		return nil, err
	}
	a, err := axis(c.int("axis", 0), len(c.In[0].Dims))
	if err != nil {
		return nil, err
	}
	gone := make([]bool, len(c.In[0].Dims))
	gone[a] = true
	last := c.int("select_last_index", 0) != 0
	y := reduced(c.In[0], gone, c.int("keepdims", 1) != 0, func(x []float64) float64 {
		best := 0
		for i, v := range x {
			if v > x[best] || last && v == x[best] {
				best = i
			}
		}
		return float64(best)
	})
	out := made(onnx.Int64, y.Dims)
	for i := range out.I {
		if y.F != nil {
			out.I[i] = int64(y.F[i])
		} else {
			out.I[i] = y.I[i]
		}
	}
	return []*Value{out}, nil
}

func softmax(c *Call) ([]*Value, error) { return alongAxis(c, softmaxRow) }

func logSoftmax(c *Call) ([]*Value, error) {
	return alongAxis(c, func(x []float32) {
		hi, s := maxOf(x), 0.0
		for _, v := range x {
			s += math.Exp(float64(v) - hi)
		}
		for i, v := range x {
			x[i] = float32(float64(v) - hi - math.Log(s))
		}
	})
}

func maxOf(x []float32) float64 {
	hi := math.Inf(-1)
	for _, v := range x {
		hi = max(hi, float64(v))
	}
	return hi
}

func softmaxRow(x []float32) {
	hi, s := maxOf(x), 0.0
	for i, v := range x {
		e := math.Exp(float64(v) - hi)
		x[i] = float32(e)
		s += e
	}
	for i := range x {
		x[i] = float32(float64(x[i]) / s)
	}
}

// alongAxis changes rows along an axis; before opset 13 all later axes belong to a row.
func alongAxis(c *Call, f func(x []float32)) ([]*Value, error) {
	if err := c.need(1); err != nil {
		return nil, err
	}
	x := c.In[0]
	fallback := -1
	if c.opset() < 13 {
		fallback = 1
	}
	a, err := axis(c.int("axis", fallback), len(x.Dims))
	if err != nil {
		return nil, err
	}
	y := x.pick(x.Dims, func(i int) int { return i })
	n, inner := x.Dims[a], product(x.Dims[a+1:])
	if c.opset() < 13 {
		n, inner = product(x.Dims[a:]), 1
	}
	row := make([]float32, n)
	for o := range y.Len() / max(1, n*inner) {
		for in := range inner {
			for j := range row {
				row[j] = y.F[(o*n+j)*inner+in]
			}
			f(row)
			for j := range row {
				y.F[(o*n+j)*inner+in] = row[j]
			}
		}
	}
	return []*Value{y}, nil
}

func layerNorm(c *Call) ([]*Value, error) {
	if err := c.need(2); err != nil {
		return nil, err
	}
	return one(normalized(c, c.In[0], c.In[1], c.in(2), c.float("epsilon", 1e-5), true))
}

func rmsNorm(c *Call) ([]*Value, error) {
	if err := c.need(2); err != nil {
		return nil, err
	}
	return one(normalized(c, c.In[0], c.In[1], nil, c.float("epsilon", 1e-5), false))
}

// skipNorm adds input, skip and a bias, and gives the sum as output 3.
func skipNorm(c *Call) ([]*Value, error) {
	if err := c.need(3); err != nil {
		return nil, err
	}
	layer := c.Node.Op == "SkipLayerNormalization"
	var beta *Value
	extra := c.in(3)
	if layer {
		beta, extra = c.in(3), c.in(4)
	}
	x, err := binary["Add"].apply(c.In[0], c.In[1])
	if err == nil && extra != nil {
		x, err = binary["Add"].apply(x, extra)
	}
	if err != nil {
		return nil, err
	}
	y, err := normalized(c, x, c.In[2], beta, c.float("epsilon", 1e-12), layer)
	return []*Value{y, nil, nil, x}, err
}

func normalized(c *Call, x, gain, bias *Value, eps float32, center bool) (*Value, error) {
	a, err := axis(c.int("axis", -1), len(x.Dims))
	if err != nil {
		return nil, err
	}
	n := product(x.Dims[a:])
	y := made(x.Type, x.Dims)
	for r := range x.Len() / max(1, n) {
		row, out := x.F[r*n:(r+1)*n], y.F[r*n:(r+1)*n]
		var m, s float64
		if center {
			for _, v := range row {
				m += float64(v) / float64(n)
			}
		}
		for _, v := range row {
			s += (float64(v) - m) * (float64(v) - m)
		}
		inv := 1 / math.Sqrt(s/float64(n)+float64(eps))
		for i, v := range row {
			out[i] = float32((float64(v)-m)*inv) * gain.F[i%len(gain.F)]
			if bias != nil {
				out[i] += bias.F[i%len(bias.F)]
			}
		}
	}
	return y, nil
}
