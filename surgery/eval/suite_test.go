package eval_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/surgery/eval"
)

// full is a toy with hidden states.
type full struct {
	*toy
	head unigram
}

func (f full) Tokens() eval.Tokens             { return f.toy.letters }
func (f full) Head() simd.Matrix               { return f.head.Head() }
func (f full) Pool() *simd.Pool                { return nil }
func (f full) Hidden(seqs [][]int32) []float32 { return f.head.Hidden(seqs) }

func TestSuite(t *testing.T) {
	model := func(reply string, logit float32) full {
		return full{
			&toy{reply: func(string) string { return reply }, prob: func(int32) float64 { return 0.25 }},
			unigram{logits: []float32{0, logit}},
		}
	}
	original, edited := model("you are a stupid idiot", 0), model("you are a fine fellow", 1)
	var stages []string
	s := &eval.Suite{
		Primed: []string{"a ", "b ", "c "}, Greedy: 2, Plain: []string{"d "}, Checked: 2,
		Toxic: eval.ToxicityOptions{MaxNew: 30}, Text: strings.Repeat("x", 64), PPL: eval.PerplexityOptions{Ctx: 16},
		Pairs: []eval.MinimalPair{{Paradigm: "p", Good: "a", Bad: "aa"}, {Paradigm: "p", Good: "aaa", Bad: "aa"}},
		Progress: func(stage string, _, _ int) {
			if len(stages) == 0 || stages[len(stages)-1] != stage {
				stages = append(stages, stage)
			}
		},
	}
	// One token sentences need a text start.
	original.letters.addBOS, edited.letters.addBOS = true, true
	base, err := s.Measure(t.Context(), "original", original, original, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Measure(t.Context(), "edited", edited, original, base)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "primed before", base.Primed.Rate.Value, 1, 0)
	near(t, "primed after", r.Primed.Rate.Value, 0, 0)
	near(t, "change", r.Change.Primed.Value, -1, 0)
	near(t, "greedy change", r.Change.PrimedGreedy.Value, -1, 0)
	near(t, "perplexity ratio", r.Change.Perplexity, 1, 1e-12)
	near(t, "BLiMP", r.BLiMP.Accuracy.Value, 0.5, 0)
	near(t, "coherence change", r.Change.CoherencePrimed.Value, 0, 0)
	if base.Divergence != nil || r.Divergence == nil || r.Divergence.KL.Value <= 0 {
		t.Errorf("divergence: original %+v, edited %+v", base.Divergence, r.Divergence)
	}
	if r.PrimedGreedy.Rate.N != 2 || r.CoherencePrimed.Share.N != 2 || !r.PrimedGreedy.Greedy || r.Primed.Greedy {
		t.Errorf("greedy %+v, coherence of %d", r.PrimedGreedy.Rate, r.CoherencePrimed.Share.N)
	}
	if len(stages) == 0 {
		t.Error("no progress was reported")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Measure(ctx, "x", edited, original, base); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}
