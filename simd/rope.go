package simd

// Rotate writes the heads of x, turned pair by pair, to dst: pair i of a head,
// (a, b), becomes (a cos[i] - sign b sin[i], b cos[i] + sign a sin[i]). A head has
// 2 len(cos) elements, and x any number of heads. With halves, pair i is made of
// the elements i and i + len(cos), without of 2i and 2i+1. sign is 1, or -1 to turn
// back. dst may be x.
func Rotate(dst, x, cos, sin []float32, sign float32, halves bool) {
	if len(dst) != len(x) || len(cos) != len(sin) || len(cos) == 0 || len(x)%(2*len(cos)) != 0 {
		panic(errLength)
	}
	most := max(1, span/(2*len(cos))) * 2 * len(cos) // whole heads
	for len(x) > most {
		rotate(dst[:most], x[:most], cos, sin, sign, halves)
		dst, x = dst[most:], x[most:]
	}
	rotate(dst, x, cos, sin, sign, halves)
}

func rotateGeneric(dst, x, cos, sin []float32, sign float32, halves bool) {
	half := len(cos)
	step, second := 2, 1
	if halves {
		step, second = 1, half
	}
	sin = sin[:half]
	for h := 0; h < len(x); h += 2 * half {
		x, y := x[h:h+2*half], dst[h:h+2*half]
		for i, c := range cos {
			s, j := sign*sin[i], i*step
			a, b := x[j], x[j+second]
			y[j], y[j+second] = a*c-b*s, b*c+a*s
		}
	}
}
