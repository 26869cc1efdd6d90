package op

import (
	"math"
	"slices"

	"github.com/detox-surgery/detox-surgery/onnx"
)

func shape(c *call) []*Value {
	dims := c.arg(0).Dims
	bound := func(name string, fallback int) int {
		i := c.int(name, int64(fallback))
		if i < 0 {
			i += int64(len(dims))
		}
		return int(max(0, min(i, int64(len(dims)))))
	}
	lo, hi := bound("start", 0), bound("end", len(dims))
	out := []int64{}
	for _, d := range dims[lo:max(lo, hi)] {
		out = append(out, int64(d))
	}
	return one(c.fromIntegers(onnx.Int64, []int{len(out)}, out))
}

func size(c *call) []*Value {
	return one(c.fromIntegers(onnx.Int64, nil, []int64{int64(c.arg(0).Len())}))
}

// reshape takes 0 for the input's dimension, unless allowzero, and one -1 for what
// is left.
func reshape(c *call) []*Value {
	x := c.arg(0)
	want := c.ints("shape")
	if c.version >= 5 {
		want = c.integers(c.arg(1))
	}
	if len(want) > maxRank {
		c.fail("%d dimensions", len(want))
	}
	dims := make([]int, len(want))
	free, known := -1, []int{}
	for i, d := range want {
		switch {
		case d == -1 && free < 0:
			free = i
			continue
		case d == 0 && !c.flag("allowzero"):
			if i >= len(x.Dims) {
				c.fail("shape %v takes dimension %d of %v", want, i, x.Dims)
			}
			d = int64(x.Dims[i])
		}
		if d < 0 || d > c.run.limit {
			c.fail("shape %v", want)
		}
		dims[i] = int(d)
		known = append(known, dims[i])
	}
	if n := c.count(known); free >= 0 && n > 0 {
		dims[free] = x.Len() / n
	}
	if c.count(dims) != x.Len() {
		c.fail("elements of %v do not make shape %v", x.Dims, want)
	}
	return one(x.sharing(dims))
}

// maxRank bounds the number of dimensions that a node may ask for.
const maxRank = 64

// flatten makes a matrix of the dimensions before axis and the rest.
func flatten(c *call) []*Value {
	x := c.arg(0)
	a := c.int("axis", 1)
	if a < 0 {
		a += int64(len(x.Dims))
	}
	if a < 0 || a > int64(len(x.Dims)) {
		c.fail("axis %d of a tensor with %d dimensions", a, len(x.Dims))
	}
	return one(x.sharing([]int{product(x.Dims[:a]), product(x.Dims[a:])}))
}

func squeeze(c *call) []*Value {
	x := c.arg(0)
	axes := c.axes(1, 13)
	drop := make([]bool, len(x.Dims))
	for i, d := range x.Dims {
		drop[i] = axes == nil && d == 1
	}
	for _, a := range axes {
		i := c.axis(a, len(x.Dims))
		if x.Dims[i] != 1 {
			c.fail("dimension %d of %v is not 1", a, x.Dims)
		}
		drop[i] = true
	}
	var dims []int
	for i, d := range x.Dims {
		if !drop[i] {
			dims = append(dims, d)
		}
	}
	return one(x.sharing(dims))
}

func unsqueeze(c *call) []*Value {
	x := c.arg(0)
	axes := c.axes(1, 13)
	if len(axes)+len(x.Dims) > maxRank {
		c.fail("%d axes", len(axes))
	}
	dims := make([]int, len(x.Dims)+len(axes))
	for i := range dims {
		dims[i] = -1
	}
	for _, a := range axes {
		i := c.axis(a, len(dims))
		if dims[i] == 1 {
			c.fail("axis %d occurs twice", a)
		}
		dims[i] = 1
	}
	next := 0
	for i := range dims {
		if dims[i] < 0 {
			dims[i] = x.Dims[next]
			next++
		}
	}
	return one(x.sharing(dims))
}

func transpose(c *call) []*Value {
	x := c.arg(0)
	perm := c.ints("perm")
	rank := len(x.Dims)
	if c.attribute("perm") == nil {
		for i := range rank {
			perm = append(perm, int64(rank-1-i))
		}
	}
	return one(c.permuted(x, perm))
}

func (c *call) permuted(x *Value, perm []int64) *Value {
	rank := len(x.Dims)
	if len(perm) != rank {
		c.fail("permutation %v of %d dimensions", perm, rank)
	}
	steps := contiguous(x.Dims)
	dims, by := make([]int, rank), make([]int, rank)
	seen := make([]bool, rank)
	for i, a := range perm {
		k := c.axis(a, rank)
		if seen[k] {
			c.fail("permutation %v", perm)
		}
		seen[k] = true
		dims[i], by[i] = x.Dims[k], steps[k]
	}
	if slices.Equal(by, contiguous(dims)) {
		return x.sharing(dims)
	}
	if len(x.F) > 0 && transposable(dims, by) {
		return c.matrixTransposed(x, dims)
	}
	return c.strided(x, dims, by, 0)
}

