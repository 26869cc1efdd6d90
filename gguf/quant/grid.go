package quant

import "github.com/detox-surgery/detox-surgery/simd"

// Grid describes how the weights of a block follow from integer codes:
//
//	w = s*c + o
//
// with one pair (s, o) for each Sub weights. s and o derive from f16 fields of
// the block, the carriers, of which Group weights share one. In terms of the
// carriers d and m:
//
//	Q4_0 Q5_0 Q8_0: w = c*d
//	Q4_1 Q5_1:      w = c*d + m
//	Q4_K Q5_K:      w = c*(d*sc) - m*mn   with the 6-bit sub-scale sc and sub-minimum mn
//	Q6_K:           w = c*(d*sc)          with the signed 8-bit sub-scale sc
type Grid struct {
	Sub              int  // weights per pair of scale and offset: 32, or 16 for Q6_K
	MinCode, MaxCode int  // bounds of the codes, inclusive
	Group            int  // weights per carrier: 32, or 256 for K types
	HasMin           bool // whether there is an offset and a second carrier
}

// gridder holds the operations behind Grid for one type. Each works on one
// block; scale and offset have block/Sub values, codes block values.
type gridder struct {
	Grid
	grid     func(src []byte, scale, offset []float32)
	codes    func(dst []int16, src []byte)
	setCodes func(dst []byte, codes []int16)
	d, m     int // byte offsets of the carriers in the block; m < 0: none
}

// Grid returns the grid of t; false for plain floats and for types that are
// only read or copied.
func (t Type) Grid() (Grid, bool) {
	if !t.Valid() || table[t].grid == nil {
		return Grid{}, false
	}
	return table[t].grid.Grid, true
}

// RowGrid writes scale and offset of each Sub weights of a row; the offset is 0
// where the type has none. Both have one value per Sub weights of the row, and
// Decode of the row equals code*scale + offset in float32.
func (t Type) RowGrid(src []byte, scale, offset []float32) {
	r, g := t.gridRow()
	per := r.block / g.Sub
	n := len(scale) / per
	if len(scale) != n*per || len(offset) != len(scale) || len(src) < n*r.bytes {
		panic(badLen)
	}
	for i := range n {
		g.grid(src[i*r.bytes:(i+1)*r.bytes], scale[i*per:(i+1)*per], offset[i*per:(i+1)*per])
	}
}

// Codes writes the integer codes of len(dst) weights.
func (t Type) Codes(dst []int16, src []byte) {
	r, g := t.gridRow()
	for i := range r.check(len(dst), len(src)) {
		g.codes(dst[i*r.block:(i+1)*r.block], src[i*r.bytes:(i+1)*r.bytes])
	}
}

// Blocks is what products with the codes know t by; NoBlocks if there are none.
func (t Type) Blocks() simd.BlockType { return t.row().blocks }

// BlockRow writes what [simd.BlockMatrix] asks of a row: codes counted from
// MinCode, so that they have no sign, and what RowGrid writes.
func (t Type) BlockRow(codes []uint8, scale, offset []float32, src []byte) {
	r, g := t.gridRow()
	t.RowGrid(src, scale, offset)
	var block [256]int16
	for i := range r.check(len(codes), len(src)) {
		g.codes(block[:r.block], src[i*r.bytes:(i+1)*r.bytes])
		for j, c := range block[:r.block] {
			codes[i*r.block+j] = uint8(int(c) - g.MinCode)
		}
	}
}

// SetCodes replaces the codes in dst and leaves all scales as they are. Codes
// outside MinCode..MaxCode are a mistake of the caller.
func (t Type) SetCodes(dst []byte, codes []int16) {
	r, g := t.gridRow()
	for _, c := range codes {
		if int(c) < g.MinCode || int(c) > g.MaxCode {
			panic("quant: code out of range")
		}
	}
	for i := range r.check(len(codes), len(dst)) {
		g.setCodes(dst[i*r.bytes:(i+1)*r.bytes], codes[i*r.block:(i+1)*r.block])
	}
}

// Carriers reads the f16 fields of a row: d has one value per Group weights, m
// likewise, or is nil (it is not touched where the type has no minimum).
func (t Type) Carriers(d, m []float32, src []byte) {
	r, g := t.gridRow()
	g.checkCarriers(r, d, m, src)
	for i := range d {
		b := src[i*r.bytes:]
		d[i] = f16At(b, g.d)
		if m != nil && g.m >= 0 {
			m[i] = f16At(b, g.m)
		}
	}
}

// SetCarriers writes the f16 fields of a row, rounded to nearest even; m may be
// nil to leave the minimums. Values past the range of f16 are held at its
// largest finite value, so that a row stays finite.
func (t Type) SetCarriers(dst []byte, d, m []float32) {
	r, g := t.gridRow()
	g.checkCarriers(r, d, m, dst)
	for i := range d {
		b := dst[i*r.bytes:]
		putF16(b, g.d, clampF16(d[i]))
		if m != nil && g.m >= 0 {
			putF16(b, g.m, clampF16(m[i]))
		}
	}
}

func (t Type) gridRow() (*codec, *gridder) {
	r := t.row()
	if r.grid == nil {
		panic(noGrid)
	}
	return r, r.grid
}

func (g *gridder) checkCarriers(r *codec, d, m []float32, b []byte) {
	if m != nil && len(m) != len(d) || len(b) < len(d)*r.bytes {
		panic(badLen)
	}
}

// clampF16 bounds x to the finite range of f16.
func clampF16(x float32) float32 { return min(max(x, -65504), 65504) }
