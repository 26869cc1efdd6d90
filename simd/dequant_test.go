package simd_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/simd/internal/simdtest"
)

// blockType is a quantized type with its scalar decoding, the oracle, written
// after ggml's dequantize_row_* of the same name.
type blockType struct {
	name           string
	weights, bytes int
	halves         []int // offsets of the float16 fields
	kernel         func(dst []float32, src []byte) int
	decode         func(y []float32, b []byte)
}

var blockTypes = []blockType{
	{"Q4_0", 32, 18, []int{0}, simd.DequantQ4_0, decodeQ4_0},
	{"Q4_1", 32, 20, []int{0, 2}, simd.DequantQ4_1, decodeQ4_1},
	{"Q5_0", 32, 22, []int{0}, simd.DequantQ5_0, decodeQ5_0},
	{"Q5_1", 32, 24, []int{0, 2}, simd.DequantQ5_1, decodeQ5_1},
	{"Q8_0", 32, 34, []int{0}, simd.DequantQ8_0, decodeQ8_0},
	{"Q2_K", 256, 84, []int{80, 82}, simd.DequantQ2K, decodeQ2K},
	{"Q3_K", 256, 110, []int{108}, simd.DequantQ3K, decodeQ3K},
	{"Q4_K", 256, 144, []int{0, 2}, simd.DequantQ4K, decodeQ4K},
	{"Q5_K", 256, 176, []int{0, 2}, simd.DequantQ5K, decodeQ5K},
	{"Q6_K", 256, 210, []int{208}, simd.DequantQ6K, decodeQ6K},
	{"IQ4_NL", 32, 18, []int{0}, simd.DequantIQ4NL, decodeIQ4NL},
	{"IQ4_XS", 256, 136, []int{0}, simd.DequantIQ4XS, decodeIQ4XS},
	{"F16", 1, 2, []int{0}, simd.DequantF16, decodeF16},
	{"BF16", 1, 2, nil, simd.DequantBF16, decodeBF16},
	{"TQ1_0", 256, 54, []int{52}, simd.DequantTQ1_0, decodeTQ1_0},
	{"TQ2_0", 256, 66, []int{64}, simd.DequantTQ2_0, decodeTQ2_0},
	{"MXFP4", 32, 17, nil, simd.DequantMXFP4, decodeMXFP4},
	{"NVFP4", 64, 36, nil, simd.DequantNVFP4, decodeNVFP4},
	{"Q1_0", 128, 18, []int{0}, simd.DequantQ1_0, decodeQ1_0},
	{"Q2_0", 64, 18, []int{0}, simd.DequantQ2_0, decodeQ2_0},
}

// noNEON are the types without assembly for arm64.
var noNEON = []string{"TQ1_0", "TQ2_0", "MXFP4", "NVFP4", "Q1_0", "Q2_0"}

// without reports whether the active tier has no assembly for the type.
func (bt *blockType) without() bool {
	return simd.Active() == simd.Generic || simd.Active() == simd.NEON && slices.Contains(noNEON, bt.name)
}

// blocks fills n blocks with random bits. Its float16 fields are finite in all
// but every eighth block, which may hold anything.
func (bt *blockType) blocks(rng *rand.Rand, b []byte) {
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	for i := 0; i < len(b)/bt.bytes; i++ {
		for _, h := range bt.halves {
			if f := b[i*bt.bytes+h:]; i%8 != 7 && f[1]&0x7c == 0x7c {
				f[1] &^= 0x40
			}
		}
	}
}

