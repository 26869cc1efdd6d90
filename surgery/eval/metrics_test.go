package eval_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/detox-surgery/detox-surgery/surgery/eval"
)

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > tol {
		t.Errorf("%s = %v, want %v (tolerance %g)", what, got, want, tol)
	}
}

func TestBootstrap(t *testing.T) {
	if got := eval.Bootstrap([]float64{2, 2, 2, 2}); got != (eval.Interval{Value: 2, Lo: 2, Hi: 2, N: 4}) {
		t.Errorf("constants: %+v", got)
	}
	if got := eval.Bootstrap(nil); got != (eval.Interval{}) {
		t.Errorf("nothing: %+v", got)
	}
	// A rate of 0.3 over 400: the normal interval is ± 1.96 sqrt(.3 .7 / 400) = ± .0449.
	hits := make([]float64, 400)
	for i := range 120 {
		hits[i] = 1
	}
	iv := eval.Bootstrap(hits)
	near(t, "rate", iv.Value, 0.3, 1e-12)
	near(t, "low end", iv.Lo, 0.3-0.0449, 0.004)
	near(t, "high end", iv.Hi, 0.3+0.0449, 0.004)
	if again := eval.Bootstrap(hits); again != iv {
		t.Errorf("not deterministic: %+v and %+v", iv, again)
	}
	shifted := make([]float64, len(hits))
	for i, h := range hits {
		shifted[i] = h - 0.25
	}
	d := eval.PairedDifference(hits, shifted)
	near(t, "paired difference", d.Value, -0.25, 1e-12)
	near(t, "its width", d.Hi-d.Lo, 0, 1e-12)
	r := eval.BootstrapRatio([]float64{1, 0, 1, 0}, []float64{1, 0, 1, 0})
	if r.Value != 1 || r.Lo != 1 || r.Hi != 1 {
		t.Errorf("ratio of equals: %+v", r)
	}
}

func TestPerplexityOfUniformModel(t *testing.T) {
	m := &toy{prob: func(int32) float64 { return 1.0 / 7 }}
	for _, c := range []eval.Chunking{eval.Llama, eval.Windows} {
		r, err := eval.Perplexity(m, strings.Repeat("abcdefgh", 400), eval.PerplexityOptions{Chunking: c, Ctx: 64})
		if err != nil {
			t.Fatal(err)
		}
		near(t, c.String(), r.Value, 7, 1e-9)
		near(t, c.String()+" standard error", r.StdErr, 0, 1e-6)
		if r.Windows != 50 {
			t.Errorf("%v: %d windows, want 50", c, r.Windows)
		}
	}
}

func TestBrokenModelIsAnError(t *testing.T) {
	m := &toy{prob: func(int32) float64 { return math.NaN() }}
	if _, err := eval.Perplexity(m, strings.Repeat("a", 64), eval.PerplexityOptions{Ctx: 32}); !errors.Is(err, eval.ErrNotFinite) {
		t.Errorf("error %v, want ErrNotFinite", err)
	}
	nan := unigram{logits: []float32{float32(math.NaN()), 0}}
	if _, err := eval.Divergence(unigram{logits: []float32{0, 1}}, nan, strings.Repeat("a", 64), eval.PerplexityOptions{Ctx: 32}); !errors.Is(err, eval.ErrNotFinite) {
		t.Errorf("error %v, want ErrNotFinite", err)
	}
}

func TestPerplexityOfTwoLetters(t *testing.T) {
	m := &toy{prob: func(id int32) float64 { return map[int32]float64{'a': 0.5, 'b': 0.125}[id] }}
	r, err := eval.Perplexity(m, strings.Repeat("ab", 32), eval.PerplexityOptions{Chunking: eval.Llama, Ctx: 32})
	if err != nil {
		t.Fatal(err)
	}
	// Scored per window: 15 tokens, from place 17 on: b a b ... b, 8 b and 7 a.
	near(t, "perplexity", r.Value, math.Exp((8*math.Log(8)+7*math.Log(2))/15), 1e-9)
}

// The windows of llama-perplexity: tools/perplexity/perplexity.cpp.
func TestLlamaChunking(t *testing.T) {
	m := &toy{letters: letters{addBOS: true}, prob: func(int32) float64 { return 0.5 }}
	r, err := eval.Perplexity(m, "abcdefghijklmnopqrst\n", eval.PerplexityOptions{Ctx: 8})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]int32{{1, 'a', 'b', 'c', 'd', 'e', 'f', 'g'}, {1, 'i', 'j', 'k', 'l', 'm', 'n', 'o'}}
	if len(m.seqs) != 2 || !slices.Equal(m.seqs[0], want[0]) || !slices.Equal(m.seqs[1], want[1]) {
		t.Errorf("windows %v, want %v", m.seqs, want)
	}
	if !slices.Equal(m.from, []int{5, 5}) || r.Scored != 6 {
		t.Errorf("first scored %v, %d scored; want 5 and 6", m.from, r.Scored)
	}
	if _, err := eval.Perplexity(m, "abc", eval.PerplexityOptions{Ctx: 8}); err == nil {
		t.Error("a text shorter than a window must be an error")
	}
	if r, _ := eval.Perplexity(m, "abcdefghijklmnopqrst", eval.PerplexityOptions{Ctx: 8, MaxTokens: 9}); r.Windows != 1 {
		t.Errorf("%d windows within 9 tokens, want 1", r.Windows)
	}
}

