package quant

import (
	"slices"

	"github.com/detox-surgery/detox-surgery/simd"
)

// An IQ4_NL block is 18 bytes for 32 weights, laid out as Q4_0: f16 d, then 16
// bytes of codes, weight i in the low and weight i+16 in the high half of byte i.
// w = level[code]*d: the levels lie closer together around 0.

// levelsIQ4 are the values of the codes of IQ4_NL and IQ4_XS.
var levelsIQ4 = [16]float32{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

var gridIQ4NL = gridder{
	Grid:     Grid{Sub: 32, MinCode: -127, MaxCode: 113, Group: 32, Levels: codesOfIQ4},
	grid:     gridPlain,
	codes:    func(dst []int16, src []byte) { unpackIQ4(dst, src[2:18]) },
	setCodes: func(dst []byte, c []int16) { setLevelsIQ4(dst[2:18], c) },
	m:        -1,
}

// codesOfIQ4 are the levels as codes of the grid.
var codesOfIQ4 = []int16{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

func unpackIQ4(dst []int16, src []byte) {
	for i, b := range src {
		dst[i], dst[i+16] = codesOfIQ4[b&15], codesOfIQ4[b>>4]
	}
}

func setLevelsIQ4(dst []byte, c []int16) {
	for i := range dst {
		lo, _ := slices.BinarySearch(codesOfIQ4, c[i])
		hi, _ := slices.BinarySearch(codesOfIQ4, c[i+16])
		dst[i] = byte(lo | hi<<4)
	}
}

func decodeIQ4NL(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[32:], src[18:] {
		expandIQ4(dst[:32], src[2:18], f16At(src, 0))
	}
}

// expandIQ4 decodes 32 codes with one scale.
func expandIQ4(y []float32, q []byte, d float32) {
	for i, b := range q[:16] {
		y[i], y[i+16] = levelsIQ4[b&15]*d, levelsIQ4[b>>4]*d
	}
}

func encodeIQ4NL(dst []byte, src []float32) {
	for ; len(src) > 0; dst, src = dst[18:], src[32:] {
		d := searchIQ4(src[:32], nil)
		putF16(dst, 0, d)
		packIQ4(dst[2:18], src[:32], inverse(d))
	}
}

// numeratorsIQ4 are those of the scales that searchIQ4 tries after the first.
var numeratorsIQ4 = func() (n []float32) {
	for step := -7; step <= 7; step++ {
		n = append(n, float32(step)+levelsIQ4[0])
	}
	return n
}()

// encodeFastIQ4NL does eight blocks at a time.
func encodeFastIQ4NL(dst []byte, src []float32) (blocks int) {
	var s simd.Search
	var codes [256]uint8
	var inv [8]float32
	for ; len(src) >= 256 && s.Levels(src[:256], numeratorsIQ4); dst, src = dst[8*18:], src[256:] {
		for j, d := range s.Scale[:8] {
			putF16(dst, 18*j, d)
			inv[j] = inverse(d)
		}
		simd.RoundLevels(&codes, src[:256], &inv)
		for j := range 8 {
			q, c := dst[18*j+2:][:16], codes[32*j:32*j+32]
			for i := range q {
				q[i] = c[i] | c[i+16]<<4
			}
		}
		blocks += 8
	}
	return blocks
}

// packIQ4 writes the codes of the levels nearest to x*id.
func packIQ4(dst []byte, x []float32, id float32) {
	for i := range 16 {
		dst[i] = codeIQ4(float32(id*x[i])) | codeIQ4(float32(id*x[i+16]))<<4
	}
}

// codeIQ4 is the code of the level nearest to x, of two equally near ones the
// upper; NaN counts as larger than all levels but the last.
func codeIQ4(x float32) byte {
	if x <= levelsIQ4[0] {
		return 0
	}
	if x >= levelsIQ4[15] {
		return 15
	}
	up := byte(1)
	for up < 15 && !(x < levelsIQ4[up]) {
		up++
	}
	if x-levelsIQ4[up-1] < levelsIQ4[up]-x {
		return up - 1
	}
	return up
}

// searchIQ4 finds the scale of 32 weights by least squares weighted with weight, or
// with x^2 if it is nil, from the one that puts the extreme value on the lowest
// level, by way of 15 others. It is the search of ggml's quantize_iq4_nl.
func searchIQ4(x, weight []float32) float32 {
	ext := extreme(x)
	if abs32(ext) < tinyGroup {
		return 0
	}
	lx, l2 := sumsIQ4(x, weight, 1/(-ext/levelsIQ4[0]))
	var d float32
	if l2 > 0 {
		d = lx / l2
	}
	best := d * lx
	for _, n := range numeratorsIQ4 {
		lx, l2 = sumsIQ4(x, weight, n/ext)
		if l2 > 0 && float32(lx*lx) > float32(best*l2) {
			d = lx / l2
			best = d * lx
		}
	}
	return d
}

// sumsIQ4 are the sums of w*x*l and w*l*l over the levels l nearest to x*id, with
// w = x^2 if weight is nil.
func sumsIQ4(x, weight []float32, id float32) (lx, l2 float32) {
	for i, v := range x {
		l := levelsIQ4[codeIQ4(float32(id*v))]
		w := float32(v * v)
		if weight != nil {
			w = weight[i]
		}
		wl := float32(w * l)
		lx += float32(wl * v)
		l2 += float32(wl * l)
	}
	return lx, l2
}

func weighIQ4NL(dst []byte, src, weights []float32) {
	var weight [32]float32
	for ; len(src) > 0; dst, src, weights = dst[18:], src[32:], weights[32:] {
		x := src[:32]
		weighted(weight[:], x, weights, 2*meanSquare(x))
		d := searchIQ4(x, weight[:])
		putF16(dst, 0, d)
		packIQ4(dst[2:18], x, inverse(d))
	}
}
