//go:build !purego

package simd

// The assembly of vec_neon_arm64.s works on whole vectors. A tail goes through it
// as well, in a copy filled up with zeros, so that an element's bits do not depend
// on where a slice ends.

// lanes is the number of floats in a vector.
const lanes = 4

// padded holds a tail.
type padded [lanes]float32

func pad(x []float32) (p padded) {
	copy(p[:], x)
	return p
}

func dot(a, b []float32) (s float32) {
	if Active() != NEON {
		return dotGeneric(a, b)
	}
	n := len(a) &^ (lanes - 1)
	if n > 0 {
		s = dotNEON(&a[0], &b[0], n)
	}
	if n < len(a) {
		u, v := pad(a[n:]), pad(b[n:])
		s += dotNEON(&u[0], &v[0], lanes)
	}
	return s
}

func expSum(dst, x []float32, shift float32) (s float32) {
	if Active() != NEON {
		return expSumGeneric(dst, x, shift)
	}
	n := len(x) &^ (lanes - 1)
	if n > 0 {
		s = expSumNEON(&dst[0], &x[0], n, shift)
	}
	if n < len(x) {
		p := pad(x[n:])
		expSumNEON(&p[0], &p[0], lanes, shift)
		copy(dst[n:], p[:])
		s += sum4(dst[n:])
	}
	return s
}

// sum4 adds up to four floats.
func sum4(x []float32) (s float32) {
	for _, v := range x {
		s += v
	}
	return s
}

func axpy(dst []float32, alpha float32, x []float32) {
	if Active() != NEON {
		axpyGeneric(dst, alpha, x)
		return
	}
	n := len(dst) &^ (lanes - 1)
	if n > 0 {
		axpyNEON(&dst[0], &x[0], n, alpha)
	}
	if n < len(dst) {
		t0, t1 := pad(dst[n:]), pad(x[n:])
		axpyNEON(&t0[0], &t1[0], lanes, alpha)
		copy(dst[n:], t0[:])
	}
}

func add(dst, a, b []float32) {
	if Active() != NEON {
		addGeneric(dst, a, b)
		return
	}
	n := len(dst) &^ (lanes - 1)
	if n > 0 {
		addNEON(&dst[0], &a[0], &b[0], n)
	}
	if n < len(dst) {
		t0, t1, t2 := pad(dst[n:]), pad(a[n:]), pad(b[n:])
		addNEON(&t0[0], &t1[0], &t2[0], lanes)
		copy(dst[n:], t0[:])
	}
}

func mul(dst, a, b []float32) {
	if Active() != NEON {
		mulGeneric(dst, a, b)
		return
	}
	n := len(dst) &^ (lanes - 1)
	if n > 0 {
		mulNEON(&dst[0], &a[0], &b[0], n)
	}
	if n < len(dst) {
		t0, t1, t2 := pad(dst[n:]), pad(a[n:]), pad(b[n:])
		mulNEON(&t0[0], &t1[0], &t2[0], lanes)
		copy(dst[n:], t0[:])
	}
}

func scale(dst []float32, alpha float32, x []float32) {
	if Active() != NEON {
		scaleGeneric(dst, alpha, x)
		return
	}
	n := len(dst) &^ (lanes - 1)
	if n > 0 {
		scaleNEON(&dst[0], &x[0], n, alpha)
	}
	if n < len(dst) {
		t0, t1 := pad(dst[n:]), pad(x[n:])
		scaleNEON(&t0[0], &t1[0], lanes, alpha)
		copy(dst[n:], t0[:])
	}
}

func adamW(p, g, m, v []float32, k *adamCoef) {
	if Active() != NEON {
		adamWGeneric(p, g, m, v, k)
		return
	}
	n := len(p) &^ (lanes - 1)
	if n > 0 {
		adamWNEON(&p[0], &g[0], &m[0], &v[0], n, k)
	}
	if n < len(p) {
		t0, t1, t2, t3 := pad(p[n:]), pad(g[n:]), pad(m[n:]), pad(v[n:])
		adamWNEON(&t0[0], &t1[0], &t2[0], &t3[0], lanes, k)
		copy(p[n:], t0[:])
		copy(m[n:], t2[:])
		copy(v[n:], t3[:])
	}
}

