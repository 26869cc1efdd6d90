package quant

import (
	"math"
	"slices"

	"github.com/detox-surgery/detox-surgery/simd"
)

// Grid describes how the weights of a block follow from integer codes:
//
//	w = s*c + o
//
// with one pair (s, o) for each Sub weights. s and o derive from fields of the
// block, the carriers, of which Group weights share one. They are f16 but for the
// types that are Coarse. In terms of the carriers d and m:
//
//	Q1_0 Q2_0 Q4_0 Q5_0 Q8_0:  w = c*d
//	TQ1_0 TQ2_0 IQ4_NL:        w = c*d
//	MXFP4 NVFP4:               w = c*d
//	Q4_1 Q5_1:                 w = c*d + m
//	Q2_K Q4_K Q5_K:            w = c*(d*sc) - m*mn   with sub-scale sc and sub-minimum mn
//	Q3_K Q6_K IQ4_XS:          w = c*(d*sc)          with the signed sub-scale sc
//	IQ1 IQ2 IQ3:               w = c*(d*sc)          c out of a codebook of vectors
type Grid struct {
	Sub              int     // weights per pair of scale and offset: 16 to 256
	MinCode, MaxCode int     // bounds of the codes, inclusive
	Group            int     // weights per carrier: 16 to 256
	HasMin           bool    // whether there is an offset and a second carrier
	Levels           []int16 // the codes there are, ascending; nil: all within the bounds. Not to be written
	Vector           int     // weights whose codes move together, as a vector of a codebook; 0: one by one
	Coarse           bool    // carriers have few bits and cannot follow a small move
}

// Nearest is the code nearest to x, of two equally near ones the even one or, with
// Levels, the lower.
func (g *Grid) Nearest(x float32) int16 {
	if g.Levels == nil {
		c := math.RoundToEven(float64(x))
		return int16(min(max(c, float64(g.MinCode)), float64(g.MaxCode)))
	}
	up := 1
	for up < len(g.Levels)-1 && x > float32(g.Levels[up]) {
		up++
	}
	lo, hi := g.Levels[up-1], g.Levels[up]
	if x-float32(lo) > float32(hi)-x {
		return hi
	}
	return lo
}

// gridder holds the operations behind Grid for one type. Each works on one
// block; scale and offset have block/Sub values, codes block values.
type gridder struct {
	Grid
	grid     func(src []byte, scale, offset []float32)
	codes    func(dst []int16, src []byte)
	setCodes func(dst []byte, codes []int16)
	vector   func(codes []int16, aim []float32) // nil unless Vector
	carrier  *carrier                           // nil: f16
	d, m     int                                // byte offsets of the carriers in the block; m < 0: none
}

// carrier is a form in which blocks store carriers: at is the byte offset.
type carrier struct {
	read  func(b []byte, at int) float32
	write func(b []byte, at int, x float32)
	round func(x float32) float32 // to what write stores
}

var carrierF16 = carrier{
	read:  f16At,
	write: func(b []byte, at int, x float32) { putF16(b, at, clampF16(x)) },
	round: roundF16,
}

func (g *gridder) form() *carrier {
	if g.carrier == nil {
		return &carrierF16
	}
	return g.carrier
}

// Grid returns the grid of t; false for plain floats and for types that are
// only read or copied.
func (t Type) Grid() (Grid, bool) {
	if !t.known() || t.row().grid == nil {
		return Grid{}, false
	}
	return t.row().grid.Grid, true
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
// outside MinCode..MaxCode, not among Levels or not in the codebook are a mistake
// of the caller; NearestVector gives codes that are in it.
func (t Type) SetCodes(dst []byte, codes []int16) {
	r, g := t.gridRow()
	for _, c := range codes {
		if int(c) < g.MinCode || int(c) > g.MaxCode {
			panic(badCode)
		}
		if g.Levels != nil {
			if _, ok := slices.BinarySearch(g.Levels, c); !ok {
				panic(badCode)
			}
		}
	}
	for i := range r.check(len(codes), len(dst)) {
		g.setCodes(dst[i*r.bytes:(i+1)*r.bytes], codes[i*r.block:(i+1)*r.block])
	}
}

// NearestVector sets Vector codes of a type with a codebook to those that are
// nearest to aim. It must be given the codes in place, for IQ1_S those of all
// vectors that share a direction have to stay on the same side.
func (t Type) NearestVector(codes []int16, aim []float32) {
	_, g := t.gridRow()
	if len(codes) != g.Vector || len(aim) != g.Vector {
		panic(badLen)
	}
	g.vector(codes, aim)
}

// Carriers reads the carriers of a row: d has one value per Group weights, m
// likewise, or is nil (it is not touched where the type has no minimum).
func (t Type) Carriers(d, m []float32, src []byte) {
	r, g := t.gridRow()
	per := g.checkCarriers(r, d, m, src)
	read := g.form().read
	for i := range d {
		b := src[i/per*r.bytes:][:r.bytes]
		d[i] = read(b, g.d+i%per)
		if m != nil && g.m >= 0 {
			m[i] = read(b, g.m)
		}
	}
}

// SetCarriers writes the carriers of a row, rounded as by RoundCarrier; m may be
// nil to leave the minimums.
func (t Type) SetCarriers(dst []byte, d, m []float32) {
	r, g := t.gridRow()
	per := g.checkCarriers(r, d, m, dst)
	write := g.form().write
	for i := range d {
		b := dst[i/per*r.bytes:][:r.bytes]
		write(b, g.d+i%per, d[i])
		if m != nil && g.m >= 0 {
			write(b, g.m, m[i])
		}
	}
}

// RoundCarrier is x as a carrier of t stores it: to the nearest f16, ties to even,
// and for types that are Coarse to the nearest of their few scales, which are not
// negative. Values past the range are held at the largest finite value, so that a
// row stays finite.
func (t Type) RoundCarrier(x float32) float32 {
	_, g := t.gridRow()
	return g.form().round(x)
}

func (t Type) gridRow() (*codec, *gridder) {
	r := t.row()
	if r.grid == nil {
		panic(noGrid)
	}
	return r, r.grid
}

// checkCarriers returns the number of carriers d, each one byte where there are
// several, in a block.
func (g *gridder) checkCarriers(r *codec, d, m []float32, b []byte) int {
	per := r.block / g.Group
	if m != nil && len(m) != len(d) || len(d)%per != 0 || len(b) < len(d)/per*r.bytes {
		panic(badLen)
	}
	return per
}

// clampF16 bounds x to the finite range of f16.
func clampF16(x float32) float32 { return min(max(x, -65504), 65504) }

func roundF16(x float32) float32 { return F16ToF32(F32ToF16(clampF16(x))) }
