package quant

import "github.com/detox-surgery/detox-surgery/simd"

// A Q5_K block is 176 bytes for 256 weights: f16 d, f16 dmin and 12 bytes of
// sub-scales as in Q4_K, 32 bytes with the fifth bits (bit j of byte i for
// weight 32*j+i), then 128 bytes with the low four bits as in Q4_K.

var gridQ5K = gridder{
	Grid:     Grid{Sub: 32, MinCode: 0, MaxCode: 31, Group: 256, HasMin: true},
	grid:     gridK,
	codes:    codesQ5K,
	setCodes: setCodesQ5K,
	m:        2,
}

func decodeQ5K(dst []float32, src []byte) {
	var s, o [8]float32
	for ; len(dst) > 0; dst, src = dst[256:], src[176:] {
		gridK(src, s[:], o[:])
		h := src[16:48]
		for j := 0; j < 8; j += 2 {
			q, y := src[48+16*j:][:32], dst[32*j:][:64]
			for i, b := range q {
				y[i] = fma32(float32(b&15|h[i]>>j&1<<4), s[j], o[j])
				y[i+32] = fma32(float32(b>>4|h[i]>>(j+1)&1<<4), s[j+1], o[j+1])
			}
		}
	}
}

func encodeQ5K(dst []byte, src []float32) { encodeBlocksQ5K(dst, src, nil) }

func encodeFastQ5K(dst []byte, src []float32) int {
	encodeBlocksQ5K(dst, src, new(simd.Search))
	return len(src) / 256
}

func encodeBlocksQ5K(dst []byte, src []float32, fast *simd.Search) {
	var codes [256]uint8
	for ; len(src) > 0; dst, src = dst[176:], src[256:] {
		encodeK(dst, &codes, src[:256], searchQ5K, fast)
		packQ5K(dst[16:176], codes[:])
	}
}

// packQ5K writes 256 five-bit codes: 32 bytes of high bits, then the low ones.
func packQ5K(dst []byte, c []uint8) {
	clear(dst[:32])
	var low [256]uint8
	for i, v := range c {
		low[i] = v & 15
		dst[i&31] |= v >> 4 << (i >> 5)
	}
	packQ4K(dst[32:160], low[:])
}

func codesQ5K(dst []int16, src []byte) {
	h := src[16:48]
	for j := 0; j < 8; j += 2 {
		for i, b := range src[48+16*j:][:32] {
			dst[32*j+i] = int16(b&15 | h[i]>>j&1<<4)
			dst[32*j+i+32] = int16(b>>4 | h[i]>>(j+1)&1<<4)
		}
	}
}

func setCodesQ5K(dst []byte, c []int16) {
	var u [256]uint8
	for i, v := range c {
		u[i] = uint8(v)
	}
	packQ5K(dst[16:176], u[:])
}

func weighQ5K(dst []byte, src, weights []float32) {
	var codes [256]uint8
	for ; len(src) > 0; dst, src, weights = dst[176:], src[256:], weights[256:] {
		weighK(dst, &codes, src[:256], weights, weighedQ5K)
		packQ5K(dst[16:176], codes[:])
	}
}
