package quant

import "encoding/binary"

// An IQ1_S block is 50 bytes for 256 weights: f16 d, 32 bytes with the low eight
// bits of the index for each 8 weights, then for each 32 weights 16 bits with the
// upper three bits of four indices, a 3-bit sub-scale and, on top, whether the
// values are moved down by 1/8 or up. w = code/8*(d*(2*scale+1)).

var gridIQ1S = gridder{
	Grid:     Grid{Sub: 32, MinCode: -9, MaxCode: 9, Group: 256, Vector: 8},
	grid:     scalesIQ1S,
	codes:    codesIQ1S,
	setCodes: setCodesIQ1S,
	vector:   nearestIQ1S,
	m:        -1,
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
		expandIQ1(dst[8*l:], int(src[2+l])|h>>(l%4*3)&7<<8, h&0x8000 != 0)
	}
}

func setCodesIQ1S(dst []byte, c []int16) {
	for j := range 8 {
		h := u16At(dst, 34+2*j) & 0x7000
		for l := range 4 {
			index, down := findIQ1(c[32*j+8*l:])
			if _, first := findIQ1(c[32*j:]); down != first {
				panic(badCode)
			}
			if down {
				h |= 0x8000
			}
			dst[2+4*j+l] = uint8(index)
			h |= index >> 8 << (3 * l)
		}
		binary.LittleEndian.PutUint16(dst[34+2*j:], uint16(h))
	}
}

// expandIQ1 writes 8 codes: the eighths of the vector and one more or less.
func expandIQ1(dst []int16, index int, down bool) {
	cbIQ1.expand(dst, index, 0)
	shift := shiftIQ1(down)
	for j := range dst[:8] {
		dst[j] += shift
	}
}

func shiftIQ1(down bool) int16 {
	if down {
		return -1
	}
	return 1
}

// findIQ1 is the reverse of expandIQ1.
func findIQ1(codes []int16) (index int, down bool) {
	var values [8]int16
	down = codes[0]&7 == 7
	for j, c := range codes[:8] {
		values[j] = c - shiftIQ1(down)
	}
	return cbIQ1.find(values[:]), down
}

// nearestIQ1S keeps the direction of the codes in place, since 32 weights share it.
func nearestIQ1S(codes []int16, aim []float32) {
	down := codes[0]&7 == 7
	index, _ := closestIQ1(aim, down)
	expandIQ1(codes, index, down)
}

// closestIQ1 is the nearest vector moved down or up, and its distance squared.
func closestIQ1(aim []float32, down bool) (int, float32) {
	var a [8]float32
	var square float32
	shift := float32(shiftIQ1(down))
	for j, x := range aim[:8] {
		a[j] = x - shift
		square += a[j] * a[j]
	}
	index, _, cost := cbIQ1.nearest(&a, false)
	return index, cost + square
}

func decodeIQ1S(dst []float32, src []byte) { decodeByGrid(dst, src, &gridIQ1S, 256, 50) }
