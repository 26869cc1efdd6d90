package eval

import (
	"fmt"
	"math"

	"github.com/detox-surgery/detox-surgery/simd"
)

// States is a model whose final hidden states can be had, for metrics that need
// whole distributions.
type States interface {
	Tokens() Tokens
	// Hidden is the [T, D] input of the head for packed sequences, valid until the
	// model's next pass.
	Hidden(seqs [][]int32) []float32
	Head() simd.Matrix
	Pool() *simd.Pool
}

// DivergenceResult compares next-token distributions with the original model's.
type DivergenceResult struct {
	KL      Interval `json:"kl"`   // mean KL(original || edited) per token in nats; units: windows
	Top1    Interval `json:"top1"` // share of positions with the same most probable token
	Scored  int      `json:"scored_tokens"`
	Windows int      `json:"windows"`
}

// Divergence compares two models at the positions that Perplexity scores. Both must
// have the same tokenizer.
func Divergence(original, edited States, text string, o PerplexityOptions) (*DivergenceResult, error) {
	if a, b := original.Head(), edited.Head(); a.Rows() != b.Rows() || a.Cols() != b.Cols() {
		return nil, fmt.Errorf("eval: divergence: heads of %dx%d and %dx%d: not the same architecture", a.Rows(), a.Cols(), b.Rows(), b.Cols())
	}
	seqs, from, err := windows(original.Tokens(), text, &o)
	if err != nil {
		return nil, err
	}
	r := &DivergenceResult{Windows: len(seqs)}
	kls, same, count := make([]float64, len(seqs)), make([]float64, len(seqs)), make([]float64, len(seqs))
	for i, s := range seqs {
		var rows []int
		for k := from[i]; k < len(s); k++ {
			rows = append(rows, k-1)
		}
		kl, agree := compareRows(original, edited, s, rows)
		kls[i], same[i], count[i] = sum(kl), sum(agree), float64(len(rows))
		if math.IsNaN(kls[i]) {
			return nil, ErrNotFinite
		}
		r.Scored += len(rows)
		o.Progress.report(i+1, len(seqs))
	}
	r.KL, r.Top1 = BootstrapRatio(kls, count), BootstrapRatio(same, count)
	return r, nil
}

// compareRows gives, for some positions of one sequence, the divergence and 1 where
// both models prefer the same token.
func compareRows(original, edited States, seq []int32, rows []int) (kl, agree []float64) {
	kl, agree = make([]float64, len(rows)), make([]float64, len(rows))
	// Copies: the two may be one model whose weights are switched by its methods.
	h := append([]float32(nil), original.Hidden([][]int32{seq})...)
	g := append([]float32(nil), edited.Hidden([][]int32{seq})...)
	pool, v := original.Pool(), original.Head().Rows()
	var q []float32
	scratch := make([][]float32, pool.Workers())
	for i := range scratch {
		scratch[i] = make([]float32, v)
	}
	headRows(pool, h, original.Head(), rows, func(first, n int, p []float32) {
		if q == nil {
			q = make([]float32, n*v) // the first group is the largest
		}
		logitsOf(pool, g, edited.Head(), rows[first:first+n], q)
		pool.Do(n, func(i, worker int) {
			kl[first+i], agree[first+i] = divergence(p[i*v:(i+1)*v], q[i*v:(i+1)*v], scratch[worker])
		})
	})
	return kl, agree
}

// divergence is KL(softmax p || softmax q) of two rows of logits, and 1 if their
// largest entries are at the same place. It overwrites neither; e is scratch of the
// same length.
func divergence(p, q, e []float32) (kl, same float64) {
	bestP, bestQ := 0, 0
	for i, x := range p {
		if x > p[bestP] {
			bestP = i
		}
		if q[i] > q[bestQ] {
			bestQ = i
		}
	}
	if bestP == bestQ {
		same = 1
	}
	top := p[bestP]
	total, cross := simd.ExpSum(e, p, top), 0.0
	for i, x := range e {
		cross += float64(x) * (float64(p[i]) - float64(q[i]))
	}
	// Σ p (log p - log q) = Σ p (l_p - l_q) - log Z_p + log Z_q
	return cross/total - float64(top) - math.Log(total) + simd.LogSumExp(q), same
}
