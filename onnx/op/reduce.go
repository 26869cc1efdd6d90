package op

import (
	"cmp"
	"math"
	"slices"

	"github.com/detox-surgery/detox-surgery/onnx"
)

// reducer computes a value of n elements that lie step apart.
type reducer struct {
	f func(x []float32, n, step int) float32
	i func(x []int64, n, step int) int64
}

// sumOf adds f of the elements in float64.
func sumOf(x []float32, n, step int, f func(x float64) float64) float64 {
	s := 0.0
	for i := range n {
		s += f(float64(x[i*step]))
	}
	return s
}

func sumInts(x []int64, n, step int, f func(x int64) int64) (s int64) {
	for i := range n {
		s += f(x[i*step])
	}
	return s
}

func same64(x float64) float64   { return x }
func square64(x float64) float64 { return x * x }

func logSumExp(x []float32, n, step int) float32 {
	top := math.Inf(-1)
	for i := range n {
		top = math.Max(top, float64(x[i*step]))
	}
	if math.IsInf(top, 0) {
		return float32(top)
	}
	return float32(top + math.Log(sumOf(x, n, step, func(x float64) float64 { return math.Exp(x - top) })))
}

func product32(x []float32, n, step int) float32 {
	p := 1.0
	for i := range n {
		p *= float64(x[i*step])
	}
	return float32(p)
}

func productInts(x []int64, n, step int) int64 {
	p := int64(1)
	for i := range n {
		p *= x[i*step]
	}
	return p
}

func extreme[T float32 | int64](start T, better func(a, b T) T) func(x []T, n, step int) T {
	return func(x []T, n, step int) T {
		v := start
		for i := range n {
			v = better(v, x[i*step])
		}
		return v
	}
}

var (
	sumReducer = reducer{
		func(x []float32, n, step int) float32 { return float32(sumOf(x, n, step, same64)) },
		func(x []int64, n, step int) int64 { return sumInts(x, n, step, func(x int64) int64 { return x }) },
	}
	meanReducer = reducer{
		func(x []float32, n, step int) float32 { return float32(sumOf(x, n, step, same64) / float64(n)) },
		func(x []int64, n, step int) int64 {
			return sumInts(x, n, step, func(x int64) int64 { return x }) / int64(max(1, n))
		},
	}
	productReducer   = reducer{product32, productInts}
	maxReducer       = reducer{extreme(float32(math.Inf(-1)), func(a, b float32) float32 { return max(a, b) }), extreme(int64(math.MinInt64), func(a, b int64) int64 { return max(a, b) })}
	minReducer       = reducer{extreme(float32(math.Inf(1)), func(a, b float32) float32 { return min(a, b) }), extreme(int64(math.MaxInt64), func(a, b int64) int64 { return min(a, b) })}
	sumSquareReducer = reducer{
		func(x []float32, n, step int) float32 { return float32(sumOf(x, n, step, square64)) },
		func(x []int64, n, step int) int64 { return sumInts(x, n, step, func(x int64) int64 { return x * x }) },
	}
	l1Reducer = reducer{
		func(x []float32, n, step int) float32 { return float32(sumOf(x, n, step, math.Abs)) },
		func(x []int64, n, step int) int64 {
			return sumInts(x, n, step, func(x int64) int64 { return max(x, -x) })
		},
	}
	l2Reducer = reducer{
		func(x []float32, n, step int) float32 { return float32(math.Sqrt(sumOf(x, n, step, square64))) },
		func(x []int64, n, step int) int64 {
			return int64(math.Sqrt(float64(sumInts(x, n, step, func(x int64) int64 { return x * x }))))
		},
	}
	logSumReducer    = reducer{func(x []float32, n, step int) float32 { return float32(math.Log(sumOf(x, n, step, same64))) }, nil}
	logSumExpReducer = reducer{logSumExp, nil}
)

// reduce makes a kernel of a reducer. Axes are an input from version since on.
func reduce(r *reducer, since int64) kernel {
	return func(c *call) []*Value {
		x := c.arg(0)
		axes := c.axes(1, since)
		if len(axes) == 0 {
			if c.flag("noop_with_empty_axes") {
				return one(c.reduceAxes(r, x, nil, true))
			}
			for i := range x.Dims {
				axes = append(axes, int64(i))
			}
		}
		return one(c.reduceAxes(r, x, axes, c.int("keepdims", 1) != 0))
	}
}

