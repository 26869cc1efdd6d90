package quant

// An IQ2_S block is 82 bytes for 256 weights: f16 d, 32 bytes with the low eight
// bits of the index for each 8 weights, 32 bytes with their signs, 8 bytes with
// the upper two bits of four indices each, then sixteen 4-bit sub-scales.
// w = code*(d*(scale+1/2)/4) for each 16 weights.

var gridIQ2S = gridder{
	Grid:  Grid{Sub: 16, MinCode: -43, MaxCode: 43, Group: 256, Frozen: true},
	grid:  func(src []byte, scale, offset []float32) { scalesIQ2(f16At(src, 0), src[74:82], scale, offset) },
	codes: codesIQ2S,
	m:     -1,
}

func codesIQ2S(dst []int16, src []byte) {
	for l := range 32 {
		high := int(src[66+l/4]) >> (l % 4 * 2) & 3
		expand8(dst[8*l:], bookIQ2S[int(src[2+l])|high<<8], src[34+l])
	}
}

func decodeIQ2S(dst []float32, src []byte) { decodeByGrid(dst, src, &gridIQ2S, 256, 82) }
