package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/detox-surgery/detox-surgery/bench"
)

func benchCommand() *cli.Command {
	return &cli.Command{
		Name: "bench", Usage: "this machine's figures, beside its measured peak",
		Subcommands: []*cli.Command{
			{
				Name: "train-step", Usage: "tokens a second and peak memory of forward and backward",
				Flags: []cli.Flag{
					modelFlag(), threadsFlag, jsonFlag, quietFlag,
					&cli.IntFlag{Name: "batch", Value: 16, Usage: "sequences"},
					&cli.IntFlag{Name: "seq", Value: 64, Usage: "tokens of a sequence"},
					&cli.IntFlag{Name: "steps", Value: 5, Usage: "measured steps"},
					&cli.IntFlag{Name: "ubatch", Value: 512, Usage: "tokens of one micro-batch"},
					&cli.Int64Flag{Name: "activation-mib", Usage: activationUsage},
					&cli.StringFlag{Name: "trainable", Value: "ffn_down", Usage: "ffn_down or all"},
					precisionFlag(),
				},
				Action: benchTrainStep,
			},
			{
				Name: "gemm", Usage: "f32 matrix product beside a register-only loop",
				Flags: []cli.Flag{
					threadsFlag, jsonFlag, quietFlag,
					&cli.IntFlag{Name: "size", Value: 1024, Usage: "M = N = K"},
				},
				Action: benchGemm,
			},
		},
		Action: func(c *cli.Context) error { return usagef("bench: name a measurement: train-step or gemm") },
	}
}

func benchTrainStep(c *cli.Context) error {
	pool, err := newPool(c)
	if err != nil {
		return err
	}
	defer pool.Close()
	m, err := openModel(c.String("model"), pool)
	if err != nil {
		return err
	}
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
		r.Trainable, r.Precision, r.Batch, r.Seq, pool.Workers(), r.TokensPerS, r.Seconds, float64(r.PeakRSS)/(1<<20), float64(r.TapeBytes)/(1<<20))
	return nil
}

func benchGemm(c *cli.Context) error {
	pool, err := newPool(c)
	if err != nil {
		return err
	}
	defer pool.Close()
	n := c.Int("size")
	if n < 1 || n > 1<<14 {
		return usagef("bench gemm: size must be within 1..%d", 1<<14)
	}
	r := bench.Gemm(pool, n)
	if c.Bool("json") {
		return printJSON("bench gemm", r)
	}
	fmt.Printf("gemm %d^3, simd %s, %d threads: %.1f GFLOP/s, %.0f %% of the register loop (%.1f GFLOP/s a core)\n",
		n, r.Tier, r.Threads, r.GFLOPS, 100*r.Share, r.Peak)
	return nil
}
