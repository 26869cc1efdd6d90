package op

import "github.com/detox-surgery/detox-surgery/onnx"

// indices is an input with indices into a dimension of d, negative ones made to
// count from 0.
func (c *call) indices(input, d int) []int {
	in := c.list(input)
	out := make([]int, len(in))
	for i, x := range in {
		out[i] = c.index(x, d)
	}
	return out
}

func (c *call) index(x int64, d int) int {
	if x < -int64(d) || x >= int64(d) {
		c.fail("index %d of a dimension of %d", x, d)
	}
	if x < 0 {
		x += int64(d)
	}
	return int(x)
}

// gather takes slices of axis by index.
func gather(c *call) []*Value {
	x, idx := c.arg(0), c.arg(1)
	k := c.axis(c.int("axis", 0), len(x.Dims))
	at := c.indices(1, x.Dims[k])
	dims := append(append(append([]int(nil), x.Dims[:k]...), idx.Dims...), x.Dims[k+1:]...)
	out := c.alloc(x.Type, dims)
	row := product(x.Dims[k+1:])
	for o := range product(x.Dims[:k]) {
		for i, j := range at {
			copyRange(out, (o*len(at)+i)*row, x, (o*x.Dims[k]+j)*row, row)
		}
	}
	return one(out)
}

// elementTargets calls f for every element of an index tensor of the rank of dims:
// its number, and where in a tensor of these dimensions it points.
func (c *call) elementTargets(input int, dims []int, k int, f func(i, at int)) {
	idx := c.arg(input)
	if len(idx.Dims) != len(dims) {
		c.fail("indices of rank %d for rank %d", len(idx.Dims), len(dims))
	}
	steps := contiguous(dims)
	for i, d := range idx.Dims {
		if i != k && d > dims[i] {
			c.fail("indices of dimensions %v for %v", idx.Dims, dims)
		}
	}
	list := c.indices(input, dims[k])
	along := append([]int(nil), steps...)
	along[k] = 0
	l := newLoop(idx.Dims, along)
	if len(list) == 0 {
		return
	}
	l.each(func(first int, at []int) {
		for i := range l.inner() {
			f(first+i, at[0]+i*l.step(0)+list[first+i]*steps[k])
		}
	})
}

func gatherElements(c *call) []*Value {
	x, idx := c.arg(0), c.arg(1)
	k := c.axis(c.int("axis", 0), len(x.Dims))
	out := c.alloc(x.Type, idx.Dims)
	c.elementTargets(1, x.Dims, k, func(i, at int) { copyRange(out, i, x, at, 1) })
	return one(out)
}

// tupleTargets decodes index tuples in the last dimension of an input: where each
// points in a tensor of these dimensions, of which the first batch are shared, and
// how many elements it names.
func (c *call) tupleTargets(input int, dims []int, batch int) (at []int, size int) {
	idx := c.arg(input)
	rank := len(idx.Dims)
	if rank == 0 || batch < 0 || batch >= rank || batch >= len(dims) {
		c.fail("indices of dimensions %v for %v", idx.Dims, dims)
	}
	depth := idx.Dims[rank-1]
	if depth > len(dims)-batch {
		c.fail("index tuples of %d for %v", depth, dims)
	}
	for i := range batch {
		if idx.Dims[i] != dims[i] {
			c.fail("batch dimensions of %v and %v", idx.Dims, dims)
		}
	}
	steps := contiguous(dims)
	list := c.list(input)
	n := product(idx.Dims[:rank-1])
	c.reserve(8 * int64(n))
	at = make([]int, n)
	perBatch, inBatch := product(dims[batch:]), max(1, product(idx.Dims[batch:rank-1]))
	for i := range at {
		at[i] = i / inBatch * perBatch
		for j := range depth {
			at[i] += c.index(list[i*depth+j], dims[batch+j]) * steps[batch+j]
		}
	}
	return at, product(dims[batch+depth:])
}

func gatherND(c *call) []*Value {
	x, idx := c.arg(0), c.arg(1)
	batch := int(c.int("batch_dims", 0))
	at, size := c.tupleTargets(1, x.Dims, batch)
	last := len(idx.Dims) - 1
	dims := append(append([]int(nil), idx.Dims[:last]...), x.Dims[batch+idx.Dims[last]:]...)
	out := c.alloc(x.Type, dims)
	for i, a := range at {
		copyRange(out, i*size, x, a, size)
	}
	return one(out)
}

