package nn

import (
	"math"

	"github.com/detox-surgery/detox-surgery/simd"
)

// attnTile is a block of queries at work against the keys they see, for all heads
// that share key head kv. Row h*n+i belongs to query q+i in the h-th of them.
type attnTile struct {
	r     *record
	c     *AttnConfig
	span  Span
	first int // key that the stripe sees first
	kv    int
	group int
	q, n  int       // first query, counted from the start of the span, and their number
	rows  int       // group*n
	query []float32 // [rows, headDim] queries times the scale of the scores
	acc   []float32 // [rows, headDim] result, or gradient of query
	dout  []float32 // [rows, headDim] gradient of the result
	p     []float32 // [rows, keys] scores, then probabilities
	dp    []float32 // [rows, keys] gradient of the probabilities, then of the scores
	top   []float32 // [rows] running maximum, or log-sum-exp
	sum   []float32 // [rows] running sum of exponentials, or Σ dout out
}

// tileFloats is the scratch of a tile.
func (r *record) tileFloats() int {
	rows := r.n[0] * r.attn.Heads / r.attn.KVHeads
	return rows * (3*r.attn.HeadDim + 2*tileKeys + 2)
}

func (r *record) newTile(scratch []float32, s *stripe, kv int) attnTile {
	c := &r.attn
	t := attnTile{r: r, c: c, span: s.Span, first: c.firstKey(s.q0), kv: kv, group: c.Heads / c.KVHeads}
	rows := r.n[0] * t.group
	take := func(n int) []float32 {
		x := scratch[:n:n]
		scratch = scratch[n:]
		return x
	}
	t.query, t.acc, t.dout = take(rows*c.HeadDim), take(rows*c.HeadDim), take(rows*c.HeadDim)
	t.p, t.dp = take(rows*tileKeys), take(rows*tileKeys)
	t.top, t.sum = take(rows), take(rows)
	return t
}

// at moves the tile to n queries from q.
func (t *attnTile) at(q, n int) {
	t.q, t.n, t.rows = q, n, t.group*n
	d := t.c.HeadDim
	for row := range t.rows {
		from := t.offset(row)
		simd.Scale(t.query[row*d:(row+1)*d], t.c.Scale, t.r.a.X[from:from+d])
	}
}

// offset is where the row of a tile lies in q and in the result.
func (t *attnTile) offset(row int) int {
	h, i := row/t.n, row%t.n
	return (t.span.Start+t.q+i)*t.r.a.D + (t.kv*t.group+h)*t.c.HeadDim
}

// lse is where the log-sum-exp of a row is kept.
func (t *attnTile) lse(row int) *float32 {
	h, i := row/t.n, row%t.n
	return &t.r.aux[0][(t.span.Start+t.q+i)*t.c.Heads+t.kv*t.group+h]
}

// visible is the range of keys of the tile's block [k, k+keys) that a row sees.
func (t *attnTile) visible(row, k, keys int) (lo, hi int) {
	q := t.q + row%t.n
	hi = min(max(q+1-k, 0), keys)
	return min(max(t.c.firstKey(q)-k, 0), hi), hi
}

// scores writes the scaled and capped scores of keys k and up to p.
func (t *attnTile) scores(k, keys int) {
	d := t.c.HeadDim
	at := (t.span.Start+k)*t.r.b.D + t.kv*d
	simd.Gemm(nil, false, true, t.rows, keys, d, t.query, d, t.r.b.X[at:], t.r.b.D, 0, t.p, keys)
	if t.c.Softcap == 0 {
		return
	}
	p := t.p[:t.rows*keys]
	for j, x := range p {
		p[j] = t.c.Softcap * float32(math.Tanh(float64(x/t.c.Softcap)))
	}
}

