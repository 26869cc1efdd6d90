//go:build !purego

package simd

// Assembly of vec_avx512_amd64.s. It reads and writes nothing beyond the slices,
// whose lengths the callers in vec.go have checked.

//go:noescape
func dotAVX512(a, b []float32) (ret float32)

//go:noescape
func dot3AVX512(a, b, c []float32) (ret float32)

//go:noescape
func axpyAVX512(dst []float32, alpha float32, x []float32)

//go:noescape
func axpyMulAVX512(dst []float32, alpha float32, x, y []float32, beta float32, z []float32)

//go:noescape
func addAVX512(dst, a, b []float32)

//go:noescape
func mulAVX512(dst, a, b []float32)

//go:noescape
func scaleAVX512(dst []float32, alpha float32, x []float32)

//go:noescape
func scaleAddAVX512(w []float32, s, t float32)

//go:noescape
func scaleMulAVX512(dst []float32, alpha float32, x, y []float32)

//go:noescape
func maxAVX512(x []float32) (ret float32)

//go:noescape
func sumAVX512(x []float32) (ret float64)

//go:noescape
func sumSquaresAVX512(x []float32) (ret float64)

//go:noescape
func adamWAVX512(p, g, m, v []float32, k *adamCoef)

//go:noescape
func expAVX512(dst, x []float32)

//go:noescape
func expSumAVX512(dst, x []float32, shift float32) (ret float32)

//go:noescape
func siluMulAVX512(dst, gate, up []float32)

//go:noescape
func siluMulBackAVX512(dgate, dup, dy, gate, up []float32)

//go:noescape
func geluMulAVX512(dst, gate, up []float32)

//go:noescape
func geluMulBackAVX512(dgate, dup, dy, gate, up []float32)
