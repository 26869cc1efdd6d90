package nn

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/detox-surgery/detox-surgery/simd"
)

// fullAttention is attention with all scores at once in float64: the result and,
// for the gradient dout of it, those of q, k and v.
func fullAttention(c AttnConfig, q, k, v, dout []float32) (out, dq, dk, dv []float64) {
	hd, group := c.HeadDim, c.Heads/c.KVHeads
	out, dq = make([]float64, len(q)), make([]float64, len(q))
	dk, dv = make([]float64, len(k)), make([]float64, len(k))
	for _, s := range c.Spans {
		for h := range c.Heads {
			for i := range s.Len {
				qi := (s.Start+i)*c.Heads*hd + h*hd
				key := func(j int) int { return (s.Start+j)*c.KVHeads*hd + h/group*hd }
				first := 0
				if c.Window > 0 {
					first = max(0, i-c.Window+1)
				}
				p, slope := fullRow(c, q[qi:qi+hd], k, key, first, i)
				var sum float64
				dp := make([]float64, i+1)
				for j := first; j <= i; j++ {
					for d := range hd {
						out[qi+d] += p[j] * float64(v[key(j)+d])
						dv[key(j)+d] += p[j] * float64(dout[qi+d])
						dp[j] += float64(dout[qi+d]) * float64(v[key(j)+d])
					}
					sum += p[j] * dp[j]
				}
				for j := first; j <= i; j++ {
					g := p[j] * (dp[j] - sum) * slope[j] * float64(c.Scale)
					for d := range hd {
						dq[qi+d] += g * float64(k[key(j)+d])
						dk[key(j)+d] += g * float64(q[qi+d])
					}
				}
			}
		}
	}
	return out, dq, dk, dv
}

// fullRow is the probabilities of query i and the slope of its capped scores.
func fullRow(c AttnConfig, q, k []float32, key func(j int) int, first, i int) (p, slope []float64) {
	p, slope = make([]float64, i+1), make([]float64, i+1)
	top, sum := math.Inf(-1), 0.0
	for j := first; j <= i; j++ {
		var x float64
		for d, y := range q {
			x += float64(y) * float64(k[key(j)+d])
		}
		x *= float64(c.Scale)
		slope[j] = 1
		if cp := float64(c.Softcap); cp > 0 {
			u := math.Tanh(x / cp)
			x, slope[j] = cp*u, 1-u*u
		}
		p[j] = x
		top = max(top, x)
	}
	for j := first; j <= i; j++ {
		p[j] = math.Exp(p[j] - top)
		sum += p[j]
	}
	for j := first; j <= i; j++ {
		p[j] /= sum
	}
	return p, slope
}

// attnCases cross every boundary: of tiles, of blocks of keys, of stripes; with
// windows narrower and wider than each; groups that fill a tile and that do not.
var attnCases = []AttnConfig{
	{Heads: 2, KVHeads: 1, HeadDim: 8, Spans: []Span{{0, 3}, {3, 0}, {3, 1}, {4, 150}}},
	{Heads: 3, KVHeads: 1, HeadDim: 8, Spans: []Span{{0, 2*minStripe + 70}}},
	{Heads: 4, KVHeads: 2, HeadDim: 4, Spans: []Span{{0, minStripe}, {minStripe, minStripe + 1}}},
	{Heads: 2, KVHeads: 2, HeadDim: 4, Window: 5, Spans: []Span{{0, 2*minStripe + 3}}},
	{Heads: 1, KVHeads: 1, HeadDim: 4, Window: 70, Spans: []Span{{0, 3 * minStripe}, {3 * minStripe, 90}}},
	{Heads: 2, KVHeads: 1, HeadDim: 4, Window: tileKeys + 9, Spans: []Span{{0, 2*tileKeys + 50}}},
	{Heads: 2, KVHeads: 1, HeadDim: 4, Softcap: 1.5, Window: 300, Spans: []Span{{0, 350}}},
	{Heads: 130, KVHeads: 1, HeadDim: 2, Spans: []Span{{0, 9}}},
	{Heads: 16, KVHeads: 16, HeadDim: 2, Spans: []Span{{0, 300}}},
	{Heads: 14, KVHeads: 2, HeadDim: 6, Spans: []Span{{0, 31}}},
}