// forward computes the result of the tile block of keys by block of keys, with
// the sums brought to a new maximum when it grows.
func (t *attnTile) forward() {
	d, end := t.c.HeadDim, t.q+t.n
	fill(t.top[:t.rows], float32(math.Inf(-1)))
	clear(t.sum[:t.rows])
	beta := float32(0)
	for k := t.c.firstKey(t.q); k < end; k += tileKeys {
		keys := min(tileKeys, end-k)
		t.scores(k, keys)
		for row := range t.rows {
			t.weigh(row, k, keys)
		}
		at := (t.span.Start+k)*t.r.c.D + t.kv*d
		simd.Gemm(nil, false, false, t.rows, d, keys, t.p, keys, t.r.c.X[at:], t.r.c.D, beta, t.acc, d)
		beta = 1
	}
	for row := range t.rows {
		to := t.offset(row)
		simd.Scale(t.r.out.X[to:to+d], 1/t.sum[row], t.acc[row*d:(row+1)*d])
		*t.lse(row) = t.top[row] + float32(math.Log(float64(t.sum[row])))
	}
}

// weigh turns the scores of a row into exp(score - top) and adds them to its sum.
func (t *attnTile) weigh(row, k, keys int) {
	lo, hi := t.visible(row, k, keys)
	p := t.p[row*keys : (row+1)*keys]
	clear(p[:lo])
	clear(p[hi:])
	if p = p[lo:hi]; len(p) == 0 {
		return
	}
	if m := simd.Max(p); m > t.top[row] {
		if t.sum[row] > 0 {
			f := exp32(t.top[row] - m)
			t.sum[row] *= f
			acc := t.acc[row*t.c.HeadDim : (row+1)*t.c.HeadDim]
			simd.Scale(acc, f, acc)
		}
		t.top[row] = m
	}
	t.sum[row] += float32(simd.ExpSum(p, p, t.top[row]))
}

// backward adds what the tile gives to the gradients of q, and of its keys and
// values to dk and dv, whose first row is the first key that the stripe sees.
func (t *attnTile) backward(dk, dv []float32, ld int) {
	d, end := t.c.HeadDim, t.q+t.n
	for row := range t.rows {
		from := t.offset(row)
		g := t.r.out.G[from : from+d]
		copy(t.dout[row*d:], g)
		t.sum[row] = simd.Dot(t.r.out.X[from:from+d], g)
		t.top[row] = *t.lse(row)
	}
	beta := float32(0)
	for k := t.c.firstKey(t.q); k < end; k += tileKeys {
		keys := min(tileKeys, end-k)
		at := (t.span.Start+k)*t.r.b.D + t.kv*d
		t.scores(k, keys)
		simd.Gemm(nil, false, true, t.rows, keys, d, t.dout, d, t.r.c.X[at:], t.r.c.D, 0, t.dp, keys)
		for row := range t.rows {
			t.scoreGrad(row, k, keys)
		}
		to := (k - t.first) * ld
		simd.Gemm(nil, true, false, keys, d, t.rows, t.p, keys, t.dout, d, 1, dv[to:], ld)
		simd.Gemm(nil, true, false, keys, d, t.rows, t.dp, keys, t.query, d, 1, dk[to:], ld)
		simd.Gemm(nil, false, false, t.rows, d, keys, t.dp, keys, t.r.b.X[at:], t.r.b.D, beta, t.acc, d)
		beta = 1
	}
	for row := range t.rows {
		to := t.offset(row)
		dq, acc := t.r.a.G[to:to+d], t.acc[row*d:(row+1)*d]
		if t.r.beta[0] == 0 {
			simd.Scale(dq, t.c.Scale, acc)
		} else {
			simd.Axpy(dq, t.c.Scale, acc)
		}
	}
}

// scoreGrad turns the scores p of a row into probabilities and the gradient dp
// of the probabilities into that of the scores before the cap: p (dp - Σ p dp),
// where the sum is the product of the result with its gradient.
func (t *attnTile) scoreGrad(row, k, keys int) {
	lo, hi := t.visible(row, k, keys)
	p, dp := t.p[row*keys:(row+1)*keys], t.dp[row*keys:(row+1)*keys]
	clear(p[:lo])
	clear(p[hi:])
	clear(dp[:lo])
	clear(dp[hi:])
	p, dp = p[lo:hi], dp[lo:hi]
	sum := t.sum[row]
	if limit := t.c.Softcap; limit > 0 {
		for j, s := range p {
			u := s / limit
			p[j] = exp32(s - t.top[row])
			dp[j] = p[j] * (dp[j] - sum) * (1 - u*u)
		}
		return
	}
	simd.ExpSum(p, p, t.top[row])
	simd.Mul(dp, dp, p)
	simd.Axpy(dp, -sum, p)
}
