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

// packTypes are the types with packers. The oracle is the scalar encoder of
// package quant, which is compared with ggml's there.
var packTypes = []struct {
	typ    quant.Type
	kernel func(dst []byte, src []float32) int
}{
	{quant.Q4_0, simd.QuantQ4_0},
	{quant.Q4_1, simd.QuantQ4_1},
	{quant.Q5_0, simd.QuantQ5_0},
	{quant.Q5_1, simd.QuantQ5_1},
	{quant.Q8_0, simd.QuantQ8_0},
	{quant.F16, simd.QuantF16},
	{quant.BF16, simd.QuantBF16},
}

// packKinds are kinds of weights: each fills x for one block.
var packKinds = []struct {
	name string
	fill func(rng *rand.Rand, x []float32)
}{
	{"normal", func(rng *rand.Rand, x []float32) { each(x, func(int) float32 { return float32(rng.NormFloat64()) }) }},
	{"scaled", func(rng *rand.Rand, x []float32) {
		s := math.Ldexp(1, rng.IntN(274)-148)
		each(x, func(int) float32 { return float32(rng.NormFloat64() * s) })
	}},
	{"few values", func(rng *rand.Rand, x []float32) {
		s := math.Ldexp(1, rng.IntN(30)-15)
		each(x, func(int) float32 { return float32(float64(rng.IntN(5)-2) * s) })
	}},
	{"halves of codes", func(rng *rand.Rand, x []float32) {
		each(x, func(int) float32 { return float32(rng.IntN(510)-255) / 2 })
		x[rng.IntN(len(x))] = 127
	}},
	{"signed zeros", func(rng *rand.Rand, x []float32) {
		each(x, func(int) float32 { return float32(math.Copysign(0, float64(rng.IntN(2))-0.5)) })
		if rng.IntN(2) == 0 {
			x[rng.IntN(len(x))] = float32(rng.IntN(3) - 1)
		}
	}},
	{"subnormal", func(rng *rand.Rand, x []float32) {
		top := uint32(1) << rng.IntN(24)
		each(x, func(int) float32 { return math.Float32frombits(rng.Uint32N(top) | rng.Uint32()&(1<<31)) })
	}},
	{"one sign", func(rng *rand.Rand, x []float32) { each(x, func(int) float32 { return -1 - rng.Float32() }) }},
	{"huge", func(rng *rand.Rand, x []float32) {
		each(x, func(int) float32 { return (rng.Float32()*2 - 1) * math.MaxFloat32 })
	}},
	{"any bits", func(rng *rand.Rand, x []float32) {
		each(x, func(int) float32 { return math.Float32frombits(rng.Uint32()) })
	}},
	{"not finite", func(rng *rand.Rand, x []float32) {
		odd := []uint32{0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 0xffc12345, 0, 1 << 31, 0x3f800000}
		each(x, func(int) float32 { return math.Float32frombits(odd[rng.IntN(len(odd))]) })
	}},
}

func each(x []float32, f func(i int) float32) {
	for i := range x {
		x[i] = f(i)
	}
}

// fillBlocks gives every 32 weights a kind of their own.
func fillBlocks(rng *rand.Rand, x []float32) {
	for lo := 0; lo < len(x); lo += 32 {
		packKinds[rng.IntN(len(packKinds))].fill(rng, x[lo:min(lo+32, len(x))])
	}
}

// checkPack compares whole blocks of dst with the oracle and everything after them
// with what was there.
func checkPack(t *testing.T, typ quant.Type, kernel func([]byte, []float32) int, dst []byte, x []float32) {
	t.Helper()
	for i := range dst {
		dst[i] = 0xa5
	}
	n := len(x) / typ.Block()
	want := make([]byte, n*typ.Bytes())
	typ.EncodeScalar(want, x[:n*typ.Block()])
	var done int
	simdtest.NoFault(t, func() { done = kernel(dst, x) })
	vector := simd.Active() == simd.AVX2 || simd.Active() == simd.AVX512
	if vector && done != n || !vector && done != 0 {
		t.Fatalf("%d of %d blocks done", done, n)
	}
	for i, b := range dst {
		switch {
		case i >= done*typ.Bytes() && b != 0xa5:
			t.Fatal("wrote beyond the blocks")
		case i < done*typ.Bytes() && b != want[i]:
			lo := i / typ.Bytes()
			t.Fatalf("n=%d: block %d of %v is % x, want % x; weights %v", n, lo, typ,
				dst[lo*typ.Bytes():][:typ.Bytes()], want[lo*typ.Bytes():][:typ.Bytes()], x[lo*typ.Block():][:typ.Block()])
		}
	}
}

