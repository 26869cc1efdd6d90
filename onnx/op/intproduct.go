package op

import (
	"slices"

	"github.com/detox-surgery/detox-surgery/onnx"
	"github.com/detox-surgery/detox-surgery/simd"
)

// exactDepth is up to which depth a float32 product of 8-bit integers less their zero
// points is exact: the sums stay below 2^24.
const exactDepth = 256

// integerProduct is (a - za) (b - zb) of integers, of type to. za may be one for each
// row of a, zb one for each column of b.
func (c *call) integerProduct(a, b, za, zb *Value, to onnx.Type) *Value {
	p := c.pair(a.Dims, b.Dims, false, false)
	out := c.alloc(onnx.Int64, p.dims)
	rows := c.zeroPoints(za, len(out.I)/max(1, p.n), a.Dims)
	cols := c.zeroPoints(zb, p.n, nil)
	if storeOf(a.Type) == inB && storeOf(b.Type) == inB {
		c.smallProduct(p, a, b, rows, cols, out.I)
	} else {
		c.largeProduct(p, c.integers(a), c.integers(b), rows, cols, out.I)
	}
	if to == onnx.Int64 {
		return out
	}
	return c.fromIntegers(to, p.dims, out.I)
}

// zeroPoints has a zero point for each of n rows or columns; nil for zeros.
func (c *call) zeroPoints(z *Value, n int, of []int) func(i int) int64 {
	if z == nil {
		return func(int) int64 { return 0 }
	}
	x := c.integers(z)
	switch {
	case len(x) == 1:
		return func(int) int64 { return x[0] }
	case len(x) == n:
		return func(i int) int64 { return x[i] }
	case len(of) >= 2 && len(x) == of[len(of)-2]: // rows of a matrix, the same for all
		return func(i int) int64 { return x[i%len(x)] }
	}
	c.fail("%d zero points for %d rows or columns", len(x), n)
	return nil
}

// smallProduct multiplies 8-bit integers as floats, in slices of depth that are exact.
func (c *call) smallProduct(p *matrices, a, b *Value, za, zb func(i int) int64, out []int64) {
	depth := min(exactDepth, p.k)
	fa, fb, y := c.scratch(p.m, depth), c.scratch(depth, p.n), c.scratch(p.m, p.n)
	for i := range p.batch {
		dst := out[i*p.m*p.n : (i+1)*p.m*p.n]
		for k0 := 0; k0 < p.k; k0 += depth {
			n := min(depth, p.k-k0)
			c.rows(p.m, n, func(r int) {
				src, z := a.b[p.a[i]+r*p.k+k0:], za(i*p.m+r)
				for k := range n {
					fa[r*n+k] = float32(fromByte(a.Type, src[k]) - z)
				}
			})
			c.rows(n, p.n, func(r int) {
				src := b.b[p.b[i]+(k0+r)*p.n:]
				for j := range p.n {
					fb[r*p.n+j] = float32(fromByte(b.Type, src[j]) - zb(j))
				}
			})
			if len(dst) == 0 {
				continue
			}
			simd.Gemm(c.run.p.o.Pool, false, false, p.m, p.n, n, fa, n, fb, p.n, 0, y, p.n)
			for j, v := range y[:len(dst)] {
				dst[j] += int64(v)
			}
		}
	}
}

func (c *call) largeProduct(p *matrices, a, b []int64, za, zb func(i int) int64, out []int64) {
	for i := range p.batch {
		for r := range p.m {
			dst := out[(i*p.m+r)*p.n : (i*p.m+r+1)*p.n]
			z := za(i*p.m + r)
			for k := range p.k {
				x := a[p.a[i]+r*p.k+k] - z
				for j, y := range b[p.b[i]+k*p.n : p.b[i]+(k+1)*p.n] {
					dst[j] += x * (y - zb(j))
				}
			}
		}
	}
}

func matMulInteger(c *call) []*Value {
	return one(c.integerProduct(c.arg(0), c.arg(1), c.opt(2), c.opt(3), onnx.Int32))
}

// scaled is an integer product times the scales of both operands, of which those of b
// may be one for each column, and a bias.
func (c *call) scaled(x *Value, a, b, bias *Value) *Value {
	out := c.alloc(onnx.Float, x.Dims)
	f := c.binary(&multiplication, a.flatScale(), b.flatScale())
	if n := len(f.F); n != 1 && (len(x.Dims) == 0 || n != x.Dims[len(x.Dims)-1]) {
		c.fail("%d scales for dimensions %v", n, x.Dims)
	}
	for i, v := range x.I {
		out.F[i] = float32(v) * f.F[i%len(f.F)]
	}
	if bias != nil {
		out = c.binary(&addition, out, bias)
	}
	return out
}

