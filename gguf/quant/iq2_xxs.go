package quant

import "encoding/binary"

// An IQ2_XXS block is 66 bytes for 256 weights: f16 d, then for each 32 weights 4
// bytes with an index for each 8, and 32 bits with 7 signs for each 8 weights and
// a 4-bit sub-scale on top. w = code*(d*(scale+1/2)/4).

var gridIQ2XXS = gridder{
	Grid:     Grid{Sub: 32, MinCode: -43, MaxCode: 43, Group: 256, Vector: 8},
	grid:     scalesIQ2XXS,
	codes:    codesIQ2XXS,
	setCodes: setCodesIQ2XXS,
	vector:   cbIQ2XXS.nearestEven,
	m:        -1,
}

func scalesIQ2XXS(src []byte, scale, offset []float32) {
	d := f16At(src, 0)
	for j := range scale {
		scale[j], offset[j] = d*(0.5+float32(src[9+8*j]>>4))*0.25, 0
	}
}

func codesIQ2XXS(dst []int16, src []byte) {
	for j := range 8 {
		q := src[2+8*j:][:8]
		signs := u32At(q, 4)
		for l := range 4 {
			cbIQ2XXS.expand(dst[32*j+8*l:], int(q[l]), evenSigns(signs>>(7*l)))
		}
	}
}

func setCodesIQ2XXS(dst []byte, c []int16) {
	for j := range 8 {
		q := dst[2+8*j:][:8]
		signs := u32At(q, 4) >> 28 << 28
		for l := range 4 {
			index, s := cbIQ2XXS.findSigned(c[32*j+8*l:])
			q[l] = uint8(index)
			signs |= storedSigns(s) << (7 * l)
		}
		binary.LittleEndian.PutUint32(q[4:], signs)
	}
}

func decodeIQ2XXS(dst []float32, src []byte) { decodeByGrid(dst, src, &gridIQ2XXS, 256, 66) }
