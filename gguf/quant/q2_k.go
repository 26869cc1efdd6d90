package quant

// A Q2_K block is 84 bytes for 256 weights: 16 bytes with a 4-bit sub-scale
// (low) and sub-minimum (high) for each 16 weights, 64 bytes of 2-bit codes,
// f16 d, f16 dmin. w = code*(d*scale) - dmin*min. Of each 128 weights, weight l,
// l+32, l+64, l+96 share byte l.

func decodeQ2K(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[256:], src[84:] {
		d, dmin := f16At(src, 80), f16At(src, 82)
		for j, sc := range src[:16] {
			s, o := d*float32(sc&15), -float32(dmin*float32(sc>>4))
			q, y, shift := src[16+j>>3*32+j&1*16:][:16], dst[16*j:][:16], j>>1&3*2
			for i, b := range q {
				y[i] = fma32(float32(b>>shift&3), s, o)
			}
		}
	}
}
