package simd

// The functions of this file expand blocks of ggml's quantized types, as stored,
// to float32. Each does as many leading blocks as the active tier has assembly
// for, writes nothing else, and returns their number: 0 in Generic. The bits are
// those of ggml's scalar code: w = d*c (+ m), rounded once, because the product
// of a float16 scale and a code is exact in float32. dst must hold the weights of
// all whole blocks in src.

const errDequant = "simd: dst is shorter than the blocks of src"

// blockKind numbers the block types in the tables of this package.
type blockKind int

const (
	blockQ4_0 blockKind = iota
	blockQ4_1
	blockQ5_0
	blockQ5_1
	blockQ8_0
	blockQ2K
	blockQ3K
	blockQ4K
	blockQ5K
	blockQ6K
	blockIQ4NL
	blockIQ4XS
	blockF16
	blockBF16
	blockTQ1_0
	blockTQ2_0
	blockMXFP4
	blockNVFP4
	blockQ1_0
	blockQ2_0
	blockKinds
)

// blockLayout is how many weights a block has, in how many bytes.
type blockLayout struct{ weights, bytes int }

var blockLayouts = [blockKinds]blockLayout{
	blockQ4_0:  {32, 18},   // f16 d, 16 bytes of nibbles
	blockQ4_1:  {32, 20},   // f16 d, f16 m, 16 bytes of nibbles
	blockQ5_0:  {32, 22},   // f16 d, 32 high bits, 16 bytes of nibbles
	blockQ5_1:  {32, 24},   // f16 d, f16 m, 32 high bits, 16 bytes of nibbles
	blockQ8_0:  {32, 34},   // f16 d, 32 int8
	blockQ2K:   {256, 84},  // 16 bytes of 4-bit scales and minimums, 64 bytes of 2-bit codes, f16 d, f16 dmin
	blockQ3K:   {256, 110}, // 32 bytes of high bits, 64 bytes of 2-bit codes, 12 bytes of 6-bit scales, f16 d
	blockQ4K:   {256, 144}, // f16 d, f16 dmin, 12 bytes of 6-bit scales, 128 bytes of nibbles
	blockQ5K:   {256, 176}, // f16 d, f16 dmin, 12 bytes of 6-bit scales, 32 bytes of high bits, 128 bytes of nibbles
	blockQ6K:   {256, 210}, // 128 bytes of nibbles, 64 of high bits, 16 int8 scales, f16 d
	blockIQ4NL: {32, 18},   // f16 d, 16 bytes of nibbles
	blockIQ4XS: {256, 136}, // f16 d, 16 high bits and 4 bytes of low bits of 6-bit scales, 128 bytes of nibbles
	blockF16:   {1, 2},
	blockBF16:  {1, 2},
	blockTQ1_0: {256, 54}, // 32 and 16 bytes of five ternary digits, 4 bytes of four, f16 d
	blockTQ2_0: {256, 66}, // 64 bytes of 2-bit codes, f16 d
	blockMXFP4: {32, 17},  // 8-bit exponent, 16 bytes of 4-bit floats
	blockNVFP4: {64, 36},  // four 8-bit floats, 32 bytes of 4-bit floats
	blockQ1_0:  {128, 18}, // f16 d, 128 bits
	blockQ2_0:  {64, 18},  // f16 d, 16 bytes of 2-bit codes
}

// batchWeights bounds how many weights one assembly call handles, and so how long
// it holds up the garbage collector: 130 us at 2 Gweights/s.
const batchWeights = 1 << 18

// unpacker expands n > 0 blocks from src to dst and touches no byte beyond them.
type unpacker func(dst *float32, src *byte, n int)

// unpackerRow has an unpacker per tier of this machine.
type unpackerRow [AVX512 + 1]unpacker

func dequant(k blockKind, dst []float32, src []byte) int {
	weights, bytes := blockLayouts[k].weights, blockLayouts[k].bytes
	n := len(src) / bytes
	if len(dst) < n*weights {
		panic(errDequant)
	}
	f := unpackers[k][Active()]
	if f == nil {
		return 0
	}
	batch := batchWeights / weights
	for lo := 0; lo < n; lo += batch {
		f(&dst[lo*weights], &src[lo*bytes], min(batch, n-lo))
	}
	return n
}

// DequantQ4_0 expands blocks of 32 weights in 18 bytes: w = d*c, -8 <= c <= 7.
func DequantQ4_0(dst []float32, src []byte) (blocks int) { return dequant(blockQ4_0, dst, src) }

// DequantQ4_1 expands blocks of 32 weights in 20 bytes: w = d*c + m, 0 <= c <= 15.
func DequantQ4_1(dst []float32, src []byte) (blocks int) { return dequant(blockQ4_1, dst, src) }

