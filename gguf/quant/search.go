package quant

import "math"

// tinyGroup is ggml's bound below which a group of weights counts as zero.
const tinyGroup = 1e-15

// search holds the constants of ggml's search for a scale and a minimum: the
// inverse scales (rmin + rdelta*step + top) / range are tried for steps+1 steps.
type search struct {
	top          int
	rmin, rdelta float32
	steps        int
}

var (
	searchQ4K = search{top: 15, rmin: -1, rdelta: 0.1, steps: 20}
	searchQ5K = search{top: 31, rmin: -0.5, rdelta: 0.1, steps: 15}
)

func clampInt(v, lo, hi int) int { return max(lo, min(hi, v)) }

// nearestOr is nearest for quotients that may leave its range (a scale rounded
// to a small f16): they are cut to it, which keeps their sign.
func nearestOr(x float32) int {
	if x != x {
		return 0
	}
	return nearest(min(max(x, -4194303), 4194303))
}

// searchSymmetric finds a scale s for x = s*l with -top <= l < top by least
// squares weighted with x^2, starting from the extreme value and trying 18
// neighbouring scales. codes get l+top. It is ggml's make_qx_quants.
func searchSymmetric(codes []uint8, x []float32, top int) float32 {
	ext := extreme(x)
	if abs32(ext) < tinyGroup {
		clear(codes)
		return 0
	}
	is := float32(-top) / ext
	lx, l2 := symmetricSums(x, is, top)
	setSymmetric(codes, x, is, top)
	var scale float32
	if l2 != 0 {
		scale = lx / l2
	}
	best := scale * lx
	for step := -9; step <= 9; step++ {
		if step == 0 {
			continue
		}
		is = -(float32(top) + float32(float32(0.1)*float32(step))) / ext
		lx, l2 = symmetricSums(x, is, top)
		if l2 > 0 && float32(lx*lx) > float32(best*l2) {
			setSymmetric(codes, x, is, top)
			scale = lx / l2
			best = scale * lx
		}
	}
	return scale
}

// symmetricSums are the sums of w*x*l and w*l*l with w = x^2.
func symmetricSums(x []float32, is float32, top int) (lx, l2 float32) {
	for _, v := range x {
		l := float32(clampInt(nearest(is*v), -top, top-1))
		w := float32(v * v)
		lx += float32(float32(w*v) * l)
		l2 += float32(float32(w*l) * l)
	}
	return lx, l2
}

func setSymmetric(codes []uint8, x []float32, is float32, top int) {
	for i, v := range x {
		codes[i] = uint8(clampInt(nearest(is*v), -top, top-1) + top)
	}
}

// encodeK finds scales, minimums and codes of a Q4_K or Q5_K super-block and
// writes its first 16 bytes.
func encodeK(dst []byte, codes []uint8, x []float32, s search) {
	var scales, mins [8]float32
	var topScale, topMin float32
	for j := range 8 {
		scales[j], mins[j] = s.sub(codes[32*j:32*j+32], x[32*j:32*j+32])
		topScale, topMin = max(topScale, scales[j]), max(topMin, mins[j])
	}
	var is, im float32
	if topScale > 0 {
		is = 63 / topScale
	}
	if topMin > 0 {
		im = 63 / topMin
	}
	for j := range 8 {
		putSubScale(dst[4:16], j, min(63, uint8(nearest(is*scales[j]))), min(63, uint8(nearest(im*mins[j]))))
	}
	putF16(dst, 0, topScale/63)
	putF16(dst, 2, topMin/63)
	var scale, offset [8]float32
	gridK(dst, scale[:], offset[:])
	for j := range 8 {
		if scale[j] == 0 {
			continue
		}
		for i := 32 * j; i < 32*j+32; i++ {
			codes[i] = uint8(clampInt(nearestOr((x[i]-offset[j])/scale[j]), 0, s.top))
		}
	}
}

// sub finds scale, minimum (as a positive number to subtract) and codes of 32
// weights, each weighted by its own size plus the root mean square. It is
// ggml's make_qkx2_quants.
func (s search) sub(codes []uint8, x []float32) (scale, minimum float32) {
	var weight [32]float32
	var sum2 float32
	for _, v := range x {
		sum2 += float32(v * v)
	}
	av := float32(math.Sqrt(float64(sum2 / 32)))
	for i, v := range x {
		weight[i] = av + abs32(v)
	}
	lo, hi, sumW := x[0], x[0], weight[0]
	sumX := float32(sumW * x[0])
	for i := 1; i < len(x); i++ {
		lo, hi = min(lo, x[i]), max(hi, x[i])
		sumW += weight[i]
		sumX += float32(weight[i] * x[i])
	}
	lo = min(lo, 0)
	if hi == lo {
		clear(codes)
		return 0, -lo
	}
	is := float32(s.top) / (hi - lo)
	scale = 1 / is
	setCodes(codes, x, is, lo, s.top)
	best := weightedError(codes, x, weight[:], scale, lo)
	var aux [32]uint8
	for step := range s.steps + 1 {
		is = (s.rmin + float32(s.rdelta*float32(step)) + float32(s.top)) / (hi - lo)
		setCodes(aux[:], x, is, lo, s.top)
		sc, mn, ok := fit(aux[:], x, weight[:], sumW, sumX)
		if !ok {
			continue
		}
		if e := weightedError(aux[:], x, weight[:], sc, mn); e < best {
			// The next steps start from this minimum: ggml's search does so, and
			// files are expected to be those of ggml.
			copy(codes, aux[:])
			best, scale, lo = e, sc, mn
		}
	}
	return scale, -lo
}

func setCodes(codes []uint8, x []float32, is, lo float32, top int) {
	for i, v := range x {
		codes[i] = uint8(clampInt(nearest(is*(v-lo)), 0, top))
	}
}

// fit solves the weighted least squares problem x = scale*code + min for a
// minimum of at most 0; false when the codes are all equal.
func fit(codes []uint8, x, weight []float32, sumW, sumX float32) (scale, minimum float32, ok bool) {
	var l1, l2, xl float32
	for i, c := range codes {
		l := float32(c)
		wl := float32(weight[i] * l)
		l1 += wl
		l2 += float32(wl * l)
		xl += float32(wl * x[i])
	}
	det := float32(sumW*l2) - float32(l1*l1)
	if !(det > 0) {
		return 0, 0, false
	}
	scale = (float32(sumW*xl) - float32(sumX*l1)) / det
	minimum = (float32(l2*sumX) - float32(l1*xl)) / det
	if minimum > 0 {
		return xl / l2, 0, true
	}
	return scale, minimum, true
}

func weightedError(codes []uint8, x, weight []float32, scale, minimum float32) (e float32) {
	for i, c := range codes {
		d := float32(scale*float32(c)) + minimum - x[i]
		e += float32(weight[i] * float32(d*d))
	}
	return e
}
