package op

// sliceOf takes ranges with steps; ends beyond a dimension stop at it.
func sliceOf(c *call) []*Value {
	x := c.arg(0)
	starts, ends, axes, by := c.ints("starts"), c.ints("ends"), c.ints("axes"), []int64(nil)
	if c.version >= 10 {
		starts, ends, axes, by = c.list(1), c.list(2), c.list(3), c.list(4)
	}
	if len(starts) != len(ends) || axes != nil && len(axes) != len(starts) || by != nil && len(by) != len(starts) {
		c.fail("%d starts, %d ends, %d axes, %d steps", len(starts), len(ends), len(axes), len(by))
	}
	dims, steps := append([]int(nil), x.Dims...), contiguous(x.Dims)
	from := 0
	for i := range starts {
		a, step := int64(i), int64(1)
		if axes != nil {
			a = axes[i]
		}
		if by != nil {
			step = by[i]
		}
		k := c.axis(a, len(dims))
		d := x.Dims[k]
		if step == 0 {
			c.fail("a step of 0")
		}
		lo, n := sliceRange(starts[i], ends[i], step, int64(d))
		dims[k] = n
		if n > 0 {
			from += lo * steps[k]
		}
		steps[k] *= int(max(-int64(d)-1, min(step, int64(d)+1)))
	}
	return one(c.strided(x, dims, steps, from))
}

// sliceRange is the first index and the number of indices of a range of d.
func sliceRange(start, end, step, d int64) (first, n int) {
	if start < 0 {
		start += d
	}
	if end < 0 {
		end += d
	}
	if step > 0 {
		start, end = max(0, min(start, d)), max(0, min(end, d))
		if end <= start {
			return 0, 0
		}
		return int(start), int((end-start-1)/step + 1)
	}
	start, end = max(0, min(start, d-1)), max(-1, min(end, d-1))
	if end >= start || d == 0 {
		return 0, 0
	}
	return int(start), int((end-start+1)/step + 1)
}

func concat(c *call) []*Value {
	return one(c.joined(c.in, c.need("axis")))
}

// joined puts tensors behind each other along an axis.
func (c *call) joined(in []*Value, along int64) *Value {
	if len(in) == 0 {
		c.fail("no inputs")
	}
	for i, v := range in {
		if v == nil || v.sequence {
			c.fail("input %d is missing", i)
		}
	}
	c.same(in...)
	dims := append([]int(nil), in[0].Dims...)
	k := c.axis(along, len(dims))
	dims[k] = 0
	for _, v := range in {
		if len(v.Dims) != len(dims) {
			c.fail("ranks %d and %d", len(dims), len(v.Dims))
		}
		for i, d := range v.Dims {
			if i == k {
				dims[k] += d
			} else if d != dims[i] {
				c.fail("dimensions %v and %v along axis %d", in[0].Dims, v.Dims, k)
			}
		}
	}
	out := c.alloc(in[0].Type, dims)
	outer, row, at := product(dims[:k]), product(dims[k:]), 0
	for _, v := range in {
		n := product(v.Dims[k:])
		for o := range outer {
			copyRange(out, o*row+at, v, o*n, n)
		}
		at += n
	}
	return out
}

// split cuts along an axis at given sizes, or in as many equal parts as there are
// outputs, of which the last may be smaller.
func split(c *call) []*Value {
	x := c.arg(0)
	k := c.axis(c.int("axis", 0), len(x.Dims))
	sizes := c.ints("split")
	if c.version >= 13 {
		sizes = c.list(1)
	}
	d := x.Dims[k]
	if sizes == nil {
		n := c.int("num_outputs", int64(len(c.node.Outputs)))
		if n < 1 || n != int64(len(c.node.Outputs)) {
			c.fail("%d parts for %d outputs", n, len(c.node.Outputs))
		}
		per := (int64(d) + n - 1) / n
		for i := range n {
			sizes = append(sizes, max(0, min(per, int64(d)-i*per)))
		}
	}
	if len(sizes) != len(c.node.Outputs) {
		c.fail("%d sizes for %d outputs", len(sizes), len(c.node.Outputs))
	}
	return c.parts(x, k, c.dims(sizes))
}

