//go:build !purego

package simd

// batch bounds how many blocks one assembly call expands, and so how long it
// holds up the garbage collector.
const batch = 4096

func dequantQ4_1(dst []float32, src []byte, n int) int {
	if Active() != NEON {
		return 0
	}
	for lo := 0; lo < n; lo += batch {
		dequantQ4_1NEON(&dst[lo*blockLen], &src[lo*bytesQ4_1], min(batch, n-lo))
	}
	return n
}

func dequantQ5_0(dst []float32, src []byte, n int) int {
	if Active() != NEON {
		return 0
	}
	for lo := 0; lo < n; lo += batch {
		dequantQ5_0NEON(&dst[lo*blockLen], &src[lo*bytesQ5_0], min(batch, n-lo))
	}
	return n
}

func dequantQ8_0(dst []float32, src []byte, n int) int {
	if Active() != NEON {
		return 0
	}
	for lo := 0; lo < n; lo += batch {
		dequantQ8_0NEON(&dst[lo*blockLen], &src[lo*bytesQ8_0], min(batch, n-lo))
	}
	return n
}

func dequantQ4K(dst []float32, src []byte, n int) int {
	if Active() != NEON {
		return 0
	}
	for lo := 0; lo < n; lo += batch {
		dequantQ4KNEON(&dst[lo*superLen], &src[lo*bytesQ4K], min(batch, n-lo))
	}
	return n
}

func dequantQ6K(dst []float32, src []byte, n int) int {
	if Active() != NEON {
		return 0
	}
	for lo := 0; lo < n; lo += batch {
		dequantQ6KNEON(&dst[lo*superLen], &src[lo*bytesQ6K], min(batch, n-lo))
	}
	return n
}

// Assembly of dequant_neon_arm64.s: each expands n > 0 blocks from src to dst and
// touches no byte beyond them.

//go:noescape
func dequantQ4_1NEON(dst *float32, src *byte, n int)

//go:noescape
func dequantQ5_0NEON(dst *float32, src *byte, n int)

//go:noescape
func dequantQ8_0NEON(dst *float32, src *byte, n int)

//go:noescape
func dequantQ4KNEON(dst *float32, src *byte, n int)

//go:noescape
func dequantQ6KNEON(dst *float32, src *byte, n int)
