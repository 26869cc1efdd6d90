package quant

// A Q6_K block is 210 bytes for 256 weights: 128 bytes with the low four bits
// and 64 bytes with the upper two bits of the codes, 16 signed sub-scales of one
// byte, f16 d. w = (code-32)*(d*scale) for each 16 weights. Of each 128 weights,
// weight l, l+32, l+64, l+96 share byte l of the upper bits, two bits each; the
// first two have the low halves of bytes l and l+32, the others the high halves.

var gridQ6K = gridder{
	Grid:     Grid{Sub: 16, MinCode: -32, MaxCode: 31, Group: 256},
	grid:     scalesQ6K,
	codes:    codesQ6K,
	setCodes: setCodesQ6K,
	d:        208,
	m:        -1,
}

func scalesQ6K(src []byte, scale, offset []float32) {
	d := f16At(src, 208)
	for j, s := range src[192:208] {
		scale[j], offset[j] = d*float32(int8(s)), 0
	}
}

func decodeQ6K(dst []float32, src []byte) {
	var s, o [16]float32
	for ; len(dst) > 0; dst, src = dst[256:], src[210:] {
		scalesQ6K(src, s[:], o[:])
		for n := range 2 {
			ql, qh, y, sc := src[64*n:][:64], src[128+32*n:][:32], dst[128*n:][:128], s[8*n:][:8]
			for l, h := range qh {
				is := l >> 4
				y[l] = float32(int(ql[l]&15|h&3<<4)-32) * sc[is]
				y[l+32] = float32(int(ql[l+32]&15|h>>2&3<<4)-32) * sc[is+2]
				y[l+64] = float32(int(ql[l]>>4|h>>4&3<<4)-32) * sc[is+4]
				y[l+96] = float32(int(ql[l+32]>>4|h>>6<<4)-32) * sc[is+6]
			}
		}
	}
}

func encodeQ6K(dst []byte, src []float32) {
	for ; len(src) > 0; dst, src = dst[210:], src[256:] {
		encodeBlockQ6K(dst[:210], src[:256])
	}
}

func encodeBlockQ6K(dst []byte, x []float32) {
	var codes [256]uint8
	var scales [16]float32
	var top, amax float32
	for j := range scales {
		scales[j] = searchSymmetric(codes[16*j:16*j+16], x[16*j:16*j+16], 32)
		if a := abs32(scales[j]); a > amax {
			amax, top = a, scales[j]
		}
	}
	clear(dst)
	if amax < tinyGroup {
		return
	}
	is := -128 / top
	putF16(dst, 208, 1/is)
	d := f16At(dst, 208)
	for j := range scales {
		sc := min(127, nearest(is*scales[j]))
		dst[192+j] = byte(int8(sc))
		if s := d * float32(int8(sc)); s != 0 {
			for i := range 16 {
				codes[16*j+i] = uint8(clampInt(nearestOr(x[16*j+i]/s), -32, 31) + 32)
			}
		}
	}
	packQ6K(dst, codes[:])
}

// packQ6K writes 256 six-bit codes.
func packQ6K(dst []byte, c []uint8) {
	for n := range 2 {
		ql, qh, q := dst[64*n:][:64], dst[128+32*n:][:32], c[128*n:][:128]
		for l := range 32 {
			ql[l] = q[l]&15 | q[l+64]&15<<4
			ql[l+32] = q[l+32]&15 | q[l+96]&15<<4
			qh[l] = q[l]>>4 | q[l+32]>>4<<2 | q[l+64]>>4<<4 | q[l+96]>>4<<6
		}
	}
}

func codesQ6K(dst []int16, src []byte) {
	for n := range 2 {
		ql, qh, y := src[64*n:][:64], src[128+32*n:][:32], dst[128*n:][:128]
		for l, h := range qh {
			y[l] = int16(ql[l]&15|h&3<<4) - 32
			y[l+32] = int16(ql[l+32]&15|h>>2&3<<4) - 32
			y[l+64] = int16(ql[l]>>4|h>>4&3<<4) - 32
			y[l+96] = int16(ql[l+32]>>4|h>>6<<4) - 32
		}
	}
}

func setCodesQ6K(dst []byte, c []int16) {
	var u [256]uint8
	for i, v := range c {
		u[i] = uint8(v + 32)
	}
	packQ6K(dst, u[:])
}
