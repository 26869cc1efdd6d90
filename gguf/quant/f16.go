package quant

import (
	"encoding/binary"
	"math"
)

// F16ToF32 converts the bits of an IEEE half to float32, exactly.
func F16ToF32(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exp := uint32(h>>10) & 0x1f
	frac := uint32(h) & 0x3ff
	switch exp {
	case 0:
		// A subnormal is frac * 2^-24, which float32 holds exactly.
		f := float32(frac) * 0x1p-24
		return math.Float32frombits(math.Float32bits(f) | sign)
	case 0x1f:
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}

// F32ToF16 rounds to the nearest half, ties to even; overflow gives infinity
// and any NaN the half 0x7e00 with its sign, as ggml does.
func F32ToF16(f float32) uint16 {
	b := math.Float32bits(f)
	sign := uint16(b>>16) & 0x8000
	b &= 0x7fffffff
	switch {
	case b > 0x7f800000:
		return sign | 0x7e00
	case b >= 0x477ff000: // 65520 and above round to infinity
		return sign | 0x7c00
	case b < 0x38800000: // below 2^-14: a subnormal half, frac = f / 2^-24
		// Adding 0.5 makes the unit in the last place 2^-24: the addition rounds.
		g := math.Float32frombits(b) + 0.5
		return sign | uint16(math.Float32bits(g)-0x3f000000)
	}
	b += 0xfff + b>>13&1
	return sign | uint16(b>>13-112<<10)
}

// BF16ToF32 converts the bits of a bfloat16 to float32, exactly.
func BF16ToF32(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// F32ToBF16 rounds to the nearest bfloat16, ties to even; NaN stays NaN, quiet.
func F32ToBF16(f float32) uint16 {
	b := math.Float32bits(f)
	if b&0x7fffffff > 0x7f800000 {
		return uint16(b>>16) | 64
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

func f16At(b []byte, i int) float32         { return F16ToF32(binary.LittleEndian.Uint16(b[i:])) }
func putF16(b []byte, i int, f float32)     { binary.LittleEndian.PutUint16(b[i:], F32ToF16(f)) }
func abs32(x float32) float32               { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }
func fma32(a float32, b, c float32) float32 { return float32(a*b) + c }

func decodeF16(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = F16ToF32(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

func encodeF16(dst []byte, src []float32) {
	for i, x := range src {
		binary.LittleEndian.PutUint16(dst[2*i:], F32ToF16(x))
	}
}
