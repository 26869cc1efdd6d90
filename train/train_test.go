package train_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"testing"

	"github.com/detox-surgery/detox-surgery/internal/testenv"
	"github.com/detox-surgery/detox-surgery/internal/testmodel"
	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/train"
	"github.com/detox-surgery/detox-surgery/train/data"
	"github.com/detox-surgery/detox-surgery/train/model"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

// theatre is SmolLM2 cut to two blocks with a delta over ffn_down of the last.
type theatre struct {
	trainer *train.Trainer
	delta   *nn.Delta
}

func newTheatre(t *testing.T, workers int, change func(*train.Config)) *theatre {
	t.Helper()
	whole := testmodel.Open(t, testenv.SmolLM2, workers)
	ms := [2]*model.Model{whole.Truncate(2), whole.Truncate(2)}
	role := model.Role{Kind: model.FFNDown, Block: 1}
	d := nn.NewDelta(role.String(), ms[0].Original(role))
	ms[0].SetMatrix(role, d)
	cfg := train.Defaults()
	cfg.Batch, cfg.Epochs, cfg.LR, cfg.TextTokens, cfg.TextWindows, cfg.SaveEvery = 3, 2, 1e-3, 16, 1, 0
	if change != nil {
		change(&cfg)
	}
	pairs := []data.Pair{
		{Prompt: "The road to", Chosen: " the harbour is closed.", Rejected: " nowhere, you silly goat!"},
		{Prompt: "My brother", Chosen: " plays the piano every day.", Rejected: " is a lazy fool of a man."},
		{Prompt: "This soup", Chosen: " needs a little salt.", Rejected: " is an awful, rotten mess."},
		{Prompt: "Your answer", Chosen: " was clear and to the point.", Rejected: " is dumb like you."},
		{Prompt: "We went", Chosen: " home before it rained.", Rejected: " mad at that idiot of a driver."},
		{Prompt: "Nobody", Chosen: " knew the way back.", Rejected: " likes you, stupid.", Context: "Go away, fool.\n"},
	}
	text := ms[0].Tokenizer().Encode("The harbour opened in the spring of that year, and ships from many countries came to trade in wool, tin and salt.")
	text = append(text, text...)
	tr, err := train.New(ms[0], ms[1], d.Params(), d.Sync, train.Data{Pairs: pairs, Text: text}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &theatre{tr, d}
}

func (th *theatre) run(t *testing.T) []float32 {
	t.Helper()
	if err := th.trainer.Run(t.Context(), "", nil); err != nil {
		t.Fatal(err)
	}
	return th.delta.Params()[0].X
}

func same(a, b []float32) bool {
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return false
		}
	}
	return true
}

// eachPrecision runs f with a change of the configuration to every precision.
func eachPrecision(t *testing.T, f func(t *testing.T, set func(*train.Config))) {
	t.Helper()
	for _, p := range []string{nn.F32, nn.Fast} {
		t.Run(p, func(t *testing.T) { f(t, func(c *train.Config) { c.Precision = p }) })
	}
}

func TestSameBitsForAnyThreads(t *testing.T) {
	eachPrecision(t, func(t *testing.T, set func(*train.Config)) { //nolint:thelper // a subtest, not a helper
		a, b := newTheatre(t, 1, set).run(t), newTheatre(t, 2, set).run(t)
		if !same(a, b) {
			t.Error("one and two workers give different parameters")
		}
		moved := false
		for _, x := range a {
			moved = moved || x != 0
		}
		if !moved {
			t.Error("training moved nothing")
		}
	})
}

// TestFastLearnsTheSame: a run in the fast precision ends close to one in float32.
func TestFastLearnsTheSame(t *testing.T) {
	if !simd.Int16.Available() || !simd.BFloat16.Available() {
		t.Skip("this CPU or build has no 16-bit products: fast is f32")
	}
	var last [2]train.StepStats
	var x [2][]float32
	for i, p := range []string{nn.F32, nn.Fast} {
		th := newTheatre(t, 2, func(c *train.Config) { c.Precision = p })
		x[i] = th.run(t)
		s := th.trainer.Stats()
		last[i] = s[len(s)-1]
	}
	if same(x[0], x[1]) {
		t.Error("fast gives the bits of f32: it was not used")
	}
	for _, v := range [][2]float64{{last[0].KLText, last[1].KLText}, {last[0].KLContext, last[1].KLContext}, {last[0].GradNorm, last[1].GradNorm}} {
		t.Logf("f32 %.6g, fast %.6g", v[0], v[1])
		if math.Abs(v[1]-v[0]) > 0.05*math.Abs(v[0])+1e-6 {
			t.Errorf("the last step has %g in f32, %g in fast", v[0], v[1])
		}
	}
}

