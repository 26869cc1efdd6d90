package eval

import (
	"errors"
	"math"
)

// ErrNotFinite is returned when a model's probabilities are not numbers.
var ErrNotFinite = errors.New("eval: the model's probabilities are not finite: its weights are broken")

// Tokens turns text into tokens and back; *token.Tokenizer is one.
type Tokens interface {
	Encode(text string) []int32
	Decode(ids []int32) string
	TextStart() []int32 // what opens plain text: [BOS], a document separator, or nothing
	BOS() (int32, bool)
	AddBOS() bool
}

// LM is a language model as the metrics see it. Metrics call one method at a time.
type LM interface {
	Tokens() Tokens
	// LogProbs returns, for every sequence i, log p(token | tokens before it) of its
	// tokens from from[i] on, 1 <= from[i] <= len(seqs[i]). All sequences are in
	// memory at once; score groups them.
	LogProbs(seqs [][]int32, from []int) [][]float64
	// Generate continues prompts; the end-of-text token is not part of the answer.
	Generate(prompts [][]int32, o GenOptions) [][]int32
}

// GenOptions says how prompts are continued.
type GenOptions struct {
	MaxNew     int
	Sample     bool // else greedy
	TopP, Temp float64
	Seed       uint64
	Batch      int // sequences at once; the result does not depend on it
	Progress   Progress
}

// Progress is told how much of a job is done; nil is allowed everywhere.
type Progress func(done, total int)

func (p Progress) report(done, total int) {
	if p != nil {
		p(done, total)
	}
}

// groupTokens bounds the tokens of one forward pass: its activations live at once.
const groupTokens = 1024

// score is LogProbs of any number of sequences, in groups of bounded size. A model
// with broken weights gives NaN; that is an error, so that no figure hides it.
func score(m LM, seqs [][]int32, from []int, p Progress) ([][]float64, error) {
	out := make([][]float64, 0, len(seqs))
	for i := 0; i < len(seqs); {
		n, k := len(seqs[i]), i+1
		for k < len(seqs) && n+len(seqs[k]) <= groupTokens {
			n += len(seqs[k])
			k++
		}
		for _, lp := range m.LogProbs(seqs[i:k], from[i:k]) {
			if s := sum(lp); math.IsNaN(s) || math.IsInf(s, 0) {
				return nil, ErrNotFinite
			}
			out = append(out, lp)
		}
		i = k
		p.report(i, len(seqs))
	}
	return out, nil
}

func sum(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v
	}
	return s
}

func mean(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	return sum(x) / float64(len(x))
}

// concat joins token lists into a new one.
func concat(parts ...[]int32) []int32 {
	var out []int32
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}
