package simd

import (
	"slices"
	"time"
)

// PeakFMA measures how many float32 operations per second, in GFLOP/s, one core
// does in fused multiply-adds of tier t on registers alone: the most that any
// kernel of the tier can reach. It is 0 for tiers without such a loop and for
// those that the CPU lacks. It takes some milliseconds of the calling thread.
func PeakFMA(t Tier) float64 {
	if !slices.Contains(machine.tiers, t) {
		return 0
	}
	return peakLoops[t].measure()
}

// PeakProducts is PeakFMA for the instructions that sum products of precision
// prec in the active tier, 0 where there are none.
func PeakProducts(prec Precision) float64 {
	switch {
	case prec == Float32:
		return PeakFMA(Active())
	case !prec.Available():
		return 0
	}
	return precisionLoops[prec].measure()
}

// measure is the speed of a loop in GFLOP/s, 0 if there is none.
func (loop *peakLoop) measure() float64 {
	if loop.run == nil {
		return 0
	}
	const rounds, tries = 20000, 40
	best := time.Duration(1 << 62)
	for range tries {
		start := time.Now()
		loop.run(rounds)
		best = min(best, time.Since(start))
	}
	return float64(rounds) * loop.flop / float64(best.Nanoseconds())
}

// peakLoop is a loop of independent multiply-adds; flop is what one round does.
type peakLoop struct {
	run  func(rounds int)
	flop float64
}
