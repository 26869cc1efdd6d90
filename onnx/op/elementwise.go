package op

import (
	"math"

	"github.com/detox-surgery/detox-surgery/onnx"
	"github.com/detox-surgery/detox-surgery/simd"
)

// floatMap makes a kernel of a function of a float element.
func floatMap(f func(x float32) float32) kernel {
	return func(c *call) []*Value { return one(c.mapFloats(c.floats(0), f)) }
}

// mathMap makes a kernel of a function of package math.
func mathMap(f func(x float64) float64) kernel {
	return floatMap(func(x float32) float32 { return float32(f(float64(x))) })
}

func (c *call) mapFloats(x *Value, f func(x float32) float32) *Value {
	y := c.alloc(x.Type, x.Dims)
	c.chunks(len(x.F), func(lo, hi int) {
		for i, v := range x.F[lo:hi] {
			y.F[lo+i] = f(v)
		}
	})
	return y
}

// numberMap makes a kernel of a function of float and one of integer elements.
func numberMap(f func(x float32) float32, g func(x int64) int64) kernel {
	return func(c *call) []*Value {
		x := c.arg(0)
		if x.Type.IsFloat() {
			return one(c.mapFloats(x, f))
		}
		in := c.integers(x)
		out := c.int64s(len(in))
		for i, v := range in {
			out[i] = g(v)
		}
		return one(c.fromIntegers(x.Type, x.Dims, out))
	}
}

// arithmetic is an operator on two numbers of one type.
type arithmetic struct {
	f    func(a, b float32) float32
	i    func(a, b int64) int64
	rows func(dst, a, b []float32) // f on rows, or nil
}

var (
	addition       = arithmetic{func(a, b float32) float32 { return a + b }, func(a, b int64) int64 { return a + b }, simd.Add}
	subtraction    = arithmetic{func(a, b float32) float32 { return a - b }, func(a, b int64) int64 { return a - b }, nil}
	multiplication = arithmetic{func(a, b float32) float32 { return a * b }, func(a, b int64) int64 { return a * b }, simd.Mul}
	maximum        = arithmetic{func(a, b float32) float32 { return max(a, b) }, func(a, b int64) int64 { return max(a, b) }, nil}
	minimum        = arithmetic{func(a, b float32) float32 { return min(a, b) }, func(a, b int64) int64 { return min(a, b) }, nil}
)

// pairwise makes a kernel of an operator with broadcasting.
func pairwise(o *arithmetic) kernel {
	return func(c *call) []*Value { return one(c.binary(o, c.arg(0), c.arg(1))) }
}

func (c *call) binary(o *arithmetic, a, b *Value) *Value {
	c.same(a, b)
	dims := c.broadcast(a.Dims, b.Dims)
	if a.Type.IsFloat() {
		y := c.alloc(a.Type, dims)
		combine(y.F, a.F, b.F, pairLoop(dims, a, b), o.f, o.rows)
		return y
	}
	if o.i == nil || !integer(a.Type) {
		c.fail("%v elements are not supported", a.Type)
	}
	out := c.int64s(c.count(dims))
	combine(out, c.integers(a), c.integers(b), pairLoop(dims, a, b), o.i, nil)
	return c.fromIntegers(a.Type, dims, out)
}

func pairLoop(dims []int, a, b *Value) loop {
	return newLoop(dims, broadcastStrides(a.Dims, dims), broadcastStrides(b.Dims, dims))
}

// combine computes dst = f(a, b) over a loop of two operands.
func combine[R, T any](dst []R, a, b []T, l loop, f func(a, b T) R, rows func(dst []R, a, b []T)) {
	if len(dst) == 0 {
		return
	}
	n, sa, sb := l.inner(), l.step(0), l.step(1)
	l.each(func(first int, at []int) {
		d := dst[first : first+n]
		ia, ib := at[0], at[1]
		if rows != nil && sa == 1 && sb == 1 {
			rows(d, a[ia:ia+n], b[ib:ib+n])
			return
		}
		for i := range d {
			d[i] = f(a[ia], b[ib])
			ia, ib = ia+sa, ib+sb
		}
	})
}

// division is integer division toward zero, or of floats.
func division(c *call) []*Value {
	return one(c.binary(&arithmetic{f: func(a, b float32) float32 { return a / b }, i: func(a, b int64) int64 {
		if b == 0 {
			c.fail("division by zero")
		}
		return a / b
	}}, c.arg(0), c.arg(1)))
}

