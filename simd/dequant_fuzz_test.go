package simd_test

import (
	"testing"

	"github.com/detox-surgery/detox-surgery/simd"
)

// FuzzDequant compares the kernels with the scalar oracle on arbitrary bytes.
func FuzzDequant(f *testing.F) {
	f.Add([]byte{}, byte(0))
	f.Add(make([]byte, 420), byte(4))
	f.Fuzz(func(t *testing.T, src []byte, kind byte) {
		bt := blockTypes[int(kind)%len(blockTypes)]
		n := len(src) / bt.bytes
		y, want := make([]float32, n*bt.weights), make([]float32, bt.weights)
		for _, tier := range simd.Tiers() {
			restore := simd.SetTier(tier)
			bt.check(t, y, src, want, n)
			restore()
		}
	})
}
