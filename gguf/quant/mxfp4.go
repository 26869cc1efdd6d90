package quant

import (
	"math"

	"github.com/detox-surgery/detox-surgery/simd"
)

// An MXFP4 block is 17 bytes for 32 weights: an 8-bit exponent e, then 16 bytes of
// codes, weight i in the low and weight i+16 in the high half of byte i. A code is
// a 4-bit float; counted in halves, so that codes are whole, w = code*2^(e-128).
// Its scale can only double: no carrier for an edit, hence Grid.Coarse.

// levelsFP4 are the codes by their bits; eight of them negative, zero twice.
var levelsFP4 = [16]int16{0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12}

var sortedFP4 = []int16{-12, -8, -6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 6, 8, 12}

var gridMXFP4 = gridder{
	Grid:     Grid{Sub: 32, MinCode: -12, MaxCode: 12, Group: 32, Levels: sortedFP4, Coarse: true},
	grid:     func(src []byte, scale, offset []float32) { scale[0], offset[0] = halfE8M0(src[0]), 0 },
	codes:    func(dst []int16, src []byte) { codesFP4(dst, src[1:17]) },
	setCodes: func(dst []byte, c []int16) { setCodesFP4(dst[1:17], c) },
	carrier:  &carrierE8M0,
	m:        -1,
}

var carrierE8M0 = carrier{
	read: func(b []byte, at int) float32 { return halfE8M0(b[at]) },
	write: func(b []byte, at int, x float32) {
		if halfE8M0(b[at]) != x { // larger exponents may stay
			b[at] = nearestE8M0(x)
		}
	},
	round: func(x float32) float32 { return halfE8M0(nearestE8M0(x)) },
}

// halfE8M0 is 2^(e-128).
func halfE8M0(e uint8) float32 {
	if e < 2 {
		return math.Float32frombits(0x00200000 << e)
	}
	return math.Float32frombits(uint32(e-1) << 23)
}

// nearestE8M0 is the exponent whose halfE8M0 is nearest to x; above 252 the largest
// code would be infinite.
func nearestE8M0(x float32) uint8 {
	if !(x > 0) {
		return 0
	}
	frac, exp := math.Frexp(min(float64(x), math.MaxFloat32)) // x = frac 2^exp, frac in [1/2, 1)
	if frac >= 0.75 {
		exp++
	}
	return uint8(clampInt(exp-1+128, 0, 252))
}

// codesFP4 reads two codes a byte: those of the low halves, then of the high.
func codesFP4(dst []int16, src []byte) {
	lo, hi := dst[:len(src)], dst[len(src):][:len(src)]
	for i, b := range src {
		lo[i], hi[i] = levelsFP4[b&15], levelsFP4[b>>4]
	}
}

// setCodesFP4 leaves bits alone that stand for the wanted code: zero has a sign.
func setCodesFP4(dst []byte, c []int16) {
	for i, b := range dst {
		dst[i] = bitsFP4(b&15, c[i]) | bitsFP4(b>>4, c[i+len(dst)])<<4
	}
}

func bitsFP4(now uint8, code int16) uint8 {
	if levelsFP4[now] == code {
		return now
	}
	for b, l := range levelsFP4 {
		if l == code {
			return uint8(b)
		}
	}
	return now // SetCodes has refused it
}

func decodeMXFP4(dst []float32, src []byte) { decodeByGrid(dst, src, &gridMXFP4, 32, 17) }

func encodeMXFP4(dst []byte, src []float32) {
	for ; len(src) > 0; dst, src = dst[17:], src[32:] {
		dst[0] = exponentMXFP4(abs32(extreme(src[:32])))
		packFP4(dst[1:17], src[:32], halfE8M0(dst[0]))
	}
}

// exponentMXFP4 is the exponent of a block whose largest magnitude is top. In float32
// like the reference, which makes the last number below a large power of two count
// as that power. Tiny numbers wrap around as its cast to a byte does; all their codes
// are zero.
func exponentMXFP4(top float32) uint8 {
	if !(top > 0) {
		return 0
	}
	return uint8(int(math.Floor(float64(float32(math.Log2(float64(top)))))) + 125)
}

// encodeFastMXFP4 does two blocks at a time.
func encodeFastMXFP4(dst []byte, src []float32) (blocks int) {
	var codes [64]uint8
	var scale [4]float32
	for ; len(src) >= 64; dst, src = dst[34:], src[64:] {
		plain := true
		for j := range 2 {
			top := abs32(extreme(src[32*j : 32*j+32]))
			dst[17*j] = exponentMXFP4(top)
			d := halfE8M0(dst[17*j])
			scale[2*j], scale[2*j+1] = d, d
			plain = plain && exactFP4(top, d)
		}
		if plain && !simd.RoundFP4(&codes, src[:64], &scale) {
			break
		}
		for j := range 2 {
			if !plain {
				packFP4(dst[17*j+1:][:16], src[32*j:32*j+32], scale[2*j])
				continue
			}
			joinFP4(dst[17*j+1:][:16], codes[32*j:])
		}
		blocks += 2
	}
	return blocks
}

// exactFP4 tells whether codes for magnitudes up to top and scale d may be found by
// comparing with the middles between levels, as simd.RoundFP4 does.
func exactFP4(top, d float32) bool { return d > 1e-30 && d < 1e30 && top <= 64*d }

// joinFP4 packs two codes a byte.
func joinFP4(dst, codes []uint8) {
	hi := codes[len(dst):]
	for i := range dst {
		dst[i] = codes[i] | hi[i]<<4
	}
}

// packFP4 writes the codes nearest to x/d, of equally near ones the first.
func packFP4(dst []byte, x []float32, d float32) {
	for i := range dst {
		dst[i] = codeFP4(x[i], d) | codeFP4(x[i+len(dst)], d)<<4
	}
}

func codeFP4(x, d float32) (best uint8) {
	least := abs32(x)
	for b, l := range levelsFP4 {
		if e := abs32(float32(float32(l)*d) - x); e < least {
			best, least = uint8(b), e
		}
	}
	return best
}
