package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/detox-surgery/detox-surgery/bench"
	"github.com/detox-surgery/detox-surgery/train/model"
)

// benchModel opens the model of a measurement on a pool of its own.
func benchModel(c *cli.Context, measure func(*model.Model) error) error {
	pool, err := newPool(c)
	if err != nil {
		return err
	}
	defer pool.Close()
	m, err := openModel(c.String("model"), pool)
	if err != nil {
		return err
	}
	defer m.File().Close()
	return measure(m)
}

func benchTrainStep(c *cli.Context) error {
	return benchModel(c, func(m *model.Model) error {
		r, err := bench.TrainStep(m, bench.TrainStepConfig{
			Batch: c.Int("batch"), Seq: c.Int("seq"), Trainable: c.String("trainable"), Steps: c.Int("steps"), MaxTokens: c.Int("ubatch"),
			Precision: c.String("precision"), Budget: c.Int64("activation-mib") << 20,
		})
		if err != nil {
			return usageError{err}
		}
		if c.Bool("json") {
			return printJSON("bench train-step", r)
		}
		fmt.Printf("%s, %s, %d x %d tokens, %d threads: %.0f tokens/s (median %.3f s), peak RSS %.0f MiB, tape %.0f MiB\n",
			r.Trainable, r.Precision, r.Batch, r.Seq, r.Threads, r.TokensPerS, r.Seconds, mebibytes(r.PeakRSS), mebibytes(r.TapeBytes))
		return nil
	})
}

func benchPrefill(c *cli.Context) error {
	return benchModel(c, func(m *model.Model) error {
		r, err := bench.Prefill(m, c.Int("tokens"), c.Int("runs"), c.Bool("int8"))
		if err != nil {
			return usageError{err}
		}
		if c.Bool("json") {
			return printJSON("bench prefill", r)
		}
		fmt.Printf("prefill of %d tokens, %d threads: %.0f tokens/s (median %.3f s), %.1f GFLOP/s, %.0f %% of the register loop, peak RSS %.0f MiB\n",
			r.Tokens, r.Threads, r.TokensPerS, r.Seconds, r.GFLOPS, 100*r.Share, mebibytes(r.PeakRSS))
		return nil
	})
}

func benchGenerate(c *cli.Context) error {
	return benchModel(c, func(m *model.Model) error {
		r, err := bench.Generate(m, c.Int("tokens"), c.Int("runs"), c.Bool("int8"))
		if err != nil {
			return usageError{err}
		}
		if c.Bool("json") {
			return printJSON("bench generate", r)
		}
		fmt.Printf("generation of %d tokens, %d threads: %.1f tokens/s (median %.3f s), %.1f MB a token, %.0f %% of reading %.1f GB/s, peak RSS %.0f MiB\n",
			r.Tokens, r.Threads, r.TokensPerS, r.Seconds, float64(r.BytesPerToken)/1e6, 100*r.Share, r.Read, mebibytes(r.PeakRSS))
		return nil
	})
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }
