package op

import (
	"math"

	"github.com/detox-surgery/detox-surgery/onnx"
	"github.com/detox-surgery/detox-surgery/simd"
)

// heads is a view of queries, keys or values: B sequences of T vectors of d elements
// in each of H heads, with strides.
type heads struct {
	x          []float32
	b, h, t, d int
	bs, hs, ts int
}

func (v *heads) at(b, h, t int) []float32 { return v.x[b*v.bs+h*v.hs+t*v.ts:] }

// cut is heads lo to lo+n.
func (v *heads) cut(lo, n int) *heads {
	w := *v
	w.x, w.h = v.x[min(lo*v.hs, len(v.x)):], n
	return &w
}

// heads views [B, T, H*d], of n heads, or [B, H, T, d].
func (c *call) heads(v *Value, n int) *heads {
	x := v.Dims
	switch {
	case len(x) == 4:
		return &heads{v.F, x[0], x[1], x[2], x[3], x[1] * x[2] * x[3], x[2] * x[3], x[3]}
	case len(x) == 3 && n > 0 && x[2]%n == 0:
		d := x[2] / n
		return &heads{v.F, x[0], n, x[1], d, x[1] * x[2], d, x[2]}
	}
	c.fail("%d heads of dimensions %v", n, x)
	return nil
}

// appended is a cache [B, H, P, d] of which the first elements of each sequence are
// used, with x behind them, in room for total vectors.
func (c *call) appended(t onnx.Type, past *Value, used func(b int) int, x *heads, total int) *Value {
	out := c.alloc(t, []int{x.b, x.h, total, x.d})
	if past != nil && past.Len() > 0 && (len(past.Dims) != 4 || past.Dims[0] != x.b || past.Dims[1] != x.h || past.Dims[3] != x.d) {
		c.fail("a cache of dimensions %v for [%d, %d, ., %d]", past.Dims, x.b, x.h, x.d)
	}
	for b := range x.b {
		n := used(b)
		if n < 0 || n+x.t > total || n > 0 && (past == nil || past.Len() == 0 || n > past.Dims[2]) {
			c.fail("%d vectors of a cache, %d new ones, room for %d", n, x.t, total)
		}
		for h := range x.h {
			at := (b*x.h + h) * total * x.d
			if n > 0 {
				copy(out.F[at:at+n*x.d], past.F[(b*x.h+h)*past.Dims[2]*x.d:])
			}
			for i := range x.t {
				copy(out.F[at+(n+i)*x.d:at+(n+i+1)*x.d], x.at(b, h, i)[:x.d])
			}
		}
	}
	return out
}

// scoring says how attention makes probabilities of products.
type scoring struct {
	scale, softcap float32
	bias           *Value                      // added, broadcast to [B, H, T, S]; or nil
	visible        func(b, t int) (lo, hi int) // keys that a query sees; nil: all
	mask           func(b, t, s int) bool      // keys that it sees of those; nil: all
	hidden         float32                     // added to the scores of what mask hides
	sink           func(h int) float64         // the score of a key without a value; or nil
	keep           int64                       // the state of the scores that is wanted as well, -1 for none
}

// States of scores that scoring.keep names, by qk_matmul_output_mode.
const (
	keepNone = iota - 1
	keepProducts
	keepCapped
	keepBiased
	keepProbabilities
)

var minusInf = float32(math.Inf(-1))

// attend is softmax(q kᵀ) v for q of H heads and k and v of a divisor of H: the
// result [B, H, T, d] as dims say, which may be [B, T, H*d], and the scores kept.
func (c *call) attend(t onnx.Type, q, k, v *heads, s *scoring, flat bool) (out, kept *Value) {
	if k.h < 1 || q.h%k.h != 0 || k.h != v.h || q.d != k.d || k.t != v.t || q.b != k.b || q.b != v.b {
		c.fail("attention of [%d, %d, %d, %d] to [%d, %d, %d, %d]", q.b, q.h, q.t, q.d, k.b, k.h, k.t, k.d)
	}
	y := &heads{b: q.b, h: q.h, t: q.t, d: v.d, bs: q.h * q.t * v.d, hs: q.t * v.d, ts: v.d}
	dims := []int{q.b, q.h, q.t, v.d}
	if flat {
		y.hs, y.ts = v.d, q.h*v.d
		dims = []int{q.b, q.t, q.h * v.d}
	}
	out = c.alloc(t, dims)
	y.x = out.F
	if s.keep != keepNone {
		kept = c.alloc(t, []int{q.b, q.h, q.t, k.t})
	}
	n := q.t * k.t
	if n == 0 || v.d == 0 {
		return out, kept
	}
	var bias *Value
	if s.bias != nil {
		bias = c.expanded(s.bias, []int{q.b, q.h, q.t, k.t})
	}
	workers := max(1, c.run.p.o.Pool.Workers())
	c.count([]int{workers, n})
	c.reserve(int64(workers) * int64(n) * 4)
	c.each(q.b*q.h, n*(q.d+v.d), func(pool *simd.Pool, i int) {
		b, h := i/q.h, i%q.h
		kh := h / (q.h / k.h)
		p := make([]float32, n)
		if q.d > 0 {
			simd.Gemm(pool, false, true, q.t, k.t, q.d, q.at(b, h, 0), q.ts, k.at(b, kh, 0), k.ts, 0, p, k.t)
		}
		var part []float32
		if bias != nil {
			part = bias.F[i*n : (i+1)*n]
		}
		var state []float32
		if kept != nil {
			state = kept.F[i*n : (i+1)*n]
		}
		s.probabilities(b, h, k.t, p, part, state)
		simd.Gemm(pool, false, false, q.t, v.d, k.t, p, k.t, v.at(b, kh, 0), v.ts, 0, y.at(b, h, 0), y.ts)
	})
	return out, kept
}

