package eval_test

import (
	"math"
	"os"
	"slices"
	"testing"

	"github.com/detox-surgery/detox-surgery/internal/testenv"
	"github.com/detox-surgery/detox-surgery/internal/testmodel"
	"github.com/detox-surgery/detox-surgery/surgery/eval"
)

// open makes a real model measurable.
func open(t *testing.T, name string) eval.Model {
	t.Helper()
	return eval.New(testmodel.Open(t, name, 2))
}

func wikitext(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(testenv.Data(t, "wikitext-2/test.txt"))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// The figures are llama-perplexity's of llama.cpp 0c1e570 on wikitext-2/test.txt,
// -c 512 --chunks 2. It multiplies with activations rounded to 8 bits, hence 1 %.
func TestPerplexityOfLlamaCpp(t *testing.T) {
	for name, want := range map[string]float64{testenv.SmolLM2: 14.3882, testenv.Gemma3: 9.5025} {
		t.Run(name, func(t *testing.T) {
			m := open(t, name)
			r, err := eval.Perplexity(m, wikitext(t), eval.PerplexityOptions{MaxTokens: 1024})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("perplexity %.4f ± %.4f over %d tokens, llama-perplexity %.4f", r.Value, r.StdErr, r.Scored, want)
			if r.Scored != 510 || math.Abs(r.Value/want-1) > 0.01 {
				t.Errorf("%v over %d tokens, want %v within 1 %% over 510", r.Value, r.Scored, want)
			}
		})
	}
}

func TestModelAgainstItself(t *testing.T) {
	m := open(t, testenv.SmolLM2)
	d, err := eval.Divergence(m, m, wikitext(t), eval.PerplexityOptions{Ctx: 64, MaxTokens: 128})
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(d.KL.Value) > 1e-6 || d.Top1.Value != 1 || d.Scored != 62 {
		t.Errorf("a model diverges from itself: %+v", d)
	}
}

// Packing several sequences into one pass must not change their probabilities.
func TestPackedLogProbs(t *testing.T) {
	m := open(t, testenv.SmolLM2)
	tok := m.Tokens()
	a, b := tok.Encode("The cat sat on the mat."), tok.Encode("Water boils at a hundred degrees.")
	from := []int{1, 3}
	both := m.LogProbs([][]int32{a, b}, from)
	if len(both[0]) != len(a)-1 || len(both[1]) != len(b)-3 {
		t.Fatalf("%d and %d log-probabilities, want %d and %d", len(both[0]), len(both[1]), len(a)-1, len(b)-3)
	}
	alone := [][]float64{m.LogProbs([][]int32{a}, from[:1])[0], m.LogProbs([][]int32{b}, from[1:])[0]}
	for i := range both {
		if !slices.EqualFunc(both[i], alone[i], func(x, y float64) bool { return math.Abs(x-y) < 1e-3 }) {
			t.Errorf("sequence %d: packed %v, alone %v", i, both[i], alone[i])
		}
	}
}

// BLiMP's accuracy of the smallest models is far above chance.
func TestBLiMPOfRealModel(t *testing.T) {
	pairs, err := eval.ReadMinimalPairs(testenv.Data(t, "blimp/blimp-dev.jsonl"), 67)
	if err != nil {
		t.Fatal(err)
	}
	if len(pairs) != 67 {
		t.Fatalf("%d pairs, want one of each of 67 paradigms", len(pairs))
	}
	r, err := eval.BLiMP(open(t, testenv.SmolLM2), pairs, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("BLiMP %.3f [%.3f, %.3f]", r.Accuracy.Value, r.Accuracy.Lo, r.Accuracy.Hi)
	if r.Accuracy.Value < 0.65 {
		t.Errorf("accuracy %v, want >= 0.65", r.Accuracy.Value)
	}
}
