//go:build !purego

package simd

// Assembly of vec_avx2_amd64.s. It reads and writes nothing beyond the slices,
// whose lengths the callers in vec.go have checked.

//go:noescape
func dotAVX2(a, b []float32) (ret float32)

//go:noescape
func dot3AVX2(a, b, c []float32) (ret float32)

//go:noescape
func axpyAVX2(dst []float32, alpha float32, x []float32)

//go:noescape
func axpyMulAVX2(dst []float32, alpha float32, x, y []float32, beta float32, z []float32)

//go:noescape
func addAVX2(dst, a, b []float32)

//go:noescape
func mulAVX2(dst, a, b []float32)

//go:noescape
func scaleAVX2(dst []float32, alpha float32, x []float32)

//go:noescape
func scaleAddAVX2(w []float32, s, t float32)

//go:noescape
func scaleMulAVX2(dst []float32, alpha float32, x, y []float32)

//go:noescape
func maxAVX2(x []float32) (ret float32)

//go:noescape
func sumAVX2(x []float32) (ret float64)

//go:noescape
func sumSquaresAVX2(x []float32) (ret float64)

//go:noescape
func adamWAVX2(p, g, m, v []float32, k *adamCoef)

//go:noescape
func expAVX2(dst, x []float32)

//go:noescape
func expSumAVX2(dst, x []float32, shift float32) (ret float32)

//go:noescape
func siluMulAVX2(dst, gate, up []float32)

//go:noescape
func siluMulBackAVX2(dgate, dup, dy, gate, up []float32)

//go:noescape
func geluMulAVX2(dst, gate, up []float32)

//go:noescape
func geluMulBackAVX2(dgate, dup, dy, gate, up []float32)
