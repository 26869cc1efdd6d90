package quant

import "github.com/detox-surgery/detox-surgery/simd"

// A Q2_K block is 84 bytes for 256 weights: 16 bytes with a 4-bit sub-scale
// (low) and sub-minimum (high) for each 16 weights, 64 bytes of 2-bit codes,
// f16 d, f16 dmin. w = code*(d*scale) - dmin*min. Of each 128 weights, weight l,
// l+32, l+64, l+96 share byte l.

var gridQ2K = gridder{
	Grid:     Grid{Sub: 16, MinCode: 0, MaxCode: 3, Group: 256, HasMin: true},
	grid:     scalesQ2K,
	codes:    func(dst []int16, src []byte) { unpack2(dst, src[16:80], 0) },
	setCodes: func(dst []byte, c []int16) { pack2(dst[16:80], c, 0) },
	d:        80,
	m:        82,
}

func scalesQ2K(src []byte, scale, offset []float32) {
	d, dmin := f16At(src, 80), f16At(src, 82)
	for j, sc := range src[:16] {
		scale[j], offset[j] = d*float32(sc&15), -float32(dmin*float32(sc>>4))
	}
}

func decodeQ2K(dst []float32, src []byte) {
	var s, o [16]float32
	for ; len(dst) > 0; dst, src = dst[256:], src[84:] {
		scalesQ2K(src, s[:], o[:])
		for j := range 16 {
			q, y, shift := src[16+j>>3*32+j&1*16:][:16], dst[16*j:][:16], j>>1&3*2
			for i, b := range q {
				y[i] = fma32(float32(b>>shift&3), s[j], o[j])
			}
		}
	}
}

func encodeQ2K(dst []byte, src []float32) {
	for ; len(src) > 0; dst, src = dst[84:], src[256:] {
		encodeBlockQ2K(dst[:84], src[:256], nil)
	}
}

func encodeFastQ2K(dst []byte, src []float32) int {
	n, fast := len(src)/256, new(simd.Search)
	for ; len(src) > 0; dst, src = dst[84:], src[256:] {
		encodeBlockQ2K(dst[:84], src[:256], fast)
	}
	return n
}

// runQ2K searches scale, minimum and codes of run j of x.
func runQ2K(codes *[256]uint8, x []float32, j int) (scale, minimum float32) {
	var weight [16]float32
	xs := x[16*j : 16*j+16]
	for i, v := range xs {
		weight[i] = abs32(v)
	}
	return searchQ2K.affine(codes[16*j:16*j+16], xs, weight[:])
}

// encodeBlockQ2K writes one block; fast does by assembly what it can, nil is for none.
func encodeBlockQ2K(dst []byte, x []float32, fast *simd.Search) {
	var codes [256]uint8
	var scales, mins [16]float32
	searched := fast == nil || !fast.Absolute(x, searchQ2K.top, searchQ2K.numerators)
	if !searched {
		scales, mins = fast.Scale, fast.Min
	} else {
		for j := range 16 {
			scales[j], mins[j] = runQ2K(&codes, x, j)
		}
	}
	var topScale, topMin, is, im float32
	for j := range 16 {
		topScale, topMin = max(topScale, scales[j]), max(topMin, mins[j])
	}
	if topScale > 0 {
		is = 15 / topScale
	}
	if topMin > 0 {
		im = 15 / topMin
	}
	for j := range 16 {
		dst[j] = uint8(nearest(is*scales[j])) | uint8(nearest(im*mins[j]))<<4
	}
	putF16(dst, 80, topScale/15)
	putF16(dst, 82, topMin/15)
	for j := range 16 {
		if !searched && f16At(dst, 80)*float32(dst[j]&15) == 0 { // the codes stay those of the search
			runQ2K(&codes, x, j)
		}
	}
	roundQ2K(dst, &codes, x)
}

// roundQ2K writes the codes nearest to x on the scales that dst has; a run whose
// scale is 0 gets the codes that are there.
func roundQ2K(dst []byte, codes *[256]uint8, x []float32) {
	var scale, offset [16]float32
	var c [256]int16
	scalesQ2K(dst, scale[:], offset[:])
	for j := range 16 {
		roundAffine(codes[16*j:16*j+16], x[16*j:16*j+16], scale[j], offset[j], 3)
	}
	for i, v := range codes {
		c[i] = int16(v)
	}
	pack2(dst[16:80], c[:], 0)
}

func weighQ2K(dst []byte, src, weights []float32) {
	for ; len(src) > 0; dst, src, weights = dst[84:], src[256:], weights[256:] {
		weighBlockQ2K(dst[:84], src[:256], weights)
	}
}

func weighBlockQ2K(dst []byte, x, importance []float32) {
	var codes [256]uint8
	var scales, mins, sums, weight [16]float32
	var sc, mn [16]uint8
	spread := meanSquare(x)
	for j := range 16 {
		xs := x[16*j : 16*j+16]
		sums[j] = weighted(weight[:], xs, importance[16*j:], spread)
		scales[j], mins[j] = weighedQ2K.affine(codes[16*j:16*j+16], xs, weight[:])
	}
	putF16(dst, 80, positive(sc[:], scales[:], sums[:], 15))
	putF16(dst, 82, positive(mn[:], mins[:], sums[:], 15))
	for j := range 16 {
		dst[j] = sc[j] | mn[j]<<4
	}
	roundQ2K(dst, &codes, x)
}
