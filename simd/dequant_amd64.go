//go:build !purego

package simd

// batch bounds how many blocks one assembly call expands, and so how long it
// holds up the garbage collector.
const batch = 4096

func dequantQ4_1(dst []float32, src []byte, n int) int {
	for lo := 0; lo < n; lo += batch {
		d, s, k := &dst[lo*blockLen], &src[lo*bytesQ4_1], min(batch, n-lo)
		switch Active() {
		case AVX512:
			dequantQ4_1AVX512(d, s, k)
		case AVX2:
			dequantQ4_1AVX2(d, s, k)
		case Generic, NEON:
			return 0
		}
	}
	return n
}

func dequantQ5_0(dst []float32, src []byte, n int) int {
	for lo := 0; lo < n; lo += batch {
		d, s, k := &dst[lo*blockLen], &src[lo*bytesQ5_0], min(batch, n-lo)
		switch Active() {
		case AVX512:
			dequantQ5_0AVX512(d, s, k)
		case AVX2:
			dequantQ5_0AVX2(d, s, k)
		case Generic, NEON:
			return 0
		}
	}
	return n
}

func dequantQ8_0(dst []float32, src []byte, n int) int {
	for lo := 0; lo < n; lo += batch {
		d, s, k := &dst[lo*blockLen], &src[lo*bytesQ8_0], min(batch, n-lo)
		switch Active() {
		case AVX512:
			dequantQ8_0AVX512(d, s, k)
		case AVX2:
			dequantQ8_0AVX2(d, s, k)
		case Generic, NEON:
			return 0
		}
	}
	return n
}

func dequantQ4K(dst []float32, src []byte, n int) int {
	for lo := 0; lo < n; lo += batch {
		d, s, k := &dst[lo*superLen], &src[lo*bytesQ4K], min(batch, n-lo)
		switch Active() {
		case AVX512:
			dequantQ4KAVX512(d, s, k)
		case AVX2:
			dequantQ4KAVX2(d, s, k)
		case Generic, NEON:
			return 0
		}
	}
	return n
}

func dequantQ6K(dst []float32, src []byte, n int) int {
	for lo := 0; lo < n; lo += batch {
		d, s, k := &dst[lo*superLen], &src[lo*bytesQ6K], min(batch, n-lo)
		switch Active() {
		case AVX512:
			dequantQ6KAVX512(d, s, k)
		case AVX2:
			dequantQ6KAVX2(d, s, k)
		case Generic, NEON:
			return 0
		}
	}
	return n
}

// Assembly of dequant_avx512_amd64.s and dequant_avx2_amd64.s: each expands n > 0
// blocks from src to dst and touches no byte beyond them.

//go:noescape
func dequantQ4_1AVX512(dst *float32, src *byte, n int)

//go:noescape
func dequantQ5_0AVX512(dst *float32, src *byte, n int)

//go:noescape
func dequantQ8_0AVX512(dst *float32, src *byte, n int)

//go:noescape
func dequantQ4KAVX512(dst *float32, src *byte, n int)

//go:noescape
func dequantQ6KAVX512(dst *float32, src *byte, n int)

//go:noescape
func dequantQ4_1AVX2(dst *float32, src *byte, n int)

//go:noescape
func dequantQ5_0AVX2(dst *float32, src *byte, n int)

//go:noescape
func dequantQ8_0AVX2(dst *float32, src *byte, n int)

//go:noescape
func dequantQ4KAVX2(dst *float32, src *byte, n int)

//go:noescape
func dequantQ6KAVX2(dst *float32, src *byte, n int)

// codeFloats are the values of 5-bit codes: -16..15.
var codeFloats = [32]float32{ //nolint:unused // read by assembly
	-16, -15, -14, -13, -12, -11, -10, -9, -8, -7, -6, -5, -4, -3, -2, -1,
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
}

// laneNumbers number the lanes of a register.
var laneNumbers = [16]int32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15} //nolint:unused // read by assembly
