// Command ways trains one edit in every way that a quantized file allows, writes
// each of them in every rounding that applies, and measures what is left of it in
// the file. It prints the table that bench/ways.md keeps.
//
//	go run ./bench/ways -m MODEL.gguf -pairs PAIRS.jsonl -prompts PROMPTS.jsonl -text TEXT
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/surgery"
	"github.com/detox-surgery/detox-surgery/surgery/edit"
	"github.com/detox-surgery/detox-surgery/surgery/eval"
	"github.com/detox-surgery/detox-surgery/surgery/pairs"
	"github.com/detox-surgery/detox-surgery/train/data"
	"github.com/detox-surgery/detox-surgery/train/model"
)

// way is one training; written are the roundings that it is written in.
type way struct {
	name    string
	train   surgery.Trainable
	lr      float64
	written []written
}

type written struct{ rounding, editedType string }

// The learning rates were set so that the perplexities come out alike.
var ways = []way{
	{"scales and minimums", surgery.Trainable{How: surgery.Carriers}, 3e-3, []written{{"auto", ""}}},
	{"the same and gains", surgery.Trainable{How: surgery.Carriers, Gains: true}, 3e-3, []written{{"auto", ""}}},
	{"codes on the grid", surgery.Trainable{How: surgery.Grid}, 3e-3, []written{{"auto", ""}}},
	{"float change", surgery.Trainable{How: surgery.Delta}, 3e-4, []written{{"nearest", ""}, {"codes", ""}, {"aware", ""}, {"nearest", "q8_0"}}},
	{"2,000 localized neurons", surgery.Trainable{How: surgery.Columns, Neurons: 2000}, 1e-3, []written{{"aware", ""}}},
}

type table struct {
	model, dir, targets string
	steps               int
	in                  surgery.Input
	suite               eval.Suite
	original            *eval.Result
	base                eval.Model
	size                int64
}

func main() {
	var t table
	flag.StringVar(&t.model, "m", "", "GGUF file")
	pairFile := flag.String("pairs", "", "JSONL of pairs (default: built in)")
	prompts := flag.String("prompts", "", "JSONL of primed prompts (default: built in)")
	text := flag.String("text", "", "text for the perplexity")
	neutral := flag.String("neutral", "", "neutral text for the retain loss (default: the model's own samples)")
	flag.StringVar(&t.targets, "targets", "auto", "maps that scales train in; float changes and codes train in ffn_down")
	n := flag.Int("n", 100, "primed prompts, sampled; half as many greedy")
	flag.IntVar(&t.steps, "steps", 40, "training steps of 8 pairs")
	flag.StringVar(&t.dir, "dir", os.TempDir(), "folder for the written files")
	only := flag.String("only", "", "name of the one way to run")
	lr := flag.Float64("lr", 0, "learning rate in place of the way's own")
	flag.Parse()
	if err := readInto(&t.in.Text, *neutral); err != nil {
		fail(err)
	}
	if err := readInto(&t.suite.Text, *text); err != nil {
		fail(err)
	}
	if err := t.open(*pairFile, *prompts, *n); err != nil {
		fail(err)
	}
	for _, w := range ways {
		if *only != "" && *only != w.name {
			continue
		}
		if *lr > 0 {
			w.lr = *lr
		}
		if err := t.run(w); err != nil {
			fail(err)
		}
	}
}

// readInto reads a file, if one is named.
func readInto(dst *string, path string) error {
	if path == "" {
		return nil
	}
	b, err := os.ReadFile(path)
	*dst = string(b)
	return err
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "ways:", err)
	os.Exit(1)
}