// DequantQ5_0 expands blocks of 32 weights in 22 bytes: w = d*c, -16 <= c <= 15.
func DequantQ5_0(dst []float32, src []byte) (blocks int) { return dequant(blockQ5_0, dst, src) }

// DequantQ5_1 expands blocks of 32 weights in 24 bytes: w = d*c + m, 0 <= c <= 31.
func DequantQ5_1(dst []float32, src []byte) (blocks int) { return dequant(blockQ5_1, dst, src) }

// DequantQ8_0 expands blocks of 32 weights in 34 bytes: w = d*c, -128 <= c <= 127.
func DequantQ8_0(dst []float32, src []byte) (blocks int) { return dequant(blockQ8_0, dst, src) }

// DequantQ2K expands blocks of 256 weights in 84 bytes:
// w = (d*sc)*c - dmin*mn, 0 <= c <= 3, with 4-bit sc and mn for each 16 weights.
func DequantQ2K(dst []float32, src []byte) (blocks int) { return dequant(blockQ2K, dst, src) }

// DequantQ3K expands blocks of 256 weights in 110 bytes: w = (d*sc)*c,
// -4 <= c <= 3, with -32 <= sc <= 31 for each 16 weights.
func DequantQ3K(dst []float32, src []byte) (blocks int) { return dequant(blockQ3K, dst, src) }

// DequantQ4K expands blocks of 256 weights in 144 bytes:
// w = (d*sc)*c - dmin*mn, 0 <= c <= 15, with 6-bit sc and mn for each 32 weights.
func DequantQ4K(dst []float32, src []byte) (blocks int) { return dequant(blockQ4K, dst, src) }

// DequantQ5K expands blocks of 256 weights in 176 bytes:
// w = (d*sc)*c - dmin*mn, 0 <= c <= 31, with 6-bit sc and mn for each 32 weights.
func DequantQ5K(dst []float32, src []byte) (blocks int) { return dequant(blockQ5K, dst, src) }

// DequantQ6K expands blocks of 256 weights in 210 bytes: w = (d*sc)*c,
// -32 <= c <= 31, with an int8 sc for each 16 weights.
func DequantQ6K(dst []float32, src []byte) (blocks int) { return dequant(blockQ6K, dst, src) }

// DequantIQ4NL expands blocks of 32 weights in 18 bytes: w = d*c, c one of 16
// values -127..113 that lie closer together around 0.
func DequantIQ4NL(dst []float32, src []byte) (blocks int) { return dequant(blockIQ4NL, dst, src) }

// DequantIQ4XS expands blocks of 256 weights in 136 bytes: w = (d*sc)*c, c as in
// IQ4_NL, with -32 <= sc <= 31 for each 32 weights.
func DequantIQ4XS(dst []float32, src []byte) (blocks int) { return dequant(blockIQ4XS, dst, src) }

// DequantF16 expands IEEE halves, blocks of one weight in 2 bytes. A NaN stays a
// NaN of its sign, quiet.
func DequantF16(dst []float32, src []byte) (blocks int) { return dequant(blockF16, dst, src) }

// DequantBF16 expands bfloat16 numbers, blocks of one weight in 2 bytes.
func DequantBF16(dst []float32, src []byte) (blocks int) { return dequant(blockBF16, dst, src) }

// DequantTQ1_0 expands blocks of 256 weights in 54 bytes: w = d*c, -1 <= c <= 1.
func DequantTQ1_0(dst []float32, src []byte) (blocks int) { return dequant(blockTQ1_0, dst, src) }

// DequantTQ2_0 expands blocks of 256 weights in 66 bytes: w = d*c, -1 <= c <= 2.
func DequantTQ2_0(dst []float32, src []byte) (blocks int) { return dequant(blockTQ2_0, dst, src) }

// DequantMXFP4 expands blocks of 32 weights in 17 bytes: w = 2^(e-128)*c, c one of
// 0, 1, 2, 3, 4, 6, 8, 12 with a sign.
func DequantMXFP4(dst []float32, src []byte) (blocks int) { return dequant(blockMXFP4, dst, src) }

// DequantNVFP4 expands blocks of 64 weights in 36 bytes: w = d/2*c, c as in MXFP4,
// with an 8-bit float d for each 16 weights.
func DequantNVFP4(dst []float32, src []byte) (blocks int) { return dequant(blockNVFP4, dst, src) }

// DequantQ1_0 expands blocks of 128 weights in 18 bytes: w = d or -d.
func DequantQ1_0(dst []float32, src []byte) (blocks int) { return dequant(blockQ1_0, dst, src) }

// DequantQ2_0 expands blocks of 64 weights in 18 bytes: w = d*c, -1 <= c <= 2.
func DequantQ2_0(dst []float32, src []byte) (blocks int) { return dequant(blockQ2_0, dst, src) }