// parts cuts x along axis k into parts of these sizes.
func (c *call) parts(x *Value, k int, sizes []int) []*Value {
	sum := 0
	for _, n := range sizes {
		if sum += n; n > x.Dims[k] || sum > x.Dims[k] {
			c.fail("parts %v of dimension %d", sizes, x.Dims[k])
		}
	}
	if sum != x.Dims[k] {
		c.fail("parts %v of dimension %d", sizes, x.Dims[k])
	}
	c.reserve(8 * int64(len(sizes)))
	out := make([]*Value, len(sizes))
	steps := contiguous(x.Dims)
	at := 0
	for i, n := range sizes {
		dims := append([]int(nil), x.Dims...)
		dims[k] = n
		out[i] = c.strided(x, dims, steps, at*steps[k])
		at += n
	}
	return out
}

// pad adds elements around: constant ones, the nearest, or the tensor's mirror
// image or repetition.
func pad(c *call) []*Value {
	x := c.arg(0)
	pads := c.ints("pads")
	if c.version >= 11 {
		pads = c.list(1)
	}
	axes := c.list(3)
	if axes == nil {
		for i := range x.Dims {
			axes = append(axes, int64(i))
		}
	}
	if len(pads) != 2*len(axes) {
		c.fail("%d pads for %d axes", len(pads), len(axes))
	}
	for i, a := range axes {
		x = c.padAxis(x, c.axis(a, len(x.Dims)), pads[i], pads[len(axes)+i])
	}
	return one(x)
}

func (c *call) padAxis(x *Value, k int, before, after int64) *Value {
	if before == 0 && after == 0 {
		return x
	}
	d := int64(x.Dims[k])
	if before < -d-c.run.limit || before > c.run.limit || after < -d-c.run.limit || after > c.run.limit {
		c.fail("pads %d and %d", before, after)
	}
	dims := append([]int(nil), x.Dims...)
	dims[k] = int(max(0, d+before+after))
	var out *Value
	mode := c.str("mode", "constant")
	if mode == "constant" && c.has(2) && c.version >= 11 {
		out = c.strided(c.arg(2), dims, make([]int, len(dims)), 0)
	} else {
		out = c.alloc(x.Type, dims)
		if v := c.float("value", 0); v != 0 {
			for i := range out.F {
				out.F[i] = v
			}
		}
	}
	c.same(x, out)
	outer, row := product(dims[:k]), product(dims[k+1:])
	for i := range int64(dims[k]) {
		from, ok := padIndex(mode, i-before, d)
		if !ok {
			continue
		}
		for o := range outer {
			copyRange(out, (o*dims[k]+int(i))*row, x, (o*int(d)+int(from))*row, row)
		}
	}
	return out
}

// padIndex is the index that an index outside of 0 to d takes its element from.
func padIndex(mode string, i, d int64) (int64, bool) {
	if i >= 0 && i < d {
		return i, true
	}
	if d == 0 {
		return 0, false
	}
	switch mode {
	case "edge":
		return max(0, min(i, d-1)), true
	case "wrap":
		return ((i % d) + d) % d, true
	case "reflect":
		if d == 1 {
			return 0, true
		}
		i = ((i % (2*d - 2)) + 2*d - 2) % (2*d - 2)
		if i >= d {
			i = 2*d - 2 - i
		}
		return i, true
	}
	return 0, false
}

// trilu keeps the triangle above or below a diagonal of matrices.
func trilu(c *call) []*Value {
	x := c.arg(0)
	k := int64(0)
	if c.has(1) {
		k = c.scalar(1)
	}
	n := len(x.Dims)
	if n < 2 {
		c.fail("rank %d", n)
	}
	rows, cols := x.Dims[n-2], x.Dims[n-1]
	out := c.alloc(x.Type, x.Dims)
	upper := c.int("upper", 1) != 0
	for r := range product(x.Dims[:n-1]) {
		i := int64(r % rows)
		lo, hi := max(0, min(i+k, int64(cols))), int64(cols)
		if !upper {
			lo, hi = 0, max(0, min(i+k+1, int64(cols)))
		}
		copyRange(out, r*cols+int(lo), x, r*cols+int(lo), int(hi-lo))
	}
	return one(out)
}
