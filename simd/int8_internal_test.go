package simd

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// TestFMA32 compares with exact sums, on operands whose sums lie near ties of
// float32, where rounding twice goes wrong.
func TestFMA32(t *testing.T) {
	r := rand.New(rand.NewPCG(41, 42))
	for i := range 200_000 {
		a, b := float32(r.NormFloat64()), float32(r.NormFloat64())
		c := float32(r.NormFloat64() * math.Exp2(float64(r.IntN(80)-40)))
		switch i % 4 {
		case 1: // a tie, and the product just beside
			a, b = math.Float32frombits(0x3f800000|r.Uint32N(4)), float32(math.Exp2(float64(-24-r.IntN(3))))
			c = math.Float32frombits(0x3f800000 | r.Uint32N(16))
		case 2: // denormal results
			a, b, c = a*0x1p-70, b*0x1p-70, c*0x1p-130
		case 3:
			c = -float32(a * b) // what is left is the rounding of the product
		}
		p := new(big.Float).SetPrec(500).Mul(big.NewFloat(float64(a)), big.NewFloat(float64(b)))
		want, _ := p.Add(p, big.NewFloat(float64(c))).Float32()
		if got := fma32(a, b, c); got != want {
			t.Fatalf("fma32(%x, %x, %x) = %x, want %x", a, b, c, got, want)
		}
	}
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	if fma32(inf, 1, 1) != inf || fma32(1, 1, -inf) != -inf || fma32(math.MaxFloat32, 2, 0) != inf {
		t.Error("infinities are lost")
	}
	for _, x := range []float32{fma32(inf, 0, 1), fma32(nan, 1, 1), fma32(inf, 1, -inf)} {
		if x == x {
			t.Errorf("%g should be NaN", x)
		}
	}
}
