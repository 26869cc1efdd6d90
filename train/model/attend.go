package model

import (
	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

// attend stores the new keys and values of block l and returns the attention of
// the new queries over all of their sequence.
func (s *Session) attend(pass []piece, l int, q, k, v *nn.Value) *nn.Value {
	kv := s.m.cfg.KVHeads * s.m.cfg.HeadDim
	fresh := pass[0].start == 0 // as all others: Extend sees to it
	for _, p := range pass {
		at, row := p.start*kv, p.row*kv
		copy(s.keys[l][p.slot][at:], k.X[row:row+len(p.ids)*kv])
		copy(s.values[l][p.slot][at:], v.X[row:row+len(p.ids)*kv])
	}
	if !fresh {
		return s.attendCache(pass, l, q)
	}
	spans := make([]nn.Span, len(pass), len(pass)+1)
	rows := 0
	for i, p := range pass {
		spans[i] = nn.Span{Start: p.row, Len: len(p.ids)}
		rows += len(p.ids)
	}
	if rows < q.T {
		spans = append(spans, nn.Span{Start: rows, Len: q.T - rows})
	}
	return nn.Attention(s.tp, q, k, v, s.m.attnConfig(l, spans))
}

// attendCache attends from every new row to the cached keys up to its own, one
// task per row and key head, whose queries share the keys they read.
func (s *Session) attendCache(pass []piece, l int, q *nn.Value) *nn.Value {
	c := &s.m.cfg
	out := s.tp.NewValue(q.T, q.D)
	type rowRef struct{ slot, pos int }
	rows := make([]rowRef, 0, q.T)
	for _, p := range pass {
		for i := range p.ids {
			rows = append(rows, rowRef{p.slot, p.start + i})
		}
	}
	clear(out.X[len(rows)*q.D:])
	window := s.m.attnConfig(l, nil).Window
	s.m.pool.Do(len(rows)*c.KVHeads, func(task, worker int) {
		row, g := task/c.KVHeads, task%c.KVHeads
		ref := rows[row]
		lo := 0
		if window > 0 {
			lo = max(0, ref.pos+1-window)
		}
		n := ref.pos + 1 - lo
		group := c.Heads / c.KVHeads
		s.scores[worker] = grow(s.scores[worker], group*n)
		at := row*q.D + g*group*c.HeadDim
		a := cacheHeads{
			q: q.X[at : at+group*c.HeadDim], out: out.X[at : at+group*c.HeadDim],
			k: s.keys[l][ref.slot], v: s.values[l][ref.slot],
			first: lo, n: n, dim: c.HeadDim, ld: c.KVHeads * c.HeadDim, head: g, scale: c.AttnScale, cap: c.AttnCap,
		}
		a.run(s.scores[worker])
	})
	return out
}

// cacheHeads is the attention of the queries of one row that share a key head.
type cacheHeads struct {
	q, out   []float32 // [group, dim]
	k, v     []float32 // [tokens, ld], the head at column head*dim
	first, n int       // keys to see
	dim, ld  int
	head     int
	scale    float32
	cap      float32 // see nn.AttnConfig.Softcap
}

// run uses scores [group, n] as scratch.
func (a *cacheHeads) run(scores []float32) {
	group := len(a.q) / a.dim
	at := a.first*a.ld + a.head*a.dim
	for j := range a.n {
		k := a.k[at+j*a.ld : at+j*a.ld+a.dim]
		for h := range group {
			scores[h*a.n+j] = a.scale * simd.Dot(a.q[h*a.dim:(h+1)*a.dim], k)
		}
	}
	nn.SoftCap(nil, scores, a.cap)
	for h := range group {
		simd.Softmax(scores[h*a.n:(h+1)*a.n], scores[h*a.n:(h+1)*a.n])
	}
	clear(a.out)
	for j := range a.n {
		v := a.v[at+j*a.ld : at+j*a.ld+a.dim]
		for h := range group {
			simd.Axpy(a.out[h*a.dim:(h+1)*a.dim], scores[h*a.n+j], v)
		}
	}
}
