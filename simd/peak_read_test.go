package simd

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestXorAll flips one bit at a time: every byte of the buffer must be read.
func TestXorAll(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, tier := range Tiers() {
		restore := SetTier(tier)
		for _, n := range []int{0, xorStep, 3 * xorStep, xorFloat + xorStep} {
			for _, offset := range []int{0, 1, 5} {
				x := make([]float32, offset+n)[offset:]
				for i := range x {
					x[i] = math.Float32frombits(r.Uint32())
				}
				var want uint64
				for i := 0; i < n; i += 2 {
					want ^= uint64(math.Float32bits(x[i])) | uint64(math.Float32bits(x[i+1]))<<32
				}
				if got := xorAll(x); got != want {
					t.Fatalf("%v, %d values at offset %d: %x, want %x", tier, n, offset, got, want)
				}
			}
		}
		restore()
	}
}

// TestTogether counts the tasks of each worker.
func TestTogether(t *testing.T) {
	for _, n := range []int{1, 2, 5} {
		p := NewPool(n)
		seen := make([]int, n)
		if rate := together(p, func(i int) float64 { seen[i]++; return 1 }); !(rate > 0) {
			t.Errorf("%d workers: rate %g", n, rate)
		}
		for i, c := range seen {
			if c != 1 {
				t.Errorf("%d workers: task %d ran %d times", n, i, c)
			}
		}
		p.Close()
	}
	if rate := together(nil, func(int) float64 { return 1 }); !(rate > 0) {
		t.Errorf("without a pool: rate %g", rate)
	}
}

func TestPeaksOfPool(t *testing.T) {
	if testing.Short() {
		t.Skip("measures speed")
	}
	p := NewPool(2)
	defer p.Close()
	for _, tier := range Tiers() {
		restore := SetTier(tier)
		peak := PeakFMAOn(p, tier)
		if (peak > 0) != (tier != Generic) {
			t.Errorf("%v: peak of two %g GFLOP/s", tier, peak)
		}
		for _, size := range []int{1, 32 << 10, 64 << 20} {
			read := PeakRead(p, size)
			if !(read > 0) {
				t.Errorf("%v: reads %d bytes at %g GB/s", tier, size, read)
			}
			t.Logf("%v: %.1f GFLOP/s, %d bytes at %.1f GB/s", tier, peak, size, read)
		}
		restore()
	}
}
