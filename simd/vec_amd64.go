//go:build !purego

package simd

func dot(a, b []float32) float32 {
	switch Active() {
	case AVX512:
		return dotAVX512(a, b)
	case AVX2:
		return dotAVX2(a, b)
	case Generic, NEON:
	}
	return dotGeneric(a, b)
}

func dot3(a, b, c []float32) float32 {
	switch Active() {
	case AVX512:
		return dot3AVX512(a, b, c)
	case AVX2:
		return dot3AVX2(a, b, c)
	case Generic, NEON:
	}
	return dot3Generic(a, b, c)
}

func axpy(dst []float32, alpha float32, x []float32) {
	switch Active() {
	case AVX512:
		axpyAVX512(dst, alpha, x)
	case AVX2:
		axpyAVX2(dst, alpha, x)
	case Generic, NEON:
		axpyGeneric(dst, alpha, x)
	}
}

func axpyMul(dst []float32, alpha float32, x, y []float32, beta float32, z []float32) {
	switch Active() {
	case AVX512:
		axpyMulAVX512(dst, alpha, x, y, beta, z)
	case AVX2:
		axpyMulAVX2(dst, alpha, x, y, beta, z)
	case Generic, NEON:
		axpyMulGeneric(dst, alpha, x, y, beta, z)
	}
}

func add(dst, a, b []float32) {
	switch Active() {
	case AVX512:
		addAVX512(dst, a, b)
	case AVX2:
		addAVX2(dst, a, b)
	case Generic, NEON:
		addGeneric(dst, a, b)
	}
}

func mul(dst, a, b []float32) {
	switch Active() {
	case AVX512:
		mulAVX512(dst, a, b)
	case AVX2:
		mulAVX2(dst, a, b)
	case Generic, NEON:
		mulGeneric(dst, a, b)
	}
}

func scale(dst []float32, alpha float32, x []float32) {
	switch Active() {
	case AVX512:
		scaleAVX512(dst, alpha, x)
	case AVX2:
		scaleAVX2(dst, alpha, x)
	case Generic, NEON:
		scaleGeneric(dst, alpha, x)
	}
}

func scaleAdd(w []float32, s, t float32) {
	switch Active() {
	case AVX512:
		scaleAddAVX512(w, s, t)
	case AVX2:
		scaleAddAVX2(w, s, t)
	case Generic, NEON:
		scaleAddGeneric(w, s, t)
	}
}

func scaleMul(dst []float32, alpha float32, x, y []float32) {
	switch Active() {
	case AVX512:
		scaleMulAVX512(dst, alpha, x, y)
	case AVX2:
		scaleMulAVX2(dst, alpha, x, y)
	case Generic, NEON:
		scaleMulGeneric(dst, alpha, x, y)
	}
}

func maxOf(x []float32) float32 {
	switch Active() {
	case AVX512:
		return maxAVX512(x)
	case AVX2:
		return maxAVX2(x)
	case Generic, NEON:
	}
	return maxGeneric(x)
}

func sum(x []float32) float64 {
	switch Active() {
	case AVX512:
		return sumAVX512(x)
	case AVX2:
		return sumAVX2(x)
	case Generic, NEON:
	}
	return sumGeneric(x)
}

func sumSquares(x []float32) float64 {
	switch Active() {
	case AVX512:
		return sumSquaresAVX512(x)
	case AVX2:
		return sumSquaresAVX2(x)
	case Generic, NEON:
	}
	return sumSquaresGeneric(x)
}

func adamW(p, g, m, v []float32, k *adamCoef) {
	switch Active() {
	case AVX512:
		adamWAVX512(p, g, m, v, k)
	case AVX2:
		adamWAVX2(p, g, m, v, k)
	case Generic, NEON:
		adamWGeneric(p, g, m, v, k)
	}
}

func exp(dst, x []float32) {
	switch Active() {
	case AVX512:
		expAVX512(dst, x)
	case AVX2:
		expAVX2(dst, x)
	case Generic, NEON:
		expGeneric(dst, x)
	}
}

func expSum(dst, x []float32, shift float32) float32 {
	switch Active() {
	case AVX512:
		return expSumAVX512(dst, x, shift)
	case AVX2:
		return expSumAVX2(dst, x, shift)
	case Generic, NEON:
	}
	return expSumGeneric(dst, x, shift)
}

func siluMul(dst, gate, up []float32) {
	switch Active() {
	case AVX512:
		siluMulAVX512(dst, gate, up)
	case AVX2:
		siluMulAVX2(dst, gate, up)
	case Generic, NEON:
		siluMulGeneric(dst, gate, up)
	}
}

func siluMulBack(dgate, dup, dy, gate, up []float32) {
	switch Active() {
	case AVX512:
		siluMulBackAVX512(dgate, dup, dy, gate, up)
	case AVX2:
		siluMulBackAVX2(dgate, dup, dy, gate, up)
	case Generic, NEON:
		siluMulBackGeneric(dgate, dup, dy, gate, up)
	}
}

func geluMul(dst, gate, up []float32) {
	switch Active() {
	case AVX512:
		geluMulAVX512(dst, gate, up)
	case AVX2:
		geluMulAVX2(dst, gate, up)
	case Generic, NEON:
		geluMulGeneric(dst, gate, up)
	}
}

func geluMulBack(dgate, dup, dy, gate, up []float32) {
	switch Active() {
	case AVX512:
		geluMulBackAVX512(dgate, dup, dy, gate, up)
	case AVX2:
		geluMulBackAVX2(dgate, dup, dy, gate, up)
	case Generic, NEON:
		geluMulBackGeneric(dgate, dup, dy, gate, up)
	}
}
