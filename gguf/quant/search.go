package quant

import (
	"math"

	"github.com/detox-surgery/detox-surgery/simd"
)

// tinyGroup is ggml's bound below which a group of weights counts as zero.
const tinyGroup = 1e-15

// search holds the constants of ggml's searches for scales of the codes up to top:
// after a first guess the inverse scales numerators[i] / range are tried.
type search struct {
	top        int
	numerators []float32
	absolute   bool // errors count by their size, not by its square
}

// The searches of the K types; range is the distance of the extremes, for Q6_K the
// value of largest magnitude.
var (
	searchQ2K = &search{3, newSearch(3, -0.5, 0.1, 15).numerators, true}
	searchQ4K = newSearch(15, -1, 0.1, 20)
	searchQ5K = newSearch(31, -0.5, 0.1, 15)
	searchQ6K = newSymmetricSearch(32)
)

func newSearch(top int, rmin, rdelta float32, steps int) *search {
	s := &search{top: top}
	for i := range steps + 1 {
		s.numerators = append(s.numerators, rmin+float32(rdelta*float32(i))+float32(top))
	}
	return s
}

func newSymmetricSearch(top int) *search {
	s := &search{top: top}
	for i := -9; i <= 9; i++ {
		if i != 0 {
			s.numerators = append(s.numerators, -(float32(top) + float32(float32(0.1)*float32(i))))
		}
	}
	return s
}

func clampInt(v, lo, hi int) int { return max(lo, min(hi, v)) }

// nearestOr is nearest for quotients that may leave its range (a scale rounded
// to a small f16): they are cut to it, which keeps their sign.
func nearestOr(x float32) int {
	if x != x {
		return 0
	}
	return nearest(min(max(x, -4194303), 4194303))
}

// symmetric finds a scale for x = scale*l with -top <= l < top by least squares
// weighted with weight, or with x^2 if it is nil, starting from the extreme value
// and trying neighbouring scales. codes get l+top. It is ggml's make_qx_quants.
func (s *search) symmetric(codes []uint8, x, weight []float32) float32 {
	ext := extreme(x)
	if abs32(ext) < tinyGroup {
		clear(codes)
		return 0
	}
	is := float32(-s.top) / ext
	lx, l2 := symmetricSums(x, weight, is, s.top)
	setSymmetric(codes, x, is, s.top)
	var scale float32
	if l2 != 0 {
		scale = lx / l2
	}
	best := scale * lx
	for _, num := range s.numerators {
		is = num / ext
		lx, l2 = symmetricSums(x, weight, is, s.top)
		if l2 > 0 && float32(lx*lx) > float32(best*l2) {
			setSymmetric(codes, x, is, s.top)
			scale = lx / l2
			best = scale * lx
		}
	}
	return scale
}

// symmetricSums are the sums of w*x*l and w*l*l with w = x^2 if weight is nil.
func symmetricSums(x, weight []float32, is float32, top int) (lx, l2 float32) {
	for i, v := range x {
		l := float32(clampInt(nearest(is*v), -top, top-1))
		w := float32(v * v)
		if weight != nil {
			w = weight[i]
		}
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
// writes its first 16 bytes. fast does by assembly what it can; nil is for none.
func encodeK(dst []byte, codes *[256]uint8, x []float32, s *search, fast *simd.Search) {
	var scales, mins [8]float32
	searched := fast == nil || !fast.Affine(x, s.top, s.numerators)
	if !searched {
		scales, mins = [8]float32(fast.Scale[:8]), [8]float32(fast.Min[:8])
	} else {
		for j := range 8 {
			scales[j], mins[j] = s.sub(codes[32*j:32*j+32], x[32*j:32*j+32])
		}
	}
	putScalesK(dst, &scales, &mins)
	var scale, offset [8]float32
	gridK(dst, scale[:], offset[:])
	rounded := fast != nil && simd.RoundAffine(codes, x, &scale, &offset, s.top)
	for j := range 8 {
		c, xs := codes[32*j:32*j+32], x[32*j:32*j+32]
		switch {
		case scale[j] == 0 && (rounded || !searched): // the codes stay those of the search
			s.sub(c, xs)
		case !rounded:
			roundAffine(c, xs, scale[j], offset[j], s.top)
		}
	}
}

// roundAffine sets the codes nearest to x; those of a scale of 0 stay.
func roundAffine(codes []uint8, x []float32, scale, offset float32, top int) {
	if scale == 0 {
		return
	}
	for i, v := range x {
		codes[i] = uint8(clampInt(nearestOr((v-offset)/scale), 0, top))
	}
}

// putScalesK rounds scales and minimums to the first 16 bytes of a super-block.
func putScalesK(dst []byte, scales, mins *[8]float32) {
	var topScale, topMin, is, im float32
	for j := range 8 {
		topScale, topMin = max(topScale, scales[j]), max(topMin, mins[j])
	}
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
}

// sub is affine for 32 weights, each weighted by its own size plus the root mean
// square.
func (s *search) sub(codes []uint8, x []float32) (scale, minimum float32) {
	var weight [32]float32
	var sum2 float32
	for _, v := range x {
		sum2 += float32(v * v)
	}
	av := float32(math.Sqrt(float64(sum2 / 32)))
	for i, v := range x {
		weight[i] = av + abs32(v)
	}
	return s.affine(codes, x, weight[:])
}

// affine finds scale, minimum (as a positive number to subtract) and codes of up
// to 32 weights. It is ggml's make_qkx2_quants, and make_qkx3_quants.
func (s *search) affine(codes []uint8, x, weight []float32) (scale, minimum float32) {
	lo, hi, sumW := x[0], x[0], weight[0]
	sumX := float32(sumW * x[0])
	for i := 1; i < len(x); i++ {
		if x[i] < lo { // not min: a negative zero must not count as less than zero
			lo = x[i]
		}
		hi = max(hi, x[i])
		sumW += weight[i]
		sumX += float32(weight[i] * x[i])
	}
	if lo > 0 {
		lo = 0
	}
	if hi == lo {
		clear(codes)
		return 0, -lo
	}
	is := float32(s.top) / (hi - lo)
	scale = 1 / is
	setCodes(codes, x, is, lo, s.top)
	best := s.weightedError(codes, x, weight, scale, lo)
	var space [32]uint8
	aux := space[:len(x)]
	for _, num := range s.numerators {
		is = num / (hi - lo)
		setCodes(aux, x, is, lo, s.top)
		sc, mn, ok := fit(aux, x, weight, sumW, sumX)
		if !ok {
			continue
		}
		if e := s.weightedError(aux, x, weight, sc, mn); e < best {
			// The next steps start from this minimum: ggml's search does so, and
			// files are expected to be those of ggml.
			copy(codes, aux)
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

func (s *search) weightedError(codes []uint8, x, weight []float32, scale, minimum float32) (e float32) {
	for i, c := range codes {
		d := float32(scale*float32(c)) + minimum - x[i]
		if s.absolute {
			d = abs32(d)
		} else {
			d *= d
		}
		e += float32(weight[i] * d)
	}
	return e
}
