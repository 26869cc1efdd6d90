package op

import "github.com/detox-surgery/detox-surgery/onnx"

// multiHeadAttention is com.microsoft's: query, key, value, bias of the three, mask of
// keys, bias of scores, past key and value.
func multiHeadAttention(c *call) []*Value {
	n := c.size("num_heads", 0, 1<<16)
	q, k, v := c.queryKeyValue(n)
	t := c.floats(0).Type
	if b := c.optFloats(3); b != nil {
		if len(b.F) != n*(q.d+k.d+v.d) {
			c.fail("a bias of %d elements", len(b.F))
		}
		q, k, v = c.biased(q, b.F[:n*q.d]), c.biased(k, b.F[n*q.d:n*(q.d+k.d)]), c.biased(v, b.F[n*(q.d+k.d):])
	}
	before := 0
	if past := c.optFloats(6); past != nil && len(past.Dims) == 4 {
		before = past.Dims[2]
	}
	used := func(int) int { return before }
	keys, values := c.appended(t, c.optFloats(6), used, k, before+k.t), c.appended(t, c.optFloats(7), used, v, before+v.t)
	s := c.microsoftScoring(q, before, before+k.t, c.opt(4), c.optFloats(5))
	out, _ := c.attend(t, q, c.heads(keys, 0), c.heads(values, 0), s, true)
	return []*Value{out, keys, values}
}

// queryKeyValue reads three inputs, or one [B, T, H, 3, d], or a query and a pair
// [B, S, H, 2, d].
func (c *call) queryKeyValue(n int) (q, k, v *heads) {
	x := c.floats(0)
	if !c.has(1) {
		q, k, v = c.packed(x, n, 3, 0), c.packed(x, n, 3, 1), c.packed(x, n, 3, 2)
		return q, k, v
	}
	q = c.heads(x, n)
	if y := c.floats(1); !c.has(2) {
		return q, c.packed(y, n, 2, 0), c.packed(y, n, 2, 1)
	}
	return q, c.heads(c.floats(1), n), c.heads(c.floats(2), n)
}

func (c *call) packed(x *Value, n, of, i int) *heads {
	if len(x.Dims) != 5 || x.Dims[2] != n || x.Dims[3] != of {
		c.fail("packed heads of dimensions %v", x.Dims)
	}
	t, d := x.Dims[1], x.Dims[4]
	return &heads{x.F[min(i*d, len(x.F)):], x.Dims[0], n, t, d, t * n * of * d, of * d, n * of * d}
}

// biased is x with a bias [H*d] added.
func (c *call) biased(x *heads, bias []float32) *heads {
	y := *x
	y.bs, y.hs, y.ts = x.h*x.t*x.d, x.t*x.d, x.d
	y.x = c.scratch(x.b, x.h, x.t, x.d)
	for i := range x.b * x.h * x.t {
		b, h, t := i/(x.h*x.t), i/x.t%x.h, i%x.t
		dst := y.at(b, h, t)[:x.d]
		for j, f := range x.at(b, h, t)[:x.d] {
			dst[j] = f + bias[h*x.d+j]
		}
	}
	return &y
}

// microsoftScoring reads what com.microsoft's MultiHeadAttention and Attention have in
// common. A mask is of key lengths [B], with starts [2B], or of keys [B, S], queries
// and keys [B, T, S].
func (c *call) microsoftScoring(q *heads, before, keys int, mask, bias *Value) *scoring {
	s := &scoring{scale: c.scale(q.d), hidden: c.float("mask_filter_value", -10000), bias: bias, keep: keepNone}
	if c.flag("unidirectional") {
		s.visible = func(_, t int) (int, int) { return 0, before + t + 1 }
	}
	if mask == nil {
		return s
	}
	m := c.integers(mask)
	n, d := q.b, mask.Dims
	switch {
	case len(d) == 1 && (d[0] == n || d[0] == 2*n || d[0] == 3*n+2):
		s.mask = func(b, _, k int) bool {
			return int64(k) < m[b] && (d[0] != 2*n || int64(k) >= m[n+b])
		}
	case len(d) == 2 && d[0] == n && d[1] == keys:
		s.mask = func(b, _, k int) bool { return m[b*keys+k] != 0 }
	case len(d) == 3 && d[0] == n && d[1] == q.t && d[2] == keys:
		s.mask = func(b, t, k int) bool { return m[(b*q.t+t)*keys+k] != 0 }
	default:
		c.fail("%w: a mask of dimensions %v for %d sequences and %d keys", onnx.ErrUnsupported, d, n, keys)
	}
	return s
}

// packedAttention is com.microsoft's Attention: input [B, T, D], weights of the three
// projections side by side, their bias, mask, past [2, B, H, P, d], bias of scores.
func packedAttention(c *call) []*Value {
	n := c.size("num_heads", 0, 1<<16)
	if c.flag("do_rotary") {
		c.fail("%w: rotation inside", onnx.ErrUnsupported)
	}
	x, w := c.floats(0), c.floats(1)
	all := c.product(x, w, false, false, 1)
	if b := c.optFloats(2); b != nil {
		all = c.binary(&addition, all, b)
	}
	if len(all.Dims) != 3 {
		c.fail("input of dimensions %v", x.Dims)
	}
	parts := c.ints("qkv_hidden_sizes")
	if len(parts) != 3 {
		third := int64(all.Dims[2] / 3)
		parts = []int64{third, third, third}
	}
	var in [3]*heads
	cut := c.parts(all, 2, c.dims(parts))
	for i := range in {
		in[i] = c.heads(cut[i], n)
	}
	q, k, v := in[0], in[1], in[2]
	before := 0
	var pastK, pastV *Value
	if past := c.optFloats(4); past != nil {
		if len(past.Dims) != 5 || past.Dims[0] != 2 {
			c.fail("a cache of dimensions %v", past.Dims)
		}
		pair := c.slices(past, 0)
		pastK, pastV, before = pair[0], pair[1], past.Dims[3]
	}
	used := func(int) int { return before }
	keys, values := c.appended(x.Type, pastK, used, k, before+k.t), c.appended(x.Type, pastV, used, v, before+v.t)
	s := c.microsoftScoring(q, before, before+k.t, c.opt(3), c.optFloats(5))
	out, _ := c.attend(x.Type, q, c.heads(keys, 0), c.heads(values, 0), s, true)
	if !c.wants(1) {
		return one(out)
	}
	return []*Value{out, c.stacked([]*Value{keys, values}, 0)}
}
