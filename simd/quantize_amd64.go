//go:build !purego

package simd

import "math"

// packers has a row per type; assembly of quantize_*_amd64.s. Blocks of 32 are too
// narrow for wider registers to gain anything over their reductions.
var packers = [blockKinds]packerRow{
	blockQ4_0: {AVX2: quantQ4_0AVX2, AVX512: quantQ4_0AVX2},
	blockQ4_1: {AVX2: quantQ4_1AVX2, AVX512: quantQ4_1AVX2},
	blockQ5_0: {AVX2: quantQ5_0AVX2, AVX512: quantQ5_0AVX2},
	blockQ5_1: {AVX2: quantQ5_1AVX2, AVX512: quantQ5_1AVX2},
	blockQ8_0: {AVX2: quantQ8_0AVX2, AVX512: quantQ8_0AVX512},
	blockF16:  {AVX2: quantF16AVX2, AVX512: quantF16AVX512},
	blockBF16: {AVX2: quantBF16AVX2, AVX512: quantBF16AVX512},
}

//go:noescape
func quantQ4_0AVX2(dst *byte, src *float32, n int)

//go:noescape
func quantQ4_1AVX2(dst *byte, src *float32, n int)

//go:noescape
func quantQ5_0AVX2(dst *byte, src *float32, n int)

//go:noescape
func quantQ5_1AVX2(dst *byte, src *float32, n int)

//go:noescape
func quantQ8_0AVX2(dst *byte, src *float32, n int)

//go:noescape
func quantF16AVX2(dst *byte, src *float32, n int)

//go:noescape
func quantBF16AVX2(dst *byte, src *float32, n int)

//go:noescape
func quantQ8_0AVX512(dst *byte, src *float32, n int)

//go:noescape
func quantF16AVX512(dst *byte, src *float32, n int)

//go:noescape
func quantBF16AVX512(dst *byte, src *float32, n int)

// quantTable holds constants of quantize_amd64.s.
var quantTable = [...]float32{ //nolint:unused // read by assembly
	127, 15, 31, -1. / 8, -1. / 16, 1, math.MaxFloat32, -math.MaxFloat32, 0.5, 8.5, 16.5,
}

// dwordOrder undoes the interleaving of two VPACK steps, for VPERMD.
var dwordOrder = [8]int32{0, 4, 1, 5, 2, 6, 3, 7} //nolint:unused // read by assembly

// quarterDwords takes dword 0 of all quarters of a register, then 1, 2 and 3, for
// VPERMD.
var quarterDwords = [16]int32{0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15} //nolint:unused // read by assembly
