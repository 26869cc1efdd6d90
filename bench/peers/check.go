package main

import (
	"context"
	"fmt"
	"log"
	"maps"
	"slices"
	"strconv"

	"github.com/detox-surgery/detox-surgery/bench"
)

const (
	sharesGroup = "shares" // what -only calls measureShares
	shareRounds = 3
	shareLoss   = 0.07 // of a kept share: more is a failure
)

// measureShares takes the medians of our shares of the processor's limits.
func measureShares(ctx context.Context, s *setup) (map[string]float64, error) {
	all := map[string][]float64{}
	for round := range shareRounds {
		s.log.Printf(sharesGroup+": round %d of %d", round+1, shareRounds)
		if err := s.shares(ctx, func(id string, v float64) { all[id] = append(all[id], v) }); err != nil {
			return nil, err
		}
	}
	out := make(map[string]float64, len(all))
	for id, v := range all {
		out[id] = round4(median(v))
	}
	return out, nil
}

// shares measures each share once: products, linear maps and decoders, in every
// tier with vectors.
func (s *setup) shares(ctx context.Context, add func(id string, v float64)) error {
	var gemm []bench.GemmResult
	if err := s.ours(ctx, &gemm, "bench", "gemm", "--size", join(s.sizes)); err != nil {
		return err
	}
	for _, r := range gemm {
		add(fmt.Sprintf("gemm/%s/%d/t%d", r.Tier, r.Size, r.Threads), r.Share)
	}
	var linear []bench.MapResult
	if err := s.ours(ctx, &linear, "bench", "maps"); err != nil {
		return err
	}
	tiers := map[string]bool{}
	for _, r := range linear {
		tiers[r.Tier] = true
		add(fmt.Sprintf("%s/%s/%s/t%d", r.Pass, r.Tier, r.Type, r.Threads), r.Share)
	}
	for _, tier := range slices.Sorted(maps.Keys(tiers)) {
		var quants []bench.QuantResult
		if err := s.ours(ctx, &quants, "bench", "quant", "--tier", tier); err != nil {
			return err
		}
		for _, r := range quants {
			add("decode/"+tier+"/"+r.Type, r.DecodeShare)
		}
	}
	return nil
}

func round4(v float64) float64 {
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'f', 4, 64), 64)
	return v
}

// check measures the shares again and compares them with those kept in path.
func check(ctx context.Context, s *setup, path string, stdout *log.Logger) (code int, err error) {
	kept, err := load(path)
	if err != nil {
		return 2, fmt.Errorf("no results of %s to compare with: %w", cpuName(), err)
	}
	if kept.CPU != cpuName() {
		return 2, fmt.Errorf("%s holds results of %s, this is %s", path, kept.CPU, cpuName())
	}
	if len(kept.Shares) == 0 {
		return 2, fmt.Errorf("%s holds no shares", path)
	}
	warnBusy(s)
	now, err := measureShares(ctx, s)
	if err != nil {
		return 1, err
	}
	lines := fallen(kept.Shares, now)
	for _, l := range lines {
		stdout.Println(l)
	}
	stdout.Printf("%d of %d shares have fallen by more than %.0f %%", len(lines), len(kept.Shares), 100*shareLoss)
	if len(lines) > 0 {
		return 1, nil
	}
	return 0, nil
}

// fallen names the shares that are more than shareLoss below those kept, or that
// were not measured.
func fallen(kept, now map[string]float64) (lines []string) {
	for _, id := range slices.Sorted(maps.Keys(kept)) {
		v, ok := now[id]
		switch {
		case !ok:
			lines = append(lines, fmt.Sprintf("%s: not measured, was %.1f %%", id, 100*kept[id]))
		case v < kept[id]*(1-shareLoss):
			lines = append(lines, fmt.Sprintf("%s: %.1f %%, was %.1f %% (%.0f %% less)", id, 100*v, 100*kept[id], 100*(1-v/kept[id])))
		}
	}
	return lines
}
