package quant

// A Q2_0 block is 18 bytes for 64 weights: f16 d, then 16 bytes of 2-bit codes,
// four neighbours a byte. w = (code-1)*d.

var gridQ2_0 = gridder{
	Grid:     Grid{Sub: 64, MinCode: -1, MaxCode: 2, Group: 64},
	grid:     gridPlain,
	codes:    codesQ2_0,
	setCodes: setCodesQ2_0,
	m:        -1,
}

func codesQ2_0(dst []int16, src []byte) {
	for i, b := range src[2:18] {
		y := dst[4*i : 4*i+4]
		y[0], y[1], y[2], y[3] = int16(b&3)-1, int16(b>>2&3)-1, int16(b>>4&3)-1, int16(b>>6)-1
	}
}

func setCodesQ2_0(dst []byte, c []int16) {
	clear(dst[2:18])
	for i, v := range c {
		dst[2+i/4] |= byte(v+1) << (i % 4 * 2)
	}
}

func decodeQ2_0(dst []float32, src []byte) { decodeByGrid(dst, src, &gridQ2_0, 64, 18) }

func encodeQ2_0(dst []byte, src []float32) {
	var codes [64]int16
	for ; len(src) > 0; dst, src = dst[18:], src[64:] {
		d := abs32(extreme(src[:64]))
		id := inverse(d)
		putF16(dst, 0, d)
		for i, x := range src[:64] {
			switch q := x * id; {
			case q > -0.5 && q < 0.5:
				codes[i] = 0
			case q >= 0.5 && q < 2:
				codes[i] = 1
			default: // also what an overflow of 1/d makes of C's cast
				codes[i] = -1
			}
		}
		setCodesQ2_0(dst[:18], codes[:])
	}
}
