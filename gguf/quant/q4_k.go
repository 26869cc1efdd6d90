package quant

import "github.com/detox-surgery/detox-surgery/simd"

// A Q4_K block is 144 bytes for 256 weights: f16 d, f16 dmin, 12 bytes with
// eight 6-bit pairs of sub-scale and sub-minimum, then 128 bytes of codes: of
// each 64 weights the first 32 lie in the low, the others in the high halves of
// 32 bytes. w = code*(d*scale) - dmin*min for each 32 weights.

var gridQ4K = gridder{
	Grid:     Grid{Sub: 32, MinCode: 0, MaxCode: 15, Group: 256, HasMin: true},
	grid:     gridK,
	codes:    codesQ4K,
	setCodes: setCodesQ4K,
	m:        2,
}

// subScale unpacks the sub-scale and sub-minimum of sub-block j from the 12
// bytes p: 6 bits each, the upper two bits of the last four kept apart.
func subScale(p []byte, j int) (sc, mn uint8) {
	if j < 4 {
		return p[j] & 63, p[j+4] & 63
	}
	return p[j+4]&15 | p[j-4]>>6<<4, p[j+4]>>4 | p[j]>>6<<4
}

// putSubScale is the reverse of subScale; j must go upwards from 0.
func putSubScale(p []byte, j int, sc, mn uint8) {
	if j < 4 {
		p[j], p[j+4] = sc, mn
		return
	}
	p[j+4] = sc&15 | mn&15<<4
	p[j-4] |= sc >> 4 << 6
	p[j] |= mn >> 4 << 6
}

// gridK is the grid of Q4_K and Q5_K, which start alike.
func gridK(src []byte, scale, offset []float32) {
	d, dmin := f16At(src, 0), f16At(src, 2)
	for j := range 8 {
		sc, mn := subScale(src[4:16], j)
		scale[j], offset[j] = d*float32(sc), -float32(dmin*float32(mn))
	}
}

func decodeQ4K(dst []float32, src []byte) {
	var s, o [8]float32
	for ; len(dst) > 0; dst, src = dst[256:], src[144:] {
		gridK(src, s[:], o[:])
		for j := 0; j < 8; j += 2 {
			q, y := src[16+16*j:][:32], dst[32*j:][:64]
			for i, b := range q {
				y[i] = fma32(float32(b&15), s[j], o[j])
				y[i+32] = fma32(float32(b>>4), s[j+1], o[j+1])
			}
		}
	}
}

func encodeQ4K(dst []byte, src []float32) { encodeBlocksQ4K(dst, src, nil) }

func encodeFastQ4K(dst []byte, src []float32) int {
	encodeBlocksQ4K(dst, src, new(simd.Search))
	return len(src) / 256
}

func encodeBlocksQ4K(dst []byte, src []float32, fast *simd.Search) {
	var codes [256]uint8
	for ; len(src) > 0; dst, src = dst[144:], src[256:] {
		encodeK(dst, &codes, src[:256], searchQ4K, fast)
		packQ4K(dst[16:144], codes[:])
	}
}

// packQ4K writes 256 four-bit codes.
func packQ4K(dst []byte, c []uint8) {
	for j := 0; j < 8; j += 2 {
		for i := range 32 {
			dst[16*j+i] = c[32*j+i] | c[32*j+i+32]<<4
		}
	}
}

func codesQ4K(dst []int16, src []byte) {
	for j := 0; j < 8; j += 2 {
		for i, b := range src[16+16*j:][:32] {
			dst[32*j+i], dst[32*j+i+32] = int16(b&15), int16(b>>4)
		}
	}
}

func setCodesQ4K(dst []byte, c []int16) {
	var u [256]uint8
	for i, v := range c {
		u[i] = uint8(v)
	}
	packQ4K(dst[16:144], u[:])
}

func weighQ4K(dst []byte, src, weights []float32) {
	var codes [256]uint8
	for ; len(src) > 0; dst, src, weights = dst[144:], src[256:], weights[256:] {
		weighK(dst, &codes, src[:256], weights, weighedQ4K)
		packQ4K(dst[16:144], codes[:])
	}
}
