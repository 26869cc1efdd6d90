package simd

import "math"

// Exp computes dst[i] = e^x[i] with an error of at most 2 units in the last place.
// It overflows to +Inf, underflows through the denormals to 0, and keeps NaN.
func Exp(dst, x []float32) {
	if len(dst) != len(x) {
		panic(errLength)
	}
	for lo := 0; lo < len(x); lo += chunk {
		hi := min(len(x), lo+chunk)
		exp(dst[lo:hi], x[lo:hi])
	}
}

// ExpSum computes dst[i] = e^(x[i]-shift) and returns the sum of dst. A nil dst
// only sums.
func ExpSum(dst, x []float32, shift float32) (sum float64) {
	if dst != nil && len(dst) != len(x) {
		panic(errLength)
	}
	if dst == nil {
		return expSumOnly(x, shift)
	}
	for lo := 0; lo < len(x); lo += chunk {
		hi := min(len(x), lo+chunk)
		sum += float64(expSum(dst[lo:hi], x[lo:hi], shift))
	}
	return sum
}

// expSumOnly has a frame of its own: clearing the scratch costs more than the
// exponentials of a short row.
func expSumOnly(x []float32, shift float32) (sum float64) {
	var scratch [chunk]float32
	for lo := 0; lo < len(x); lo += chunk {
		hi := min(len(x), lo+chunk)
		sum += float64(expSum(scratch[:hi-lo], x[lo:hi], shift))
	}
	return sum
}

// Softmax computes dst[i] = e^x[i] / Σ e^x[j]. Elements of -Inf become 0; if all
// are -Inf (a row masked as a whole), dst is 0. A NaN or +Inf makes all of dst NaN.
func Softmax(dst, x []float32) {
	if len(dst) != len(x) {
		panic(errLength)
	}
	top := maxOf(x)
	if math.IsInf(float64(top), -1) && !hasNaN(x) {
		clear(dst)
		return
	}
	s := ExpSum(dst, x, top)
	scale(dst, float32(1/s), dst)
}

// LogSumExp returns log Σ e^x[i], with the sum beyond blocks of 2048 elements in
// float64. It is -Inf for no elements or all of -Inf, NaN if an element is.
func LogSumExp(x []float32) float64 {
	top := maxOf(x)
	if math.IsInf(float64(top), 0) && !hasNaN(x) {
		return float64(top)
	}
	return float64(top) + math.Log(ExpSum(nil, x, top))
}

func hasNaN(x []float32) bool {
	for _, v := range x {
		if v != v {
			return true
		}
	}
	return false
}

// SiLUMul computes dst[i] = gate[i] σ(gate[i]) up[i], with σ(x) = 1/(1+e^-x).
func SiLUMul(dst, gate, up []float32) {
	n := len(dst)
	if len(gate) != n || len(up) != n {
		panic(errLength)
	}
	for lo := 0; lo < n; lo += chunk {
		hi := min(n, lo+chunk)
		siluMul(dst[lo:hi], gate[lo:hi], up[lo:hi])
	}
}

// SiLUMulBack adds to dgate and dup the gradients of SiLUMul. With
// s = σ(gate[i]), dgate[i] += dy[i] up[i] s (1 + gate[i] (1-s)) and
// dup[i] += dy[i] gate[i] s.
func SiLUMulBack(dgate, dup, dy, gate, up []float32) {
	n := len(dy)
	if len(dgate) != n || len(dup) != n || len(gate) != n || len(up) != n {
		panic(errLength)
	}
	for lo := 0; lo < n; lo += chunk {
		hi := min(n, lo+chunk)
		siluMulBack(dgate[lo:hi], dup[lo:hi], dy[lo:hi], gate[lo:hi], up[lo:hi])
	}
}

// GeLUMul computes dst[i] = gelu(gate[i]) up[i] with the tanh form of GELU,
// gelu(x) = x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))), which equals x σ(z) with
// z = 2 √(2/π) (x + 0.044715 x³).
func GeLUMul(dst, gate, up []float32) {
	n := len(dst)
	if len(gate) != n || len(up) != n {
		panic(errLength)
	}
	for lo := 0; lo < n; lo += chunk {
		hi := min(n, lo+chunk)
		geluMul(dst[lo:hi], gate[lo:hi], up[lo:hi])
	}
}

// GeLUMulBack adds to dgate and dup the gradients of GeLUMul. With x = gate[i]
// and s = σ(z), dgate[i] += dy[i] up[i] s (1 + x (1-s) z') and
// dup[i] += dy[i] x s, where z' = 2 √(2/π) (1 + 3·0.044715 x²).
func GeLUMulBack(dgate, dup, dy, gate, up []float32) {
	n := len(dy)
	if len(dgate) != n || len(dup) != n || len(gate) != n || len(up) != n {
		panic(errLength)
	}
	for lo := 0; lo < n; lo += chunk {
		hi := min(n, lo+chunk)
		geluMulBack(dgate[lo:hi], dup[lo:hi], dy[lo:hi], gate[lo:hi], up[lo:hi])
	}
}
