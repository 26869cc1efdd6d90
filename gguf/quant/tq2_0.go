package quant

// A TQ2_0 block is 66 bytes for 256 weights: 64 bytes of 2-bit codes, of each 128
// weights, weight l, l+32, l+64, l+96 in byte l; then f16 d. w = (code-1)*d. The
// encoder uses three of the four codes; a file may hold the fourth.

var gridTQ2_0 = gridder{
	Grid:     Grid{Sub: 256, MinCode: -1, MaxCode: 2, Group: 256},
	grid:     func(src []byte, scale, offset []float32) { scale[0], offset[0] = f16At(src, 64), 0 },
	codes:    func(dst []int16, src []byte) { unpack2(dst, src[:64], -1) },
	setCodes: func(dst []byte, c []int16) { pack2(dst[:64], c, 1) },
	d:        64,
	m:        -1,
}

// unpack2 reads 256 two-bit codes, each moved by bias.
func unpack2(dst []int16, src []byte, bias int16) {
	for i, b := range src {
		y := dst[i/32*128+i%32:]
		y[0], y[32], y[64], y[96] = int16(b&3)+bias, int16(b>>2&3)+bias, int16(b>>4&3)+bias, int16(b>>6)+bias
	}
}

// pack2 writes 256 two-bit codes, each moved by bias first.
func pack2(dst []byte, c []int16, bias int16) {
	for i := range dst[:64] {
		y := c[i/32*128+i%32:]
		dst[i] = byte(y[0]+bias)&3 | byte(y[32]+bias)&3<<2 | byte(y[64]+bias)&3<<4 | byte(y[96]+bias)<<6
	}
}

func decodeTQ2_0(dst []float32, src []byte) { decodeByGrid(dst, src, &gridTQ2_0, 256, 66) }

func encodeTQ2_0(dst []byte, src []float32) {
	var codes [256]int16
	for ; len(src) > 0; dst, src = dst[66:], src[256:] {
		putF16(dst, 64, ternary(&codes, src[:256]))
		pack2(dst[:64], codes[:], 1)
	}
}
