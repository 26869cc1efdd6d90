package quant

// A Q3_K block is 110 bytes for 256 weights: 32 bytes with the third bits (bit j
// of byte i for weight 32*j+i), 64 bytes with the low two bits laid out as in
// Q2_K, 12 bytes with sixteen 6-bit sub-scales, f16 d.
// w = (code-4)*(d*(scale-32)) for each 16 weights.

// subScale3 unpacks the sub-scale j of the 12 bytes p: eight bytes hold the low
// four bits of two each, the last four bytes the upper two bits of four each.
func subScale3(p []byte, j int) int {
	return int(p[j&7]>>(j>>3*4)&15|p[8+j&3]>>(j>>2*2)&3<<4) - 32
}

func decodeQ3K(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[256:], src[110:] {
		d := f16At(src, 108)
		for j := range 16 {
			s := d * float32(subScale3(src[96:108], j))
			q, y, shift := src[32+j>>3*32+j&1*16:][:16], dst[16*j:][:16], j>>1&3*2
			h := src[j&1*16:][:16]
			for i, b := range q {
				y[i] = s * float32(int(b>>shift&3|h[i]>>(j>>1)&1<<2)-4)
			}
		}
	}
}
