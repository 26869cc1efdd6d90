package model_test

import (
	"slices"
	"testing"

	"github.com/detox-surgery/detox-surgery/train/model"
)

// generateGolden is testdata/generate-*.json.
type generateGolden struct {
	Seed            uint64
	TopP            float64 `json:"top_p"`
	New             int
	Prompts         [][]int32
	Greedy, Sampled [][]int32
}

func TestGenerateEqualsPyTorch(t *testing.T) {
	for name := range files {
		t.Run(name, func(t *testing.T) {
			m := open(t, name)
			var g generateGolden
			golden(t, "generate-"+name+".json", &g)
			o := model.GenOptions{MaxNew: g.New, TopP: g.TopP, Seed: g.Seed}
			compare(t, "greedy", model.Generate(m, g.Prompts, o), g.Greedy)
			o.Sample = true
			compare(t, "sampled", model.Generate(m, g.Prompts, o), g.Sampled)
		})
	}
}

func compare(t *testing.T, what string, got, want [][]int32) {
	t.Helper()
	for i := range want {
		if !slices.Equal(got[i], want[i]) {
			t.Errorf("%s continuation of prompt %d:\n got %v\nwant %v", what, i, got[i], want[i])
		}
	}
}

// manyPrompts cuts the golden's prompts into more, of differing lengths.
func manyPrompts(t *testing.T) [][]int32 {
	t.Helper()
	var g logitsGolden
	golden(t, "logits-smollm2.json", &g)
	var out [][]int32
	for _, p := range g.Prompts[:3] {
		for n := 3; n <= len(p.IDs); n += 5 {
			out = append(out, p.IDs[:n])
		}
	}
	return out
}

func TestGenerateDoesNotDependOnBatch(t *testing.T) {
	m := open(t, "smollm2")
	prompts := manyPrompts(t)
	o := model.GenOptions{MaxNew: 8, Sample: true, TopP: 0.9, Temp: 1, Seed: 3}
	want := model.Generate(m, prompts, o)
	for _, batch := range []int{1, 4} {
		o.Batch = batch
		compare(t, "sampled", model.Generate(m, prompts, o), want)
	}
	// A part of the list continues as within the whole.
	o.First = 3
	compare(t, "later", model.Generate(m, prompts[3:5], o), want[3:5])
}

func TestGenerateStops(t *testing.T) {
	m := open(t, "smollm2")
	var g generateGolden
	golden(t, "generate-smollm2.json", &g)
	stop := g.Greedy[1][3]
	done := 0
	got := model.Generate(m, g.Prompts, model.GenOptions{
		MaxNew: g.New, Stop: []int32{stop}, Batch: 2,
		Progress: func(n, _ int) { done = n },
	})
	for i, want := range g.Greedy {
		if at := slices.Index(want, stop); at >= 0 {
			want = want[:at]
		}
		if !slices.Equal(got[i], want) {
			t.Errorf("prompt %d with stop token %d:\n got %v\nwant %v", i, stop, got[i], want)
		}
	}
	if done != len(g.Prompts) {
		t.Errorf("progress ended at %d of %d", done, len(g.Prompts))
	}
}

// TestSessionEqualsForward feeds sequences to a session in pieces and compares
// with logits of one pass over the whole.
func TestSessionEqualsForward(t *testing.T) {
	for name := range files {
		t.Run(name, func(t *testing.T) {
			m := open(t, name)
			var g logitsGolden
			golden(t, "logits-"+name+".json", &g)
			a, b := g.Prompts[3].IDs, g.Prompts[0].IDs // a is longer than Gemma's window
			ya, yb := logits(m, a), logits(m, b)
			s := m.NewSession(3, len(a))
			v := m.Config().Vocab
			check := func(what string, got, want []float32) {
				t.Helper()
				worst := float32(0)
				for i, x := range got {
					worst = max(worst, x-want[i], want[i]-x)
				}
				if !(worst < 5e-4) {
					t.Errorf("%s: logits differ from the full pass by %g", what, worst)
				}
			}
			na, nb := len(a)-20, 4
			y := s.Extend([]int{2, 0}, [][]int32{a[:na], b[:nb]})
			check("first a", y[:v], ya[na-1])
			check("first b", y[v:], yb[nb-1])
			y = s.Extend([]int{0, 2}, [][]int32{b[nb : nb+1], a[na : na+7]})
			check("next b", y[:v], yb[nb])
			check("next a", y[v:], ya[na+6])
			for i := na + 7; i < len(a); i++ {
				y = s.Extend([]int{2}, [][]int32{a[i : i+1]})
				check("single a", y, ya[i])
			}
			if s.Len(2) != len(a) || s.Len(1) != 0 {
				t.Errorf("slots hold %d and %d tokens", s.Len(2), s.Len(1))
			}
			s.Reset(2)
			y = s.Extend([]int{2}, [][]int32{b})
			check("slot used again", y, yb[len(b)-1])
		})
	}
}
