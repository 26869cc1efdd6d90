package bench

import (
	"slices"
	"time"

	"github.com/detox-surgery/detox-surgery/simd"
)

// GemmResult compares a matrix product with the register-only loop.
type GemmResult struct {
	Tier    string  `json:"tier"`
	Size    int     `json:"size"`
	Threads int     `json:"threads"`
	GFLOPS  float64 `json:"gflops"`
	Peak    float64 `json:"peak_gflops_per_core"`
	Share   float64 `json:"share_of_peak"` // of Peak times Threads
}

// Gemm times f32 products of n x n matrices; the median of nine.
func Gemm(p *simd.Pool, n int) GemmResult {
	a, b, c := make([]float32, n*n), make([]float32, n*n), make([]float32, n*n)
	for i := range a {
		a[i], b[i] = float32(i%7)-3, float32(i%5)-2
	}
	peak := simd.PeakFMA(simd.Active())
	var times []float64
	for range 10 {
		begin := time.Now()
		simd.Gemm(p, false, false, n, n, n, a, n, b, n, 0, c, n)
		times = append(times, time.Since(begin).Seconds())
	}
	times = times[1:]
	slices.Sort(times)
	r := GemmResult{Tier: simd.Active().String(), Size: n, Threads: p.Workers(), Peak: peak}
	r.GFLOPS = 2 * float64(n) * float64(n) * float64(n) / times[len(times)/2] / 1e9
	if peak > 0 {
		r.Share = r.GFLOPS / (peak * float64(r.Threads))
	}
	return r
}
