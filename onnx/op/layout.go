package op

import (
	"slices"

	"github.com/detox-surgery/detox-surgery/onnx"
)

// depthToSpace moves channels [B, C, H, W] to blocks of pixels.
func depthToSpace(c *call) []*Value {
	x, n := c.images(), c.size("blocksize", 0, 1<<20)
	b, ch, h, w := x.Dims[0], x.Dims[1], x.Dims[2], x.Dims[3]
	if ch%(n*n) != 0 {
		c.fail("%d channels in blocks of %d", ch, n*n)
	}
	ch /= n * n
	if c.str("mode", "DCR") == "CRD" {
		x = c.permuted(x.sharing([]int{b, ch, n, n, h, w}), []int64{0, 1, 4, 2, 5, 3})
	} else {
		x = c.permuted(x.sharing([]int{b, n, n, ch, h, w}), []int64{0, 3, 4, 1, 5, 2})
	}
	return one(x.sharing([]int{b, ch, h * n, w * n}))
}

func spaceToDepth(c *call) []*Value {
	x, n := c.images(), c.size("blocksize", 0, 1<<20)
	b, ch, h, w := x.Dims[0], x.Dims[1], x.Dims[2]/n, x.Dims[3]/n
	if h*n != x.Dims[2] || w*n != x.Dims[3] {
		c.fail("dimensions %v in blocks of %d", x.Dims, n)
	}
	perm := []int64{0, 3, 5, 1, 2, 4}
	if c.str("mode", "DCR") == "CRD" {
		perm = []int64{0, 1, 3, 5, 2, 4}
	}
	x = c.permuted(x.sharing([]int{b, ch, h, n, w, n}), perm)
	return one(x.sharing([]int{b, ch * n * n, h, w}))
}

// images is an input of four dimensions.
func (c *call) images() *Value {
	x := c.arg(0)
	if len(x.Dims) != 4 {
		c.fail("dimensions %v, four expected", x.Dims)
	}
	return x
}

// compress takes the slices of an axis, or the elements, where the condition holds.
func compress(c *call) []*Value {
	x, cond := c.arg(0), c.bools(1)
	k := 0
	if c.attribute("axis") == nil {
		x = x.sharing([]int{x.Len()})
	} else {
		k = c.axis(c.int("axis", 0), len(x.Dims))
	}
	var at []int
	for i, b := range cond.b {
		if b != 0 && i < x.Dims[k] {
			at = append(at, i)
		}
	}
	dims := slices.Clone(x.Dims)
	dims[k] = len(at)
	out := c.alloc(x.Type, dims)
	row := product(dims[k+1:])
	for o := range product(dims[:k]) {
		for i, j := range at {
			copyRange(out, (o*len(at)+i)*row, x, (o*x.Dims[k]+j)*row, row)
		}
	}
	return one(out)
}

// eyeLike has ones on a diagonal.
func eyeLike(c *call) []*Value {
	x := c.arg(0)
	if len(x.Dims) != 2 {
		c.fail("dimensions %v, two expected", x.Dims)
	}
	one64 := c.alloc(onnx.Float, x.Dims)
	k := c.int("k", 0)
	for r := range x.Dims[0] {
		if j := int64(r) + k; j >= 0 && j < int64(x.Dims[1]) {
			one64.F[r*x.Dims[1]+int(j)] = 1
		}
	}
	return one(c.cast(one64, onnx.Type(c.int("dtype", int64(x.Type)))))
}

// reverseSequence turns the first elements of each sequence around.
func reverseSequence(c *call) []*Value {
	x, lens := c.arg(0), c.integers(c.arg(1))
	timeAxis, batchAxis := c.int("time_axis", 0), c.int("batch_axis", 1)
	if len(x.Dims) < 2 || timeAxis < 0 || batchAxis < 0 || timeAxis+batchAxis != 1 || len(lens) != x.Dims[batchAxis] {
		c.fail("%d lengths for dimensions %v", len(lens), x.Dims)
	}
	out := c.alloc(x.Type, x.Dims)
	row, steps := product(x.Dims[2:]), contiguous(x.Dims[:2])
	for b, n := range lens {
		if n < 0 || n > int64(x.Dims[timeAxis]) {
			c.fail("length %d of %d", n, x.Dims[timeAxis])
		}
		for t := range x.Dims[timeAxis] {
			from := t
			if t < int(n) {
				from = int(n) - 1 - t
			}
			base := b * steps[batchAxis]
			copyRange(out, (base+t*steps[timeAxis])*row, x, (base+from*steps[timeAxis])*row, row)
		}
	}
	return one(out)
}

// tensorScatter writes an update into a cache [B, .., S, ..] from an index on, which
// each sequence of the batch has.
func tensorScatter(c *call) []*Value {
	out, up := c.copied(c.arg(0)), c.arg(1)
	c.same(out, up)
	k := c.axis(c.int("axis", -2), len(out.Dims))
	at := c.list(2)
	if k == 0 || len(up.Dims) != len(out.Dims) || at != nil && len(at) != out.Dims[0] {
		c.fail("an update of dimensions %v for %v", up.Dims, out.Dims)
	}
	for i, d := range up.Dims {
		if i != k && d != out.Dims[i] || d > out.Dims[i] {
			c.fail("an update of dimensions %v for %v", up.Dims, out.Dims)
		}
	}
	room, n, row := out.Dims[k], up.Dims[k], product(out.Dims[k+1:])
	circular := c.str("mode", "linear") == "circular"
	perBatch := product(out.Dims[1:k])
	for o := range product(out.Dims[:k]) {
		first := int64(0)
		if at != nil {
			first = at[o/perBatch]
		}
		for i := range n {
			to := first + int64(i)
			if circular {
				to %= int64(room)
			}
			copyRange(out, (o*room+c.index(max(to, -1<<40), room))*row, up, (o*n+i)*row, row)
		}
	}
	return one(out)
}

// preluOf multiplies elements below zero by a slope.
func preluOf(c *call) []*Value {
	x, slope := c.arg(0), c.arg(1)
	o := arithmetic{f: func(x, s float32) float32 {
		if x < 0 {
			return x * s
		}
		return x
	}, i: func(x, s int64) int64 {
		if x < 0 {
			return x * s
		}
		return x
	}}
	return one(c.binary(&o, x, slope))
}
