package locate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sort"

	"github.com/detox-surgery/detox-surgery/train/data"
	"github.com/detox-surgery/detox-surgery/train/model"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

// Neuron is a neuron with its score; in a mixture, neuron i of expert e is e F + i. Positive scores push towards the rejected
// continuation.
type Neuron struct {
	Block int     `json:"block"`
	Index int     `json:"index"`
	Score float64 `json:"score"`
}

// String is the neuron's name, "blk.17.ffn:42".
func (n Neuron) String() string { return fmt.Sprintf("blk.%d.ffn:%d", n.Block, n.Index) }

// Example is one prompt continued in two ways.
type Example struct {
	Chosen, Rejected data.Sequence
}

// Examples encodes pairs for a model, each continuation cut to maxLen tokens with
// its prompt. Pairs of which a continuation has no tokens left are dropped.
func Examples(m *model.Model, pairs []data.Pair, maxLen int) []Example {
	var out []Example
	for _, p := range pairs {
		e := Example{
			Chosen:   data.EncodePair(m.Tokenizer(), p.Prompt, p.Chosen, maxLen),
			Rejected: data.EncodePair(m.Tokenizer(), p.Prompt, p.Rejected, maxLen),
		}
		if e.Chosen.Cont > 0 && e.Rejected.Cont > 0 && e.Chosen.Cont < len(e.Chosen.IDs) && e.Rejected.Cont < len(e.Rejected.IDs) {
			out = append(out, e)
		}
	}
	return out
}

// Options says how Run scores.
type Options struct {
	Method   string // of Methods; empty: the first
	Tokens   int    // at most on the tape at once, except a single long pair; 0: 512
	Progress func(done, total int)
}

// Result is a ranking of all neurons of a model.
type Result struct {
	Method    string    `json:"method"`
	Examples  int       `json:"examples"`
	Neurons   []Neuron  `json:"neurons"`   // by size of the score, largest first
	Total     float64   `json:"total"`     // sum of |score|
	Stability Stability `json:"stability"` // between even and odd examples
}

// scorer is the state of a run.
type scorer struct {
	m      *model.Model
	tape   *nn.Tape
	probes []*probe    // of attribution
	scores [][]float64 // [blocks][neurons], of the half that runs
	weight float64     // of an example
}

// ErrNoExamples is returned when there is nothing to score with.
var ErrNoExamples = errors.New("locate: no pairs with tokens in both continuations")

// Run scores the neurons of a model with examples. Handles of the model, an
// attached edit say, stay in effect.
func Run(ctx context.Context, m *model.Model, examples []Example, o Options) (*Result, error) {
	method := Methods[0]
	if o.Method != "" {
		var ok bool
		if method, ok = Find(o.Method); !ok {
			return nil, fmt.Errorf("locate: unknown method %q", o.Method)
		}
	}
	if len(examples) == 0 {
		return nil, ErrNoExamples
	}
	if method.keepsActs && m.Config().Experts > 0 {
		return nil, fmt.Errorf("locate: %w: %s of a mixture of experts", model.ErrUnsupported, method.Name)
	}
	if o.Tokens <= 0 {
		o.Tokens = 512
	}
	s := &scorer{m: m, weight: 1 / float64(len(examples))}
	if restore := method.open(s); restore != nil {
		defer restore()
	}
	halves := [2][][]float64{s.zeros(), s.zeros()}
	done := 0
	for h := range halves {
		s.scores = halves[h]
		for _, batch := range batches(examples, h, o.Tokens) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			method.score(s, batch)
			if done += len(batch); o.Progress != nil {
				o.Progress(done, len(examples))
			}
		}
	}
	r := &Result{Method: method.Name, Examples: len(examples), Stability: compare(halves[0], halves[1])}
	r.rank(halves[0], halves[1])
	return r, nil
}

func (s *scorer) zeros() [][]float64 {
	c := s.m.Config()
	z := make([][]float64, c.Blocks)
	for l := range z {
		z[l] = make([]float64, c.FFN*max(1, c.Experts))
	}
	return z
}

// batches cuts the examples of even (half 0) or odd (half 1) number into runs of
// at most limit tokens.
func batches(examples []Example, half, limit int) [][]Example {
	var out [][]Example
	var run []Example
	n := 0
	for i := half; i < len(examples); i += 2 {
		e := examples[i]
		size := len(e.Chosen.IDs) + len(e.Rejected.IDs)
		if n+size > limit && len(run) > 0 {
			out, run, n = append(out, run), nil, 0
		}
		run, n = append(run, e), n+size
	}
	if len(run) > 0 {
		out = append(out, run)
	}
	return out
}

// rank fills the list from the sum of both halves. Ties keep the order of blocks
// and neurons.
func (r *Result) rank(a, b [][]float64) {
	for l := range a {
		for i := range a[l] {
			score := a[l][i] + b[l][i]
			r.Neurons = append(r.Neurons, Neuron{l, i, score})
			r.Total += math.Abs(score)
		}
	}
	sort.SliceStable(r.Neurons, func(i, j int) bool {
		return math.Abs(r.Neurons[i].Score) > math.Abs(r.Neurons[j].Score)
	})
}

// Share is the part of the sum of |score| that the first n neurons carry.
func (r *Result) Share(n int) float64 {
	var sum float64
	for _, x := range r.Neurons[:min(n, len(r.Neurons))] {
		sum += math.Abs(x.Score)
	}
	if r.Total == 0 {
		return 0
	}
	return sum / r.Total
}

// pack is the batch of an example list: chosen and rejected in turn.
func pack(batch []Example) *model.Batch {
	seqs := make([][]int32, 0, 2*len(batch))
	for _, e := range batch {
		seqs = append(seqs, e.Chosen.IDs, e.Rejected.IDs)
	}
	return model.NewBatch(seqs...)
}
