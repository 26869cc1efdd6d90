package quant

import (
	"slices"

	"github.com/detox-surgery/detox-surgery/simd"
)

// A Q3_K block is 110 bytes for 256 weights: 32 bytes with the third bits (bit j
// of byte i for weight 32*j+i), 64 bytes with the low two bits laid out as in
// Q2_K, 12 bytes with sixteen 6-bit sub-scales, f16 d.
// w = (code-4)*(d*(scale-32)) for each 16 weights.

var gridQ3K = gridder{
	Grid:     Grid{Sub: 16, MinCode: -4, MaxCode: 3, Group: 256},
	grid:     scalesQ3K,
	codes:    codesQ3K,
	setCodes: setCodesQ3K,
	d:        108,
	m:        -1,
}

// subScale3 unpacks the sub-scale j of the 12 bytes p: eight bytes hold the low
// four bits of two each, the last four bytes the upper two bits of four each.
func subScale3(p []byte, j int) int {
	return int(p[j&7]>>(j>>3*4)&15|p[8+j&3]>>(j>>2*2)&3<<4) - 32
}

// putSubScale3 is the reverse of subScale3, on bytes that were cleared.
func putSubScale3(p []byte, j, scale int) {
	u := uint8(scale + 32)
	p[j&7] |= u & 15 << (j >> 3 * 4)
	p[8+j&3] |= u >> 4 << (j >> 2 * 2)
}

func scalesQ3K(src []byte, scale, offset []float32) {
	d := f16At(src, 108)
	for j := range scale {
		scale[j], offset[j] = d*float32(subScale3(src[96:108], j)), 0
	}
}

func decodeQ3K(dst []float32, src []byte) {
	var scale, offset [16]float32
	for ; len(dst) > 0; dst, src = dst[256:], src[110:] {
		scalesQ3K(src, scale[:], offset[:])
		for j, s := range scale {
			q, y, shift := src[32+j>>3*32+j&1*16:][:16], dst[16*j:][:16], j>>1&3*2
			h := src[j&1*16:][:16]
			for i, b := range q {
				y[i] = s * float32(int(b>>shift&3|h[i]>>(j>>1)&1<<2)-4)
			}
		}
	}
}

func codesQ3K(dst []int16, src []byte) {
	unpack2(dst, src[32:96], -4)
	for i := range dst {
		dst[i] += int16(src[i&31]>>(i>>5)&1) << 2
	}
}

func setCodesQ3K(dst []byte, c []int16) {
	clear(dst[:32])
	for i, v := range c {
		dst[i&31] |= uint8(v+4) >> 2 << (i >> 5)
	}
	pack2(dst[32:96], c, 4)
}

func encodeQ3K(dst []byte, src []float32) {
	for ; len(src) > 0; dst, src = dst[110:], src[256:] {
		encodeBlockQ3K(dst[:110], src[:256], nil)
	}
}

func encodeFastQ3K(dst []byte, src []float32) int {
	n, fast := len(src)/256, new(simd.Search)
	for ; len(src) > 0; dst, src = dst[110:], src[256:] {
		encodeBlockQ3K(dst[:110], src[:256], fast)
	}
	return n
}

// encodeBlockQ3K writes one block; fast does by assembly what it can, nil is for none.
func encodeBlockQ3K(dst []byte, x []float32, fast *simd.Search) {
	var codes [256]int16
	var scales [16]float32
	searched := fast == nil || !fast.Climb(x, 4)
	if !searched {
		scales = fast.Scale
	} else {
		for j := range scales {
			scales[j] = climb(codes[16*j:16*j+16], x[16*j:16*j+16], 4)
		}
	}
	clear(dst[96:110])
	if top := extreme(scales[:]); top != 0 {
		is := -32 / top
		for j, s := range scales {
			putSubScale3(dst[96:108], j, clampInt(nearest(is*s), -32, 31))
		}
		putF16(dst, 108, 1/is)
	}
	if !searched && roundFastQ3K(dst, x) {
		return
	}
	for j := range scales {
		if !searched && f16At(dst, 108)*float32(subScale3(dst[96:108], j)) == 0 { // the codes stay those of the search
			climb(codes[16*j:16*j+16], x[16*j:16*j+16], 4)
		}
	}
	roundQ3K(dst, &codes, x)
}

