package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/detox-surgery/detox-surgery/surgery"
	"github.com/detox-surgery/detox-surgery/surgery/eval"
	"github.com/detox-surgery/detox-surgery/surgery/pairs"
	"github.com/detox-surgery/detox-surgery/train/data"
	"github.com/detox-surgery/detox-surgery/train/loss"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

// trainingFlags are shared by the commands that train.
func trainingFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "preset", Value: "standard", Usage: strings.Join(surgery.Presets, ", ")},
		&cli.StringFlag{Name: "method", Value: "repo", Usage: "repo or retain (the control without adversary)"},
		&cli.StringFlag{Name: "pairs", Usage: "JSONL with prompt, chosen, rejected (default: built in)"},
		&cli.StringFlag{Name: "text", Usage: "neutral text for the retain loss (default: the model's own samples)"},
		&cli.StringFlag{Name: "how", Usage: "carriers, grid, delta or columns; tensors of floats train as delta instead of the first two"},
		&cli.StringFlag{Name: "targets", Usage: "auto, ffn_down, ffn, writers or all; auto is ffn_down, or ffn where ffn_down has blocks of 256"},
		&cli.BoolFlag{Name: "gains", Usage: "train the RMSNorm gains too"},
		&cli.StringFlag{Name: "layers", Usage: "blocks that train, as in 3-12"},
		&cli.IntFlag{Name: "neurons", Usage: "localized neurons that train, with --how columns"},
		&cli.IntFlag{Name: "max-pairs", Usage: "use so many pairs at most"},
		&cli.IntFlag{Name: "epochs"},
		&cli.IntFlag{Name: "batch-size", Aliases: []string{"b"}, Usage: "pairs a step"},
		&cli.Float64Flag{Name: "learning-rate", Aliases: []string{"lr"}},
		&cli.Float64Flag{Name: "lambda", Usage: "weight of the reversed gradient"},
		&cli.StringFlag{Name: "variant", Usage: "saturating, nonsaturating or confusion"},
		&cli.StringFlag{Name: "positions", Usage: "read, predict or both"},
		&cli.IntFlag{Name: "adv-block", Usage: "block whose states the adversary sees (default: the last)"},
		&cli.IntFlag{Name: "disc-hidden", Usage: "hidden units of the discriminator; 0: linear"},
		&cli.IntFlag{Name: "disc-steps"},
		&cli.Float64Flag{Name: "disc-lr"},
		&cli.IntFlag{Name: "context-lines", Usage: "most toxic lines put before a prompt; 0: none"},
		&cli.Float64Flag{Name: "context-share", Usage: "share of the pairs shown after toxic lines"},
		&cli.BoolFlag{Name: "no-context-adv", Usage: "keep the adversary away from states after toxic lines"},
		&cli.Float64Flag{Name: "retain-pairs"}, &cli.Float64Flag{Name: "retain-text"}, &cli.Float64Flag{Name: "retain-context"},
		&cli.IntFlag{Name: "text-windows"},
		precisionFlag(),
		&cli.Int64Flag{Name: "activation-mib", Usage: activationUsage},
		&cli.Int64Flag{Name: "state-cache-mib", Usage: "memory for states below the lowest trained block, over all epochs; 0: none"},
		&cli.StringFlag{Name: "resume", Usage: "checkpoint to keep and to go on from"},
		threadsFlag, seedFlag, jsonFlag, quietFlag, forceFlag,
	}
}

// precisionFlag chooses how training multiplies by weights.
func precisionFlag() *cli.StringFlag {
	return &cli.StringFlag{Name: "precision", Value: nn.F32, Usage: "f32, or fast: 16-bit products where the processor has them"}
}

const activationUsage = "activations kept for backward; blocks without room are computed twice (0: no limit)"

// set copies a flag into a field if the flag was given.
func set[T any](c *cli.Context, name string, dst *T, get func(string) T) {
	if c.IsSet(name) {
		*dst = get(name)
	}
}

