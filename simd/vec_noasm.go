//go:build purego || !(amd64 || arm64)

package simd

func dot(a, b []float32) float32                     { return dotGeneric(a, b) }
func dot3(a, b, c []float32) float32                 { return dot3Generic(a, b, c) }
func axpy(dst []float32, alpha float32, x []float32) { axpyGeneric(dst, alpha, x) }
func axpyMul(dst []float32, alpha float32, x, y []float32, beta float32, z []float32) {
	axpyMulGeneric(dst, alpha, x, y, beta, z)
}
func add(dst, a, b []float32)                               { addGeneric(dst, a, b) }
func mul(dst, a, b []float32)                               { mulGeneric(dst, a, b) }
func scale(dst []float32, alpha float32, x []float32)       { scaleGeneric(dst, alpha, x) }
func scaleAdd(w []float32, s, t float32)                    { scaleAddGeneric(w, s, t) }
func scaleMul(dst []float32, alpha float32, x, y []float32) { scaleMulGeneric(dst, alpha, x, y) }
func maxOf(x []float32) float32                             { return maxGeneric(x) }
func sum(x []float32) float64                               { return sumGeneric(x) }
func sumSquares(x []float32) float64                        { return sumSquaresGeneric(x) }
func adamW(p, g, m, v []float32, k *adamCoef)               { adamWGeneric(p, g, m, v, k) }
func exp(dst, x []float32)                                  { expGeneric(dst, x) }
func expSum(dst, x []float32, shift float32) float32        { return expSumGeneric(dst, x, shift) }
func siluMul(dst, gate, up []float32)                       { siluMulGeneric(dst, gate, up) }
func geluMul(dst, gate, up []float32)                       { geluMulGeneric(dst, gate, up) }
func siluMulBack(dgate, dup, dy, gate, up []float32) {
	siluMulBackGeneric(dgate, dup, dy, gate, up)
}

func geluMulBack(dgate, dup, dy, gate, up []float32) {
	geluMulBackGeneric(dgate, dup, dy, gate, up)
}