// modulo has the sign of the divisor, with fmod that of the dividend.
func modulo(c *call) []*Value {
	fmod := c.flag("fmod")
	return one(c.binary(&arithmetic{f: func(a, b float32) float32 {
		r := float32(math.Mod(float64(a), float64(b)))
		if !fmod && r != 0 && (r < 0) != (b < 0) {
			r += b
		}
		return r
	}, i: func(a, b int64) int64 {
		if b == 0 {
			c.fail("division by zero")
		}
		r := a % b
		if !fmod && r != 0 && (r < 0) != (b < 0) {
			r += b
		}
		return r
	}}, c.arg(0), c.arg(1)))
}

// power takes an exponent of any number type; the result has the base's.
func power(c *call) []*Value {
	a, b := c.arg(0), c.arg(1)
	dims := c.broadcast(a.Dims, b.Dims)
	l := pairLoop(dims, a, b)
	if a.Type.IsFloat() {
		y := c.alloc(a.Type, dims)
		combine(y.F, a.F, c.asFloats(b), l, func(a, b float32) float32 {
			switch b {
			case 2:
				return a * a
			case 0.5:
				return float32(math.Sqrt(float64(a)))
			}
			return float32(math.Pow(float64(a), float64(b)))
		}, nil)
		return one(y)
	}
	out := c.int64s(c.count(dims))
	if integer(b.Type) {
		combine(out, c.integers(a), c.integers(b), l, integerPower, nil)
		return one(c.fromIntegers(a.Type, dims, out))
	}
	combine(out, c.asFloats(a), c.asFloats(b), l, func(a, b float32) int64 { return int64(math.Pow(float64(a), float64(b))) }, nil)
	return one(c.fromIntegers(a.Type, dims, out))
}

// integerPower wraps around on overflow; a negative exponent truncates to zero,
// apart from bases of 1 and -1.
func integerPower(a, n int64) int64 {
	if n < 0 {
		switch a {
		case 1:
			return 1
		case -1:
			return 1 - 2*(n&1)
		}
		return 0
	}
	r := int64(1)
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			r *= a
		}
		a *= a
	}
	return r
}

// asFloats is the elements of a tensor of any number type as float32.
func (c *call) asFloats(v *Value) []float32 {
	if v.Type.IsFloat() {
		return v.F
	}
	x := c.integers(v)
	out := c.scratch(len(x))
	for i, k := range x {
		out[i] = float32(k)
	}
	return out
}

// fold2 makes a kernel of an operator on one or more operands.
func variadic(o *arithmetic) kernel {
	return func(c *call) []*Value { return one(c.variadic(o)) }
}

func (c *call) variadic(o *arithmetic) *Value {
	v := c.arg(0)
	for i := 1; i < len(c.in); i++ {
		v = c.binary(o, v, c.arg(i))
	}
	return v
}

func mean(c *call) []*Value {
	sum := c.variadic(&addition)
	n := float32(len(c.in))
	return one(c.mapFloats(sum, func(x float32) float32 { return x / n }))
}

// clip bounds elements; where both bounds are wrong the upper one counts.
func clip(c *call) []*Value {
	x := c.arg(0)
	if c.version < 11 {
		lo, hi := c.float("min", -math.MaxFloat32), c.float("max", math.MaxFloat32)
		return one(c.mapFloats(c.floats(0), func(x float32) float32 { return min(max(x, lo), hi) }))
	}
	for i, o := range []*arithmetic{&maximum, &minimum} {
		if !c.has(i + 1) {
			continue
		}
		if b := c.arg(i + 1); b.Len() != 1 {
			c.fail("bound %d has %d elements", i, b.Len())
		}
		x = c.binary(o, x, c.arg(i+1).sharing(nil))
	}
	return one(x)
}

func sign(x float32) float32 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x
}

func sigmoid(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }

func relu(x float32) float32 {
	if x < 0 {
		return 0
	}
	return x
}

func softplus(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

func isNaN(c *call) []*Value {
	return one(c.test(c.floats(0), func(x float32) bool { return x != x }))
}

func isInf(c *call) []*Value {
	neg, pos := c.int("detect_negative", 1) != 0, c.int("detect_positive", 1) != 0
	return one(c.test(c.floats(0), func(x float32) bool {
		return pos && math.IsInf(float64(x), 1) || neg && math.IsInf(float64(x), -1)
	}))
}

func (c *call) test(x *Value, f func(x float32) bool) *Value {
	y := c.alloc(onnx.Bool, x.Dims)
	for i, v := range x.F {
		y.b[i] = bit(f(v))
	}
	return y
}