// config is the preset with the flags on top.
func config(c *cli.Context) (surgery.Config, error) {
	cfg, err := surgery.Preset(c.String("preset"))
	if err != nil {
		return cfg, usageError{err}
	}
	cfg.Method = c.String("method")
	tr, t, o := &cfg.Trainable, &cfg.Train, &cfg.Train.Objective
	set(c, "how", &tr.How, func(n string) surgery.How { return surgery.How(c.String(n)) })
	set(c, "targets", &tr.Targets, c.String)
	set(c, "gains", &tr.Gains, c.Bool)
	set(c, "neurons", &tr.Neurons, c.Int)
	set(c, "max-pairs", &cfg.MaxPairs, c.Int)
	set(c, "epochs", &t.Epochs, c.Int)
	set(c, "batch-size", &t.Batch, c.Int)
	set(c, "learning-rate", &t.LR, c.Float64)
	set(c, "lambda", &o.Lambda, c.Float64)
	set(c, "variant", &o.Variant, func(n string) loss.Variant { return loss.Variant(c.String(n)) })
	set(c, "positions", &o.Positions, func(n string) loss.Positions { return loss.Positions(c.String(n)) })
	set(c, "adv-block", &o.Block, c.Int)
	set(c, "disc-hidden", &o.Hidden, c.Int)
	set(c, "disc-steps", &o.DiscSteps, c.Int)
	set(c, "disc-lr", &o.DiscLR, c.Float64)
	set(c, "context-lines", &t.ContextLines, c.Int)
	set(c, "context-share", &t.ContextShare, c.Float64)
	set(c, "no-context-adv", &t.ContextAdv, func(n string) bool { return !c.Bool(n) })
	set(c, "retain-pairs", &o.RetainPairs, c.Float64)
	set(c, "retain-text", &o.RetainText, c.Float64)
	set(c, "retain-context", &o.RetainContext, c.Float64)
	set(c, "text-windows", &t.TextWindows, c.Int)
	set(c, "precision", &t.Precision, c.String)
	mib := func(n string) int64 { return c.Int64(n) << 20 }
	set(c, "activation-mib", &t.ActivationBudget, mib)
	set(c, "state-cache-mib", &t.StateCacheBytes, mib)
	set(c, "rounding", &cfg.Rounding, c.String)
	set(c, "edited-type", &cfg.EditedType, c.String)
	t.Seed = c.Uint64("seed")
	if c.IsSet("layers") {
		if tr.From, tr.To, err = layers(c.String("layers")); err != nil {
			return cfg, err
		}
	}
	if err := cfg.Check(); err != nil {
		return cfg, usageError{err}
	}
	return cfg, nil
}

// layers parses "3-12" or "7".
func layers(s string) (from, to int, err error) {
	a, b, ranged := strings.Cut(s, "-")
	if !ranged {
		b = a
	}
	from, err = strconv.Atoi(a)
	if err == nil {
		to, err = strconv.Atoi(b)
	}
	if err != nil || from < 0 || to < from {
		return 0, 0, usagef("layers must look like 3-12, not %q", s)
	}
	return from, to, nil
}

// trainingInput reads what a training command works on.
func trainingInput(c *cli.Context) (surgery.Input, error) {
	in := surgery.Input{Force: c.Bool("force"), Tool: "detox-surgery " + version}
	var err error
	if in.Model, err = modelPath(c.String("model")); err != nil {
		return in, err
	}
	if f := c.String("pairs"); f != "" {
		if in.Pairs, err = data.ReadPairs(f); err != nil {
			return in, err
		}
		if in.PairsHash, err = data.Fingerprint(f); err != nil {
			return in, err
		}
		in.PairsName = filepath.Base(f)
	} else {
		in.Pairs, in.PairsName, in.PairsHash = pairs.Default(), "built in", pairs.DefaultHash()
	}
	if f := c.String("text"); f != "" {
		raw, err := os.ReadFile(f)
		if err != nil {
			return in, err
		}
		in.Text = string(raw)
	}
	if f := c.String("resume"); f != "" {
		_, err := os.Stat(f)
		in.Checkpoint, in.Resume = f, err == nil
	}
	return in, nil
}

