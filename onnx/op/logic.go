package op

import (
	"math"

	"github.com/detox-surgery/detox-surgery/onnx"
)

// comparison is an operator on two numbers that gives a bool.
type comparison struct {
	f func(a, b float32) bool
	i func(a, b int64) bool
	s func(a, b string) bool
}

var (
	equal          = comparison{func(a, b float32) bool { return a == b }, func(a, b int64) bool { return a == b }, func(a, b string) bool { return a == b }}
	less           = comparison{f: func(a, b float32) bool { return a < b }, i: func(a, b int64) bool { return a < b }}
	lessOrEqual    = comparison{f: func(a, b float32) bool { return a <= b }, i: func(a, b int64) bool { return a <= b }}
	greater        = comparison{f: func(a, b float32) bool { return a > b }, i: func(a, b int64) bool { return a > b }}
	greaterOrEqual = comparison{f: func(a, b float32) bool { return a >= b }, i: func(a, b int64) bool { return a >= b }}
)

func compare(o *comparison) kernel {
	return func(c *call) []*Value {
		a, b := c.arg(0), c.arg(1)
		c.same(a, b)
		dims := c.broadcast(a.Dims, b.Dims)
		y := c.alloc(onnx.Bool, dims)
		l := pairLoop(dims, a, b)
		switch {
		case a.Type.IsFloat():
			combine(y.b, a.F, b.F, l, func(a, b float32) byte { return bit(o.f(a, b)) }, nil)
		case a.Type.IsInteger():
			combine(y.b, c.integers(a), c.integers(b), l, func(a, b int64) byte { return bit(o.i(a, b)) }, nil)
		case o.s != nil:
			combine(y.b, a.S, b.S, l, func(a, b string) byte { return bit(o.s(a, b)) }, nil)
		default:
			c.fail("%v elements are not supported", a.Type)
		}
		return one(y)
	}
}

// boolean makes a kernel of an operator on two bools, as bytes of 0 or 1.
func boolean(f func(a, b byte) byte) kernel {
	return func(c *call) []*Value {
		a, b := c.bools(0), c.bools(1)
		dims := c.broadcast(a.Dims, b.Dims)
		y := c.alloc(onnx.Bool, dims)
		combine(y.b, a.b, b.b, pairLoop(dims, a, b), f, nil)
		return one(y)
	}
}

// bools is input i, which must be BOOL.
func (c *call) bools(i int) *Value {
	v := c.arg(i)
	if v.Type != onnx.Bool {
		c.fail("input %d is %v, not BOOL", i, v.Type)
	}
	return v
}

func not(c *call) []*Value {
	x := c.bools(0)
	y := c.alloc(onnx.Bool, x.Dims)
	for i, b := range x.b {
		y.b[i] = 1 - b
	}
	return one(y)
}

// bitwise makes a kernel of an operator on the bits of two integers.
func bitwise(f func(a, b int64) int64) kernel { return pairwise(&arithmetic{i: f, f: noFloats}) }

func noFloats(a, _ float32) float32 { return float32(math.NaN()) * a }

func bitShift(c *call) []*Value {
	left := c.str("direction", "") == "LEFT"
	a := c.arg(0)
	t, width := a.Type, a.Type.Bits()
	return one(c.binary(&arithmetic{i: func(a, b int64) int64 {
		out := b < 0 || b >= int64(width) // shifts everything out, whichever way
		switch {
		case left && out:
			return 0
		case left:
			return a << b
		case out && signedType(t):
			return a >> 63
		case out:
			return 0
		case signedType(t):
			return a >> b
		}
		return int64(uint64(a) >> b)
	}, f: noFloats}, a, c.arg(1)))
}

// where chooses between two tensors of one type.
func where(c *call) []*Value {
	cond, x, y := c.bools(0), c.arg(1), c.arg(2)
	c.same(x, y)
	dims := c.broadcast(c.broadcast(cond.Dims, x.Dims), y.Dims)
	cond, x, y = c.expanded(cond, dims), c.expanded(x, dims), c.expanded(y, dims)
	out := c.alloc(x.Type, dims)
	choose(out.F, cond.b, x.F, y.F)
	choose(out.I, cond.b, x.I, y.I)
	choose(out.b, cond.b, x.b, y.b)
	choose(out.S, cond.b, x.S, y.S)
	return one(out)
}

func choose[T any](dst []T, cond []byte, x, y []T) {
	for i := range dst {
		if cond[i] != 0 {
			dst[i] = x[i]
		} else {
			dst[i] = y[i]
		}
	}
}
