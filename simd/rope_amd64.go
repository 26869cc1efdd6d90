//go:build !purego

package simd

// rotate takes the widest assembly that divides a head into whole vectors: heads of
// 64 or 128 elements are all that matters, and no tail needs masks.
func rotate(dst, x, cos, sin []float32, sign float32, halves bool) {
	n := len(cos)
	if !halves {
		n *= 2
	}
	tier := Active()
	switch {
	case len(x) == 0:
	case tier == AVX512 && n%16 == 0:
		if halves {
			rotateHalvesAVX512(dst, x, cos, sin, sign)
		} else {
			rotatePairsAVX512(dst, x, cos, sin, sign)
		}
	case (tier == AVX2 || tier == AVX512) && n%8 == 0:
		if halves {
			rotateHalvesAVX2(dst, x, cos, sin, sign)
		} else {
			rotatePairsAVX2(dst, x, cos, sin, sign)
		}
	default:
		rotateGeneric(dst, x, cos, sin, sign, halves)
	}
}

//go:noescape
func rotateHalvesAVX2(dst, x, cos, sin []float32, sign float32)

//go:noescape
func rotatePairsAVX2(dst, x, cos, sin []float32, sign float32)

//go:noescape
func rotateHalvesAVX512(dst, x, cos, sin []float32, sign float32)

//go:noescape
func rotatePairsAVX512(dst, x, cos, sin []float32, sign float32)
