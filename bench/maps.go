package bench

import (
	"fmt"

	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/simd"
)

// MapResult compares one pass of a linear map through quantized weights with the
// register-only loop.
type MapResult struct {
	Type    string  `json:"type"`
	Pass    string  `json:"pass"` // forward | backward
	Tier    string  `json:"tier"`
	Tokens  int     `json:"tokens"`
	N       int     `json:"n"` // outputs
	K       int     `json:"k"` // inputs
	Threads int     `json:"threads"`
	GFLOPS  float64 `json:"gflops"`        // median
	Peak    float64 `json:"peak_gflops"`   // as in GemmResult
	Share   float64 `json:"share_of_peak"` // as in GemmResult
}

const mapRuns = 7

// Maps times y = x Wᵀ and its gradient dx = dy W for quantized weights W [n, k]
// and so many tokens, in the active tier; the weights are expanded within the
// time. k must be a multiple of the type's block.
func Maps(p *simd.Pool, typ quant.Type, tokens, n, k int) ([]MapResult, error) {
	if tokens < 1 || n < 1 || k < 1 {
		return nil, fmt.Errorf("bench: %d tokens, %d outputs and %d inputs must be positive", tokens, n, k)
	}
	if !typ.CanDecode() || k%typ.Block() != 0 {
		return nil, fmt.Errorf("bench: no map of type %v with %d inputs", typ, k)
	}
	w, err := tensor(typ, n, k)
	if err != nil {
		return nil, err
	}
	x, y := weights(tokens*k), weights(tokens*n)
	passes := []struct {
		name string
		run  func()
	}{
		{"forward", func() { simd.MatMulT(p, tokens, x, k, w, 0, y, n) }},
		{"backward", func() { simd.MatMul(p, tokens, y, n, w, 0, x, k) }},
	}
	flop := 2 * float64(tokens) * float64(n) * float64(k)
	out := make([]MapResult, len(passes))
	for i, pass := range passes {
		r := &out[i]
		*r = MapResult{
			Type: typ.String(), Pass: pass.name, Tier: simd.Active().String(), Tokens: tokens, N: n, K: k,
			Threads: p.Workers(), Peak: simd.PeakFMAOn(p, simd.Active()),
		}
		median, best := timeRuns(mapRuns, pass.run)
		r.GFLOPS = flop / median / 1e9
		r.Share = share(flop/best/1e9, r.Peak)
	}
	return out, nil
}
