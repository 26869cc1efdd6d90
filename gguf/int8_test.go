package gguf

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/simd"
)

// TestInt8Products: where rounding x to 8 bits loses nothing, the products with
// codes are those with the decoded weights, in every tier. That ties the reading
// of blocks by assembly to Decode.
func TestInt8Products(t *testing.T) {
	for typ := quant.Type(0); typ <= quant.Q2_0; typ++ {
		if !typ.Valid() || typ.Blocks() == simd.NoBlocks {
			continue
		}
		t.Run(typ.String(), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, uint64(typ)))
			const rows, n, k = 3, 37, 512
			w := &Tensor{Dims: []uint64{k, n}, Type: typ, raw: make([]byte, n*typ.RowBytes(k))}
			plain := make([]float32, n*k)
			for i := range plain {
				plain[i] = float32(rng.NormFloat64())*0.1 + 0.03
			}
			typ.Encode(w.raw, plain)
			w.DequantRows(plain, k, 0, n)
			x, y := make([]float32, rows*k), make([]float32, rows*n)
			for i := range x {
				x[i] = float32(rng.IntN(255) - 127)
				if i%16 == 5 {
					x[i] = 127
				}
				x[i] /= 8
			}
			for _, tier := range simd.Tiers() {
				restore := simd.SetTier(tier)
				if !simd.MatMulT8(nil, rows, x, k, w, y, n) {
					t.Fatal("refused")
				}
				restore()
				for i, got := range y {
					sum, size := 0.0, 0.0
					for l := range k {
						p := float64(x[i/n*k+l]) * float64(plain[i%n*k+l])
						sum += p
						size += math.Abs(p)
					}
					if math.Abs(float64(got)-sum) > 1e-5*size {
						t.Fatalf("tier %v, output %d: %g, want %g", tier, i, got, sum)
					}
				}
			}
		})
	}
}