func exp(dst, x []float32) {
	if Active() != NEON {
		expGeneric(dst, x)
		return
	}
	n := len(dst) &^ (lanes - 1)
	if n > 0 {
		expNEON(&dst[0], &x[0], n)
	}
	if n < len(dst) {
		t0, t1 := pad(dst[n:]), pad(x[n:])
		expNEON(&t0[0], &t1[0], lanes)
		copy(dst[n:], t0[:])
	}
}

func siluMul(dst, gate, up []float32) {
	if Active() != NEON {
		siluMulGeneric(dst, gate, up)
		return
	}
	n := len(dst) &^ (lanes - 1)
	if n > 0 {
		siluMulNEON(&dst[0], &gate[0], &up[0], n)
	}
	if n < len(dst) {
		t0, t1, t2 := pad(dst[n:]), pad(gate[n:]), pad(up[n:])
		siluMulNEON(&t0[0], &t1[0], &t2[0], lanes)
		copy(dst[n:], t0[:])
	}
}

func geluMul(dst, gate, up []float32) {
	if Active() != NEON {
		geluMulGeneric(dst, gate, up)
		return
	}
	n := len(dst) &^ (lanes - 1)
	if n > 0 {
		geluMulNEON(&dst[0], &gate[0], &up[0], n)
	}
	if n < len(dst) {
		t0, t1, t2 := pad(dst[n:]), pad(gate[n:]), pad(up[n:])
		geluMulNEON(&t0[0], &t1[0], &t2[0], lanes)
		copy(dst[n:], t0[:])
	}
}

func siluMulBack(dgate, dup, dy, gate, up []float32) {
	if Active() != NEON {
		siluMulBackGeneric(dgate, dup, dy, gate, up)
		return
	}
	n := len(dgate) &^ (lanes - 1)
	if n > 0 {
		siluMulBackNEON(&dgate[0], &dup[0], &dy[0], &gate[0], &up[0], n)
	}
	if n < len(dgate) {
		t0, t1, t2, t3, t4 := pad(dgate[n:]), pad(dup[n:]), pad(dy[n:]), pad(gate[n:]), pad(up[n:])
		siluMulBackNEON(&t0[0], &t1[0], &t2[0], &t3[0], &t4[0], lanes)
		copy(dgate[n:], t0[:])
		copy(dup[n:], t1[:])
	}
}

func geluMulBack(dgate, dup, dy, gate, up []float32) {
	if Active() != NEON {
		geluMulBackGeneric(dgate, dup, dy, gate, up)
		return
	}
	n := len(dgate) &^ (lanes - 1)
	if n > 0 {
		geluMulBackNEON(&dgate[0], &dup[0], &dy[0], &gate[0], &up[0], n)
	}
	if n < len(dgate) {
		t0, t1, t2, t3, t4 := pad(dgate[n:]), pad(dup[n:]), pad(dy[n:]), pad(gate[n:]), pad(up[n:])
		geluMulBackNEON(&t0[0], &t1[0], &t2[0], &t3[0], &t4[0], lanes)
		copy(dgate[n:], t0[:])
		copy(dup[n:], t1[:])
	}
}

// The rest has no assembly here.

func dot3(a, b, c []float32) float32 { return dot3Generic(a, b, c) }

func axpyMul(dst []float32, alpha float32, x, y []float32, beta float32, z []float32) {
	axpyMulGeneric(dst, alpha, x, y, beta, z)
}

func scaleAdd(w []float32, s, t float32) { scaleAddGeneric(w, s, t) }

func scaleMul(dst []float32, alpha float32, x, y []float32) { scaleMulGeneric(dst, alpha, x, y) }

func maxOf(x []float32) float32 { return maxGeneric(x) }

func sum(x []float32) float64 { return sumGeneric(x) }

func sumSquares(x []float32) float64 { return sumSquaresGeneric(x) }
