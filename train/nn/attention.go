package nn

import "github.com/detox-surgery/detox-surgery/simd"

// Span is where a sequence lies among the rows of packed activations.
type Span struct{ Start, Len int }

// AttnConfig describes causal attention with grouped queries.
type AttnConfig struct {
	Heads, KVHeads, HeadDim int
	Scale                   float32 // of the scores, usually 1/√HeadDim
	Window                  int     // a query sees this many keys, itself counted; 0: all before it
	Softcap                 float32 // scores become cap*tanh(score/cap); 0: none
	Spans                   []Span
}

const (
	// tileRows is about how many rows of scores a tile has: its queries times the
	// heads that share their keys.
	tileRows = 96
	// tileKeys is the most keys of a tile. With tileRows, scores and their gradient
	// stay in L2 beside the keys and values.
	tileKeys = 256
	// minStripe is the least number of queries of a stripe, if the span has as many,
	// and minTasks the number of tasks below which spans are cut into stripes: one
	// long sequence keeps all workers busy then, but each stripe except the last of
	// a span costs backward a buffer for what its keys and values get.
	minStripe, minTasks = 256, 16
)

// stripe is what a task works on for each key head: queries q0 to q1 of a span,
// counted from its start.
type stripe struct {
	Span
	q0, q1 int
	// part is where the gradients of the stripe's keys begin in the memory of parts,
	// in rows of headDim; -1: they go where they belong.
	part int
}

// Attention returns softmax(mask(scale q kᵀ)) v per head for q [T, Heads*HeadDim]
// and k, v [T, KVHeads*HeadDim]; a query sees the keys of its own span up to
// itself. Scores exist a tile at a time (FlashAttention-2, arXiv 2307.08691):
// backward keeps q, k, v, the result and one log-sum-exp per query and head, and
// computes the probabilities again.
func Attention(tp *Tape, q, k, v *Value, c AttnConfig) *Value {
	if c.KVHeads <= 0 || c.Heads%c.KVHeads != 0 || q.D != c.Heads*c.HeadDim ||
		k.D != c.KVHeads*c.HeadDim || v.D != k.D || k.T != q.T || v.T != q.T {
		panic(errShape)
	}
	r := tp.begin(tp.NewValue(q.T, q.D), q, k, v)
	r.attn = c
	r.attn.Spans = nil
	r.n[0] = tileQueries(c.Heads / c.KVHeads)
	r.cutStripes(c.Spans)
	r.aux[0] = tp.mem.get(q.T * c.Heads)
	tp.prepare(r.tileFloats())
	tp.do(r, len(r.stripes)*c.KVHeads, attnForward)
	return tp.end(r, q.needs || k.needs || v.needs, attnBackward, q, k, v, r.out)
}

// tileQueries is the number of queries of a tile whose heads share keys in groups.
func tileQueries(group int) int {
	n := tileRows / group
	if n >= 16 {
		return min(64, n/16*16) // more add to the keys that are computed and masked
	}
	return max(1, n/4*4)
}

// cutStripes fills r.stripes, whole tiles each; the longest of a span come first,
// so that the last tasks are short.
func (r *record) cutStripes(spans []Span) {
	full := 0
	for _, s := range spans {
		if s.Len > 0 {
			full++
		}
	}
	most := minTasks / max(1, full*r.attn.KVHeads)
	rows := 0
	for _, s := range spans {
		step := max(minStripe, s.Len/max(1, most))
		step = (step + r.n[0] - 1) / r.n[0] * r.n[0]
		for q1 := s.Len; q1 > 0; {
			q0 := (q1 - 1) / step * step
			t := stripe{Span: s, q0: q0, q1: q1, part: -1}
			if q1 < s.Len {
				t.part = rows
				rows += r.attn.KVHeads * (q1 - r.attn.firstKey(q0))
			}
			r.stripes = append(r.stripes, t)
			q1 = q0
		}
	}
	r.n[1] = rows
}

// firstKey is the first key that query q sees.
func (c *AttnConfig) firstKey(q int) int {
	if c.Window > 0 {
		return max(0, q-c.Window+1)
	}
	return 0
}

func attnForward(tp *Tape, r *record, task, worker int) {
	s := &r.stripes[task/r.attn.KVHeads]
	t := r.newTile(tp.scratch[worker], s, task%r.attn.KVHeads)
	for q := s.q0; q < s.q1; q += r.n[0] {
		t.at(q, min(r.n[0], s.q1-q))
		t.forward()
	}
}

func attnBackward(tp *Tape, r *record) {
	c := &r.attn
	_, r.beta[0] = tp.gradOf(r.a)
	tp.Seed(r.b)
	tp.Seed(r.c)
	r.aux[1] = tp.mem.get(2 * r.n[1] * c.HeadDim)
	tp.prepare(r.tileFloats())
	tp.do(r, len(r.stripes)*c.KVHeads, attnBackTask)
	if r.n[1] > 0 {
		tp.do(r, len(r.stripes)*c.KVHeads, attnPartsTask)
	}
}

func attnBackTask(tp *Tape, r *record, task, worker int) {
	s := &r.stripes[task/r.attn.KVHeads]
	t := r.newTile(tp.scratch[worker], s, task%r.attn.KVHeads)
	dk, dv, ld := r.keyGrads(s, t.kv)
	if s.part >= 0 {
		clear(dk)
		clear(dv)
	}
	for q := s.q0; q < s.q1; q += r.n[0] {
		t.at(q, min(r.n[0], s.q1-q))
		t.backward(dk, dv, ld)
	}
}

// keyGrads is where a stripe adds the gradients of its keys and values, from the
// first key that it sees: the part of its own, or the gradients themselves.
func (r *record) keyGrads(s *stripe, kv int) (dk, dv []float32, ld int) {
	c := &r.attn
	first := c.firstKey(s.q0)
	if s.part < 0 {
		at := (s.Start+first)*r.b.D + kv*c.HeadDim
		return r.b.G[at:], r.c.G[at:], r.b.D
	}
	n := (s.q1 - first) * c.HeadDim
	at := 2 * (s.part*c.HeadDim + kv*n)
	return r.aux[1][at : at+n], r.aux[1][at+n : at+2*n], c.HeadDim
}

// attnPartsTask adds the parts of a span in the order of its stripes, whichever
// workers made them.
func attnPartsTask(_ *Tape, r *record, task, _ int) {
	c := &r.attn
	i, kv := task/c.KVHeads, task%c.KVHeads
	if r.stripes[i].part >= 0 {
		return // not the first of its span
	}
	for i++; i < len(r.stripes) && r.stripes[i].part >= 0; i++ {
		s := &r.stripes[i]
		dk, dv, _ := r.keyGrads(s, kv)
		at := (s.Start+c.firstKey(s.q0))*r.b.D + kv*c.HeadDim
		for o := 0; o < len(dk); o += c.HeadDim {
			gk, gv := r.b.G[at:at+c.HeadDim], r.c.G[at:at+c.HeadDim]
			simd.Add(gk, gk, dk[o:o+c.HeadDim])
			simd.Add(gv, gv, dv[o:o+c.HeadDim])
			at += r.b.D
		}
	}
}
