package quant

// An IQ1_S block is 50 bytes for 256 weights: f16 d, 32 bytes with the low eight
// bits of the index for each 8 weights, then for each 32 weights 16 bits with the
// upper three bits of four indices, a 3-bit sub-scale and, on top, whether the
// values are moved down by 1/8 or up. w = code/8*(d*(2*scale+1)).

var gridIQ1S = gridder{
	Grid:  Grid{Sub: 32, MinCode: -9, MaxCode: 9, Group: 256, Frozen: true},
	grid:  scalesIQ1S,
	codes: codesIQ1S,
	m:     -1,
}

func scalesIQ1S(src []byte, scale, offset []float32) {
	d := f16At(src, 0)
	for j := range scale {
		scale[j], offset[j] = d*float32(2*(u16At(src, 34+2*j)>>12&7)+1)*0.125, 0
	}
}

func codesIQ1S(dst []int16, src []byte) {
	for l := range 32 {
		h := u16At(src, 34+l/4*2)
		expandIQ1(dst[8*l:], int(src[2+l])|h>>(l%4*3)&7<<8, h&0x8000)
	}
}

func decodeIQ1S(dst []float32, src []byte) { decodeByGrid(dst, src, &gridIQ1S, 256, 50) }