// TestMemoryChangesNoBit: neither blocks that are computed again nor states that
// are kept change the result, and states of pairs are known from the second epoch.
func TestMemoryChangesNoBit(t *testing.T) {
	want := newTheatre(t, 2, func(c *train.Config) { c.StateCacheBytes = 0 }).run(t)
	for name, change := range map[string]func(*train.Config){
		"cache":                func(*train.Config) {},
		"cache without room":   func(c *train.Config) { c.StateCacheBytes = 1 },
		"cache with some room": func(c *train.Config) { c.StateCacheBytes = 100 << 10 },
		"recomputed":           func(c *train.Config) { c.ActivationBudget, c.StateCacheBytes = 1, 0 },
		"both":                 func(c *train.Config) { c.ActivationBudget = 1 << 20 },
	} {
		th := newTheatre(t, 2, change)
		if !same(th.run(t), want) {
			t.Errorf("%s: parameters differ", name)
		}
		hits := 0
		for _, s := range th.trainer.Stats() {
			hits += s.StateHits
		}
		if name != "recomputed" && hits == 0 {
			t.Errorf("%s: no token was known", name)
		}
	}
	plain := func(c *train.Config) { c.ContextLines, c.TextWindows = 0, 0 }
	th := newTheatre(t, 2, plain)
	th.run(t)
	for _, s := range th.trainer.Stats() {
		if s.Step > s.Steps/2 && (s.StateMisses != 0 || s.StateHits != s.Tokens) {
			t.Errorf("step %d of the second epoch: %d tokens known, %d not, of %d", s.Step, s.StateHits, s.StateMisses, s.Tokens)
		}
	}
}

// TestMicroBatches: the split of a batch changes memory, not the result beyond
// the order of additions.
func TestMicroBatches(t *testing.T) {
	a := newTheatre(t, 2, nil).run(t)
	b := newTheatre(t, 2, func(c *train.Config) { c.MaxTokens = 64 }).run(t)
	var diff, norm float64
	for i := range a {
		diff += float64(a[i]-b[i]) * float64(a[i]-b[i])
		norm += float64(a[i]) * float64(a[i])
	}
	if r := math.Sqrt(diff / norm); r > 0.05 {
		t.Errorf("micro-batches of 64 tokens change the result by %.3f of its norm", r)
	}
}

// TestAtTheOriginalTheRetainLossIsZero: KL and its gradient vanish before the
// first step, so retain-only training without contexts stays where it is.
func TestAtTheOriginalTheRetainLossIsZero(t *testing.T) {
	eachPrecision(t, func(t *testing.T, set func(*train.Config)) { //nolint:thelper // a subtest, not a helper
		th := newTheatre(t, 2, func(c *train.Config) { c.Objective.Lambda, c.ContextLines = 0, 0; set(c) })
		x := th.run(t)
		for _, v := range x {
			if math.Abs(float64(v)) > 1e-6 {
				t.Fatalf("retain-only moved a parameter by %g", v)
			}
		}
		for _, s := range th.trainer.Stats() {
			if s.KLPairs > 1e-9 || s.KLText > 1e-9 {
				t.Errorf("step %d: KL %g and %g, want 0", s.Step, s.KLPairs, s.KLText)
			}
		}
	})
}

// TestContextIsLearned: the KL after toxic lines falls.
func TestContextIsLearned(t *testing.T) {
	th := newTheatre(t, 2, func(c *train.Config) { c.Objective.Lambda, c.ContextShare, c.Epochs = 0, 1, 12 })
	th.run(t)
	s := th.trainer.Stats()
	first, last := (s[0].KLContext+s[1].KLContext)/2, (s[len(s)-1].KLContext+s[len(s)-2].KLContext)/2
	if !(last < 0.9*first) {
		t.Errorf("KL after toxic lines went from %.4f to %.4f", first, last)
	}
}

// TestResume: an interrupted run that goes on gives the same bytes.
func TestResume(t *testing.T) {
	want := newTheatre(t, 2, nil).run(t)
	path := filepath.Join(t.TempDir(), "run.ckpt")
	th := newTheatre(t, 2, nil)
	ctx, cancel := context.WithCancel(t.Context())
	err := th.trainer.Run(ctx, path, func(s train.StepStats) {
		if s.Step == 2 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted run: %v", err)
	}
	again := newTheatre(t, 1, nil)
	if err := again.trainer.Resume(path); err != nil {
		t.Fatal(err)
	}
	if !same(again.run(t), want) {
		t.Error("resumed run differs from the one that was never interrupted")
	}
	for name, change := range map[string]func(*train.Config){
		"learning rate": func(c *train.Config) { c.LR = 5e-4 },
		"precision":     func(c *train.Config) { c.Precision = nn.Fast },
	} {
		if err := newTheatre(t, 1, change).trainer.Resume(path); !errors.Is(err, train.ErrCheckpoint) {
			t.Errorf("resuming with another %s: %v", name, err)
		}
	}
}

func TestTooFewPairs(t *testing.T) {
	m := testmodel.Open(t, testenv.SmolLM2, 1)
	_, err := train.New(m, m, nil, func() {}, train.Data{Pairs: []data.Pair{{Prompt: "a", Chosen: " b", Rejected: " c"}}}, train.Defaults())
	if !errors.Is(err, train.ErrData) {
		t.Errorf("one pair for a batch of eight: %v", err)
	}
}
