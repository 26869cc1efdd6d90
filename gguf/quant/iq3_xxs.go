package quant

import "encoding/binary"

// An IQ3_XXS block is 98 bytes for 256 weights: f16 d, 64 bytes with an index for
// each 4 weights, then for each 32 weights 32 bits with 7 signs for each 8 weights
// and a 4-bit sub-scale on top. w = code*(d*(scale+1/2)/2).

var gridIQ3XXS = gridder{
	Grid:     Grid{Sub: 32, MinCode: -62, MaxCode: 62, Group: 256, Vector: 8},
	grid:     scalesIQ3XXS,
	codes:    codesIQ3XXS,
	setCodes: setCodesIQ3XXS,
	vector:   cbIQ3XXS.nearestEven,
	m:        -1,
}

func scalesIQ3XXS(src []byte, scale, offset []float32) {
	d := f16At(src, 0)
	for j := range scale {
		scale[j], offset[j] = d*(0.5+float32(src[69+4*j]>>4))*0.5, 0
	}
}

func codesIQ3XXS(dst []int16, src []byte) {
	for l := range 32 {
		signs := evenSigns(u32At(src, 66+l/4*4) >> (l % 4 * 7))
		cbIQ3XXS.expand(dst[8*l:], int(src[2+2*l]), signs)
		cbIQ3XXS.expand(dst[8*l+4:], int(src[3+2*l]), signs>>4)
	}
}

func setCodesIQ3XXS(dst []byte, c []int16) {
	for j := range 8 {
		signs := u32At(dst, 66+4*j) >> 28 << 28
		for l := range 4 {
			at := 4*j + l
			lo, s := cbIQ3XXS.findSigned(c[8*at:])
			hi, t := cbIQ3XXS.findSigned(c[8*at+4:])
			dst[2+2*at], dst[3+2*at] = uint8(lo), uint8(hi)
			signs |= storedSigns(s|t<<4) << (7 * l)
		}
		binary.LittleEndian.PutUint32(dst[66+4*j:], signs)
	}
}

func decodeIQ3XXS(dst []float32, src []byte) { decodeByGrid(dst, src, &gridIQ3XXS, 256, 98) }
