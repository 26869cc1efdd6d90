package main

import (
	"runtime"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/detox-surgery/detox-surgery/simd"
)

func benchCommand() *cli.Command {
	return &cli.Command{
		Name: "bench", Usage: "this machine's figures, beside its measured limits",
		Subcommands: []*cli.Command{
			benchSubcommand("train-step", "tokens a second and peak memory of forward and backward", benchTrainStep,
				modelFlag(),
				&cli.IntFlag{Name: "batch", Value: 16, Usage: "sequences"},
				&cli.IntFlag{Name: "seq", Value: 64, Usage: "tokens of a sequence"},
				&cli.IntFlag{Name: "steps", Value: 5, Usage: "measured steps"},
				&cli.IntFlag{Name: "ubatch", Value: 256, Usage: "tokens of one micro-batch"},
				&cli.Int64Flag{Name: "activation-mib", Usage: activationUsage},
				&cli.StringFlag{Name: "trainable", Value: "ffn_down", Usage: "ffn_down, all (matrices of the blocks) or gains (of the norms)"}, precisionFlag()),
			benchSubcommand("prefill", "tokens a second of reading a prompt", benchPrefill,
				modelFlag(), benchRuns(3), &cli.IntFlag{Name: "tokens", Aliases: []string{"n"}, Value: 512, Usage: "tokens of the prompt"}, int8Flag()),
			benchSubcommand("generate", "tokens a second of writing one sequence, beside the bandwidth of memory", benchGenerate,
				modelFlag(), benchRuns(3), &cli.IntFlag{Name: "tokens", Aliases: []string{"n"}, Value: 64, Usage: "new tokens"}, int8Flag()),
			benchSubcommand("gemm", "f32 matrix products beside a register-only loop", benchGemm,
				&cli.IntSliceFlag{Name: "size", Value: cli.NewIntSlice(512, 1024, 2048), Usage: "M = N = K"}),
			benchSubcommand("maps", "linear maps through quantized weights, forward and backward, beside a register-only loop", benchMaps,
				&cli.StringSliceFlag{Name: "type", Value: cli.NewStringSlice("q4_1", "q5_0", "q8_0", "q4_k", "q6_k"), Usage: "block types of the weights"},
				&cli.IntFlag{Name: "tokens", Value: 512, Usage: "rows of the input"},
				&cli.IntFlag{Name: "size", Value: 2048, Usage: "inputs and outputs of the map"}),
			benchSubcommand("quant", "weights a second of decoding and encoding blocks, on one thread", benchQuant,
				&cli.StringSliceFlag{Name: "type", Usage: "block types (default: all)"}),
			benchSubcommand("peak", "the limits: multiply-adds of registers and reading from memory and caches", benchPeak),
		},
		Action: func(c *cli.Context) error {
			return usagef("bench: name a measurement: train-step, prefill, generate, gemm, maps, quant or peak")
		},
	}
}

// benchMode is a flag of every measurement that says how kernels are to compute.
// apply sets it for the process; undo may be nil.
type benchMode struct {
	flag  cli.Flag
	apply func(c *cli.Context) (undo func(), err error)
}

var benchModes = []benchMode{
	{&cli.StringFlag{Name: "tier", Usage: "vector tier to run on (default: the widest; gemm and maps: every one with vectors)"}, benchTier},
}

func benchTier(c *cli.Context) (undo func(), err error) {
	name := c.String("tier")
	if name == "" {
		return nil, nil
	}
	for _, t := range simd.Tiers() {
		if t.String() == name {
			return simd.SetTier(t), nil
		}
	}
	return nil, usagef("bench: this CPU or build has no tier %q: it has %v", name, simd.Tiers())
}

// benchSubcommand is a measurement with the flags that all have; run finds the
// modes applied.
func benchSubcommand(name, usage string, run cli.ActionFunc, flags ...cli.Flag) *cli.Command {
	flags = append(flags, threadsFlag, jsonFlag, quietFlag)
	for _, m := range benchModes {
		flags = append(flags, m.flag)
	}
	return &cli.Command{Name: name, Usage: usage, Flags: flags, Action: func(c *cli.Context) error {
		if err := simd.TierError(); err != nil {
			return usageError{err}
		}
		for _, m := range benchModes {
			undo, err := m.apply(c)
			if err != nil {
				return err
			}
			if undo != nil {
				defer undo()
			}
		}
		return run(c)
	}}
}

func benchRuns(n int) cli.Flag {
	return &cli.IntFlag{Name: "runs", Value: n, Usage: "measured runs; one more warms up"}
}

// benchTiers calls f in the tier that --tier names, or else in every tier with
// vectors up to the active one.
func benchTiers(c *cli.Context, f func() error) error {
	top := simd.Active()
	if c.String("tier") != "" || top == simd.Generic {
		return f()
	}
	for _, t := range simd.Tiers() {
		if t == simd.Generic || t > top {
			continue
		}
		restore := func() {}
		if t != top { // the active one keeps its extensions
			restore = simd.SetTier(t)
		}
		err := f()
		restore()
		if err != nil {
			return err
		}
	}
	return nil
}

// benchPools calls f on pools of the number of threads asked for, or else of one
// and of all processors.
func benchPools(c *cli.Context, f func(*simd.Pool) error) error {
	counts := []int{1, runtime.GOMAXPROCS(0)}
	switch n := c.Int("threads"); {
	case n < 0 || n > maxThreads:
		return usagef("threads must be within 0..%d, not %d", maxThreads, n)
	case n > 0:
		counts = []int{n}
	}
	for _, n := range slices.Compact(counts) {
		p := simd.NewPool(n)
		err := f(p)
		p.Close()
		if err != nil {
			return err
		}
	}
	return nil
}
