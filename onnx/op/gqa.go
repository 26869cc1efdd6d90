package op

// groupQueryAttention is com.microsoft's decoder attention: query, key, value, past
// key and value, lengths less one, total length, tables of cosines and sines,
// positions, bias, sinks. Query may hold all three of them, its heads in that order.
func groupQueryAttention(c *call) []*Value {
	h, kv := c.size("num_heads", 0, 1<<16), c.size("kv_num_heads", 0, 1<<16)
	x := c.floats(0)
	var q, k, v *heads
	if c.has(1) {
		q, k, v = c.heads(x, h), c.heads(c.floats(1), kv), c.heads(c.floats(2), kv)
	} else {
		all := c.heads(x, h+2*kv)
		q, k, v = all.cut(0, h), all.cut(h, kv), all.cut(h+kv, kv)
	}
	lengths, total := c.list(5), int(c.scalar(6))
	if len(lengths) != q.b || total < q.t || total > 1<<30 {
		c.fail("%d lengths of %d sequences, %d keys in all", len(lengths), q.b, total)
	}
	// A prompt starts at 0 even where it is padded; what follows goes behind the keys
	// that are there.
	before := func(b int) int {
		if total == q.t {
			return 0
		}
		return int(max(-1, min(lengths[b]+1, 1<<31))) - q.t
	}
	if c.flag("do_rotary") {
		q, k = c.groupRotation(q, k, before, total == q.t)
	}
	room := total
	if past := c.optFloats(3); past != nil && len(past.Dims) == 4 {
		room = max(room, past.Dims[2])
	}
	keys, values := c.appended(x.Type, c.optFloats(3), before, k, room), c.appended(x.Type, c.optFloats(4), before, v, room)
	s := &scoring{scale: c.scale(q.d), softcap: c.float("softcap", 0), keep: keepNone, bias: c.groupBias(room), sink: c.sinks(h)}
	window := c.int("local_window_size", -1)
	s.visible = func(b, t int) (int, int) {
		hi := min(before(b)+t, int(min(lengths[b], 1<<31))) + 1 // rows of padding see the last key
		if window > 0 {
			return max(0, hi-int(min(window, 1<<31))), hi
		}
		return 0, hi
	}
	out, _ := c.attend(x.Type, q, c.heads(keys, 0), c.heads(values, 0), s, true)
	return []*Value{out, keys, values}
}

// groupRotation turns queries and keys at their positions.
func (c *call) groupRotation(q, k *heads, before func(b int) int, prompt bool) (*heads, *heads) {
	r := c.rotation(c.floats(7), c.floats(8), 0)
	r.interleaved = c.flag("rotary_interleaved")
	r.row = func(b, t int) int { return before(b) + t }
	if pos := c.list(9); pos != nil {
		if len(pos) != q.b*q.t {
			c.fail("%d positions of %d vectors", len(pos), q.b*q.t)
		}
		r.row = func(b, t int) int {
			if prompt { // of which only the first position counts
				return int(max(-1, min(pos[0], 1<<31))) + t
			}
			return int(max(-1, min(pos[b*q.t+t], 1<<31)))
		}
	}
	turned := func(x *heads) *heads {
		y := *x
		y.bs, y.hs, y.ts = x.h*x.t*x.d, x.t*x.d, x.d
		y.x = c.scratch(x.b, x.h, x.t, x.d)
		c.rotate(&y, x, r)
		return &y
	}
	return turned(q), turned(k)
}

// groupBias is the bias with room for the keys of the cache.
func (c *call) groupBias(room int) *Value {
	if b := c.optFloats(10); b != nil {
		return c.maskBias(b, room)
	}
	return nil
}

// sinks are the scores of keys without values, one for each head.
func (c *call) sinks(h int) func(h int) float64 {
	if v := c.optFloats(11); v != nil {
		if len(v.F) != h {
			c.fail("%d sinks of %d heads", len(v.F), h)
		}
		return func(h int) float64 { return float64(v.F[h]) }
	}
	if c.flag("smooth_softmax") {
		return func(int) float64 { return 0 }
	}
	return nil
}