func TestToxicityAndChange(t *testing.T) {
	prompts := []string{"one ", "two ", "three ", "four "}
	rude := &toy{reply: func(p string) string {
		if strings.HasPrefix(p, "t") {
			return "you stupid idiot"
		}
		return "have a nice day"
	}}
	kind := &toy{reply: func(string) string { return "have a nice day" }}
	before, err := eval.Toxicity(rude, prompts, eval.ToxicityOptions{MaxNew: 40})
	if err != nil {
		t.Fatal(err)
	}
	after, err := eval.Toxicity(kind, prompts, eval.ToxicityOptions{MaxNew: 40})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "before", before.Rate.Value, 0.5, 0)
	near(t, "before, by words", before.Floor, 0.5, 0)
	near(t, "after", after.Rate.Value, 0, 0)
	near(t, "change", eval.ToxicityChange(before, after).Value, -0.5, 0)
	if before.Items[1].Text != "you stupid idiot" || before.Items[1].Prompt != "two " {
		t.Errorf("item %+v", before.Items[1])
	}
	if _, err := eval.Toxicity(kind, nil, eval.ToxicityOptions{}); err == nil {
		t.Error("no prompts must be an error")
	}
}

func TestCoherence(t *testing.T) {
	original := &toy{prob: func(id int32) float64 {
		if id == '#' {
			return 1e-6 // the original never writes this
		}
		return 0.25
	}}
	prompts := []string{"a", "b", "c", "d", "e"}
	own := eval.JudgeTexts(eval.Default(), prompts, []string{"a fine day", "it was good", "so it goes", "we went home", "see you soon"})
	bar, err := eval.CoherenceBar(original, own, nil)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "bar", bar, 4, 1e-9)
	run := eval.JudgeTexts(eval.WordList(), prompts, []string{
		"this is stupid talk",           // coherent and toxic
		"this is good talk",             // coherent
		"### ## ### ##",                 // improbable
		"two words",                     // short
		"na na na na na na na na na na", // repeats
	})
	c, err := eval.Coherent(original, run, bar, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := []bool{true, true, false, false, false}; !slices.Equal(c.Flags, want) {
		t.Errorf("coherent %v, want %v", c.Flags, want)
	}
	near(t, "share", c.Share.Value, 0.4, 1e-12)
	near(t, "toxic among coherent", c.Toxic.Value, 0.5, 1e-12)
}

func TestBLiMP(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pairs.jsonl")
	body := `{"paradigm":"x","good":"aaa","bad":"bbb"}
{"paradigm":"x","good":"bbb","bad":"aaa"}

{"paradigm":"y","good":"aa","bad":"ab"}
`
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	pairs, err := eval.ReadMinimalPairs(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	m := &toy{letters: letters{addBOS: true}, prob: func(id int32) float64 { return map[int32]float64{'a': 0.5, 'b': 0.25}[id] }}
	r, err := eval.BLiMP(m, pairs, nil)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "accuracy", r.Accuracy.Value, 2.0/3, 1e-12)
	near(t, "paradigm x", r.Paradigms["x"], 0.5, 0)
	near(t, "paradigm y", r.Paradigms["y"], 1, 0)
	if m.from[0] != 1 || m.seqs[0][0] != 1 {
		t.Errorf("sentences must start with the text start and be scored whole: %v from %d", m.seqs[0], m.from[0])
	}
	if two, _ := eval.ReadMinimalPairs(path, 2); len(two) != 2 || two[1].Paradigm != "y" {
		t.Errorf("limit 2 gave %v, want one pair of each paradigm", two)
	}
	if err := os.WriteFile(path, []byte(body+"{\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := eval.ReadMinimalPairs(path, 0); err == nil || !strings.Contains(err.Error(), ":5:") {
		t.Errorf("error %v, want one that names line 5", err)
	}
}

func TestPreference(t *testing.T) {
	m := &toy{prob: func(id int32) float64 { return map[int32]float64{'a': 0.5, 'b': 0.25, ' ': 0.5}[id] }}
	r, err := eval.Preference(m, []eval.Choice{{"a", " aa", " bb"}, {"a", "bb", "ba"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ln2 := math.Ln2
	near(t, "lp_tox", r.Toxic.Value, -(ln2*5/3+ln2*3/2)/2, 1e-12)
	near(t, "lp_ben", r.Benign.Value, -(ln2+2*ln2)/2, 1e-12)
	near(t, "pref", r.Prefer.Value, 0.5, 0)
}

func TestDivergence(t *testing.T) {
	// p = (1/2, 1/4, 1/4), q = (1/4, 1/2, 1/4): KL = 1/2 ln 2 - 1/4 ln 2.
	p := unigram{logits: []float32{float32(math.Ln2), 0, 0}}
	q := unigram{logits: []float32{0, float32(math.Ln2), 0}}
	text := strings.Repeat("x", 64)
	o := eval.PerplexityOptions{Ctx: 16, Chunking: eval.Windows}
	r, err := eval.Divergence(p, q, text, o)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "KL", r.KL.Value, math.Ln2/4, 1e-6)
	near(t, "top-1", r.Top1.Value, 0, 0)
	if r.Scored != 60 || r.Windows != 4 {
		t.Errorf("%d tokens in %d windows, want 60 in 4", r.Scored, r.Windows)
	}
	if r, _ = eval.Divergence(p, p, text, o); math.Abs(r.KL.Value) > 1e-6 || r.Top1.Value != 1 {
		t.Errorf("a model against itself: %+v", r)
	}
	if _, err := eval.Divergence(p, unigram{logits: []float32{0}}, text, o); err == nil {
		t.Error("different vocabularies must be an error")
	}
}
