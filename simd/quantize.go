package simd

// The functions of this file are the reverse of those of dequant.go: they round
// float32 weights to blocks. Each does as many leading blocks as the active tier
// has assembly for, writes nothing else, and returns their number: 0 in Generic
// and NEON. The bytes are those of ggml's reference encoders (float32, products
// rounded before sums); weights should be finite. dst must have room for all whole
// blocks of src.

const errQuantize = "simd: dst is shorter than the blocks of src"

// packer rounds n > 0 blocks from src to dst and touches no byte beyond them.
type packer func(dst *byte, src *float32, n int)

// packerRow has a packer per tier of this machine.
type packerRow [AVX512 + 1]packer

func quantize(k blockKind, dst []byte, src []float32) int {
	weights, bytes := blockLayouts[k].weights, blockLayouts[k].bytes
	n := len(src) / weights
	if len(dst) < n*bytes {
		panic(errQuantize)
	}
	f := packers[k][Active()]
	if f == nil {
		return 0
	}
	batch := batchWeights / weights
	for lo := 0; lo < n; lo += batch {
		f(&dst[lo*bytes], &src[lo*weights], min(batch, n-lo))
	}
	return n
}

// QuantQ4_0 rounds 32 weights to 18 bytes: d = v/-8 with v of the largest
// magnitude, the first of equals; c = x/d + 8, halves up.
func QuantQ4_0(dst []byte, src []float32) (blocks int) { return quantize(blockQ4_0, dst, src) }

// QuantQ4_1 rounds 32 weights to 20 bytes: m the least, d = (max-m)/15.
func QuantQ4_1(dst []byte, src []float32) (blocks int) { return quantize(blockQ4_1, dst, src) }

// QuantQ5_0 rounds 32 weights to 22 bytes: as QuantQ4_0 with d = v/-16.
func QuantQ5_0(dst []byte, src []float32) (blocks int) { return quantize(blockQ5_0, dst, src) }

// QuantQ5_1 rounds 32 weights to 24 bytes: as QuantQ4_1 with d = (max-m)/31.
func QuantQ5_1(dst []byte, src []float32) (blocks int) { return quantize(blockQ5_1, dst, src) }

// QuantQ8_0 rounds 32 weights to 34 bytes: d = max|x|/127, c = x/d, halves away
// from zero.
func QuantQ8_0(dst []byte, src []float32) (blocks int) { return quantize(blockQ8_0, dst, src) }

// QuantF16 rounds to IEEE halves, ties to even; overflow gives infinity, any NaN
// 0x7e00 with its sign.
func QuantF16(dst []byte, src []float32) (blocks int) { return quantize(blockF16, dst, src) }

// QuantBF16 rounds to bfloat16, ties to even; NaN stays NaN, quiet.
func QuantBF16(dst []byte, src []float32) (blocks int) { return quantize(blockBF16, dst, src) }
