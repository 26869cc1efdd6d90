package bench

import "github.com/detox-surgery/detox-surgery/simd"

// PeakResult holds the limits of the processor in one tier.
type PeakResult struct {
	Tier    string     `json:"tier"`
	Threads int        `json:"threads"`
	GFLOPS  float64    `json:"gflops"` // float32 multiply-adds in registers, all threads together
	Read    []ReadRate `json:"read"`
}

// ReadRate is the rate of reading a buffer of a size, all threads together.
type ReadRate struct {
	Bytes int     `json:"bytes"` // of one thread
	Rate  float64 `json:"gb_per_s"`
}

// Peak measures the limits in the active tier. The sizes lie in the first,
// second and third level of caches of common processors, and in memory.
func Peak(p *simd.Pool) PeakResult {
	r := PeakResult{Tier: simd.Active().String(), Threads: p.Workers(), GFLOPS: simd.PeakFMAOn(p, simd.Active())}
	for _, n := range []int{16 << 10, 512 << 10, 8 << 20, readBytes / p.Workers()} {
		r.Read = append(r.Read, ReadRate{n, simd.PeakRead(p, n*p.Workers())})
	}
	return r
}
