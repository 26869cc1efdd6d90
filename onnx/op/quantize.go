package op

import (
	"math"

	"github.com/detox-surgery/detox-surgery/onnx"
	"github.com/detox-surgery/detox-surgery/simd"
)

// grid says which scale and zero point an element of a tensor has: one for all, one
// along an axis, or one for each block along an axis. The tensor is [outer, d, inner].
type grid struct {
	scale               []float32
	zero                []int64 // nil: zeros
	outer, d, inner     int
	perOuter, per, step int // scale (o, k, i) is at (o*perOuter + k/per)*step + i%step
}

// grid reads scales and zero points for a tensor of dimensions dims.
func (c *call) grid(dims []int, scale, zero *Value) *grid {
	if !scale.Type.IsFloat() {
		c.fail("scales of type %v", scale.Type)
	}
	rows, cols := 1, product(dims) // of one scale for all, for the workers to share
	if n := len(dims); n > 1 {
		rows, cols = product(dims[:n-1]), dims[n-1]
	}
	g := &grid{scale: scale.F, outer: 1, d: rows, inner: cols, per: max(1, rows), step: 1}
	if zero != nil && storeOf(zero.Type) != inF {
		if g.zero = c.integers(zero); len(g.zero) != len(scale.F) {
			c.fail("%d zero points for %d scales", len(g.zero), len(scale.F))
		}
	}
	block := c.int("block_size", 0)
	if len(scale.F) == 1 && block == 0 {
		return g
	}
	k := c.axis(c.int("axis", 1), len(dims))
	g.outer, g.d, g.inner, g.per = product(dims[:k]), dims[k], product(dims[k+1:]), 1
	if block == 0 {
		if len(scale.F) != g.d {
			c.fail("%d scales for dimension %d", len(scale.F), g.d)
		}
		if g.inner == 1 { // the last axis: rows with a scale for each element
			g.d, g.inner, g.step = 1, g.d, g.d
		}
		return g
	}
	if block < 1 || block > c.run.limit {
		c.fail("blocks of %d", block)
	}
	g.per, g.step = int(block), g.inner
	g.perOuter = (g.d + g.per - 1) / g.per
	if len(scale.F) != g.outer*g.perOuter*g.inner {
		c.fail("%d scales for dimensions %v in blocks of %d", len(scale.F), dims, block)
	}
	if g.inner == 1 && g.d%g.per == 0 { // the last axis: rows are blocks
		g.outer, g.d, g.inner, g.per, g.perOuter = g.outer*g.perOuter, 1, g.per, 1, 1
	}
	return g
}

// each calls f for every run of inner elements: where it starts, and the first of its
// scales, of which there are step.
func (g *grid) each(c *call, f func(at, first int)) {
	c.rows(g.outer*g.d, g.inner, func(r int) {
		o, k := r/g.d, r%g.d
		f(r*g.inner, (o*g.perOuter+k/g.per)*g.step)
	})
}

// finish subtracts zero points from small integers, exactly, and scales them.
func (g *grid) finish(dst []float32, first int) {
	if g.step == 1 {
		s, z := g.scale[first], float32(g.zeroAt(first))
		for i, v := range dst {
			dst[i] = (v - z) * s
		}
		return
	}
	scale := g.scale[first : first+len(dst)]
	if g.zero == nil {
		simd.Mul(dst, dst, scale)
		return
	}
	for i, z := range g.zero[first : first+len(dst)] {
		dst[i] = (dst[i] - float32(z)) * scale[i]
	}
}

func (g *grid) zeroAt(i int) int64 {
	if g.zero == nil {
		return 0
	}
	return g.zero[i]
}

// dequantizeLinear is (x - zero) scale.
func dequantizeLinear(c *call) []*Value {
	x, scale := c.arg(0), c.floats(1)
	to := onnx.Type(c.int("output_dtype", 0))
	if to == onnx.Undefined {
		to = scale.Type
	}
	return one(c.dequantized(x, c.grid(x.Dims, scale, c.opt(2)), to))
}

func (c *call) dequantized(x *Value, g *grid, to onnx.Type) *Value {
	if !x.Type.IsInteger() || !to.IsFloat() {
		c.fail("dequantization of %v to %v is not supported", x.Type, to)
	}
	y := c.alloc(to, x.Dims)
	signed := signedType(x.Type)
	g.each(c, func(at, first int) {
		dst := y.F[at : at+g.inner]
		switch {
		case x.I != nil: // large integers are subtracted before they are rounded
			for i, v := range x.I[at : at+g.inner] {
				k := first
				if g.step > 1 {
					k += i
				}
				dst[i] = float32(v-g.zeroAt(k)) * g.scale[k]
			}
			return
		case signed:
			for i, v := range x.b[at : at+g.inner] {
				dst[i] = float32(int8(v))
			}
		default:
			for i, v := range x.b[at : at+g.inner] {
				dst[i] = float32(v)
			}
		}
		g.finish(dst, first)
	})
	return y
}

// quantizeLinear rounds x / scale to even, adds the zero point and saturates.
func quantizeLinear(c *call) []*Value {
	x, scale, zero := c.arg(0), c.floats(1), c.opt(2)
	to := onnx.Type(c.int("output_dtype", 0))
	if zero != nil {
		to = zero.Type
	}
	if to == onnx.Undefined {
		to = onnx.Uint8
	}
	if !integer(to) {
		c.fail("quantization to %v is not supported", to)
	}
	return one(c.quantized(x.sharingFloats(c), c.grid(x.Dims, scale, zero), to))
}

// sharingFloats is a tensor of any number type as floats.
func (v *Value) sharingFloats(c *call) *Value {
	return &Value{Type: onnx.Float, Dims: v.Dims, F: c.asFloats(v)}
}

func (c *call) quantized(x *Value, g *grid, to onnx.Type) *Value {
	y := c.alloc(to, x.Dims)
	lo, hi := limits(to)
	g.each(c, func(at, first int) {
		for i, f := range x.F[at : at+g.inner] {
			k := first
			if g.step > 1 {
				k += i
			}
			v := saturated(f/g.scale[k], g.zeroAt(k), lo, hi)
			if y.b != nil {
				y.b[at+i] = byte(v)
			} else {
				y.I[at+i] = v
			}
		}
	})
	return y
}

// saturated rounds to even and adds a zero point; NaN becomes the zero point.
func saturated(f float32, zero, lo, hi int64) int64 {
	r := math.RoundToEven(float64(f))
	if r != r {
		r = 0
	}
	r = max(-1<<40, min(r, 1<<40))
	return max(lo, min(int64(r)+zero, hi))
}

// dynamicQuantizeLinear quantizes to UINT8 by the range of the elements and 0.
func dynamicQuantizeLinear(c *call) []*Value {
	q, scale, zero := c.dynamic(c.floats(0))
	return []*Value{q, Floats(nil, []float32{scale}), {Type: onnx.Uint8, b: []byte{byte(zero)}}}
}

func (c *call) dynamic(x *Value) (q *Value, scale float32, zero int64) {
	var lo, hi float32
	for _, v := range x.F {
		lo, hi = min(lo, v), max(hi, v)
	}
	if scale = (hi - lo) / 255; scale == 0 || scale != scale {
		scale = 1
	}
	zero = saturated(-lo/scale, 0, 0, 255)
	g := &grid{scale: []float32{scale}, zero: []int64{zero}, outer: 1, d: 1, inner: len(x.F), per: 1, step: 1}
	return c.quantized(x, g, onnx.Uint8), scale, zero
}
