package quant

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/detox-surgery/detox-surgery/simd"
)

// TestDecodeTiers compares every decoder on random bytes, in every tier, with its
// scalar form. NaN need only be NaN.
func TestDecodeTiers(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for i := range table {
		typ := Type(i)
		if !typ.CanDecode() {
			continue
		}
		b := make([]byte, 77*typ.Bytes())
		for k := range b {
			b[k] = byte(r.Uint32())
		}
		want, got := make([]float32, 77*typ.Block()), make([]float32, 77*typ.Block())
		typ.DecodeScalar(want, b)
		for _, tier := range simd.Tiers() {
			restore := simd.SetTier(tier)
			typ.Decode(got, b)
			restore()
			for k := range want {
				if math.Float32bits(got[k]) != math.Float32bits(want[k]) && (got[k] == got[k] || want[k] == want[k]) {
					t.Fatalf("%v in tier %v: weight %d is %g, want %g", typ, tier, k, got[k], want[k])
				}
			}
		}
	}
}

// TestEncodeTiers compares every encoder, in every tier, with its scalar form on
// blocks of normal numbers of any scale.
func TestEncodeTiers(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	const n = 256 * 40
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(math.Ldexp(r.NormFloat64(), i/512-10))
	}
	for i := 0; i < n; i += 32 {
		if r.IntN(8) == 0 {
			clear(x[i : i+32])
		}
	}
	for i := range table {
		typ := Type(i)
		if !typ.CanEncode() {
			continue
		}
		want, got := make([]byte, typ.RowBytes(n)), make([]byte, typ.RowBytes(n))
		typ.EncodeScalar(want, x)
		for _, tier := range simd.Tiers() {
			restore := simd.SetTier(tier)
			typ.Encode(got, x)
			restore()
			if !bytes.Equal(got, want) {
				t.Errorf("%v in tier %v: %d of %d bytes differ", typ, tier, differing(got, want), len(want))
			}
		}
	}
}
