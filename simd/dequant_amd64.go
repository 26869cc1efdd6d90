//go:build !purego

package simd

import "math"

// unpackers has a row per type; assembly of dequant_*_amd64.s.
var unpackers = [blockKinds]unpackerRow{
	blockQ4_0:  {AVX2: dequantQ4_0AVX2, AVX512: dequantQ4_0AVX512},
	blockQ4_1:  {AVX2: dequantQ4_1AVX2, AVX512: dequantQ4_1AVX512},
	blockQ5_0:  {AVX2: dequantQ5_0AVX2, AVX512: dequantQ5_0AVX512},
	blockQ5_1:  {AVX2: dequantQ5_1AVX2, AVX512: dequantQ5_1AVX512},
	blockQ8_0:  {AVX2: dequantQ8_0AVX2, AVX512: dequantQ8_0AVX512},
	blockQ2K:   {AVX2: dequantQ2KAVX2, AVX512: dequantQ2KAVX512},
	blockQ3K:   {AVX2: dequantQ3KAVX2, AVX512: dequantQ3KAVX512},
	blockQ4K:   {AVX2: dequantQ4KAVX2, AVX512: dequantQ4KAVX512},
	blockQ5K:   {AVX2: dequantQ5KAVX2, AVX512: dequantQ5KAVX512},
	blockQ6K:   {AVX2: dequantQ6KAVX2, AVX512: dequantQ6KAVX512},
	blockIQ4NL: {AVX2: dequantIQ4NLAVX2, AVX512: dequantIQ4NLAVX512},
	blockIQ4XS: {AVX2: dequantIQ4XSAVX2, AVX512: dequantIQ4XSAVX512},
	blockF16:   {AVX2: dequantF16AVX2, AVX512: dequantF16AVX512},
	blockBF16:  {AVX2: dequantBF16AVX2, AVX512: dequantBF16AVX512},
	blockTQ1_0: {AVX2: dequantTQ1_0AVX2, AVX512: dequantTQ1_0AVX2},
	blockTQ2_0: {AVX2: dequantTQ2_0AVX2, AVX512: dequantTQ2_0AVX2},
	blockMXFP4: {AVX2: dequantMXFP4AVX2, AVX512: dequantMXFP4AVX2},
	blockNVFP4: {AVX2: dequantNVFP4AVX2, AVX512: dequantNVFP4AVX2},
	blockQ1_0:  {AVX2: dequantQ1_0AVX2, AVX512: dequantQ1_0AVX2},
	blockQ2_0:  {AVX2: dequantQ2_0AVX2, AVX512: dequantQ2_0AVX2},
}

//go:noescape
func dequantQ4_0AVX512(dst *float32, src *byte, n int)

//go:noescape
func dequantQ4_1AVX512(dst *float32, src *byte, n int)

//go:noescape
func dequantQ5_0AVX512(dst *float32, src *byte, n int)

//go:noescape
func dequantQ5_1AVX512(dst *float32, src *byte, n int)

//go:noescape
func dequantQ8_0AVX512(dst *float32, src *byte, n int)

//go:noescape
func dequantQ2KAVX512(dst *float32, src *byte, n int)

//go:noescape
func dequantQ3KAVX512(dst *float32, src *byte, n int)

//go:noescape
func dequantQ4KAVX512(dst *float32, src *byte, n int)

//go:noescape
func dequantQ5KAVX512(dst *float32, src *byte, n int)

//go:noescape
func dequantQ6KAVX512(dst *float32, src *byte, n int)

//go:noescape
func dequantIQ4NLAVX512(dst *float32, src *byte, n int)

//go:noescape
func dequantIQ4XSAVX512(dst *float32, src *byte, n int)

//go:noescape
func dequantF16AVX512(dst *float32, src *byte, n int)

//go:noescape
func dequantBF16AVX512(dst *float32, src *byte, n int)

//go:noescape
func dequantQ4_0AVX2(dst *float32, src *byte, n int)

//go:noescape
func dequantQ4_1AVX2(dst *float32, src *byte, n int)

//go:noescape
func dequantQ5_0AVX2(dst *float32, src *byte, n int)

//go:noescape
func dequantQ5_1AVX2(dst *float32, src *byte, n int)

//go:noescape
func dequantQ8_0AVX2(dst *float32, src *byte, n int)

//go:noescape
func dequantQ2KAVX2(dst *float32, src *byte, n int)

//go:noescape
func dequantQ3KAVX2(dst *float32, src *byte, n int)

//go:noescape
func dequantQ4KAVX2(dst *float32, src *byte, n int)

//go:noescape
func dequantQ5KAVX2(dst *float32, src *byte, n int)

//go:noescape
func dequantQ6KAVX2(dst *float32, src *byte, n int)

//go:noescape
func dequantIQ4NLAVX2(dst *float32, src *byte, n int)

//go:noescape
func dequantIQ4XSAVX2(dst *float32, src *byte, n int)

//go:noescape
func dequantF16AVX2(dst *float32, src *byte, n int)

//go:noescape
func dequantBF16AVX2(dst *float32, src *byte, n int)

//go:noescape
func dequantTQ1_0AVX2(dst *float32, src *byte, n int)

//go:noescape
func dequantTQ2_0AVX2(dst *float32, src *byte, n int)

//go:noescape
func dequantMXFP4AVX2(dst *float32, src *byte, n int)

//go:noescape
func dequantNVFP4AVX2(dst *float32, src *byte, n int)

//go:noescape
func dequantQ1_0AVX2(dst *float32, src *byte, n int)

//go:noescape
func dequantQ2_0AVX2(dst *float32, src *byte, n int)

// codeFloats are the values of codes: -16..31.
var codeFloats = [48]float32{ //nolint:unused // read by assembly
	-16, -15, -14, -13, -12, -11, -10, -9, -8, -7, -6, -5, -4, -3, -2, -1,
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
	16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
}

// iq4Floats are the values of the codes of IQ4_NL and IQ4_XS.
var iq4Floats = [16]float32{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113} //nolint:unused // read by assembly

// nibbleCodes are the same as bytes, for VPSHUFB.
var nibbleCodes = [16]int8{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113} //nolint:unused // read by assembly

// laneNumbers number the lanes of a register.
var laneNumbers = [16]int32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15} //nolint:unused // read by assembly

// bitSpread moves byte i/8 of four to byte i, for VPSHUFB.
var bitSpread = [32]byte{ //nolint:unused // read by assembly
	0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1,
	2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3,
}

// fp4Codes are the 4-bit floats by their bits, counted in halves, for VPSHUFB.
var fp4Codes = [16]int8{0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12} //nolint:unused // read by assembly

// ue4m3Halves are half the values of the 8-bit floats of NVFP4.
var ue4m3Halves = halvesUE4M3() //nolint:unused // read by assembly

// halvesUE4M3 is a table: 4 bits of exponent, 3 of fraction, an ignored bit on top;
// what the standard calls NaN counts as 0, but not with the top bit.
func halvesUE4M3() (h [256]float32) {
	for b := range h {
		exp, frac := b>>3&15, float64(b&7)
		if exp == 0 {
			h[b] = float32(math.Ldexp(frac, -10))
		} else {
			h[b] = float32(math.Ldexp(8+frac, exp-11))
		}
	}
	h[0x7f] = 0
	return h
}
