package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/surgery"
	"github.com/detox-surgery/detox-surgery/surgery/eval"
	"github.com/detox-surgery/detox-surgery/surgery/report"
)

func evalCommand() *cli.Command {
	return &cli.Command{
		Name: "eval", Usage: "toxicity, coherence, perplexity and tasks of a model, beside the one it came from",
		Flags: append([]cli.Flag{
			modelFlag(), &cli.StringFlag{Name: "against", Usage: "the original: gives divergence, coherence and differences"},
			&cli.StringFlag{Name: "preset", Value: "standard", Usage: "size of the measurement"},
			threadsFlag, seedFlag, jsonFlag, quietFlag,
		}, measureFlags()...),
		Action: evaluate,
	}
}

func evaluate(c *cli.Context) error {
	cfg, err := surgery.Preset(c.String("preset"))
	if err != nil {
		return usageError{err}
	}
	s, err := suite(c, cfg.Measure)
	if err != nil {
		return err
	}
	pool, err := newPool(c)
	if err != nil {
		return err
	}
	defer pool.Close()
	bar := newProgress(c)
	results, err := evaluateAll(c, s, pool, bar)
	bar.close()
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON("eval", results)
	}
	fmt.Print(report.Table(results))
	return nil
}

// evaluateAll measures the original, if one is named, and then the model.
func evaluateAll(c *cli.Context, s eval.Suite, pool *simd.Pool, bar *progress) ([]*eval.Result, error) {
	var results []*eval.Result
	var original eval.Model
	var base *eval.Result
	for _, j := range []struct{ name, path string }{{"original", c.String("against")}, {"model", c.String("model")}} {
		if j.path == "" {
			continue
		}
		m, err := openModel(j.path, pool)
		if err != nil {
			return nil, err
		}
		defer m.File().Close()
		em := eval.New(m)
		if original == nil {
			original = em
		}
		s.Progress = func(stage string, done, total int) { bar.report(j.name+": "+stage, done, total) }
		r, err := s.Measure(c.Context, j.name, em, original, base)
		if err != nil {
			return nil, err
		}
		if base == nil {
			base = r
		}
		results = append(results, r)
	}
	return results, nil
}
