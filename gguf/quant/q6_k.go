package quant

import "github.com/detox-surgery/detox-surgery/simd"

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

func encodeQ6K(dst []byte, src []float32) { encodeBlocksQ6K(dst, src, nil) }

func encodeFastQ6K(dst []byte, src []float32) int {
	encodeBlocksQ6K(dst, src, new(simd.Search))
	return len(src) / 256
}

func encodeBlocksQ6K(dst []byte, src []float32, fast *simd.Search) {
	for ; len(src) > 0; dst, src = dst[210:], src[256:] {
		encodeBlockQ6K(dst[:210], src[:256], nil, fast)
	}
}

func weighQ6K(dst []byte, src, weights []float32) {
	for ; len(src) > 0; dst, src, weights = dst[210:], src[256:], weights[256:] {
		encodeBlockQ6K(dst[:210], src[:256], weights[:256], nil)
	}
}

// encodeBlockQ6K writes one block; weights are nil for x^2. fast, only then, does
// by assembly what it can; nil is for none.
func encodeBlockQ6K(dst []byte, x, weights []float32, fast *simd.Search) {
	var codes [256]uint8
	var scales [16]float32
	searched := fast == nil || !fast.Symmetric(x, searchQ6K.top, searchQ6K.numerators)
	if !searched {
		scales = fast.Scale
	} else {
		for j := range scales {
			scales[j] = searchQ6K.symmetric(codes[16*j:16*j+16], x[16*j:16*j+16], part(weights, j))
		}
	}
	clear(dst)
	top := extreme(scales[:])
	if abs32(top) < tinyGroup {
		return
	}
	is := -128 / top
	putF16(dst, 208, 1/is)
	d := f16At(dst, 208)
	for j := range scales {
		sc := int8(min(127, nearest(is*scales[j])))
		dst[192+j] = byte(sc)
		scales[j] = d * float32(sc)
	}
	rounded := fast != nil && simd.RoundSymmetric(&codes, x, &scales, searchQ6K.top)
	for j, s := range scales {
		c, xs := codes[16*j:16*j+16], x[16*j:16*j+16]
		switch {
		case s == 0 && (rounded || !searched): // the codes stay those of the search
			searchQ6K.symmetric(c, xs, part(weights, j))
		case s != 0 && !rounded:
			for i, v := range xs {
				c[i] = uint8(clampInt(nearestOr(v/s), -32, 31) + 32)
			}
		}
	}
	packQ6K(dst, codes[:])
}

// part is run j of 16 values, nil of nil.
func part(x []float32, j int) []float32 {
	if x == nil {
		return nil
	}
	return x[16*j : 16*j+16]
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
