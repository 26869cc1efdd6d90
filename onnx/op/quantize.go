package op

import (
	"fmt"
	"math"

	"github.com/detox-surgery/detox-surgery/onnx"
)

// scales finds the scale and zero point of each element of a tensor.
type scales struct {
	s, z         *Value
	axis, block  int
	inner, along int
}

func (c *Call) scales(x, s, z *Value) (*scales, error) {
	q := &scales{s: s, z: z, axis: -1}
	if len(s.F) == 1 {
		return q, nil
	}
	a, err := axis(c.int("axis", 1), len(x.Dims))
	if err != nil {
		return nil, err
	}
	q.axis, q.block, q.inner, q.along = a, c.int("block_size", 0), product(x.Dims[a+1:]), x.Dims[a]
	want := q.along
	if q.block > 0 {
		want = product(x.Dims[:a]) * ((q.along + q.block - 1) / q.block) * q.inner
	}
	if len(s.F) != want {
		return nil, fmt.Errorf("%d scales for shape %v along axis %d", len(s.F), x.Dims, a)
	}
	return q, nil
}

func (q *scales) at(i int) (float32, int64) {
	j := 0
	if q.axis >= 0 {
		pos := i / q.inner % q.along
		if j = pos; q.block > 0 {
			per := (q.along + q.block - 1) / q.block
			j = (i/q.inner/q.along*per+pos/q.block)*q.inner + i%q.inner
		}
	}
	if q.z == nil || len(q.z.I) == 0 {
		return q.s.F[j], 0
	}
	return q.s.F[j], q.z.I[j%len(q.z.I)]
}

func dequantizeLinear(c *Call) ([]*Value, error) {
	if err := c.need(2); err != nil {
		return nil, err
	}
	x := c.In[0]
	q, err := c.scales(x, c.In[1], c.in(2))
	if err != nil {
		return nil, err
	}
	y := made(c.In[1].Type, x.Dims)
	for i, v := range x.I {
		s, z := q.at(i)
		y.F[i] = float32(v-z) * s
	}
	return []*Value{y}, nil
}

func quantizeLinear(c *Call) ([]*Value, error) {
	if err := c.need(2); err != nil {
		return nil, err
	}
	x, t := c.In[0], onnx.Type(c.int("output_dtype", int(onnx.Uint8)))
	if c.has(2) {
		t = c.In[2].Type
	}
	q, err := c.scales(x, c.In[1], c.in(2))
	if err != nil {
		return nil, err
	}
	if t.IsFloat() {
		return nil, fmt.Errorf("quantization to %v", t)
	}
	y := made(t, x.Dims)
	lo, hi := limits(t)
	for i, v := range x.F {
		s, z := q.at(i)
		y.I[i] = min(max(int64(math.RoundToEven(float64(v/s)))+z, lo), hi)
	}
	return []*Value{y}, nil
}

func dynamicQuantize(c *Call) ([]*Value, error) {
	if err := c.need(1); err != nil {
		return nil, err
	}
	x := c.In[0]
	var lo, hi float32
	for _, v := range x.F {
		lo, hi = min(lo, v), max(hi, v)
	}
	s := (hi - lo) / 255
	var z int64
	if s > 0 {
		z = int64(math.RoundToEven(float64(min(max(-lo/s, 0), 255))))
	}
	y := made(onnx.Uint8, x.Dims)
	for i, v := range x.F {
		if s > 0 {
			y.I[i] = min(max(int64(math.RoundToEven(float64(v/s)))+z, 0), 255)
		}
	}
	return []*Value{y, Floats(nil, []float32{s}), {Type: onnx.Uint8, I: []int64{z}}}, nil
}

// matMulInteger multiplies exactly in float32 parts: the products of bytes are below
// 2^16, and sums of 256 of them are whole numbers of 24 bits.
func matMulInteger(c *Call) ([]*Value, error) {
	if err := c.need(2); err != nil {
		return nil, err
	}
	a, b := centred(c.In[0], c.in(2), true), centred(c.In[1], c.in(3), false)
	k := a.Dims[len(a.Dims)-1]
	var sum *Value
	const step = 256
	for lo := 0; lo < k; lo += step {
		n := min(step, k-lo)
		y, err := multiply(c, cut(a, len(a.Dims)-1, lo, n), cut(b, len(b.Dims)-2, lo, n))
		if err != nil {
			return nil, err
		}
		if sum == nil {
			sum = made(onnx.Int32, y.Dims)
		}
		for i, v := range y.F {
			sum.I[i] += int64(v)
		}
	}
	return []*Value{sum}, nil
}

// centred are codes minus their zero point, which may be one for each row of a or
// column of b.
func centred(x, z *Value, rows bool) *Value {
	y := made(onnx.Float, x.Dims)
	n := x.Dims[len(x.Dims)-1]
	for i, v := range x.I {
		y.F[i] = float32(v)
		switch {
		case z == nil:
		case len(z.I) == 1:
			y.F[i] -= float32(z.I[0])
		case rows:
			y.F[i] -= float32(z.I[i/n])
		default:
			y.F[i] -= float32(z.I[i%n])
		}
	}
	return y
}
