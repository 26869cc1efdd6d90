package quant

import "encoding/binary"

// An IQ2_XS block is 74 bytes for 256 weights: f16 d, for each 8 weights 16 bits
// with a 9-bit index and 7 signs, then sixteen 4-bit sub-scales.
// w = code*(d*(scale+1/2)/4) for each 16 weights.

var gridIQ2XS = gridder{
	Grid:     Grid{Sub: 16, MinCode: -43, MaxCode: 43, Group: 256, Vector: 8},
	grid:     func(src []byte, scale, offset []float32) { scalesIQ2(f16At(src, 0), src[66:74], scale, offset) },
	codes:    codesIQ2XS,
	setCodes: setCodesIQ2XS,
	vector:   cbIQ2XS.nearestEven,
	m:        -1,
}

// scalesIQ2 unpacks sixteen 4-bit sub-scales.
func scalesIQ2(d float32, src []byte, scale, offset []float32) {
	for j := range scale {
		scale[j], offset[j] = d*(0.5+float32(src[j/2]>>(j%2*4)&15))*0.25, 0
	}
}

func codesIQ2XS(dst []int16, src []byte) {
	for l := range 32 {
		q := u16At(src, 2+2*l)
		cbIQ2XS.expand(dst[8*l:], q&511, evenSigns(uint32(q>>9)))
	}
}

func setCodesIQ2XS(dst []byte, c []int16) {
	for l := range 32 {
		index, s := cbIQ2XS.findSigned(c[8*l:])
		binary.LittleEndian.PutUint16(dst[2+2*l:], uint16(index)|uint16(storedSigns(s))<<9)
	}
}

func decodeIQ2XS(dst []float32, src []byte) { decodeByGrid(dst, src, &gridIQ2XS, 256, 74) }