// copied is a tensor with its own elements.
func (c *call) copied(x *Value) *Value {
	out := c.alloc(x.Type, x.Dims)
	copyRange(out, 0, x, 0, x.Len())
	return out
}

// reduction combines an element that is there with one that is scattered to it.
func (c *call) reduction() func(dst *Value, d int, src *Value, s int) {
	var o *arithmetic
	switch r := c.str("reduction", "none"); r {
	case "none":
		return func(dst *Value, d int, src *Value, s int) { copyRange(dst, d, src, s, 1) }
	case "add":
		o = &addition
	case "mul":
		o = &multiplication
	case "max":
		o = &maximum
	case "min":
		o = &minimum
	default:
		c.fail("reduction %q", r)
	}
	return func(dst *Value, d int, src *Value, s int) {
		switch {
		case dst.F != nil:
			dst.F[d] = o.f(dst.F[d], src.F[s])
		case dst.I != nil:
			dst.I[d] = wrap(dst.Type, o.i(dst.I[d], src.I[s]))
		case dst.b != nil:
			dst.b[d] = byte(wrap(dst.Type, o.i(fromByte(dst.Type, dst.b[d]), fromByte(dst.Type, src.b[s]))))
		default:
			c.fail("strings cannot be reduced")
		}
	}
}

func scatterElements(c *call) []*Value {
	out, updates := c.copied(c.arg(0)), c.arg(2)
	c.same(out, updates)
	if updates.Len() != c.arg(1).Len() {
		c.fail("%d updates for %d indices", updates.Len(), c.arg(1).Len())
	}
	put := c.reduction()
	k := c.axis(c.int("axis", 0), len(out.Dims))
	c.elementTargets(1, out.Dims, k, func(i, at int) { put(out, at, updates, i) })
	return one(out)
}

func scatterND(c *call) []*Value {
	out, updates := c.copied(c.arg(0)), c.arg(2)
	c.same(out, updates)
	put := c.reduction()
	at, size := c.tupleTargets(1, out.Dims, 0)
	if updates.Len() != len(at)*size {
		c.fail("%d updates for %d elements", updates.Len(), len(at)*size)
	}
	for i, a := range at {
		for j := range size {
			put(out, a+j, updates, i*size+j)
		}
	}
	return one(out)
}

// oneHot puts an element of the third input where indices point and another one
// elsewhere; indices out of range point nowhere.
func oneHot(c *call) []*Value {
	idx, values := c.arg(0), c.arg(2)
	depth := int64(c.number(1))
	if values.Len() != 2 || depth < 0 || depth > c.run.limit {
		c.fail("%d values, depth %d", values.Len(), depth)
	}
	rank := len(idx.Dims)
	k := c.axis(c.int("axis", -1), rank+1)
	dims := append(append(append([]int(nil), idx.Dims[:k]...), int(depth)), idx.Dims[k:]...)
	out := c.strided(values.sharing([]int{2}), dims, make([]int, len(dims)), 0)
	row := product(idx.Dims[k:])
	for i, f := range c.asFloats(idx) {
		x := int64(f)
		if x < 0 {
			x += depth
		}
		if x >= 0 && x < depth {
			copyRange(out, (i/row*int(depth)+int(x))*row+i%row, values, 1, 1)
		}
	}
	return one(out)
}

// nonZero lists the positions of what is not zero, a row per dimension.
func nonZero(c *call) []*Value {
	x := c.arg(0)
	c.reserve(16 * int64(x.Len()))
	var found []int
	for i := range x.Len() {
		if x.F != nil && x.F[i] != 0 || x.I != nil && x.I[i] != 0 || x.b != nil && x.b[i] != 0 || x.S != nil && x.S[i] != "" {
			found = append(found, i)
		}
	}
	out := c.alloc(onnx.Int64, []int{len(x.Dims), len(found)})
	for k, step := range contiguous(x.Dims) {
		for i, at := range found {
			out.I[k*len(found)+i] = int64(at / step % x.Dims[k])
		}
	}
	return one(out)
}