// roundFastQ3K is roundQ3K by assembly, if there is some and no scale is 0.
func roundFastQ3K(dst []byte, x []float32) bool {
	var scale, offset [16]float32
	var codes [256]uint8
	scalesQ3K(dst, scale[:], offset[:])
	if slices.Contains(scale[:], 0) || !simd.RoundSymmetric(&codes, x, &scale, 4) {
		return false
	}
	for i := range 32 {
		c := codes[i:]
		dst[i] = c[0]>>2 | c[32]>>2<<1 | c[64]>>2<<2 | c[96]>>2<<3 | c[128]>>2<<4 | c[160]>>2<<5 | c[192]>>2<<6 | c[224]>>2<<7
		dst[32+i] = c[0]&3 | c[32]&3<<2 | c[64]&3<<4 | c[96]<<6
		dst[64+i] = c[128]&3 | c[160]&3<<2 | c[192]&3<<4 | c[224]<<6
	}
	return true
}

// roundQ3K writes the codes nearest to x on the scales that dst has; a run whose
// scale is 0 gets the codes that are there.
func roundQ3K(dst []byte, codes *[256]int16, x []float32) {
	var scale, offset [16]float32
	scalesQ3K(dst, scale[:], offset[:])
	for j, s := range scale {
		if s == 0 {
			continue
		}
		c := codes[16*j : 16*j+16]
		for i, v := range x[16*j : 16*j+16] {
			c[i] = int16(clampInt(nearestOr(v/s), -4, 3))
		}
	}
	setCodesQ3K(dst, codes[:])
}

// climb finds a scale for x = scale*l with -top <= l < top by least squares
// weighted with x^2: from the codes that put the extreme value on the bound, it
// moves one code after another where that helps. codes get l, or -top if x is as
// good as zero. It is ggml's make_q3_quants.
func climb(codes []int16, x []float32, top int) float32 {
	ext := extreme(x)
	if abs32(ext) < tinyGroup {
		for i := range codes {
			codes[i] = int16(-top)
		}
		return 0
	}
	is := float32(-top) / ext
	var lx, l2 float32
	for i, v := range x {
		l := clampInt(nearest(is*v), -top, top-1)
		codes[i] = int16(l)
		w := float32(v * v)
		lx += float32(float32(w*v) * float32(l))
		l2 += float32(float32(w*float32(l)) * float32(l))
	}
	for range 5 {
		changed := false
		for i, v := range x {
			w, l := float32(v*v), float32(codes[i])
			sx := lx - float32(float32(w*v)*l)
			if !(sx > 0) {
				continue
			}
			s2 := l2 - float32(float32(w*l)*l)
			c := clampInt(nearestOr(float32(v*s2)/sx), -top, top-1)
			if c == int(codes[i]) {
				continue
			}
			l = float32(c)
			sx += float32(float32(w*v) * l)
			s2 += float32(float32(w*l) * l)
			if s2 > 0 && float32(float32(sx*sx)*l2) > float32(float32(lx*lx)*s2) {
				codes[i], lx, l2 = int16(c), sx, s2
				changed = true
			}
		}
		if !changed {
			break
		}
	}
	if l2 > 0 {
		return lx / l2
	}
	return 0
}

func weighQ3K(dst []byte, src, weights []float32) {
	for ; len(src) > 0; dst, src, weights = dst[110:], src[256:], weights[256:] {
		weighBlockQ3K(dst[:110], src[:256], weights)
	}
}

func weighBlockQ3K(dst []byte, x, importance []float32) {
	var bytes [256]uint8
	var codes [256]int16
	var scales, sums, weight [16]float32
	var sc [16]uint8
	spread := 2 * meanSquare(x)
	for j := range 16 {
		xs := x[16*j : 16*j+16]
		sums[j] = weighted(weight[:], xs, importance[16*j:], spread)
		scales[j] = weighedQ3K.symmetric(bytes[16*j:16*j+16], xs, weight[:])
	}
	for i, v := range bytes {
		codes[i] = int16(v) - 4
	}
	clear(dst[96:108])
	putF16(dst, 108, searchQ6K.symmetric(sc[:], scales[:], sums[:]))
	for j, s := range sc {
		putSubScale3(dst[96:108], j, int(s)-32)
	}
	roundQ3K(dst, &codes, x)
}
