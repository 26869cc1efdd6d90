package simd

import "math"

// Functions of this file take float32 slices of equal length and panic if the
// lengths differ. dst may be one of the operands, but must not overlap one
// otherwise. Tiers differ in the order of sums and in the use of fused
// multiply-add; within a tier the result depends on nothing but the operands.

const (
	errLength = "simd: slices differ in length"
	errBlock  = "simd: block size is not positive or does not match the scales"
)

// Dot returns Σ a[i] b[i], summed in float32.
func Dot(a, b []float32) float32 {
	if len(a) != len(b) {
		panic(errLength)
	}
	return dot(a, b)
}

// Axpy computes dst[i] += alpha x[i].
func Axpy(dst []float32, alpha float32, x []float32) {
	if len(dst) != len(x) {
		panic(errLength)
	}
	for len(x) > span {
		axpy(dst[:span], alpha, x[:span])
		dst, x = dst[span:], x[span:]
	}
	axpy(dst, alpha, x)
}

// Add computes dst[i] = a[i] + b[i].
func Add(dst, a, b []float32) {
	if len(dst) != len(a) || len(dst) != len(b) {
		panic(errLength)
	}
	for len(dst) > span {
		add(dst[:span], a[:span], b[:span])
		dst, a, b = dst[span:], a[span:], b[span:]
	}
	add(dst, a, b)
}

// Mul computes dst[i] = a[i] b[i].
func Mul(dst, a, b []float32) {
	if len(dst) != len(a) || len(dst) != len(b) {
		panic(errLength)
	}
	for len(dst) > span {
		mul(dst[:span], a[:span], b[:span])
		dst, a, b = dst[span:], a[span:], b[span:]
	}
	mul(dst, a, b)
}

// Scale computes dst[i] = alpha x[i].
func Scale(dst []float32, alpha float32, x []float32) {
	if len(dst) != len(x) {
		panic(errLength)
	}
	for len(x) > span {
		scale(dst[:span], alpha, x[:span])
		dst, x = dst[span:], x[span:]
	}
	scale(dst, alpha, x)
}

// Max returns the largest x[i] that is not NaN, -Inf if there is none.
func Max(x []float32) float32 { return maxOf(x) }

// Sum returns Σ x[i], summed in float64.
func Sum(x []float32) (s float64) {
	for len(x) > span {
		s += sum(x[:span])
		x = x[span:]
	}
	return s + sum(x)
}

// SumSquares returns Σ x[i]², summed in float64.
func SumSquares(x []float32) (s float64) {
	for len(x) > span {
		s += sumSquares(x[:span])
		x = x[span:]
	}
	return s + sumSquares(x)
}

// The garbage collector cannot stop a goroutine in assembly, so one call is bounded
// to tens of microseconds: span elements of cheap functions, chunk of others. chunk
// is also how far ExpSum sums in float32 before it goes on in float64.
const (
	span  = 1 << 16
	chunk = 2048
)

// ScaleBlocks moves the elements of w along the scales of their blocks of bs
// elements: with b = i/bs, w[i] = w[i] s[b] + t[b], and w[i] = w[i] s[b] if t is
// nil. The last block may be short.
func ScaleBlocks(w, s, t []float32, bs int) {
	if bs <= 0 || len(s) != (len(w)+bs-1)/bs || t != nil && len(t) != len(s) {
		panic(errBlock)
	}
	for b, f := range s {
		row := w[b*bs : min(len(w), (b+1)*bs)]
		if t == nil {
			scale(row, f, row)
		} else {
			scaleAdd(row, f, t[b])
		}
	}
}

// RMSNorm computes dst[i] = x[i] rstd gain[i] with rstd = 1 / √(Σx²/n + eps), and
// returns rstd. A nil gain is one.
func RMSNorm(dst, x, gain []float32, eps float32) (rstd float32) {
	if len(dst) != len(x) || gain != nil && len(gain) != len(x) {
		panic(errLength)
	}
	if len(x) == 0 {
		return 0
	}
	rstd = float32(1 / math.Sqrt(sumSquares(x)/float64(len(x))+float64(eps)))
	if gain == nil {
		scale(dst, rstd, x)
	} else {
		scaleMul(dst, rstd, x, gain)
	}
	return rstd
}

// RMSNormBack adds to dx the gradient of RMSNorm with respect to x. With
// g = dy gain and n = len(x), dx[i] += rstd g[i] - x[i] rstd³/n Σ g[j] x[j].
// A nil gain is one.
func RMSNormBack(dx, dy, x, gain []float32, rstd float32) {
	n := len(x)
	if len(dx) != n || len(dy) != n || gain != nil && len(gain) != n {
		panic(errLength)
	}
	if n == 0 {
		return
	}
	if gain == nil {
		c := dot(dy, x) * rstd * rstd * rstd / float32(n)
		axpy(dx, rstd, dy)
		axpy(dx, -c, x)
		return
	}
	c := dot3(dy, gain, x) * rstd * rstd * rstd / float32(n)
	axpyMul(dx, rstd, dy, gain, -c, x)
}

// AdamW updates parameters p and their moments m, v from the gradient g:
//
//	m = beta1 m + (1-beta1) g
//	v = beta2 v + (1-beta2) g²
//	p = p (1 - lr wd) - lr (m/bias1) / (√(v/bias2) + eps)
//
// with bias1 = 1-beta1ᵗ and bias2 = 1-beta2ᵗ at step t, counted from 1
// (arXiv 1711.05101, in the form of PyTorch).
func AdamW(p, g, m, v []float32, lr, beta1, beta2, eps, wd, bias1, bias2 float32) {
	n := len(p)
	if len(g) != n || len(m) != n || len(v) != n {
		panic(errLength)
	}
	k := adamCoef{
		beta1: beta1, rest1: 1 - beta1, beta2: beta2, rest2: 1 - beta2,
		decay: 1 - lr*wd, step: lr / bias1, root: float32(1 / math.Sqrt(float64(bias2))), eps: eps,
	}
	for lo := 0; lo < n; lo += chunk {
		hi := min(n, lo+chunk)
		adamW(p[lo:hi], g[lo:hi], m[lo:hi], v[lo:hi], &k)
	}
}

// adamCoef holds the factors of one AdamW step; assembly knows its layout.
type adamCoef struct{ beta1, rest1, beta2, rest2, decay, step, root, eps float32 }
