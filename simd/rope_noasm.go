//go:build purego || !amd64

package simd

func rotate(dst, x, cos, sin []float32, sign float32, halves bool) {
	rotateGeneric(dst, x, cos, sin, sign, halves)
}
