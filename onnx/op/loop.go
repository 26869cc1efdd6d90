package op

import "slices"

// loop runs over the elements of a result in order, for operands that lie in
// strides: a stride of 0 repeats the operand along that dimension. Dimensions that
// all operands run through as one are joined.
type loop struct {
	dims  []int
	steps [][]int // by operand, per dimension
}

// contiguous is the strides of a tensor as it is stored.
func contiguous(dims []int) []int {
	s := make([]int, len(dims))
	n := 1
	for i := len(dims) - 1; i >= 0; i-- {
		s[i] = n
		n *= dims[i]
	}
	return s
}

// broadcastStrides is the strides of an operand of dimensions dims in a result of
// dimensions out, to which it must broadcast.
func broadcastStrides(dims, out []int) []int {
	s := make([]int, len(out))
	for i, n := len(dims)-1, 1; i >= 0; i-- {
		if dims[i] != 1 {
			s[len(out)-len(dims)+i] = n
		}
		n *= dims[i]
	}
	return s
}

func newLoop(dims []int, steps ...[]int) loop {
	l := loop{steps: make([][]int, len(steps))}
	for i, d := range dims {
		if d == 1 {
			continue
		}
		last := len(l.dims) - 1
		joins := last >= 0
		for k := range steps {
			joins = joins && l.steps[k][last] == steps[k][i]*d
		}
		if joins {
			l.dims[last] *= d
			for k := range steps {
				l.steps[k][last] = steps[k][i]
			}
			continue
		}
		l.dims = append(l.dims, d)
		for k := range steps {
			l.steps[k] = append(l.steps[k], steps[k][i])
		}
	}
	if len(l.dims) == 0 {
		l.dims = []int{1}
		for k := range steps {
			l.steps[k] = []int{0}
		}
	}
	return l
}

// inner is the number of elements of a row, step k the stride of operand k in it.
func (l *loop) inner() int { return l.dims[len(l.dims)-1] }

func (l *loop) step(k int) int { return l.steps[k][len(l.dims)-1] }

// each calls f for every row with the index of its first element and where the
// operands start; at is reused.
func (l *loop) each(f func(first int, at []int)) {
	if slices.Contains(l.dims, 0) {
		return
	}
	outer := len(l.dims) - 1
	pos := make([]int, outer)
	at := make([]int, len(l.steps))
	for first := 0; ; first += l.inner() {
		f(first, at)
		i := outer - 1
		for ; i >= 0; i-- {
			pos[i]++
			for k := range at {
				at[k] += l.steps[k][i]
			}
			if pos[i] < l.dims[i] {
				break
			}
			for k := range at {
				at[k] -= l.steps[k][i] * l.dims[i]
			}
			pos[i] = 0
		}
		if i < 0 {
			return
		}
	}
}

// broadcast is the dimensions of a result of operands that broadcast to each
// other, by numpy's rule.
func (c *call) broadcast(a, b []int) []int {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := slices.Clone(a)
	shift := len(a) - len(b)
	for i, d := range b {
		switch e := a[shift+i]; {
		case d == e || d == 1:
		case e == 1:
			out[shift+i] = d
		default:
			c.fail("dimensions %v and %v do not broadcast", a, b)
		}
	}
	return out
}

// strided makes a tensor of those elements of v that strides and an offset name.
func (c *call) strided(v *Value, dims, steps []int, from int) *Value {
	out := c.alloc(v.Type, dims)
	if out.Len() == 0 {
		return out
	}
	l := newLoop(dims, steps)
	switch storeOf(v.Type) {
	case inF:
		copyStrided(out.F, v.F, l, from)
	case inI:
		copyStrided(out.I, v.I, l, from)
	case inB:
		copyStrided(out.b, v.b, l, from)
	case inS:
		copyStrided(out.S, v.S, l, from)
	case noStore:
	}
	return out
}

func copyStrided[T any](dst, src []T, l loop, from int) {
	n, step := l.inner(), l.step(0)
	l.each(func(first int, at []int) {
		d, s := dst[first:first+n], from+at[0]
		if step == 1 {
			copy(d, src[s:s+n])
			return
		}
		for i := range d {
			d[i] = src[s+i*step]
		}
	})
}

// expanded is v broadcast to dims; v itself where it has them.
func (c *call) expanded(v *Value, dims []int) *Value {
	if slices.Equal(v.Dims, dims) {
		return v
	}
	if !slices.Equal(c.broadcast(v.Dims, dims), dims) {
		c.fail("dimensions %v do not broadcast to %v", v.Dims, dims)
	}
	return c.strided(v, dims, broadcastStrides(v.Dims, dims), 0)
}

// copyRange copies n elements of src from index s to dst from index d, both of the
// same type.
func copyRange(dst *Value, d int, src *Value, s, n int) {
	copy(sub(dst.F, d, n), sub(src.F, s, n))
	copy(sub(dst.I, d, n), sub(src.I, s, n))
	copy(sub(dst.b, d, n), sub(src.b, s, n))
	copy(sub(dst.S, d, n), sub(src.S, s, n))
}

func sub[T any](x []T, from, n int) []T {
	if x == nil {
		return nil
	}
	return x[from : from+n]
}
