package nn

import (
	"math"

	"github.com/detox-surgery/detox-surgery/simd"
)

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

// queryRows is the height of a tile of scores.
const queryRows = 64

// Attention returns softmax(mask(scale q kᵀ)) v per head for q [T, Heads*HeadDim]
// and k, v [T, KVHeads*HeadDim]; a query sees the keys of its own span up to
// itself. Backward keeps q, k, v, the result and one log-sum-exp per query, and
// computes the probabilities again tile by tile (FlashAttention, arXiv 2205.14135).
func Attention(tp *Tape, q, k, v *Value, c AttnConfig) *Value {
	if c.KVHeads <= 0 || c.Heads%c.KVHeads != 0 || q.D != c.Heads*c.HeadDim ||
		k.D != c.KVHeads*c.HeadDim || v.D != k.D || k.T != q.T || v.T != q.T {
		panic(errShape)
	}
	r := tp.begin(tp.NewValue(q.T, q.D), q, k, v)
	r.spans = append(r.spans, c.Spans...)
	r.attn = c
	r.attn.Spans = nil
	r.aux[0] = tp.mem.get(q.T * c.Heads)
	tp.prepare(attnScratch(r))
	tp.do(r, len(r.spans)*c.KVHeads, attnForward)
	return tp.end(r, q.needs || k.needs || v.needs, attnBackward, q, k, v, r.out)
}

// attnScratch is two tiles of scores over the longest span.
func attnScratch(r *record) int {
	longest := 0
	for _, s := range r.spans {
		longest = max(longest, s.Len)
	}
	return 2*queryRows*longest + queryRows
}

// tile is a block of queries of one head with the keys that they see.
type tile struct {
	q0, rows int // first query (row of the batch) and their number
	k0, keys int // first key and their number
	qOff     int // offset of the first query in q and of its result
	kOff     int // offset of the first key in k and v
	head     int
}

// tiles calls f for every tile of the heads that share key head kv in span s.
func (r *record) tiles(task int, f func(t tile)) {
	c := &r.attn
	s, kv := r.spans[task/c.KVHeads], task%c.KVHeads
	group := c.Heads / c.KVHeads
	for h := kv * group; h < (kv+1)*group; h++ {
		for q := 0; q < s.Len; q += queryRows {
			t := tile{q0: s.Start + q, rows: min(queryRows, s.Len-q), head: h}
			first := 0
			if c.Window > 0 {
				first = max(0, q-c.Window+1)
			}
			t.k0, t.keys = s.Start+first, q+t.rows-first
			t.qOff = t.q0*r.a.D + h*c.HeadDim
			t.kOff = t.k0*r.b.D + kv*c.HeadDim
			f(t)
		}
	}
}

// visible is the range of keys, counted from t.k0, that query i of the tile sees.
func (c *AttnConfig) visible(t tile, i int) (lo, hi int) {
	hi = t.q0 + i - t.k0 + 1
	if c.Window > 0 {
		lo = max(0, hi-c.Window)
	}
	return lo, hi
}

// scores writes the scaled and capped scores of a tile to s [rows, keys].
func (r *record) scores(t tile, s []float32) {
	c := &r.attn
	simd.Gemm(nil, false, true, t.rows, t.keys, c.HeadDim, r.a.X[t.qOff:], r.a.D, r.b.X[t.kOff:], r.b.D, 0, s, t.keys)
	for i := range t.rows {
		lo, hi := c.visible(t, i)
		row := s[i*t.keys : (i+1)*t.keys]
		clear(row[:lo])
		clear(row[hi:])
		simd.Scale(row[lo:hi], c.Scale, row[lo:hi])
		if c.Softcap > 0 {
			for j, x := range row[lo:hi] {
				row[lo+j] = c.Softcap * float32(math.Tanh(float64(x/c.Softcap)))
			}
		}
	}
}

func attnForward(tp *Tape, r *record, task, worker int) {
	c := &r.attn
	r.tiles(task, func(t tile) {
		s := tp.scratch[worker][:t.rows*t.keys]
		r.scores(t, s)
		for i := range t.rows {
			lo, hi := c.visible(t, i)
			r.aux[0][(t.q0+i)*c.Heads+t.head] = softmaxRow(s[i*t.keys+lo : i*t.keys+hi])
		}
		simd.Gemm(nil, false, false, t.rows, c.HeadDim, t.keys, s, t.keys, r.c.X[t.kOff:], r.c.D, 0, r.out.X[t.qOff:], r.out.D)
	})
}

// softmaxRow normalises exp(x) in place and returns the log of its sum.
func softmaxRow(x []float32) float32 {
	m := simd.Max(x)
	sum := simd.ExpSum(x, x, m)
	simd.Scale(x, float32(1/sum), x)
	return m + float32(math.Log(sum))
}

func attnBackward(tp *Tape, r *record) {
	tp.Seed(r.a)
	tp.Seed(r.b)
	tp.Seed(r.c)
	tp.prepare(attnScratch(r))
	tp.do(r, len(r.spans)*r.attn.KVHeads, attnBackTask)
}

func attnBackTask(tp *Tape, r *record, task, worker int) {
	c := &r.attn
	r.tiles(task, func(t tile) {
		n := t.rows * t.keys
		p, dp := tp.scratch[worker][:n], tp.scratch[worker][n:2*n]
		r.scores(t, p)
		dout := r.out.G[t.qOff:]
		simd.Gemm(nil, false, true, t.rows, t.keys, c.HeadDim, dout, r.out.D, r.c.X[t.kOff:], r.c.D, 0, dp, t.keys)
		for i := range t.rows {
			r.scoreGrad(t, i, p[i*t.keys:(i+1)*t.keys], dp[i*t.keys:(i+1)*t.keys])
		}
		simd.Gemm(nil, true, false, t.keys, c.HeadDim, t.rows, p, t.keys, dout, r.out.D, 1, r.c.G[t.kOff:], r.c.D)
		simd.Gemm(nil, false, false, t.rows, c.HeadDim, t.keys, dp, t.keys, r.b.X[t.kOff:], r.b.D, 1, r.a.G[t.qOff:], r.a.D)
		simd.Gemm(nil, true, false, t.keys, c.HeadDim, t.rows, dp, t.keys, r.a.X[t.qOff:], r.a.D, 1, r.b.G[t.kOff:], r.b.D)
	})
}

// scoreGrad turns the scores p of query i into probabilities and the gradient dp
// of the probabilities into that of the raw scores: p (dp - Σ p dp), where the
// sum is the product of the result with its gradient.
func (r *record) scoreGrad(t tile, i int, p, dp []float32) {
	c := &r.attn
	lo, hi := c.visible(t, i)
	clear(dp[:lo])
	clear(dp[hi:])
	at := t.qOff + i*r.out.D
	sum := simd.Dot(r.out.X[at:at+c.HeadDim], r.out.G[at:at+c.HeadDim])
	p, dp = p[lo:hi], dp[lo:hi]
	lse := r.aux[0][(t.q0+i)*c.Heads+t.head]
	if c.Softcap > 0 {
		for j, s := range p {
			u := s / c.Softcap
			e := float32(math.Exp(float64(s - lse)))
			p[j], dp[j] = e, c.Scale*e*(dp[j]-sum)*(1-u*u)
		}
		return
	}
	simd.ExpSum(p, p, lse)
	for j, e := range p {
		dp[j] = c.Scale * e * (dp[j] - sum)
	}
}
