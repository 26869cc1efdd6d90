package quant

// A Q4_0 block is 18 bytes for 32 weights: f16 d, then 16 bytes of codes, weight
// i in the low and weight i+16 in the high half of byte i. w = (code-8)*d.

var gridQ4_0 = gridder{
	Grid:     Grid{Sub: 32, MinCode: -8, MaxCode: 7, Group: 32},
	grid:     gridPlain,
	codes:    codesQ4_0,
	setCodes: setCodesQ4_0,
	m:        -1,
}

// gridPlain is the grid of a block that starts with its only f16 scale.
func gridPlain(src []byte, scale, offset []float32) { scale[0], offset[0] = f16At(src, 0), 0 }

func decodeQ4_0(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[32:], src[18:] {
		d, q, y := f16At(src, 0), src[2:18], dst[:32]
		for i, b := range q {
			y[i] = float32(int(b&15)-8) * d
			y[i+16] = float32(int(b>>4)-8) * d
		}
	}
}

func encodeQ4_0(dst []byte, src []float32) {
	for ; len(src) > 0; dst, src = dst[18:], src[32:] {
		d := extreme(src[:32]) / -8
		id := inverse(d)
		putF16(dst, 0, d)
		for i := range 16 {
			dst[2+i] = roundUp(fma32(src[i], id, 8.5), 15) | roundUp(fma32(src[i+16], id, 8.5), 15)<<4
		}
	}
}

func codesQ4_0(dst []int16, src []byte) {
	for i, b := range src[2:18] {
		dst[i], dst[i+16] = int16(b&15)-8, int16(b>>4)-8
	}
}

func setCodesQ4_0(dst []byte, c []int16) {
	for i := range 16 {
		dst[2+i] = byte(c[i]+8) | byte(c[i+16]+8)<<4
	}
}

func weighQ4_0(dst []byte, src, weights []float32) {
	var codes [32]uint8
	weighBlocks(dst, src, weights, 18, func(dst []byte, x, weight []float32) {
		putF16(dst, 0, weighed4.symmetric(codes[:], x, weight))
		for i := range 16 {
			dst[2+i] = codes[i] | codes[i+16]<<4
		}
	})
}
