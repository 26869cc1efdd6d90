//go:build !purego

package simd

// unpackers has a row per type; assembly of dequant_*_arm64.s.
var unpackers = [blockKinds]unpackerRow{
	blockQ4_0:  {NEON: dequantQ4_0NEON},
	blockQ4_1:  {NEON: dequantQ4_1NEON},
	blockQ5_0:  {NEON: dequantQ5_0NEON},
	blockQ5_1:  {NEON: dequantQ5_1NEON},
	blockQ8_0:  {NEON: dequantQ8_0NEON},
	blockQ2K:   {NEON: dequantQ2KNEON},
	blockQ3K:   {NEON: dequantQ3KNEON},
	blockQ4K:   {NEON: dequantQ4KNEON},
	blockQ5K:   {NEON: dequantQ5KNEON},
	blockQ6K:   {NEON: dequantQ6KNEON},
	blockIQ4NL: {NEON: dequantIQ4NLNEON},
	blockIQ4XS: {NEON: dequantIQ4XSNEON},
	blockF16:   {NEON: dequantF16NEON},
	blockBF16:  {NEON: dequantBF16NEON},
}

//go:noescape
func dequantQ4_0NEON(dst *float32, src *byte, n int)

//go:noescape
func dequantQ4_1NEON(dst *float32, src *byte, n int)

//go:noescape
func dequantQ5_0NEON(dst *float32, src *byte, n int)

//go:noescape
func dequantQ5_1NEON(dst *float32, src *byte, n int)

//go:noescape
func dequantQ8_0NEON(dst *float32, src *byte, n int)

//go:noescape
func dequantQ2KNEON(dst *float32, src *byte, n int)

//go:noescape
func dequantQ3KNEON(dst *float32, src *byte, n int)

//go:noescape
func dequantQ4KNEON(dst *float32, src *byte, n int)

//go:noescape
func dequantQ5KNEON(dst *float32, src *byte, n int)

//go:noescape
func dequantQ6KNEON(dst *float32, src *byte, n int)

//go:noescape
func dequantIQ4NLNEON(dst *float32, src *byte, n int)

//go:noescape
func dequantIQ4XSNEON(dst *float32, src *byte, n int)

//go:noescape
func dequantF16NEON(dst *float32, src *byte, n int)

//go:noescape
func dequantBF16NEON(dst *float32, src *byte, n int)

// iq4Codes are the codes that the nibbles of the IQ4 types stand for.
var iq4Codes = [16]int8{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113} //nolint:unused // read by assembly
