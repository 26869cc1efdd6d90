package quant

import "math"

// extreme is the value of largest magnitude, the first of equals.
func extreme(x []float32) float32 {
	var amax, v float32
	for _, e := range x {
		if a := abs32(e); a > amax {
			amax, v = a, e
		}
	}
	return v
}

// bounds are the least and the largest value.
func bounds(x []float32) (lo, hi float32) {
	lo, hi = math.MaxFloat32, -math.MaxFloat32
	for _, e := range x {
		if e < lo {
			lo = e
		}
		if e > hi {
			hi = e
		}
	}
	return lo, hi
}

// inverse is 1/d, and 0 for 0.
func inverse(d float32) float32 {
	if d == 0 {
		return 0
	}
	return 1 / d
}

// roundUp cuts x, to which half a step has been added, to an integer in 0..top.
// Where 1/d overflowed x is infinite or NaN; C leaves such a cast open, and the
// machines that files are made on give 0.
func roundUp(x float32, top uint8) uint8 {
	if !(x > 0) || x > math.MaxInt32 {
		return 0
	}
	return uint8(min(x, float32(top)))
}

// nearest rounds to the nearest integer, ties to even, by the position of the
// unit in 1.5*2^23. |x| must be below 2^22. The conversion keeps a product that
// is passed in from being fused with the addition once this is inlined.
func nearest(x float32) int {
	return int(math.Float32bits(float32(x)+12582912)&0x7fffff) - 0x400000
}
