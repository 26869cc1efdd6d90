package quant

import "math"

// Encoding with importance weights: ggml's searches with its own weights of the
// columns, which it multiplies with the size of the weights that it encodes.

// The searches with importance weights.
var (
	weighedQ2K = newSearch(3, -0.9, 0.05, 36)
	weighedQ4K = newSearch(15, -0.9, 0.05, 36)
	weighedQ5K = newSearch(31, -0.9, 0.05, 36)
	weighedQ3K = newSymmetricSearch(4)
	weighed4   = newSymmetricSearch(8)
	weighed5   = newSymmetricSearch(16)
)

// meanSquare is the mean of x^2.
func meanSquare(x []float32) float32 {
	var sum float32
	for _, v := range x {
		sum += float32(v * v)
	}
	return sum / float32(len(x))
}

// weighted writes importance times sqrt(spread + x^2) and returns the sum.
func weighted(dst, x, importance []float32, spread float32) (sum float32) {
	for i, v := range x {
		dst[i] = importance[i] * sqrt32(spread+float32(v*v))
		sum += dst[i]
	}
	return sum
}

func sqrt32(x float32) float32 { return float32(math.Sqrt(float64(x))) }

// weighBlocks runs f over the blocks of 32 weights of a row with their weights.
func weighBlocks(dst []byte, src, weights []float32, bytes int, f func(dst []byte, x, weight []float32)) {
	var w [32]float32
	spread := meanSquare(src)
	for ; len(src) > 0; dst, src, weights = dst[bytes:], src[32:], weights[32:] {
		weighted(w[:], src[:32], weights, spread)
		f(dst[:bytes], src[:32], w[:])
	}
}

// weighK finds scales and minimums of a Q4_K or Q5_K super-block, writes its first
// 16 bytes, and rounds the codes.
func weighK(dst []byte, codes *[256]uint8, x, importance []float32, s *search) {
	var weight [32]float32
	var scales, mins, sums [8]float32
	var sc, mn [8]uint8
	spread := 2 * meanSquare(x)
	for j := range 8 {
		xs := x[32*j : 32*j+32]
		sums[j] = weighted(weight[:], xs, importance[32*j:], spread)
		scales[j], mins[j] = s.affine(codes[32*j:32*j+32], xs, weight[:])
	}
	putF16(dst, 0, positive(sc[:], scales[:], sums[:], 63))
	putF16(dst, 2, positive(mn[:], mins[:], sums[:], 63))
	for j := range 8 {
		putSubScale(dst[4:16], j, min(sc[j], 63), min(mn[j], 63))
	}
	var scale, offset [8]float32
	gridK(dst, scale[:], offset[:])
	for j := range 8 {
		roundAffine(codes[32*j:32*j+32], x[32*j:32*j+32], scale[j], offset[j], s.top)
	}
}

// positive finds a scale for x = scale*l, x >= 0 and 0 <= l <= top, by weighted
// least squares: the best of nine scales around the one that puts the largest on
// the bound, then moving one code after another. It is ggml's make_qp_quants, down
// to the byte in which it keeps a code.
func positive(codes []uint8, x, weight []float32, top int) float32 {
	var most float32
	for _, v := range x {
		most = max(most, v)
	}
	if most < tinyGroup {
		clear(codes)
		return 0
	}
	is := positiveScale(codes, x, weight, most, top)
	var lx, l2 float32
	for i, v := range x {
		codes[i] = uint8(min(top, nearestOr(is*v)))
		l := float32(codes[i])
		lx += float32(float32(weight[i]*v) * l)
		l2 += float32(float32(weight[i]*l) * l)
	}
	for range 5 {
		changed := false
		for i, v := range x {
			w, l := weight[i], float32(codes[i])
			sx := lx - float32(float32(w*v)*l)
			s2 := l2 - float32(float32(w*l)*l)
			if !(sx > 0 && s2 > 0) {
				continue
			}
			c := min(top, nearestOr(float32(v*s2)/sx))
			if c == int(codes[i]) {
				continue
			}
			l = float32(c)
			sx += float32(float32(w*v) * l)
			s2 += float32(float32(w*l) * l)
			if float32(float32(sx*sx)*l2) > float32(float32(lx*lx)*s2) {
				codes[i], lx, l2 = uint8(c), sx, s2
				changed = true
			}
		}
		if !changed {
			break
		}
	}
	if l2 > 0 {
		return lx / l2
	}
	return 0
}

// positiveScale is the inverse scale with the least error of the nine.
func positiveScale(codes []uint8, x, weight []float32, most float32, top int) float32 {
	best := float32(top) / most
	scale := 1 / best
	var least float32
	for i, v := range x {
		codes[i] = uint8(nearestOr(best * v))
		d := v - float32(scale*float32(codes[i]))
		least += float32(float32(weight[i]*d) * d)
	}
	for step := -4; step <= 4; step++ {
		if step == 0 {
			continue
		}
		is := (float32(float32(0.1)*float32(step)) + float32(top)) / most
		scale = 1 / is
		var e float32
		for i, v := range x {
			d := v - float32(scale*float32(min(top, nearestOr(is*v))))
			e += float32(float32(weight[i]*d) * d)
		}
		if e < least {
			best, least = is, e
		}
	}
	return best
}
