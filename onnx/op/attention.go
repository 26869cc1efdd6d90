package op

import (
	"fmt"
	"math"

	"github.com/detox-surgery/detox-surgery/onnx"
	"github.com/detox-surgery/detox-surgery/simd"
)

// mask says which keys a query sees.
type mask struct {
	add    *Value // added to scores, broadcast; of type BOOL: what may be seen
	keys   *Value // [B, S] of integers: keys that are there
	causal bool
	window int // keys that a query sees; -1: all
}

// attention is that of opset 23, without a cache's outputs in 3-D form.
func attention(c *Call) ([]*Value, error) {
	if err := c.need(3); err != nil {
		return nil, err
	}
	var list [3]*Value
	for i := range list {
		n := c.int("kv_num_heads", 0)
		if i == 0 {
			n = c.int("q_num_heads", 0)
		}
		var err error
		if list[i], err = heads(c.In[i], n); err != nil {
			return nil, err
		}
	}
	var err error
	if list[1], err = past(c, c.in(4), list[1]); err == nil {
		list[2], err = past(c, c.in(5), list[2])
	}
	if err != nil {
		return nil, err
	}
	y, err := attend(c, list, &mask{add: c.in(3), window: -1, causal: c.int("is_causal", 0) != 0}, c.float("scale", 0), c.float("softcap", 0))
	if err != nil {
		return nil, err
	}
	if len(c.In[0].Dims) == 3 {
		y = merged(y)
	}
	return []*Value{y, list[1], list[2]}, nil
}

// attend is softmax(scale q kᵀ + mask) v for q [B, H, T, d], k and v [B, H', S, d],
// where H is a multiple of H'.
func attend(c *Call, qkv [3]*Value, m *mask, scale, softcap float32) (*Value, error) {
	q, k, v := qkv[0], qkv[1], qkv[2]
	if len(q.Dims) != 4 || len(k.Dims) != 4 || len(v.Dims) != 4 || k.Dims[1] < 1 || q.Dims[1]%k.Dims[1] != 0 || q.Dims[3] != k.Dims[3] || k.Dims[2] != v.Dims[2] {
		return nil, fmt.Errorf("attention of %v over %v and %v", q.Dims, k.Dims, v.Dims)
	}
	b, h, t, d, s, e := q.Dims[0], q.Dims[1], q.Dims[2], q.Dims[3], k.Dims[2], v.Dims[3]
	if scale == 0 {
		scale = float32(1 / math.Sqrt(float64(d)))
	}
	y := made(q.Type, []int{b, h, t, e})
	scores := make([]float32, t*s)
	var add *walk
	if m.add != nil {
		add = newWalk([]int{b, h, t, s}, m.add.Dims)
	}
	for i := range b * h {
		j := i/h*k.Dims[1] + i%h/(h/k.Dims[1])
		if t == 0 || s == 0 {
			continue
		}
		simd.Gemm(c.Pool, false, true, t, s, d, q.F[i*t*d:], d, k.F[j*s*d:], d, 0, scores, s)
		for x := range scores {
			m.score(&scores[x], scale, softcap, add, i/h, x/s, x%s, s-t)
			if add != nil {
				add.next()
			}
		}
		for r := range t {
			softmaxRow(scores[r*s : (r+1)*s])
		}
		simd.Gemm(c.Pool, false, false, t, e, s, scores, s, v.F[j*s*e:], e, 0, y.F[i*t*e:], e)
	}
	return y, nil
}

// score finishes one score of query t at key s; before is the number of keys that are
// older than the first query.
func (m *mask) score(x *float32, scale, softcap float32, add *walk, batch, t, s, before int) {
	*x *= scale
	if softcap > 0 {
		*x = softcap * float32(math.Tanh(float64(*x/softcap)))
	}
	if add != nil {
		if m.add.Type == onnx.Bool {
			if m.add.I[add.at] == 0 {
				*x = float32(math.Inf(-1))
			}
		} else {
			*x += m.add.F[add.at]
		}
	}
	hidden := m.causal && s > t+before || m.window > 0 && s <= t+before-m.window
	if m.keys != nil && len(m.keys.Dims) == 2 {
		hidden = hidden || m.keys.I[batch*m.keys.Dims[1]+s] == 0
	}
	if hidden {
		*x = float32(math.Inf(-1))
	}
}

// rotary is that of opset 23: X, cos, sin, positions.
func rotary(c *Call) ([]*Value, error) { return rotaryOf(c, 1, 2, 3) }

// msRotary is that of com.microsoft: X, positions, cos, sin.
func msRotary(c *Call) ([]*Value, error) { return rotaryOf(c, 2, 3, 1) }

func rotaryOf(c *Call, cos, sin, pos int) ([]*Value, error) {
	if err := c.need(max(cos, sin)); err != nil {
		return nil, err
	}
	x := c.In[0]
	tables, sines := c.In[cos], c.In[sin]
	n := c.int("num_heads", 0)
	flat := len(x.Dims) == 3
	if flat && n == 0 {
		n = x.Dims[2] / (2 * tables.Dims[len(tables.Dims)-1])
	}
	h, err := heads(x, n)
	if err != nil {
		return nil, err
	}
	t := h.Dims[2]
	at := func(b, i int) int { return b%max(1, tables.Dims[0])*t + i } // cos is [B, T, d/2]
	if p := c.in(pos); p != nil {
		at = func(b, i int) int {
			if len(p.I) == 1 {
				return int(p.I[0]) + i
			}
			return int(p.I[(b*t+i)%len(p.I)])
		}
	}
	y := rotate(h, tables, sines, c.int("interleaved", 0) != 0, at)
	if flat {
		y = merged(y)
	}
	return []*Value{y}, nil
}

// rotate turns the first dimensions of each head of x [B, H, T, d] by the rows of cos
// and sin that at names.
func rotate(x, cos, sin *Value, interleaved bool, at func(b, t int) int) *Value {
	half := cos.Dims[len(cos.Dims)-1]
	h, t, d := x.Dims[1], x.Dims[2], x.Dims[3]
	y := x.pick(x.Dims, func(i int) int { return i })
	for i := range x.Dims[0] * h * t {
		row, out := x.F[i*d:(i+1)*d], y.F[i*d:(i+1)*d]
		p := at(i/(h*t), i%t) * half
		for j := range half {
			a, b := j, j+half
			if interleaved {
				a, b = 2*j, 2*j+1
			}
			cs, sn := cos.F[p+j], sin.F[p+j]
			out[a], out[b] = row[a]*cs-row[b]*sn, row[a]*sn+row[b]*cs
		}
	}
	return y
}
