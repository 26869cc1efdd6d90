package quant

// An IQ2_S block is 82 bytes for 256 weights: f16 d, 32 bytes with the low eight
// bits of the index for each 8 weights, 32 bytes with their signs, 8 bytes with
// the upper two bits of four indices each, then sixteen 4-bit sub-scales.
// w = code*(d*(scale+1/2)/4) for each 16 weights.

var gridIQ2S = gridder{
	Grid:     Grid{Sub: 16, MinCode: -43, MaxCode: 43, Group: 256, Vector: 8},
	grid:     func(src []byte, scale, offset []float32) { scalesIQ2(f16At(src, 0), src[74:82], scale, offset) },
	codes:    codesIQ2S,
	setCodes: setCodesIQ2S,
	vector:   cbIQ2S.nearestFree,
	m:        -1,
}

func codesIQ2S(dst []int16, src []byte) {
	for l := range 32 {
		high := int(src[66+l/4]) >> (l % 4 * 2) & 3
		cbIQ2S.expand(dst[8*l:], int(src[2+l])|high<<8, src[34+l])
	}
}

func setCodesIQ2S(dst []byte, c []int16) {
	clear(dst[66:74])
	for l := range 32 {
		index, signs := cbIQ2S.findSigned(c[8*l:])
		dst[2+l], dst[34+l] = uint8(index), signs
		dst[66+l/4] |= uint8(index>>8) << (l % 4 * 2)
	}
}

func decodeIQ2S(dst []float32, src []byte) { decodeByGrid(dst, src, &gridIQ2S, 256, 82) }
