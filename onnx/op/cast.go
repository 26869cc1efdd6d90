package op

import (
	"math"
	"strconv"
	"strings"

	"github.com/detox-surgery/detox-surgery/onnx"
)

func cast(c *call) []*Value { return one(c.cast(c.arg(0), onnx.Type(c.need("to")))) }

func castLike(c *call) []*Value { return one(c.cast(c.arg(0), c.arg(1).Type)) }

// cast converts elements. Floats are rounded to 16 bits to even and cut to integers;
// what does not fit an integer type is undefined in ONNX and wraps here.
func (c *call) cast(x *Value, to onnx.Type) *Value {
	switch {
	case x.Type == to:
		return x
	case storeOf(to) == noStore || to.IsFloat() && to.Bits() < 16 || x.Type.IsFloat() && x.Type.Bits() < 16:
		c.fail("a cast of %v to %v is not supported", x.Type, to)
	case to == onnx.String:
		return c.toStrings(x)
	case x.Type == onnx.String:
		return c.fromStrings(x, to)
	case to.IsFloat():
		out := c.alloc(to, x.Dims)
		copy(out.F, c.asFloats(x))
		if half(to) {
			roundTo(to, out.F, out.F)
		}
		return out
	case to == onnx.Bool && x.Type.IsFloat():
		return c.test(x, func(x float32) bool { return x != 0 })
	case x.Type.IsFloat():
		out := c.int64s(len(x.F))
		for i, f := range x.F {
			out[i] = toInteger(f)
		}
		return c.fromIntegers(to, x.Dims, out)
	}
	return c.fromIntegers(to, x.Dims, c.integers(x))
}

// toInteger cuts; what is out of range becomes the nearest int64.
func toInteger(f float32) int64 {
	switch {
	case f != f:
		return 0
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return int64(f)
}

func (c *call) toStrings(x *Value) *Value {
	out := c.alloc(onnx.String, x.Dims)
	if x.Type.IsFloat() {
		for i, f := range x.F {
			out.S[i] = formatFloat(f)
		}
		return out
	}
	for i, k := range c.integers(x) {
		out.S[i] = strconv.FormatInt(k, 10)
		if x.Type == onnx.Uint64 {
			out.S[i] = strconv.FormatUint(uint64(k), 10)
		}
	}
	return out
}

func formatFloat(f float32) string {
	switch {
	case f != f:
		return "NaN"
	case math.IsInf(float64(f), 1):
		return "INF"
	case math.IsInf(float64(f), -1):
		return "-INF"
	}
	return strconv.FormatFloat(float64(f), 'g', -1, 32)
}

func (c *call) fromStrings(x *Value, to onnx.Type) *Value {
	f, k := c.scratch(len(x.S)), c.int64s(len(x.S))
	for i, s := range x.S {
		s = strings.TrimSpace(s)
		v, err := strconv.ParseFloat(s, 32)
		if err != nil && !math.IsInf(v, 0) {
			c.fail("%q is not a number", s)
		}
		f[i] = float32(v)
		if k[i], err = strconv.ParseInt(s, 10, 64); err != nil {
			k[i] = int64(v)
		}
	}
	if !to.IsFloat() {
		return c.fromIntegers(to, x.Dims, k)
	}
	out := c.alloc(to, x.Dims)
	copy(out.F, f)
	if half(to) {
		roundTo(to, out.F, f)
	}
	return out
}
