package quant

// A Q4_1 block is 20 bytes for 32 weights: f16 d, f16 m, then 16 bytes of codes,
// weight i in the low and weight i+16 in the high half of byte i. w = code*d + m.

var gridQ4_1 = gridder{
	Grid:     Grid{Sub: 32, MinCode: 0, MaxCode: 15, Group: 32, HasMin: true},
	grid:     gridMin,
	codes:    codesQ4_1,
	setCodes: setCodesQ4_1,
	m:        2,
}

// gridMin is the grid of a block that starts with f16 scale and f16 minimum.
func gridMin(src []byte, scale, offset []float32) { scale[0], offset[0] = f16At(src, 0), f16At(src, 2) }

func decodeQ4_1(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[32:], src[20:] {
		d, m, q, y := f16At(src, 0), f16At(src, 2), src[4:20], dst[:32]
		for i, b := range q {
			y[i] = fma32(float32(b&15), d, m)
			y[i+16] = fma32(float32(b>>4), d, m)
		}
	}
}

func encodeQ4_1(dst []byte, src []float32) {
	for ; len(src) > 0; dst, src = dst[20:], src[32:] {
		lo, hi := bounds(src[:32])
		d := (hi - lo) / 15
		id := inverse(d)
		putF16(dst, 0, d)
		putF16(dst, 2, lo)
		for i := range 16 {
			dst[4+i] = roundUp(fma32(src[i]-lo, id, 0.5), 15) | roundUp(fma32(src[i+16]-lo, id, 0.5), 15)<<4
		}
	}
}

func codesQ4_1(dst []int16, src []byte) {
	for i, b := range src[4:20] {
		dst[i], dst[i+16] = int16(b&15), int16(b>>4)
	}
}

func setCodesQ4_1(dst []byte, c []int16) {
	for i := range 16 {
		dst[4+i] = byte(c[i]) | byte(c[i+16])<<4
	}
}

func weighQ4_1(dst []byte, src, weights []float32) {
	var codes [32]uint8
	weighBlocks(dst, src, weights, 20, func(dst []byte, x, weight []float32) {
		d, m := weighedQ4K.affine(codes[:], x, weight)
		putF16(dst, 0, d)
		putF16(dst, 2, -m)
		for i := range 16 {
			dst[4+i] = codes[i] | codes[i+16]<<4
		}
	})
}