func TestAttentionAgainstFullScores(t *testing.T) {
	pool := simd.NewPool(2)
	defer pool.Close()
	for i, c := range attnCases {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			c.Scale = 0.7
			last := c.Spans[len(c.Spans)-1]
			n := last.Start + last.Len
			in := []input{leaf(1, n, c.Heads*c.HeadDim), leaf(2, n, c.KVHeads*c.HeadDim), leaf(3, n, c.KVHeads*c.HeadDim)}
			coef := random(99, n*c.Heads*c.HeadDim)
			out, dq, dk, dv := fullAttention(c, in[0].x, in[1].x, in[2].x, coef)
			var got []float32
			g := func(tp *Tape, v []*Value) *Value {
				y := Attention(tp, v[0], v[1], v[2], c)
				got = slices.Clone(y.X)
				return y
			}
			_, grads := evaluate(nil, g, in, coef)
			one := got
			for j, want := range [][]float64{out, dq, dk, dv} {
				closeTo(t, []string{"result", "dq", "dk", "dv"}[j], append([][]float32{one}, grads...)[j], want)
			}
			_, again := evaluate(pool, g, in, coef)
			for j := range grads {
				same(t, "gradient with two workers", again[j], grads[j], 0)
			}
			same(t, "result with two workers", got, one, 0)
		})
	}
}

// closeTo compares with the largest value as measure.
func closeTo(t *testing.T, name string, got []float32, want []float64) {
	t.Helper()
	worst, size := 0.0, 0.0
	for i, w := range want {
		size = max(size, math.Abs(w))
		e := math.Abs(w - float64(got[i]))
		if worst = max(worst, e); e != e {
			worst = e
			break
		}
	}
	if !(worst <= 1e-5*size) {
		t.Errorf("%s is off by %.3g of %.3g", name, worst, size)
	}
}

// What a query cannot see does not reach it, NaN or not; nor does its gradient.
func TestAttentionMask(t *testing.T) {
	c := AttnConfig{Heads: 2, KVHeads: 1, HeadDim: 4, Scale: 1, Window: 20, Spans: []Span{{0, 40}, {40, 30}}}
	k := random(2, 70*4)
	for _, hidden := range []int{5, 39, 69} {
		x := slices.Clone(k)
		fill(x[hidden*4:(hidden+1)*4], 1e30)
		tp := NewTape(nil, false)
		at := func(k []float32) []float32 {
			return Attention(tp, tp.Const(70, 8, random(1, 560)), tp.Const(70, 4, k), tp.Const(70, 4, random(3, 280)), c).X
		}
		a, b := at(k), at(x)
		for q := range 70 {
			sees := q >= hidden && q < hidden+c.Window && (q < 40) == (hidden < 40)
			if equal := slices.Equal(a[q*8:q*8+8], b[q*8:q*8+8]); equal == sees {
				t.Errorf("query %d: key %d changed it: %v", q, hidden, !equal)
			}
		}
	}
}

// A window that crosses tiles has its gradient tested too, at single entries.
func TestAttentionTilesGradient(t *testing.T) {
	n := 70
	c := AttnConfig{Heads: 1, KVHeads: 1, HeadDim: 2, Scale: 0.7, Window: 66, Spans: []Span{{0, n}}}
	g := func(tp *Tape, in []*Value) *Value { return Attention(tp, in[0], in[1], in[2], c) }
	checkOp(t, "tiles", g, n*2, leaf(1, n, 2), leaf(2, n, 2), leaf(3, n, 2))
}

// BenchmarkAttention is one layer, forward and backward, of SmolLM2-135M and of
// Gemma 3 270M.
func BenchmarkAttention(b *testing.B) {
	pool := simd.NewPool(2)
	defer pool.Close()
	for _, m := range []struct {
		name          string
		heads, kv, hd int
	}{{"smollm2", 9, 3, 64}, {"gemma3", 4, 1, 256}} {
		for _, s := range []struct{ seqs, length int }{{16, 64}, {4, 512}, {1, 2048}} {
			n := s.seqs * s.length
			c := AttnConfig{Heads: m.heads, KVHeads: m.kv, HeadDim: m.hd, Scale: 0.1}
			for i := range s.seqs {
				c.Spans = append(c.Spans, Span{i * s.length, s.length})
			}
			q, k, v, g := random(1, n*m.heads*m.hd), random(2, n*m.kv*m.hd), random(3, n*m.kv*m.hd), random(4, n*m.heads*m.hd)
			b.Run(fmt.Sprintf("%s/%dx%d", m.name, s.seqs, s.length), func(b *testing.B) {
				tp := NewTape(pool, true)
				b.ReportAllocs()
				for b.Loop() {
					tp.Reset()
					in := [3]*Value{tp.Const(n, m.heads*m.hd, q), tp.Const(n, m.kv*m.hd, k), tp.Const(n, m.kv*m.hd, v)}
					for _, x := range in {
						tp.Watch(x)
					}
					copy(tp.Seed(Attention(tp, in[0], in[1], in[2], c)), g)
					tp.Backward()
				}
				pairs := float64(s.seqs * s.length * (s.length + 1) / 2)
				b.ReportMetric(pairs*float64(14*m.heads*m.hd)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