func TestQuantize(t *testing.T) {
	for _, pt := range packTypes {
		t.Run(pt.typ.String(), func(t *testing.T) {
			const most = 300
			rng := rand.New(rand.NewPCG(17, uint64(pt.typ)))
			src, dst := simdtest.NewGuard(t, 4*most*pt.typ.Block()), simdtest.NewGuard(t, most*pt.typ.Bytes())
			simdtest.EachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
				for _, n := range []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 18, 31, 32, 33, 64, most} {
					for _, last := range []bool{true, false} {
						x, b := src.FirstFloats(n*pt.typ.Block()), dst.First(n*pt.typ.Bytes())
						if last {
							x, b = src.LastFloats(n*pt.typ.Block()), dst.Last(n*pt.typ.Bytes())
						}
						fillBlocks(rng, x)
						checkPack(t, pt.typ, pt.kernel, b, x)
					}
				}
			})
		})
	}
}

// TestQuantizeKinds: every kind of weights, many blocks of each.
func TestQuantizeKinds(t *testing.T) {
	const n = 2048
	for _, pt := range packTypes {
		for _, kind := range packKinds {
			t.Run(pt.typ.String()+"/"+kind.name, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(18, 18))
				x, b := make([]float32, 32*n), make([]byte, pt.typ.RowBytes(32*n))
				simdtest.EachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
					for i := range n {
						kind.fill(rng, x[32*i:][:32])
					}
					checkPack(t, pt.typ, pt.kernel, b, x)
				})
			})
		}
	}
}

// TestQuantizeOffsets: blocks need no alignment, and a part of a block stays alone.
func TestQuantizeOffsets(t *testing.T) {
	for _, pt := range packTypes {
		t.Run(pt.typ.String(), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(19, 19))
			const n = 5
			w := pt.typ.Block()
			buf, in := make([]byte, 64+(n+1)*pt.typ.Bytes()), make([]float32, 16+(n+1)*w)
			simdtest.EachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
				for off := range 64 {
					x := in[off%16 : off%16+(n+1)*w-1]
					fillBlocks(rng, x)
					checkPack(t, pt.typ, pt.kernel, buf[off:], x)
				}
			})
		})
	}
}

// TestQuantizeHalves runs every float16 and bfloat16 with its neighbours and the
// midpoints above it through the rounding of both.
func TestQuantizeHalves(t *testing.T) {
	x := make([]float32, 0, 16<<16)
	for h := range uint32(1 << 16) {
		f := math.Float32bits(half(binary.LittleEndian.AppendUint16(nil, uint16(h))))
		for _, base := range []uint32{f, f | 1<<12, h << 16, h<<16 | 1<<15} {
			x = append(x, math.Float32frombits(base-1), math.Float32frombits(base), math.Float32frombits(base+1))
		}
	}
	for _, pt := range packTypes {
		if pt.typ.Block() != 1 {
			continue
		}
		want, got := make([]byte, 2*len(x)), make([]byte, 2*len(x))
		pt.typ.EncodeScalar(want, x)
		simdtest.EachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
			if pt.kernel(got, x) != 0 && !bytes.Equal(got, want) {
				t.Errorf("%v differs from the scalar rounding", pt.typ)
			}
		})
	}
}

// FuzzQuantize compares the packers with the scalar encoders on arbitrary floats.
func FuzzQuantize(f *testing.F) {
	f.Add([]byte{}, byte(0))
	f.Add(make([]byte, 256), byte(2))
	f.Fuzz(func(t *testing.T, data []byte, kind byte) {
		pt := packTypes[int(kind)%len(packTypes)]
		x := make([]float32, len(data)/4)
		for i := range x {
			x[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
		b := make([]byte, len(x)/pt.typ.Block()*pt.typ.Bytes())
		for _, tier := range simd.Tiers() {
			restore := simd.SetTier(tier)
			checkPack(t, pt.typ, pt.kernel, b, x)
			restore()
		}
	})
}

func BenchmarkQuantize(b *testing.B) {
	for _, typ := range []quant.Type{
		quant.Q4_0, quant.Q4_1, quant.Q5_0, quant.Q5_1, quant.Q8_0, quant.F16, quant.BF16,
		quant.Q4K, quant.Q5K, quant.Q6K, quant.IQ4NL, quant.IQ4XS,
	} {
		b.Run(typ.String(), func(b *testing.B) {
			x := make([]float32, 4096)
			rng := rand.New(rand.NewPCG(1, 1))
			each(x, func(int) float32 { return float32(rng.NormFloat64()) })
			dst := make([]byte, typ.RowBytes(len(x)))
			simdtest.BenchEachTier(b, func(b *testing.B) { //nolint:thelper // a subtest, not a helper
				for b.Loop() {
					typ.Encode(dst, x)
				}
				b.ReportMetric(float64(len(x))*float64(b.N)/1e9/b.Elapsed().Seconds(), "Gweights/s")
			})
		})
	}
}
