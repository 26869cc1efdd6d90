package simd

import "math"

func dotGeneric(a, b []float32) float32 {
	b = b[:len(a)]
	var s [4]float32
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s[0] += a[i] * b[i]
		s[1] += a[i+1] * b[i+1]
		s[2] += a[i+2] * b[i+2]
		s[3] += a[i+3] * b[i+3]
	}
	for ; i < len(a); i++ {
		s[0] += a[i] * b[i]
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

func dot3Generic(a, b, c []float32) (s float32) {
	b, c = b[:len(a)], c[:len(a)]
	for i := range a {
		s += a[i] * b[i] * c[i]
	}
	return s
}

func axpyGeneric(dst []float32, alpha float32, x []float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] += alpha * x[i]
	}
}

// axpyMulGeneric computes dst[i] += alpha (x[i] y[i]) + beta z[i].
func axpyMulGeneric(dst []float32, alpha float32, x, y []float32, beta float32, z []float32) {
	x, y, z = x[:len(dst)], y[:len(dst)], z[:len(dst)]
	for i := range dst {
		dst[i] += alpha*(x[i]*y[i]) + beta*z[i]
	}
}

func addGeneric(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

func mulGeneric(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

func scaleGeneric(dst []float32, alpha float32, x []float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] = alpha * x[i]
	}
}

// scaleAddGeneric computes w[i] = w[i] s + t.
func scaleAddGeneric(w []float32, s, t float32) {
	for i := range w {
		w[i] = w[i]*s + t
	}
}

// scaleMulGeneric computes dst[i] = (alpha x[i]) y[i].
func scaleMulGeneric(dst []float32, alpha float32, x, y []float32) {
	x, y = x[:len(dst)], y[:len(dst)]
	for i := range dst {
		dst[i] = alpha * x[i] * y[i]
	}
}

func maxGeneric(x []float32) float32 {
	m := float32(math.Inf(-1))
	for _, v := range x {
		if v > m {
			m = v
		}
	}
	return m
}

func sumGeneric(x []float32) (s float64) {
	for _, v := range x {
		s += float64(v)
	}
	return s
}

func sumSquaresGeneric(x []float32) (s float64) {
	for _, v := range x {
		s += float64(v) * float64(v)
	}
	return s
}

func adamWGeneric(p, g, m, v []float32, k *adamCoef) {
	g, m, v = g[:len(p)], m[:len(p)], v[:len(p)]
	for i := range p {
		m[i] = k.beta1*m[i] + k.rest1*g[i]
		v[i] = k.beta2*v[i] + k.rest2*(g[i]*g[i])
		root := float32(math.Sqrt(float64(v[i])))
		p[i] = p[i]*k.decay - k.step*m[i]/(root*k.root+k.eps)
	}
}

// Constants of exp: the arguments beyond which the result is +Inf or rounds to
// 0; log₂e; ln 2 in two parts, of which the first has so few bits that its
// product with the exponent is exact; and the polynomial of Cephes' expf,
// e^r = 1 + r + r² P(r) for |r| <= ln(2)/2, with an error of 2^-27.
const (
	expMax = 89
	expMin = -104
	log2e  = 1.44269504088896341
	ln2Hi  = 0.693359375
	ln2Lo  = -2.12194440e-4
	expP0  = 1.9875691500e-4
	expP1  = 1.3981999507e-3
	expP2  = 8.3334519073e-3
	expP3  = 4.1665795894e-2
	expP4  = 1.6666665459e-1
	expP5  = 5.0000001201e-1
)

// expOf returns e^x. The exponent n is applied as 2^⌊n/2⌋ 2^(n-⌊n/2⌋), because
// 2^n itself may be beyond the normal numbers when the result is not.
func expOf(x float32) float32 {
	if x != x {
		return x
	}
	x = min(max(x, expMin), expMax)
	n := float32(math.RoundToEven(float64(x * log2e)))
	r := x - n*ln2Hi
	r -= n * ln2Lo
	y := float32(expP0)
	y = y*r + expP1
	y = y*r + expP2
	y = y*r + expP3
	y = y*r + expP4
	y = y*r + expP5
	y = y*(r*r) + r + 1
	half := int32(n) >> 1
	return y * powerOfTwo(half) * powerOfTwo(int32(n)-half)
}

// powerOfTwo returns 2^n for -126 <= n <= 127.
func powerOfTwo(n int32) float32 { return math.Float32frombits(uint32(n+127) << 23) }

func expGeneric(dst, x []float32) {
	for i, v := range x {
		dst[i] = expOf(v)
	}
}

func expSumGeneric(dst, x []float32, shift float32) (s float32) {
	for i, v := range x {
		e := expOf(v - shift)
		dst[i] = e
		s += e
	}
	return s
}

// gelu(x) = x σ(geluLin x + geluCub x³), see GeLUMul.
const (
	geluLin = 1.5957691216057308  // 2 √(2/π)
	geluCub = 0.07135481627159498 // geluLin 0.044715
)

func sigmoid(x float32) float32 { return 1 / (1 + expOf(-x)) }

func siluMulGeneric(dst, gate, up []float32) {
	for i, x := range gate {
		dst[i] = x * sigmoid(x) * up[i]
	}
}

func siluMulBackGeneric(dgate, dup, dy, gate, up []float32) {
	for i, x := range gate {
		s := sigmoid(x)
		dgate[i] += dy[i] * up[i] * (s * (1 + x*(1-s)))
		dup[i] += dy[i] * (x * s)
	}
}

func geluMulGeneric(dst, gate, up []float32) {
	for i, x := range gate {
		dst[i] = x * sigmoid(x*(geluLin+geluCub*(x*x))) * up[i]
	}
}

func geluMulBackGeneric(dgate, dup, dy, gate, up []float32) {
	for i, x := range gate {
		q := x * x
		s := sigmoid(x * (geluLin + geluCub*q))
		slope := geluLin + 3*geluCub*q
		dgate[i] += dy[i] * up[i] * (s * (1 + x*(1-s)*slope))
		dup[i] += dy[i] * (x * s)
	}
}
