package simd

// The functions of this file expand blocks of ggml's quantized types, as stored,
// to float32. Each does as many leading blocks as the active tier has assembly
// for, writes nothing else, and returns their number: 0 in Generic. The bits are
// those of ggml's scalar code: w = d*c (+ m), rounded once, because the product
// of a float16 scale and a code is exact in float32. dst must hold the weights of
// all whole blocks in src.

const errDequant = "simd: dst is shorter than the blocks of src"

const (
	blockLen = 32  // weights of a Q4_1, Q5_0 or Q8_0 block
	superLen = 256 // weights of a Q4_K or Q6_K block

	bytesQ4_0 = 18  // f16 d, 16 bytes of nibbles
	bytesQ4_1 = 20  // f16 d, f16 m, 16 bytes of nibbles
	bytesQ5_0 = 22  // f16 d, 32 high bits, 16 bytes of nibbles
	bytesQ5_1 = 24  // f16 d, f16 m, 32 high bits, 16 bytes of nibbles
	bytesQ8_0 = 34  // f16 d, 32 int8
	bytesQ4K  = 144 // f16 d, f16 dmin, 12 bytes of 6-bit scales, 128 bytes of nibbles
	bytesQ5K  = 176 // f16 d, f16 dmin, 12 bytes of 6-bit scales, 32 of high bits, 128 of nibbles
	bytesQ6K  = 210 // 128 bytes of nibbles, 64 of high bits, 16 int8 scales, f16 d
)

// wholeBlocks counts the blocks of src and checks that dst has room for them.
func wholeBlocks(dst []float32, src []byte, weights, size int) int {
	n := len(src) / size
	if len(dst) < n*weights {
		panic(errDequant)
	}
	return n
}

// DequantQ4_1 expands blocks of 32 weights in 20 bytes: w = d*c + m, 0 <= c <= 15.
func DequantQ4_1(dst []float32, src []byte) (blocks int) {
	return dequantQ4_1(dst, src, wholeBlocks(dst, src, blockLen, bytesQ4_1))
}

// DequantQ5_0 expands blocks of 32 weights in 22 bytes: w = d*c, -16 <= c <= 15.
func DequantQ5_0(dst []float32, src []byte) (blocks int) {
	return dequantQ5_0(dst, src, wholeBlocks(dst, src, blockLen, bytesQ5_0))
}

// DequantQ8_0 expands blocks of 32 weights in 34 bytes: w = d*c, -128 <= c <= 127.
func DequantQ8_0(dst []float32, src []byte) (blocks int) {
	return dequantQ8_0(dst, src, wholeBlocks(dst, src, blockLen, bytesQ8_0))
}

// DequantQ4K expands blocks of 256 weights in 144 bytes:
// w = (d*sc)*c - dmin*mn, 0 <= c <= 15, with 6-bit sc and mn for each 32 weights.
func DequantQ4K(dst []float32, src []byte) (blocks int) {
	return dequantQ4K(dst, src, wholeBlocks(dst, src, superLen, bytesQ4K))
}

// DequantQ6K expands blocks of 256 weights in 210 bytes: w = (d*sc)*c,
// -32 <= c <= 31, with an int8 sc for each 16 weights.
func DequantQ6K(dst []float32, src []byte) (blocks int) {
	return dequantQ6K(dst, src, wholeBlocks(dst, src, superLen, bytesQ6K))
}
