package quant

import "encoding/binary"

// An IQ4_XS block is 136 bytes for 256 weights: f16 d, 16 bits with the upper two
// bits and 4 bytes with the lower four of eight 6-bit sub-scales, then for each 32
// weights 16 bytes of codes as in IQ4_NL. w = level[code]*(d*(scale-32)).

var gridIQ4XS = gridder{
	Grid:     Grid{Sub: 32, MinCode: -127, MaxCode: 113, Group: 256, Levels: codesOfIQ4},
	grid:     scalesIQ4XS,
	codes:    codesIQ4XS,
	setCodes: setCodesIQ4XS,
	m:        -1,
}

func scalesIQ4XS(src []byte, scale, offset []float32) {
	d, h := f16At(src, 0), binary.LittleEndian.Uint16(src[2:])
	for j := range scale {
		s := int(src[4+j/2]>>(j%2*4)&15) | int(h>>(2*j)&3)<<4
		scale[j], offset[j] = d*float32(s-32), 0
	}
}

func codesIQ4XS(dst []int16, src []byte) {
	for j := range 8 {
		unpackIQ4(dst[32*j:], src[8+16*j:][:16])
	}
}

func setCodesIQ4XS(dst []byte, c []int16) {
	for j := range 8 {
		setLevelsIQ4(dst[8+16*j:][:16], c[32*j:])
	}
}

func decodeIQ4XS(dst []float32, src []byte) {
	var scale, offset [8]float32
	for ; len(dst) > 0; dst, src = dst[256:], src[136:] {
		scalesIQ4XS(src, scale[:], offset[:])
		for j, s := range scale {
			expandIQ4(dst[32*j:][:32], src[8+16*j:], s)
		}
	}
}

func encodeIQ4XS(dst []byte, src []float32) {
	for ; len(src) > 0; dst, src = dst[136:], src[256:] {
		encodeBlockIQ4XS(dst[:136], src[:256], nil)
	}
}

func weighIQ4XS(dst []byte, src, weights []float32) {
	for ; len(src) > 0; dst, src, weights = dst[136:], src[256:], weights[256:] {
		encodeBlockIQ4XS(dst[:136], src[:256], weights)
	}
}

// encodeBlockIQ4XS writes one block; importance may be nil.
func encodeBlockIQ4XS(dst []byte, x, importance []float32) {
	var scales [8]float32
	var space [32]float32
	var weight []float32
	for j := range scales {
		xs := x[32*j : 32*j+32]
		if importance != nil {
			weight = space[:]
			weighted(weight, xs, importance[32*j:], 2*meanSquare(x))
		}
		scales[j] = searchIQ4(xs, weight)
	}
	d := extreme(scales[:]) / -32
	id := inverse(d)
	putF16(dst, 0, d)
	clear(dst[2:8])
	var h uint16
	for j, s := range scales {
		l := clampInt(nearestOr(id*s), -32, 31)
		packIQ4(dst[8+16*j:], x[32*j:32*j+32], inverse(d*float32(l)))
		l += 32
		dst[4+j/2] |= byte(l&15) << (j % 2 * 4)
		h |= uint16(l>>4) << (2 * j)
	}
	binary.LittleEndian.PutUint16(dst[2:], h)
}
