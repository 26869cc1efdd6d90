package simd_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/simd/internal/simdtest"
)

var searchTypes = []quant.Type{quant.Q4K, quant.Q5K, quant.Q6K, quant.Q2K, quant.Q3K, quant.IQ4NL, quant.MXFP4, quant.NVFP4}

// checkSearch compares an encoder that searches by assembly with the scalar one.
func checkSearch(t *testing.T, typ quant.Type, x []float32) {
	t.Helper()
	want, got := make([]byte, typ.RowBytes(len(x))), make([]byte, typ.RowBytes(len(x)))
	typ.EncodeScalar(want, x)
	simdtest.NoFault(t, func() { typ.Encode(got, x) })
	for i := 0; i < len(got); i += typ.Bytes() {
		if !bytes.Equal(got[i:i+typ.Bytes()], want[i:i+typ.Bytes()]) {
			b := i / typ.Bytes()
			t.Fatalf("block %d of %v is % x, want % x; weights %v", b, typ, got[i:i+typ.Bytes()], want[i:i+typ.Bytes()], x[typ.Block()*b:][:typ.Block()])
		}
	}
}

// TestSearch: blocks of one kind of weights and blocks of many, beside guard pages.
func TestSearch(t *testing.T) {
	const n = 12
	for _, typ := range searchTypes {
		t.Run(typ.String(), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(27, uint64(typ)))
			g := simdtest.NewGuard(t, 4*256*n)
			simdtest.EachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
				if simd.Active() == simd.Generic {
					t.Skip("no assembly in this tier")
				}
				for _, kind := range packKinds {
					if kind.name == "any bits" || kind.name == "not finite" {
						continue
					}
					for _, last := range []bool{true, false} {
						x := g.FirstFloats(256 * n)
						if last {
							x = g.LastFloats(256 * n)
						}
						for i := 0; i < len(x); i += 256 {
							kind.fill(rng, x[i:i+256])
						}
						checkSearch(t, typ, x)
						for i := 0; i < len(x); i += 16 {
							k := packKinds[rng.IntN(len(packKinds)-2)]
							k.fill(rng, x[i:i+16])
						}
						checkSearch(t, typ, x)
					}
				}
			})
		})
	}
}

// TestSearchNotFinite: such weights are left to the scalar search.
func TestSearchNotFinite(t *testing.T) {
	var s simd.Search
	simdtest.EachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
		vector := simd.Active() == simd.AVX2 || simd.Active() == simd.AVX512
		for _, bad := range []float32{1, float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))} {
			x := make([]float32, 256)
			each(x, func(i int) float32 { return float32(i%29) - 14 })
			x[77] = bad
			if ok := s.Affine(x, 15, []float32{15, 16}); ok != (vector && bad == 1) {
				t.Errorf("%v: Affine %v", bad, ok)
			}
			if ok := s.Symmetric(x, 32, []float32{-32, -31}); ok != (vector && bad == 1) {
				t.Errorf("%v: Symmetric %v", bad, ok)
			}
		}
	})
}

func TestEncodeNoAllocation(t *testing.T) {
	x := make([]float32, 512)
	each(x, func(i int) float32 { return float32(i%29) - 14 })
	dst := make([]byte, 4*len(x))
	simdtest.EachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
		for i := range quant.Type(43) {
			typ := i
			if !typ.Valid() || !typ.CanEncode() {
				continue
			}
			if n := testing.AllocsPerRun(5, func() {
				typ.Encode(dst, x)
				typ.Decode(x, dst)
			}); n != 0 {
				t.Errorf("%v: %v allocations", typ, n)
			}
		}
	})
}

// FuzzSearch compares the searching encoders with the scalar ones on arbitrary
// finite floats: 16 bits for each weight and one exponent for all.
func FuzzSearch(f *testing.F) {
	f.Add([]byte{1, 2, 3}, byte(0), 0)
	f.Fuzz(func(t *testing.T, data []byte, kind byte, exp int) {
		x := make([]float32, 256)
		for i := range x {
			if 2*i+1 < len(data) {
				x[i] = float32(math.Ldexp(float64(int16(binary.LittleEndian.Uint16(data[2*i:]))), exp%127-15))
			}
			if !(math.Abs(float64(x[i])) <= math.MaxFloat32) {
				x[i] = 0
			}
		}
		for _, tier := range simd.Tiers() {
			restore := simd.SetTier(tier)
			checkSearch(t, searchTypes[int(kind)%len(searchTypes)], x)
			restore()
		}
	})
}