// open reads the data and measures the original, which is the table's first row.
func (t *table) open(pairFile, prompts string, n int) error {
	var err error
	t.in.Model, t.in.Output, t.in.Force = t.model, filepath.Join(t.dir, "ways.gguf"), true
	t.in.Pool, t.in.Pairs = simd.NewPool(runtime.NumCPU()), pairs.Default()
	if pairFile != "" {
		if t.in.Pairs, err = data.ReadPairs(pairFile); err != nil {
			return err
		}
	}
	t.suite.Primed, _ = surgery.DefaultPrompts(n, 1)
	if prompts != "" {
		if t.suite.Primed, err = data.ReadPrompts(prompts); err != nil {
			return err
		}
	}
	t.suite.Primed = t.suite.Primed[:min(n, len(t.suite.Primed))]
	t.suite.Greedy, t.suite.PPL.MaxTokens, t.suite.Toxic = n/2, 4096, eval.ToxicityOptions{Judge: eval.Default(), MaxNew: 20, Seed: 1}
	st, err := os.Stat(t.model)
	if err != nil {
		return err
	}
	t.size = st.Size()
	if t.base, err = load(t.model, t.in.Pool); err != nil {
		return err
	}
	if t.original, err = t.suite.Measure(context.Background(), "original", t.base, t.base, nil); err != nil {
		return err
	}
	fmt.Println("| trained | written | sampled | greedy | coherent | perplexity | survived | functional error | codes | scales | bytes | training |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|---|")
	t.row("original", "", t.original, "| | | | | |")
	return nil
}

func load(path string, pool *simd.Pool) (eval.Model, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	m, err := model.Open(f)
	if err != nil {
		return nil, err
	}
	m.SetPool(pool)
	return eval.New(m), nil
}

func (t *table) row(name, how string, r *eval.Result, rest string) {
	percent := func(i eval.Interval) string {
		return fmt.Sprintf("%.1f %% [%.0f, %.0f]", 100*i.Value, 100*i.Lo, 100*i.Hi)
	}
	ppl := "–"
	if r.Perplexity != nil {
		ppl = fmt.Sprintf("%.4f x", r.Perplexity.Value/t.original.Perplexity.Value)
	}
	fmt.Printf("| %s | %s | %s | %s | %.0f %% | %s %s\n", name, how, percent(r.Primed.Rate), percent(r.PrimedGreedy.Rate),
		100*r.CoherencePrimed.Share.Value, ppl, rest)
}

// run trains a way once and writes and measures it in each of its roundings.
func (t *table) run(w way) error {
	cfg, err := surgery.Preset("quick")
	if err != nil {
		return err
	}
	cfg.Trainable, cfg.Train.LR, cfg.MaxPairs, cfg.TextSample = w.train, w.lr, t.steps*cfg.Train.Batch, 4096
	cfg.Trainable.Targets, cfg.Trainable.To = "ffn_down", -1
	if w.train.How == surgery.Carriers {
		cfg.Trainable.Targets = t.targets
	}
	begin := time.Now()
	out, err := surgery.Train(context.Background(), t.in, cfg, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", w.name, err)
	}
	took := time.Since(begin)
	for _, form := range w.written {
		in := t.in
		in.Edit = out.Edit
		cfg.Rounding, cfg.EditedType = form.rounding, form.editedType
		done, err := surgery.Apply(context.Background(), in, cfg, nil)
		if err != nil {
			return fmt.Errorf("%s, %s: %w", w.name, form.rounding, err)
		}
		m, err := load(in.Output, in.Pool)
		if err != nil {
			return err
		}
		r, err := t.suite.Measure(context.Background(), w.name, m, t.base, t.original)
		if err != nil {
			return err
		}
		how := form.rounding
		if form.editedType != "" {
			how += " in " + form.editedType
		}
		t.row(w.name, how, r, t.cost(done.Written, took))
	}
	return nil
}

// cost describes what a written file changed, as means over its edited tensors.
func (t *table) cost(w *edit.Result, took time.Duration) string {
	var survived, wrong, codes, scales float64
	for _, x := range w.Tensors {
		survived, wrong, codes, scales = survived+x.Survived, wrong+x.FunctionalError, codes+x.Codes, scales+x.Scales
	}
	n := float64(max(1, len(w.Tensors)))
	return fmt.Sprintf("| %.0f %% | %.2f | %.2f %% | %.0f %% | %+d | %.0f s |",
		100*survived/n, wrong/n, 100*codes/n, 100*scales/n, w.Size-t.size, took.Seconds())
}