// measureFlags say what a model is measured on.
func measureFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "eval-prompts", Usage: "primed prompts, JSONL or one a line (default: built in)"},
		&cli.StringFlag{Name: "plain-prompts", Usage: "plain prompts (default: built in)"},
		&cli.StringFlag{Name: "eval-text", Usage: "text for the perplexity (default: the built-in pairs' chosen sentences)"},
		&cli.StringFlag{Name: "blimp", Usage: "JSONL of minimal pairs"},
		&cli.StringFlag{Name: "dev-pairs", Usage: "JSONL of pairs for log-probabilities"},
		&cli.StringFlag{Name: "judge", Usage: "judge file, or words (default: built in)"},
		&cli.IntFlag{Name: "prompts", Usage: "primed prompts, sampled"},
		&cli.IntFlag{Name: "greedy", Usage: "primed prompts, greedy"},
		&cli.IntFlag{Name: "plain", Usage: "plain prompts"},
		&cli.IntFlag{Name: "tokens", Usage: "tokens of text for the perplexity; 0: all"},
	}
}

// suite builds the measurement of a command.
func suite(c *cli.Context, size surgery.Measure) (eval.Suite, error) {
	set(c, "prompts", &size.Prompts, c.Int)
	set(c, "greedy", &size.Greedy, c.Int)
	set(c, "plain", &size.Plain, c.Int)
	set(c, "tokens", &size.Tokens, c.Int)
	if size.Prompts < 0 || size.Greedy < 0 || size.Plain < 0 || size.Tokens < 0 {
		return eval.Suite{}, usagef("numbers of prompts and tokens must not be negative")
	}
	s := eval.Suite{Greedy: size.Greedy, Toxic: eval.ToxicityOptions{MaxNew: size.MaxNew, Seed: c.Uint64("seed")}}
	s.PPL.MaxTokens = size.Tokens
	var err error
	if s.Toxic.Judge, err = loadJudge(c.String("judge")); err != nil {
		return s, err
	}
	s.Primed, s.Plain = surgery.DefaultPrompts(max(size.Prompts, size.Plain), 1)
	for _, f := range []struct {
		flag string
		dst  *[]string
	}{{"eval-prompts", &s.Primed}, {"plain-prompts", &s.Plain}} {
		if path := c.String(f.flag); path != "" {
			if *f.dst, err = data.ReadPrompts(path); err != nil {
				return s, err
			}
		}
	}
	s.Primed = s.Primed[:min(len(s.Primed), size.Prompts)]
	s.Plain = s.Plain[:min(len(s.Plain), size.Plain)]
	return s, suiteFiles(c, &s)
}

// suiteFiles reads the text, the minimal pairs and the held-out pairs.
func suiteFiles(c *cli.Context, s *eval.Suite) error {
	s.Text = builtInText()
	if f := c.String("eval-text"); f != "" {
		raw, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		s.Text = string(raw)
	}
	if f := c.String("blimp"); f != "" {
		var err error
		if s.Pairs, err = eval.ReadMinimalPairs(f, 0); err != nil {
			return err
		}
	}
	if f := c.String("dev-pairs"); f != "" {
		ps, err := data.ReadPairs(f)
		if err != nil {
			return err
		}
		for _, p := range ps {
			s.Choices = append(s.Choices, eval.Choice{Prompt: p.Prompt, Chosen: p.Chosen, Rejected: p.Rejected})
		}
	}
	return nil
}

// builtInText is the neutral text that ships: the chosen sentences of the built-in
// pairs, one a line.
func builtInText() string {
	var b strings.Builder
	for _, p := range pairs.Default() {
		fmt.Fprintf(&b, "%s%s\n", p.Prompt, p.Chosen)
	}
	return b.String()
}
