package op

import "math"

// lpNormalization divides by the norm along an axis.
func lpNormalization(c *call) []*Value {
	x := c.floats(0)
	k := c.axis(c.int("axis", -1), len(x.Dims))
	r := &l2Reducer
	if c.int("p", 2) == 1 {
		r = &l1Reducer
	}
	n := c.reduceAxes(r, x, []int64{int64(k)}, true)
	return one(c.binary(&arithmetic{f: func(a, b float32) float32 {
		if b == 0 {
			return 0
		}
		return a / b
	}}, x, n))
}

// channels is [N, C, ..] as N*G rows of the channels of a group.
func (c *call) channels(x *Value, groups int) int {
	if len(x.Dims) < 2 || groups < 1 || x.Dims[1]%groups != 0 {
		c.fail("%d groups of dimensions %v", groups, x.Dims)
	}
	return x.Dims[1] / groups * product(x.Dims[2:])
}

// perChannel is a list of C elements as [1, C, 1, ..].
func (c *call) perChannel(v *Value, x *Value) *Value {
	if len(x.Dims) < 2 || len(v.F) != x.Dims[1] {
		c.fail("%d elements for the channels of %v", len(v.F), x.Dims)
	}
	dims := make([]int, len(x.Dims))
	for i := range dims {
		dims[i] = 1
	}
	dims[1] = len(v.F)
	return v.sharing(dims)
}

func instanceNormalization(c *call) []*Value {
	x := c.floats(0)
	if len(x.Dims) < 2 {
		c.fail("dimensions %v", x.Dims)
	}
	y, _ := c.norm(x, c.channels(x, x.Dims[1]), c.float("epsilon", 1e-5), layerNorm, c.perChannel(c.floats(1), x), c.perChannel(c.floats(2), x))
	return one(y)
}

// groupNormalization has scale and bias of each group before version 21, of each
// channel since then.
func groupNormalization(c *call) []*Value {
	x := c.floats(0)
	g := c.size("num_groups", 0, 1<<31)
	n := c.channels(x, g)
	y, _ := c.norm(x, n, c.float("epsilon", 1e-5), layerNorm, nil, nil)
	of := x.Dims
	view := y
	if c.version < 21 {
		view = y.sharing([]int{x.Dims[0], g, n})
	}
	view = c.binary(&multiplication, view, c.perChannel(c.floats(1), view))
	return one(c.binary(&addition, view, c.perChannel(c.floats(2), view)).sharing(of))
}

// batchNormalization is that of inference.
func batchNormalization(c *call) []*Value {
	x := c.floats(0)
	if c.flag("training_mode") {
		c.fail("training mode is not supported")
	}
	eps := float64(c.float("epsilon", 1e-5))
	variance := c.asFloat(c.perChannel(c.floats(4), x))
	rstd := c.mapFloats(variance, func(v float32) float32 { return float32(1 / math.Sqrt(float64(v)+eps)) })
	y := c.binary(&subtraction, c.asFloat(x), c.asFloat(c.perChannel(c.floats(3), x)))
	y = c.binary(&multiplication, y, c.binary(&multiplication, rstd, c.asFloat(c.perChannel(c.floats(1), x))))
	y = c.binary(&addition, y, c.asFloat(c.perChannel(c.floats(2), x)))
	y.Type = x.Type
	return one(y)
}

// meanVarianceNormalization normalizes over axes, by default all but the channels.
func meanVarianceNormalization(c *call) []*Value {
	x := c.floats(0)
	axes := c.ints("axes")
	if axes == nil {
		axes = []int64{0, 2, 3}
	}
	d := c.binary(&subtraction, x, c.reduceAxes(&meanReducer, x, axes, true))
	variance := c.reduceAxes(&meanReducer, c.binary(&multiplication, d, d), axes, true)
	return one(c.binary(&arithmetic{f: func(a, v float32) float32 { return a / (float32(math.Sqrt(float64(v))) + 1e-9) }}, d, variance))
}
