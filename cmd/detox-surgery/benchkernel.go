package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/detox-surgery/detox-surgery/bench"
	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/simd"
)

const maxBenchSize = 1 << 14 // a matrix of a gigabyte

func benchGemm(c *cli.Context) error {
	var rows []bench.GemmResult
	for _, n := range c.IntSlice("size") {
		if n < 1 || n > maxBenchSize {
			return usagef("bench gemm: size must be within 1..%d, not %d", maxBenchSize, n)
		}
		err := benchTiers(c, func() error {
			return benchPools(c, func(p *simd.Pool) error {
				rows = append(rows, bench.Gemm(p, n))
				return nil
			})
		})
		if err != nil {
			return err
		}
	}
	if c.Bool("json") {
		return printJSON("bench gemm", rows)
	}
	for _, r := range rows {
		fmt.Printf("gemm %4d^3, %-7s, threads %d: %6.1f GFLOP/s, %3.0f %% of the register loop (%.1f GFLOP/s)\n",
			r.Size, r.Tier, r.Threads, r.GFLOPS, 100*r.Share, r.Peak)
	}
	return nil
}

func benchMaps(c *cli.Context) error {
	types, err := benchTypes(c)
	if err != nil {
		return err
	}
	n := c.Int("size")
	if n < 1 || n > maxBenchSize || c.Int("tokens") > maxBenchSize {
		return usagef("bench maps: size and tokens must be within 1..%d", maxBenchSize)
	}
	var rows []bench.MapResult
	for _, typ := range types {
		err := benchTiers(c, func() error {
			return benchPools(c, func(p *simd.Pool) error {
				r, err := bench.Maps(p, typ, c.Int("tokens"), n, n)
				rows = append(rows, r...)
				return err
			})
		})
		if err != nil {
			return usageError{err}
		}
	}
	if c.Bool("json") {
		return printJSON("bench maps", rows)
	}
	for _, r := range rows {
		fmt.Printf("%-4s %-8s, %d x %d x %d, %-7s, threads %d: %6.1f GFLOP/s, %3.0f %% of the register loop (%.1f GFLOP/s)\n",
			r.Type, r.Pass, r.Tokens, r.N, r.K, r.Tier, r.Threads, r.GFLOPS, 100*r.Share, r.Peak)
	}
	return nil
}

func benchQuant(c *cli.Context) error {
	types, err := benchTypes(c)
	if err != nil {
		return err
	}
	if len(types) == 0 {
		types = bench.QuantTypes()
	}
	rows := make([]bench.QuantResult, len(types))
	for i, typ := range types {
		rows[i] = bench.Quant(typ)
	}
	if c.Bool("json") {
		return printJSON("bench quant", rows)
	}
	for _, r := range rows {
		encode := "none"
		if r.Encode > 0 {
			encode = fmt.Sprintf("%.3f Gweights/s", r.Encode)
		}
		fmt.Printf("%-7s %-7s: decode %6.2f Gweights/s (%.0f %% of the register loop), encode %s\n", r.Type, r.Tier, r.Decode, 100*r.DecodeShare, encode)
	}
	return nil
}

// benchTypes reads the flag type: names in any case.
func benchTypes(c *cli.Context) (types []quant.Type, err error) {
	for _, name := range c.StringSlice("type") {
		t, ok := quant.Parse(strings.ToUpper(name))
		if !ok || !t.CanDecode() {
			return nil, usagef("bench: no block type %q that can be decoded", name)
		}
		types = append(types, t)
	}
	return types, nil
}

func benchPeak(c *cli.Context) error {
	var rows []bench.PeakResult
	err := benchTiers(c, func() error {
		return benchPools(c, func(p *simd.Pool) error {
			rows = append(rows, bench.Peak(p))
			return nil
		})
	})
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON("bench peak", rows)
	}
	for _, r := range rows {
		fmt.Printf("%-7s, threads %d: %.1f GFLOP/s in registers; reads", r.Tier, r.Threads, r.GFLOPS)
		for _, b := range r.Read {
			fmt.Printf(" %.1f GB/s (%d KiB)", b.Rate, b.Bytes>>10)
		}
		fmt.Println()
	}
	return nil
}
