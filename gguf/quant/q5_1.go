package quant

import "encoding/binary"

// A Q5_1 block is 24 bytes for 32 weights: f16 d, f16 m, then bits as in Q5_0.
// w = code*d + m.

var gridQ5_1 = gridder{
	Grid:     Grid{Sub: 32, MinCode: 0, MaxCode: 31, Group: 32, HasMin: true},
	grid:     gridMin,
	codes:    func(dst []int16, src []byte) { unpack5(dst, src[4:24], 0) },
	setCodes: func(dst []byte, c []int16) { pack5(dst[4:24], c, 0) },
	m:        2,
}

func decodeQ5_1(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[32:], src[24:] {
		d, m, h, q, y := f16At(src, 0), f16At(src, 2), binary.LittleEndian.Uint32(src[4:]), src[8:24], dst[:32]
		for i, b := range q {
			y[i] = fma32(float32(uint32(b&15)|h>>i&1<<4), d, m)
			y[i+16] = fma32(float32(uint32(b>>4)|h>>(i+16)&1<<4), d, m)
		}
	}
}

func encodeQ5_1(dst []byte, src []float32) {
	var c [32]int16
	for ; len(src) > 0; dst, src = dst[24:], src[32:] {
		lo, hi := bounds(src[:32])
		d := (hi - lo) / 31
		id := inverse(d)
		putF16(dst, 0, d)
		putF16(dst, 2, lo)
		for i, x := range src[:32] {
			c[i] = int16(roundUp(fma32(x-lo, id, 0.5), 31))
		}
		pack5(dst[4:], c[:], 0)
	}
}

func weighQ5_1(dst []byte, src, weights []float32) {
	var codes [32]uint8
	weighBlocks(dst, src, weights, 24, func(dst []byte, x, weight []float32) {
		d, m := weighedQ5K.affine(codes[:], x, weight)
		putF16(dst, 0, d)
		putF16(dst, 2, -m)
		packBytes5(dst[4:], &codes)
	})
}