// transposable reports whether the last two dimensions change places and nothing
// else does.
func transposable(dims, by []int) bool {
	n := len(dims)
	if n < 2 || by[n-2] != 1 || by[n-1] != dims[n-2] {
		return false
	}
	for i, size := n-3, dims[n-2]*dims[n-1]; i >= 0; i-- {
		if by[i] != size {
			return false
		}
		size *= dims[i]
	}
	return true
}

// matrixTransposed swaps the last two dimensions in tiles that fit the cache.
func (c *call) matrixTransposed(x *Value, dims []int) *Value {
	const tile = 32
	y := c.alloc(x.Type, dims)
	n := len(dims)
	rows, cols := dims[n-2], dims[n-1] // of the result
	strips := (rows + tile - 1) / tile
	c.rows(len(x.F)/(rows*cols)*strips, tile*cols, func(task int) {
		base := task / strips * rows * cols
		r0 := task % strips * tile
		r1 := min(r0+tile, rows)
		for k0 := 0; k0 < cols; k0 += tile {
			for r := r0; r < r1; r++ {
				dst := y.F[base+r*cols+k0 : base+r*cols+min(k0+tile, cols)]
				for k := range dst {
					dst[k] = x.F[base+(k0+k)*rows+r]
				}
			}
		}
	})
	return y
}

// expand broadcasts to a shape that the input may enlarge.
func expand(c *call) []*Value {
	x := c.arg(0)
	dims := c.broadcast(x.Dims, c.dims(c.integers(c.arg(1))))
	return one(c.expanded(x, dims))
}

func tile(c *call) []*Value {
	x := c.arg(0)
	reps := c.dims(c.integers(c.arg(1)))
	if len(reps) != len(x.Dims) {
		c.fail("%d repeats of %d dimensions", len(reps), len(x.Dims))
	}
	// Every dimension becomes two: repeats with stride 0, and the dimension.
	steps := contiguous(x.Dims)
	var dims, by, out []int
	for i, d := range x.Dims {
		dims, by = append(dims, reps[i], d), append(by, 0, steps[i])
		c.count(dims)
		out = append(out, reps[i]*d)
	}
	return one(c.strided(x, dims, by, 0).sharing(out))
}

func identity(c *call) []*Value {
	if v := c.opt(0); v != nil {
		return one(v)
	}
	return one(c.arg(0))
}

// constantValue gives the value of whichever attribute the node has.
func constantValue(c *call) []*Value {
	for _, a := range []string{"value", "value_float", "value_int", "value_string", "value_floats", "value_ints", "value_strings"} {
		switch v := c.attribute(a).(type) {
		case nil:
		case *onnx.Tensor:
			t, err := fromTensor(v)
			c.check(err)
			return one(t)
		case float32:
			return one(Floats(nil, []float32{v}))
		case int64:
			return one(Ints(nil, []int64{v}))
		case string:
			return one(Strings(nil, []string{v}))
		case []float32:
			return one(Floats([]int{len(v)}, v))
		case []int64:
			return one(Ints([]int{len(v)}, v))
		case []string:
			return one(Strings([]int{len(v)}, v))
		default:
			c.fail("attribute %s is of another type", a)
		}
	}
	c.fail("a constant without a value that is known")
	return nil
}

func constantOfShape(c *call) []*Value {
	dims := c.dims(c.integers(c.arg(0)))
	v := Floats([]int{1}, []float32{0})
	if t, ok := c.attribute("value").(*onnx.Tensor); ok {
		var err error
		v, err = fromTensor(t)
		c.check(err)
	}
	if v.Len() != 1 {
		c.fail("a value of %d elements", v.Len())
	}
	return one(c.strided(v, dims, make([]int, len(dims)), 0))
}

func rangeOf(c *call) []*Value {
	a, b, d := c.arg(0), c.arg(1), c.arg(2)
	c.same(a, b, d)
	if !a.Type.IsFloat() {
		from, to, by := c.scalar(0), c.scalar(1), c.scalar(2)
		n := 0
		switch {
		case by == 0:
			c.fail("a step of 0")
		case (to > from) == (by > 0) && to != from:
			distance, step := uint64(max(from, to))-uint64(min(from, to)), uint64(max(by, -by))
			n = int(min((distance-1)/step+1, 1<<62))
		}
		out := c.alloc(onnx.Int64, []int{n})
		for i := range out.I {
			out.I[i] = from + int64(i)*by
		}
		return one(c.fromIntegers(a.Type, []int{n}, out.I))
	}
	from, to, by := float64(c.number(0)), float64(c.number(1)), float64(c.number(2))
	n := math.Ceil((to - from) / by)
	if by == 0 || n != n || n > float64(c.run.limit) {
		c.fail("range %v to %v by %v", from, to, by)
	}
	out := c.alloc(a.Type, []int{int(max(0, n))})
	for i := range out.F {
		out.F[i] = float32(from + float64(i)*by)
	}
	return one(out)
}