// reduceAxes moves the axes to the end and reduces each row of them.
func (c *call) reduceAxes(r *reducer, x *Value, axes []int64, keep bool) *Value {
	gone := make([]bool, len(x.Dims))
	for _, a := range axes {
		gone[c.axis(a, len(x.Dims))] = true
	}
	var perm []int64
	var dims []int
	n := 1
	for i, d := range x.Dims {
		switch {
		case !gone[i]:
			perm = append(perm, int64(i))
			dims = append(dims, d)
		case keep:
			dims = append(dims, 1)
		}
	}
	for i, d := range x.Dims {
		if gone[i] {
			perm = append(perm, int64(i))
			n *= d
		}
	}
	if x.Type.IsFloat() {
		x = c.permuted(x, perm)
		out := c.alloc(x.Type, dims)
		c.rows(len(out.F), n, func(i int) { out.F[i] = r.f(x.F[i*n:], n, 1) })
		return out
	}
	if r.i == nil || storeOf(x.Type) == inS {
		c.fail("%v elements are not supported", x.Type)
	}
	y := c.permuted(x, perm)
	in := c.integers(y)
	out := c.int64s(c.count(dims))
	lo, hi := int64(math.MinInt64), int64(math.MaxInt64)
	if n == 0 { // the extreme of nothing is that of the type
		lo, hi = limits(x.Type)
	}
	for i := range out {
		out[i] = max(lo, min(r.i(in[i*n:], n, 1), hi))
	}
	return c.fromIntegers(x.Type, dims, out)
}

// extremeIndex makes a kernel of ArgMax (sign 1) or ArgMin (-1).
func extremeIndex(sign float64) kernel {
	return func(c *call) []*Value {
		x := c.arg(0)
		k := c.axis(c.int("axis", 0), len(x.Dims))
		last := c.flag("select_last_index")
		dims := append([]int(nil), x.Dims...)
		dims[k] = 1
		if x.Dims[k] == 0 {
			c.fail("axis %d is empty", k)
		}
		out := c.alloc(onnx.Int64, dims)
		d, row := x.Dims[k], product(x.Dims[k+1:])
		f := c.asFloats(x)
		for i := range out.I {
			base := i/row*d*row + i%row
			best := 0
			for j := range d {
				a, b := sign*float64(f[base+j*row]), sign*float64(f[base+best*row])
				if a > b || last && a == b {
					best = j
				}
			}
			out.I[i] = int64(best)
		}
		if c.int("keepdims", 1) == 0 {
			return one(out.sharing(slices.Delete(dims, k, k+1)))
		}
		return one(out)
	}
}

// topK finds the largest or smallest elements along an axis, of equal ones those
// that come first.
func topK(c *call) []*Value {
	x := c.arg(0)
	k := c.axis(c.int("axis", -1), len(x.Dims))
	n := c.int("k", 0)
	if c.version >= 10 {
		n = c.scalar(1)
	}
	d := x.Dims[k]
	if n < 0 || n > int64(d) {
		c.fail("%d largest of %d", n, d)
	}
	dims := append([]int(nil), x.Dims...)
	dims[k] = int(n)
	values, at := c.alloc(x.Type, dims), c.alloc(onnx.Int64, dims)
	order := 1
	if c.int("largest", 1) != 0 {
		order = -1
	}
	row := product(x.Dims[k+1:])
	ints := []int64(nil)
	if !x.Type.IsFloat() {
		ints = c.integers(x)
	}
	idx := make([]int, d)
	for i := range product(x.Dims[:k]) * row {
		base, to := i/row*d*row+i%row, i/row*int(n)*row+i%row
		for j := range idx {
			idx[j] = j
		}
		slices.SortStableFunc(idx, func(a, b int) int {
			if ints != nil {
				return order * cmp.Compare(ints[base+a*row], ints[base+b*row])
			}
			return order * cmp.Compare(x.F[base+a*row], x.F[base+b*row])
		})
		for j := range int(n) {
			at.I[to+j*row] = int64(idx[j])
			copyRange(values, to+j*row, x, base+idx[j]*row, 1)
		}
	}
	return []*Value{values, at}
}

// cumulate makes a kernel of CumSum or CumProd.
func cumulate(o *arithmetic, start float32) kernel {
	return func(c *call) []*Value {
		x := c.arg(0)
		k := c.axis(c.scalar(1), len(x.Dims))
		d, row := x.Dims[k], product(x.Dims[k+1:])
		exclusive, reverse := c.flag("exclusive"), c.flag("reverse")
		at := func(i, j int) int {
			if reverse {
				j = d - 1 - j
			}
			return i/row*d*row + j*row + i%row
		}
		lines := product(x.Dims[:k]) * row
		if x.Type.IsFloat() {
			out := c.alloc(x.Type, x.Dims)
			cumulateLines(out.F, x.F, lines, d, at, exclusive, start, o.f)
			return one(out)
		}
		in := c.integers(x)
		out := c.int64s(len(in))
		cumulateLines(out, in, lines, d, at, exclusive, int64(start), o.i)
		return one(c.fromIntegers(x.Type, x.Dims, out))
	}
}

func cumulateLines[T any](dst, src []T, lines, d int, at func(i, j int) int, exclusive bool, start T, f func(a, b T) T) {
	for i := range lines {
		sum := start
		for j := range d {
			k := at(i, j)
			if exclusive {
				dst[k] = sum
			}
			sum = f(sum, src[k])
			if !exclusive {
				dst[k] = sum
			}
		}
	}
}