func sameBits(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

func TestDequant(t *testing.T) {
	for _, bt := range blockTypes {
		t.Run(bt.name, func(t *testing.T) {
			const most = 300
			rng := rand.New(rand.NewPCG(7, uint64(bt.bytes)))
			src, dst := simdtest.NewGuard(t, most*bt.bytes), simdtest.NewGuard(t, 4*most*bt.weights)
			want := make([]float32, bt.weights)
			simdtest.EachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
				for _, n := range []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 18, 31, 32, 33, 63, 64, 65, most} {
					for _, last := range []bool{true, false} {
						b, y := src.First(n*bt.bytes), dst.FirstFloats(n*bt.weights)
						if last {
							b, y = src.Last(n*bt.bytes), dst.LastFloats(n*bt.weights)
						}
						bt.blocks(rng, b)
						bt.check(t, y, b, want, n)
					}
				}
			})
		})
	}
}

func (bt *blockType) check(t *testing.T, y []float32, b []byte, want []float32, n int) {
	t.Helper()
	for i := range y {
		y[i] = 12345
	}
	var done int
	simdtest.NoFault(t, func() { done = bt.kernel(y, b) })
	if bt.without() && done != 0 || done > n {
		t.Fatalf("%d of %d blocks done", done, n)
	}
	if !bt.without() && done != n {
		t.Fatalf("%d of %d blocks done, want all", done, n)
	}
	for i := range n {
		bt.decode(want, b[i*bt.bytes:])
		for k, got := range y[i*bt.weights:][:bt.weights] {
			if i >= done {
				want[k] = 12345
			}
			if !sameBits(got, want[k]) {
				t.Fatalf("n=%d: weight %d of block %d is %g, want %g", n, k, i, got, want[k])
			}
		}
	}
}

// TestDequantScales runs through every float16 scale, in short mode some.
func TestDequantScales(t *testing.T) {
	for _, bt := range blockTypes {
		t.Run(bt.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(8, 8))
			step := 1 << 10
			if testing.Short() {
				step = 31 << 10 // the denormals, +Inf and NaNs, the largest negatives
			}
			b := make([]byte, 1<<10*bt.bytes)
			y, want := make([]float32, 1<<10*bt.weights), make([]float32, bt.weights)
			simdtest.EachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
				for base := 0; base < 1<<16; base += step {
					bt.blocks(rng, b)
					for i := range 1 << 10 {
						for _, h := range bt.halves {
							binary.LittleEndian.PutUint16(b[i*bt.bytes+h:], uint16(base+i))
						}
					}
					bt.check(t, y, b, want, 1<<10)
				}
			})
		})
	}
}

// TestDequantOffsets: blocks need no alignment, and a part of a block stays alone.
func TestDequantOffsets(t *testing.T) {
	for _, bt := range blockTypes {
		t.Run(bt.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(9, 9))
			const n = 5
			buf := make([]byte, 64+(n+1)*bt.bytes)
			out, want := make([]float32, 16+(n+1)*bt.weights), make([]float32, bt.weights)
			simdtest.EachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
				for off := range 64 {
					b := buf[off : off+(n+1)*bt.bytes-1]
					bt.blocks(rng, b)
					y := out[off%16 : off%16+n*bt.weights : off%16+n*bt.weights]
					out[off%16+n*bt.weights] = 77
					bt.check(t, y, b, want, n)
					if out[off%16+n*bt.weights] != 77 {
						t.Fatal("wrote beyond dst")
					}
				}
			})
		})
	}
}

func BenchmarkDequant(b *testing.B) {
	for _, bt := range blockTypes {
		b.Run(bt.name, func(b *testing.B) {
			n := 8192 / bt.weights
			src, dst := make([]byte, n*bt.bytes), make([]float32, n*bt.weights)
			bt.blocks(rand.New(rand.NewPCG(1, 1)), src[:n/8*7*bt.bytes])
			simdtest.BenchEachTier(b, func(b *testing.B) { //nolint:thelper // a subtest, not a helper
				if simd.Active() == simd.Generic {
					b.Skip("no assembly in this tier")
				}
				for b.Loop() {
					bt.kernel(dst, src)
				}
				b.ReportMetric(float64(len(dst))*float64(b.N)/1e9/b.Elapsed().Seconds(), "Gweights/s")
			})
		})
	}
}