// probabilities turns the products p [T, S] of a head into probabilities.
func (s *scoring) probabilities(b, h, keys int, p, bias, state []float32) {
	simd.Scale(p, s.scale, p)
	if s.keep == keepProducts {
		copy(state, p)
	}
	if s.softcap > 0 {
		for i, x := range p {
			p[i] = s.softcap * float32(math.Tanh(float64(x/s.softcap)))
		}
	}
	if s.keep == keepCapped {
		copy(state, p)
	}
	if bias != nil {
		simd.Add(p, p, bias)
	}
	for t := range len(p) / keys {
		row := p[t*keys : (t+1)*keys]
		s.hide(b, t, row)
		if s.keep == keepBiased {
			copy(state[t*keys:], row)
		}
		var sink *float64
		if s.sink != nil {
			x := s.sink(h)
			sink = &x
		}
		softmaxSink(row, sink)
	}
	if s.keep == keepProbabilities {
		copy(state, p)
	}
}

func (s *scoring) hide(b, t int, row []float32) {
	if s.mask != nil {
		for i := range row {
			if !s.mask(b, t, i) {
				row[i] += s.hidden
			}
		}
	}
	if s.visible != nil {
		lo, hi := s.visible(b, t)
		for i := range row {
			if i < lo || i >= hi {
				row[i] = minusInf
			}
		}
	}
}

// softmaxSink is a softmax in place that gives zeros where nothing is seen, and in
// which the score of a sink, if there is one, takes part.
func softmaxSink(x []float32, sink *float64) {
	top := math.Inf(-1)
	for _, v := range x {
		top = max(top, float64(v))
	}
	if sink != nil {
		top = max(top, *sink)
	}
	if math.IsInf(top, -1) {
		clear(x)
		return
	}
	sum := 0.0
	if sink != nil {
		sum = math.Exp(*sink - top)
	}
	for i, v := range x {
		e := math.Exp(float64(v) - top)
		x[i] = float32(e)
		sum += e
	}
	for i, v := range x {
		x[i] = float32(float64(v) / sum)
	}
}

// scale is the factor of products: an attribute or one by the root of d.
func (c *call) scale(d int) float32 {
	if s := c.float("scale", 0); s != 0 {
		return s
	}
	return float32(1 / math.Sqrt(float64(max(1, d))))
}

// attention is ONNX's: Q, K, V, mask, past K and V, lengths of the keys.
func attention(c *call) []*Value {
	var in [3]*heads
	for i := range in {
		n := c.int("kv_num_heads", 0)
		if i == 0 {
			n = c.int("q_num_heads", 0)
		}
		in[i] = c.heads(c.floats(i), int(max(0, min(n, 1<<20))))
	}
	q, k, v := in[0], in[1], in[2]
	before := 0
	if past := c.optFloats(4); past != nil && len(past.Dims) == 4 {
		before = past.Dims[2]
	}
	used := func(int) int { return before }
	t := c.floats(0).Type
	present := []*Value{c.appended(t, c.optFloats(4), used, k, before+k.t), c.appended(t, c.optFloats(5), used, v, before+v.t)}
	s := &scoring{scale: c.scale(q.d), softcap: c.float("softcap", 0), hidden: minusInf, keep: keepNone}
	if c.wants(3) {
		s.keep = c.int("qk_matmul_output_mode", 0)
	}
	c.attentionMask(s, q, before, before+k.t)
	out, kept := c.attend(t, q, c.heads(present[0], 0), c.heads(present[1], 0), s, len(c.floats(0).Dims) == 3)
	return []*Value{out, present[0], present[1], kept}
}

// attentionMask reads the mask, lengths, windows and causality of ONNX's Attention.
func (c *call) attentionMask(s *scoring, q *heads, before, keys int) {
	if c.has(3) {
		s.bias = c.maskBias(c.arg(3), keys)
	}
	lengths := c.list(6)
	if lengths != nil && len(lengths) != q.b {
		c.fail("%d lengths of %d sequences", len(lengths), q.b)
	}
	causal := c.flag("is_causal")
	left, right := c.int("left_window_size", -1), c.int("right_window_size", -1)
	s.visible = func(b, t int) (int, int) {
		lo, hi, pos := 0, keys, int64(before+t)
		if lengths != nil {
			hi = int(max(0, min(lengths[b], int64(keys))))
			if !c.has(4) {
				pos = lengths[b] - int64(q.t) + int64(t)
			}
		}
		if causal {
			hi = int(max(0, min(int64(hi), pos+1)))
		}
		if left >= 0 {
			lo = int(max(0, pos-left))
		}
		if right >= 0 {
			hi = int(max(0, min(int64(hi), pos+right+1)))
		}
		return lo, hi
	}
}

// maskBias makes a mask one that is added; it may be short of keys, which are hidden
// then.
func (c *call) maskBias(m *Value, keys int) *Value {
	if m.Type == onnx.Bool {
		y := c.alloc(onnx.Float, m.Dims)
		for i, b := range m.b {
			if b == 0 {
				y.F[i] = minusInf
			}
		}
		m = y
	}
	last := len(m.Dims) - 1
	if !m.Type.IsFloat() || last < 0 || m.Dims[last] > keys {
		c.fail("a mask of type %v and dimensions %v for %d keys", m.Type, m.Dims, keys)
	}
	n := m.Dims[last]
	if n == keys {
		return m
	}
	dims := append(append([]int(nil), m.Dims[:last]...), keys)
	y := c.strided(Floats(nil, []float32{minusInf}), dims, make([]int, len(dims)), 0)
	for r := range product(dims[:last]) {
		copyRange(y, r*keys, m, r*n, n)
	}
	return y
}