// flatScale is a scale or a list of them.
func (v *Value) flatScale() *Value { return v.sharing([]int{len(v.F)}) }

// matMulIntegerToFloat is com.microsoft's: A, B, their scales and zero points, bias.
func matMulIntegerToFloat(c *call) []*Value {
	y := c.integerProduct(c.arg(0), c.arg(1), c.opt(4), c.opt(5), onnx.Int64)
	return one(c.scaled(y, c.floats(2), c.floats(3), c.optFloats(6)))
}

// dynamicQuantizeMatMul is com.microsoft's: A is quantized by its range; B, its scales
// and zero points, bias.
func dynamicQuantizeMatMul(c *call) []*Value {
	q, scale, zero := c.dynamic(c.floats(0))
	z := &Value{Type: onnx.Uint8, b: []byte{byte(zero)}}
	y := c.integerProduct(q, c.arg(1), z, c.opt(3), onnx.Int64)
	return one(c.scaled(y, Floats(nil, []float32{scale}), c.floats(2), c.optFloats(4)))
}

// qLinearMatMul is a product of quantized matrices, quantized again: each of A, B and
// the result comes with its scale and zero point.
func qLinearMatMul(c *call) []*Value {
	a, b := c.floats(1), c.floats(4)
	rows := len(a.F) > 1
	prod := c.integerProduct(c.arg(0), c.arg(3), c.arg(2), c.arg(5), onnx.Int64)
	if rows {
		d := prod.Dims
		if len(d) < 2 || len(a.F) != d[len(d)-2] || len(b.F) != 1 {
			c.fail("%w: %d scales of rows for dimensions %v", onnx.ErrUnsupported, len(a.F), d)
		}
		y := &Value{Type: onnx.Float, Dims: d, F: c.asFloats(prod)}
		a = a.sharing([]int{len(a.F), 1})
		y = c.binary(&multiplication, y, c.asFloat(c.binary(&multiplication, c.asFloat(a), c.asFloat(b.sharing(nil)))))
		return one(c.requantized(y, c.floats(6), c.arg(7)))
	}
	return one(c.requantized(c.scaled(prod, c.asFloat(a), c.asFloat(b), nil), c.floats(6), c.arg(7)))
}

// asFloat calls floats of 16 bits FLOAT, which they are computed in.
func (c *call) asFloat(v *Value) *Value {
	w := *v
	w.Type = onnx.Float
	return &w
}

func (c *call) requantized(y, scale, zero *Value) *Value {
	g := &grid{scale: scale.F, zero: c.integers(zero), outer: 1, d: 1, inner: len(y.F), per: 1, step: 1}
	if len(g.scale) != 1 || len(g.zero) != 1 {
		c.fail("%d scales of the result", len(g.scale))
	}
	return c.quantized(y, g, zero.Type)
}

// dequantizedAt is the floats of quantized inputs x, scale and zero point that follow
// each other from input i on.
func (c *call) dequantizedAt(i int) *Value {
	x, scale := c.arg(i), c.floats(i+1)
	if len(scale.F) != 1 {
		c.fail("%d scales", len(scale.F))
	}
	return c.dequantized(x, c.grid(x.Dims, scale, c.opt(i+2)), onnx.Float)
}

// qLinearBinary makes a kernel of com.microsoft's QLinearAdd and QLinearMul: two
// quantized tensors, and scale and zero point of the result.
func qLinearBinary(o *arithmetic) kernel {
	return func(c *call) []*Value {
		y := c.binary(o, c.dequantizedAt(0), c.dequantizedAt(3))
		return one(c.requantizedLike(y, 6, c.arg(0).Type))
	}
}

// requantizedLike quantizes by the scale of input i and the zero point behind it,
// which may be left out.
func (c *call) requantizedLike(y *Value, i int, t onnx.Type) *Value {
	zero := c.opt(i + 1)
	if zero == nil {
		zero = c.alloc(t, []int{1})
	}
	return c.requantized(y, c.floats(i), zero)
}

func qLinearSigmoid(c *call) []*Value {
	return one(c.requantizedLike(c.mapFloats(c.dequantizedAt(0), sigmoid), 3, c.arg(0).Type))
}

// qLinearConcat is com.microsoft's: scale and zero point of the result, then of each
// tensor the tensor, scale and zero point.
func qLinearConcat(c *call) []*Value {
	var parts []*Value
	for i := 2; i < len(c.in); i += 3 {
		parts = append(parts, c.dequantizedAt(i))
	}
	y := c.joined(slices.Clone(parts), c.need("axis"))
	return one(c.requantized(y, c.floats(0), c.arg(1)))
}
