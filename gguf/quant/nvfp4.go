package quant

import (
	"math"

	"github.com/detox-surgery/detox-surgery/simd"
)

// An NVFP4 block is 36 bytes for 64 weights: four 8-bit floats, the scales of 16
// weights each, then for each 16 weights 8 bytes of codes as in MXFP4.
// w = code*scale. The scales, without sign and with three bits behind the point,
// move in steps of 6 to 12 %: no carriers for an edit, hence Grid.Coarse.

var gridNVFP4 = gridder{
	Grid:     Grid{Sub: 16, MinCode: -12, MaxCode: 12, Group: 16, Levels: sortedFP4, Coarse: true},
	grid:     scalesNVFP4,
	codes:    codesNVFP4,
	setCodes: setCodesNVFP4,
	carrier:  &carrierUE4M3,
	m:        -1,
}

var carrierUE4M3 = carrier{
	read: func(b []byte, at int) float32 { return halfUE4M3(b[at]) },
	write: func(b []byte, at int, x float32) {
		if halfUE4M3(b[at]) != x { // some values have several forms
			b[at] = nearestUE4M3(2 * x)
		}
	},
	round: func(x float32) float32 { return halfUE4M3(nearestUE4M3(2 * x)) },
}

// halfUE4M3 is half the value of an 8-bit float with 4 bits of exponent, 3 of
// fraction, and a top bit that is ignored; 0x7f, NaN by the standard, counts as 0.
func halfUE4M3(b uint8) float32 {
	exp, frac := int(b>>3&15), int(b&7)
	switch {
	case b == 0x7f:
		return 0
	case exp == 0:
		return float32(math.Ldexp(float64(frac), -10))
	}
	return float32(math.Ldexp(float64(8+frac), exp-11))
}

// nearestUE4M3 rounds x, halves up, at most to 448, and to 0 if it is not positive.
func nearestUE4M3(x float32) uint8 {
	if !(x > 0) {
		return 0
	}
	bits := math.Float32bits(min(x, 448))
	exp := int(bits>>23) - 120
	if exp <= 0 {
		return uint8(min(fma32(x, 512, 0.5), 7))
	}
	// A fraction that rounds up to 8 carries into the exponent.
	return uint8(min(exp<<3+int(bits>>20&7+bits>>19&1), 0x7e))
}

func scalesNVFP4(src []byte, scale, offset []float32) {
	for j := range scale {
		scale[j], offset[j] = halfUE4M3(src[j]), 0
	}
}

func codesNVFP4(dst []int16, src []byte) {
	for j := range 4 {
		codesFP4(dst[16*j:16*j+16], src[4+8*j:][:8])
	}
}

func setCodesNVFP4(dst []byte, c []int16) {
	for j := range 4 {
		setCodesFP4(dst[4+8*j:][:8], c[16*j:16*j+16])
	}
}

func decodeNVFP4(dst []float32, src []byte) { decodeByGrid(dst, src, &gridNVFP4, 64, 36) }

func encodeNVFP4(dst []byte, src []float32) {
	for ; len(src) > 0; dst, src = dst[36:], src[64:] {
		for j := range 4 {
			x := src[16*j : 16*j+16]
			dst[j] = scaleNVFP4(abs32(extreme(x)))
			packFP4(dst[4+8*j:][:8], x, halfUE4M3(dst[j]))
		}
	}
}

// scaleNVFP4 is the scale of 16 weights whose largest magnitude is top; from 256 on
// the reference takes the largest.
func scaleNVFP4(top float32) uint8 {
	d := nearestUE4M3(top / 6)
	if d >= 0x78 {
		return 0x7e
	}
	return d
}

func encodeFastNVFP4(dst []byte, src []float32) (blocks int) {
	var codes [64]uint8
	var scale [4]float32
	for ; len(src) > 0; dst, src = dst[36:], src[64:] {
		plain := true
		for j := range scale {
			top := abs32(extreme(src[16*j : 16*j+16]))
			dst[j] = scaleNVFP4(top)
			scale[j] = halfUE4M3(dst[j])
			plain = plain && exactFP4(top, scale[j])
		}
		if !plain {
			encodeNVFP4(dst[:36], src[:64])
		} else if simd.RoundFP4(&codes, src[:64], &scale) {
			for j := range scale {
				joinFP4(dst[4+8*j:][:8], codes[16*j:])
			}
		} else {
			break
		}
		blocks++
	}
	return blocks
}
