package quant

import (
	"encoding/binary"
	"math/bits"
)

// The IQ1, IQ2 and IQ3 types store an index into a codebook for each 4 or 8
// weights. The vectors are data of the format; codebook_data.go holds them as
// positions among the few values that each type knows. A vector stands for whole
// numbers, w = code*scale like everywhere; its codes move together or not at all,
// hence Grid.Frozen.

// levelsIQ2 and levelsIQ3XXS are the magnitudes of the codes; those of IQ3_S are
// the odd numbers to 15.
var (
	levelsIQ2    = [4]int16{8, 25, 43}
	levelsIQ3XXS = [8]int16{4, 12, 20, 28, 36, 44, 52, 62}
	levelsIQ3S   = [8]int16{1, 3, 5, 7, 9, 11, 13, 15}
)

// expand8 writes the 8 codes of v, negative where a bit of signs is set.
func expand8(dst []int16, v uint16, signs uint8) {
	for j := range dst[:8] {
		c := levelsIQ2[v>>(2*j)&3]
		if signs>>j&1 != 0 {
			c = -c
		}
		dst[j] = c
	}
}

// expand4 writes the 4 codes of v, negative where a bit of signs is set.
func expand4(dst []int16, v uint16, levels *[8]int16, signs uint8) {
	for j := range dst[:4] {
		c := levels[v>>(4*j)&7]
		if signs>>j&1 != 0 {
			c = -c
		}
		dst[j] = c
	}
}

// expandIQ1 writes 8 codes in eighths: the values -1, 0, 1 of the vector are moved
// by 1/8, downwards where down is not zero.
func expandIQ1(dst []int16, index int, down int) {
	v, shift := bookIQ1S[index], int16(1)
	if down != 0 {
		shift = -1
	}
	for j := range dst[:8] {
		dst[j] = 8*(int16(v>>(2*j)&3)-1) + shift
	}
}

// evenSigns completes 7 stored signs by an eighth: their number is even.
func evenSigns(s uint32) uint8 {
	s &= 127
	return uint8(s | uint32(bits.OnesCount32(s))&1<<7)
}

func u16At(b []byte, i int) int    { return int(binary.LittleEndian.Uint16(b[i:])) }
func u32At(b []byte, i int) uint32 { return binary.LittleEndian.Uint32(b[i:]) }

// decodeByGrid decodes blocks of a number of weights and bytes as code*scale.
func decodeByGrid(dst []float32, src []byte, g *gridder, block, bytes int) {
	var codes [256]int16
	var scale, offset [16]float32
	n := block / g.Sub
	for ; len(dst) > 0; dst, src = dst[block:], src[bytes:] {
		g.codes(codes[:block], src[:bytes])
		g.grid(src[:bytes], scale[:n], offset[:n])
		for j, s := range scale[:n] {
			y := dst[j*g.Sub : (j+1)*g.Sub]
			for i, c := range codes[j*g.Sub : (j+1)*g.Sub] {
				y[i] = float32(c) * s
			}
		}
	}
}
