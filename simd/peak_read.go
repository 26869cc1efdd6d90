package simd

import (
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"
)

// PeakFMAOn is [PeakFMA] of all workers of p at the same time, in GFLOP/s
// together: processors that run more than one core may lower their clock, so it
// can be less than PeakFMA times the workers. It takes some milliseconds.
func PeakFMAOn(p *Pool, t Tier) float64 {
	if PeakFMA(t) == 0 { // and the clock rises meanwhile
		return 0
	}
	const rounds, tries = 20000, 40
	loop := peakLoops[t]
	best := 0.0
	for range tries {
		best = max(best, together(p, func(int) float64 {
			for range 4 { // one long call could not be interrupted
				loop.run(rounds)
			}
			return 4 * rounds * loop.flop
		}))
	}
	return best
}

// PeakRead measures how many bytes per second, in GB/s (10⁹), the workers of p
// read together from a buffer of so many bytes, a part of it each, with the
// loads of the active tier: from memory if the buffer is larger than the caches,
// else from the cache that holds the parts. It is the best of some tries, which
// read no less than 32 MiB each.
func PeakRead(p *Pool, bytes int) float64 {
	n := p.Workers()
	part := max(xorStep, bytes/4/n/xorStep*xorStep) // floats of one worker
	arena := NewArena(4 * n * part)
	defer arena.Close() //nolint:errcheck // nothing depends on scratch memory being returned
	buf := arena.Alloc(n * part)
	p.Do(n, func(i, _ int) {
		for j := range buf[i*part : (i+1)*part] {
			buf[i*part+j] = 1 // pages never written would all be one page of zeros
		}
	})
	const tries, least = 8, 8 << 20 // floats
	passes := (least + n*part - 1) / (n * part)
	best := 0.0
	for range tries {
		best = max(best, together(p, func(worker int) float64 {
			for range passes {
				xorAll(buf[worker*part : (worker+1)*part])
			}
			return 4 * float64(passes) * float64(part)
		}))
	}
	return best
}

// together runs work on all workers of p at the same time; work returns how much
// it did. The result is the sum of what they did per nanosecond.
func together(p *Pool, work func(worker int) float64) (rate float64) {
	n := p.Workers()
	rates := make([]float64, n)
	var ready atomic.Int64
	p.Do(n, func(i, _ int) {
		// Nobody finishes before all have begun, so every worker gets one task.
		for ready.Add(1); ready.Load() < int64(n); {
			runtime.Gosched()
		}
		begin := time.Now()
		done := work(i)
		rates[i] = done / float64(max(1, time.Since(begin).Nanoseconds()))
	})
	for _, r := range rates {
		rate += r
	}
	return rate
}

const (
	xorStep  = 128     // floats that a round of the assembly reads
	xorFloat = 1 << 18 // floats of one call: some 50 microseconds
)

// xorAll returns the exclusive or of the bits of all pairs of x, whose length is
// a multiple of xorStep, and so reads every byte.
func xorAll(x []float32) (sum uint64) {
	run := xorLoops[Active()]
	for len(x) > 0 {
		n := min(len(x), xorFloat)
		sum ^= run(x[:n])
		x = x[n:]
	}
	return sum
}

// xorGeneric is the loop of xorAll in Go.
func xorGeneric(x []float32) uint64 {
	words := unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(x))), len(x)/2)
	var a, b, c, d uint64
	for ; len(words) >= 4; words = words[4:] {
		a ^= words[0]
		b ^= words[1]
		c ^= words[2]
		d ^= words[3]
	}
	return a ^ b ^ c ^ d
}
