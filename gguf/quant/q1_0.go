package quant

import "math"

// A Q1_0 block is 18 bytes for 128 weights d or -d: f16 d, then 16 bytes with a
// bit for each weight, set for d. As codes -1 and 1: w = code*d.

var gridQ1_0 = gridder{
	Grid:     Grid{Sub: 128, MinCode: -1, MaxCode: 1, Group: 128, Levels: []int16{-1, 1}},
	grid:     gridPlain,
	codes:    codesQ1_0,
	setCodes: setCodesQ1_0,
	m:        -1,
}

func codesQ1_0(dst []int16, src []byte) {
	for i, b := range src[2:18] {
		y := dst[8*i : 8*i+8]
		for j := range y {
			y[j] = int16(b&1)*2 - 1
			b >>= 1
		}
	}
}

func setCodesQ1_0(dst []byte, c []int16) {
	clear(dst[2:18])
	for i, v := range c {
		if v > 0 {
			dst[2+i/8] |= 1 << (i % 8)
		}
	}
}

func decodeQ1_0(dst []float32, src []byte) { decodeByGrid(dst, src, &gridQ1_0, 128, 18) }

func encodeQ1_0(dst []byte, src []float32) {
	for ; len(src) > 0; dst, src = dst[18:], src[128:] {
		var sum float32
		for i := range 16 {
			var bits uint8
			for j, x := range src[8*i : 8*i+8] {
				sum += abs32(x)
				bit := uint8(math.Float32bits(x)>>31) ^ 1
				if x == 0 {
					bit = 1
				}
				bits |= bit << j
			}
			dst[2+i] = bits
		}
		putF16(dst, 0, sum/128)
	}
}
