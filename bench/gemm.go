package bench

import "github.com/detox-surgery/detox-surgery/simd"

// GemmResult compares a matrix product with the register-only loop.
type GemmResult struct {
	Tier    string  `json:"tier"`
	Size    int     `json:"size"`
	Threads int     `json:"threads"`
	GFLOPS  float64 `json:"gflops"`        // median
	Peak    float64 `json:"peak_gflops"`   // of the register loop on as many threads at once; 0: not known
	Share   float64 `json:"share_of_peak"` // best run over best loop
}

const gemmRuns = 9

// Gemm times f32 products of n x n matrices in the active tier.
func Gemm(p *simd.Pool, n int) GemmResult {
	a, b, c := make([]float32, n*n), make([]float32, n*n), make([]float32, n*n)
	for i := range a {
		a[i], b[i] = float32(i%7)-3, float32(i%5)-2
	}
	flop := 2 * float64(n) * float64(n) * float64(n)
	r := GemmResult{Tier: simd.Active().String(), Size: n, Threads: p.Workers(), Peak: simd.PeakFMAOn(p, simd.Active())}
	median, best := timeRuns(gemmRuns, func() { simd.Gemm(p, false, false, n, n, n, a, n, b, n, 0, c, n) })
	r.GFLOPS = flop / median / 1e9
	r.Share = share(flop/best/1e9, r.Peak)
	return r
}
