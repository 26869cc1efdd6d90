package eval

import (
	"fmt"
	"math"
	"strings"
)

// Chunking says which tokens of a text are scored.
type Chunking int

const (
	// Llama is what llama-perplexity does: the text with the BOS token in front, if
	// the model adds one, is cut into windows of Ctx tokens, the first token of every
	// window is replaced by BOS, and the tokens after the middle are scored
	// (Ctx - Ctx/2 - 1 of each window). One newline at the end of the text is dropped.
	Llama Chunking = iota
	// Windows cuts the bare text into windows and scores all but the first token.
	Windows
)

// String is "llama" or "windows".
func (c Chunking) String() string {
	if c == Windows {
		return "windows"
	}
	return "llama"
}

// WindowTokens is the usual length of a window, as in llama-perplexity, and the longest
// sequence that measuring needs.
const WindowTokens = 512

// PerplexityOptions are the settings of Perplexity; zero fields take the default.
type PerplexityOptions struct {
	Chunking  Chunking
	Ctx       int // tokens of a window; WindowTokens
	MaxTokens int // only so many tokens of the text are used; 0: all
	Progress  Progress
}

// PerplexityResult is exp of the mean negative log-likelihood.
type PerplexityResult struct {
	Value    float64   `json:"value"`
	StdErr   float64   `json:"std_err"` // as llama-perplexity prints it, tokens taken as independent
	Scored   int       `json:"scored_tokens"`
	Windows  int       `json:"windows"`
	Ctx      int       `json:"ctx"`
	Chunking string    `json:"chunking"`
	NLL      []float64 `json:"-"` // summed per window, for paired comparisons
}

// Perplexity of a text. An unfinished window at its end is left out.
func Perplexity(m LM, text string, o PerplexityOptions) (*PerplexityResult, error) {
	seqs, from, err := windows(m.Tokens(), text, &o)
	if err != nil {
		return nil, err
	}
	scores, err := score(m, seqs, from, o.Progress)
	if err != nil {
		return nil, err
	}
	r := &PerplexityResult{Windows: len(seqs), Ctx: o.Ctx, Chunking: o.Chunking.String()}
	var total, square float64
	for _, lp := range scores {
		r.NLL = append(r.NLL, -sum(lp))
		for _, x := range lp {
			total, square = total-x, square+x*x
		}
		r.Scored += len(lp)
	}
	n := float64(r.Scored)
	avg := total / n
	r.Value = math.Exp(avg)
	if v := square/n - avg*avg; v > 0 && n > 1 {
		r.StdErr = r.Value * math.Sqrt(v/(n-1))
	}
	return r, nil
}

// windows cuts a text as o.Chunking says; from is the first scored token of each
// window. It fills in o's defaults.
func windows(tok Tokens, text string, o *PerplexityOptions) (seqs [][]int32, from []int, err error) {
	if o.Ctx == 0 {
		o.Ctx = WindowTokens
	}
	if o.Ctx < 4 {
		return nil, nil, fmt.Errorf("eval: perplexity: window of %d tokens", o.Ctx)
	}
	first := 1
	bos, hasBOS := tok.BOS()
	hasBOS = hasBOS && tok.AddBOS() && o.Chunking == Llama
	var ids []int32
	if hasBOS {
		ids = append(ids, bos)
	}
	if o.Chunking == Llama {
		text = strings.TrimSuffix(text, "\n")
		first = o.Ctx/2 + 1
	}
	ids = append(ids, tok.Encode(text)...)
	if o.MaxTokens > 0 {
		ids = ids[:min(len(ids), o.MaxTokens)]
	}
	for at := 0; at+o.Ctx <= len(ids); at += o.Ctx {
		w := ids[at : at+o.Ctx : at+o.Ctx]
		if hasBOS {
			w[0] = bos // the token it replaces is scored in no window
		}
		seqs, from = append(seqs, w), append(from, first)
	}
	if len(seqs) == 0 {
		return nil, nil, fmt.Errorf("eval: perplexity: the text has %d tokens, fewer than one window of %d", len(ids), o.Ctx)
	}
	return seqs, from, nil
}
