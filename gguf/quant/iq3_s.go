package quant

// An IQ3_S block is 110 bytes for 256 weights: f16 d, 64 bytes with the low eight
// bits of the index for each 4 weights, 8 bytes with the ninth bits, 32 bytes with
// the signs, then eight 4-bit sub-scales. w = code*(d*(1+2*scale)) for each 32
// weights.

var gridIQ3S = gridder{
	Grid:     Grid{Sub: 32, MinCode: -15, MaxCode: 15, Group: 256, Vector: 4},
	grid:     scalesIQ3S,
	codes:    codesIQ3S,
	setCodes: setCodesIQ3S,
	vector:   cbIQ3S.nearestFree,
	m:        -1,
}

func scalesIQ3S(src []byte, scale, offset []float32) {
	d := f16At(src, 0)
	for j := range scale {
		scale[j], offset[j] = d*float32(1+2*(src[106+j/2]>>(j%2*4)&15)), 0
	}
}

func codesIQ3S(dst []int16, src []byte) {
	for k := range 64 {
		index := int(src[2+k]) | int(src[66+k/8])>>(k%8)&1<<8
		cbIQ3S.expand(dst[4*k:], index, src[74+k/2]>>(k%2*4))
	}
}

func setCodesIQ3S(dst []byte, c []int16) {
	clear(dst[66:106])
	for k := range 64 {
		index, signs := cbIQ3S.findSigned(c[4*k:])
		dst[2+k] = uint8(index)
		dst[66+k/8] |= uint8(index>>8) << (k % 8)
		dst[74+k/2] |= signs << (k % 2 * 4)
	}
}

func decodeIQ3S(dst []float32, src []byte) { decodeByGrid(dst, src, &gridIQ3S, 256, 110) }
