package quant

import "encoding/binary"

// An IQ4_XS block is 136 bytes for 256 weights: f16 d, 16 bits with the upper two
// bits and 4 bytes with the lower four of eight 6-bit sub-scales, then for each 32
// weights 16 bytes of codes as in IQ4_NL. w = level[code]*(d*(scale-32)).

func decodeIQ4XS(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[256:], src[136:] {
		d, h := f16At(src, 0), binary.LittleEndian.Uint16(src[2:])
		for j := range 8 {
			s := int(src[4+j/2]>>(j%2*4)&15) | int(h>>(2*j)&3)<<4
			expandIQ4(dst[32*j:][:32], src[8+16*j:], d*float32(s-32))
		}
	}
}

func encodeIQ4XS(dst []byte, src []float32) {
	for ; len(src) > 0; dst, src = dst[136:], src[256:] {
		encodeBlockIQ4XS(dst[:136], src[:256])
	}
}

func encodeBlockIQ4XS(dst []byte, x []float32) {
	var scales [8]float32
	for j := range scales {
		scales[j] = searchIQ4(x[32*j : 32*j+32])
	}
	d := extreme(scales[:]) / -32
	id := inverse(d)
	putF16(dst, 0, d)
	clear(dst[2:8])
	var h uint16
	for j, s := range scales {
		l := clampInt(nearestOr(id*s), -32, 31)
		packIQ4(dst[8+16*j:], x[32*j:32*j+32], inverse(d*float32(l)))
		l += 32
		dst[4+j/2] |= byte(l&15) << (j % 2 * 4)
		h |= uint16(l>>4) << (2 * j)
	}
	binary.LittleEndian.PutUint16(dst[2:], h)
}
