package quant

import "math"

// A Q8_0 block is 34 bytes for 32 weights: f16 d, then 32 signed bytes.
// w = code*d.

var gridQ8_0 = gridder{
	Grid:     Grid{Sub: 32, MinCode: -128, MaxCode: 127, Group: 32},
	grid:     gridPlain,
	codes:    codesQ8_0,
	setCodes: setCodesQ8_0,
	m:        -1,
}

func decodeQ8_0(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[32:], src[34:] {
		d, q, y := f16At(src, 0), src[2:34], dst[:32]
		for i, b := range q {
			y[i] = float32(int8(b)) * d
		}
	}
}

func encodeQ8_0(dst []byte, src []float32) {
	for ; len(src) > 0; dst, src = dst[34:], src[32:] {
		d := abs32(extreme(src[:32])) / 127
		id := inverse(d)
		putF16(dst, 0, d)
		for i, x := range src[:32] {
			dst[2+i] = roundSigned(x * id)
		}
	}
}

// roundSigned rounds to the nearest integer, ties away from zero; 0 where 1/d
// overflowed, see roundUp.
func roundSigned(x float32) byte {
	if x != x || abs32(x) > 128 {
		return 0
	}
	return byte(int8(math.Round(float64(x))))
}

func codesQ8_0(dst []int16, src []byte) {
	for i, b := range src[2:34] {
		dst[i] = int16(int8(b))
	}
}

func setCodesQ8_0(dst []byte, c []int16) {
	for i, v := range c {
		dst[2+i] = byte(int8(v))
	}
}
