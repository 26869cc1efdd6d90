package nn

import (
	"fmt"

	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/simd"
)

// Grid trains on the grid of a quantized weight: a float32 master takes the
// steps, the model sees it rounded to the codes of each block's own scale and
// offset, and the gradient passes straight through (arXiv 1308.3432). A code
// changes when its master has moved half a step. Where the carriers train too,
// the grid itself moves.
type Grid struct {
	carriers
	master *Param    // [N, K]
	value  []float32 // [N, K]: the master rounded
	gridS  []float32 // [N, subs]: the scales in use
	gridO  []float32 // [N, subs]: the offsets in use
	move   bool      // carriers train
}

// NewGrid returns the weight base, whose blocks of type typ are raw; move says
// whether its carriers train as well, where they are fine enough. The error is
// ErrNoGrid for plain floats, for types that are not edited, and for those whose
// codes do not move one by one.
func NewGrid(name string, base simd.Matrix, typ quant.Type, raw []byte, move bool) (*Grid, error) {
	grid, ok := typ.Grid()
	switch {
	case !ok:
		return nil, fmt.Errorf("%w: %v", ErrNoGrid, typ)
	case grid.Vector > 0:
		return nil, fmt.Errorf("%w: the codes of %v come out of a codebook", ErrNoGrid, typ)
	}
	b := newBlocks(base, typ, grid, raw)
	move = move && !grid.Coarse
	n, k := base.Rows(), base.Cols()
	g := &Grid{carriers: newCarriers(name, b), master: NewParam(name+".master", n*k), move: move}
	g.value = make([]float32, n*k)
	g.gridS, g.gridO = b.scale, b.offset
	if move {
		g.gridS, g.gridO = make([]float32, len(b.scale)), make([]float32, len(b.scale))
	}
	base.DequantRows(g.master.X, k, 0, n)
	g.Sync()
	return g, nil
}

// Base returns the weight as it was.
func (g *Grid) Base() simd.Matrix { return g.base }

// Round is as for Carriers.
func (g *Grid) Round(on bool) {
	g.rounded = on
	g.Sync()
}

// Groups is the number of carriers of a row.
func (g *Grid) Groups() int { return g.groups }

// HasMin reports whether the weight has minimums.
func (g *Grid) HasMin() bool { return g.b != nil }

// Written is as for Carriers: the fields of row r to write.
func (g *Grid) Written(d, m []float32, r int) { g.written(d, m, r) }

// Codes writes the codes of row r that the master stands on. A block whose scale
// is zero keeps its own.
func (g *Grid) Codes(dst []int16, r int) {
	g.typ.Codes(dst, g.row(r))
	sub, k := g.grid.Sub, g.Cols()
	for i := range g.subs {
		s, o := g.gridS[r*g.subs+i], g.gridO[r*g.subs+i]
		if s == 0 {
			continue
		}
		for j := i * sub; j < (i+1)*sub; j++ {
			dst[j] = int16(g.nearest(g.master.X[r*k+j], 1/s, o))
		}
	}
}

// roundBias added to and taken from a float32 below 2^22 rounds it to nearest even.
const roundBias = 3 << 22

// nearest is the code whose value is nearest to x, as a float.
func (g *Grid) nearest(x, inverse, offset float32) float32 {
	if g.grid.Levels != nil {
		return float32(g.grid.Nearest((x - offset) * inverse))
	}
	c := min(max((x-offset)*inverse, float32(g.grid.MinCode)), float32(g.grid.MaxCode))
	return float32(c+roundBias) - roundBias
}

// Rows implements simd.Matrix.
func (g *Grid) Rows() int { return g.base.Rows() }

// Cols implements simd.Matrix.
func (g *Grid) Cols() int { return g.base.Cols() }

// DequantRows implements simd.Matrix.
func (g *Grid) DequantRows(dst []float32, ld, r0, r1 int) {
	k := g.Cols()
	for r := r0; r < r1; r++ {
		copy(dst[(r-r0)*ld:(r-r0)*ld+k], g.value[r*k:(r+1)*k])
	}
}

// Params implements Trainable: the master, then the carriers if they train.
func (g *Grid) Params() []*Param {
	if !g.move {
		return []*Param{g.master}
	}
	return append([]*Param{g.master}, g.params()...)
}

// Sync implements Trainable.
func (g *Grid) Sync() {
	scratch := make([]float32, 4*g.groups)
	k, sub := g.Cols(), g.grid.Sub
	for r := range g.Rows() {
		lo, hi := r*g.subs, (r+1)*g.subs
		if g.move {
			g.moved(g.gridS[lo:hi], g.gridO[lo:hi], r, scratch)
		}
		for i := range g.subs {
			s, o := g.gridS[lo+i], g.gridO[lo+i]
			from := r*k + i*sub
			x, y := g.master.X[from:from+sub], g.value[from:from+sub]
			if s == 0 {
				fill(y, o)
				continue
			}
			inv := 1 / s
			for j, v := range x {
				y[j] = float32(s*g.nearest(v, inv, o)) + o
			}
		}
	}
}

// AddGrad implements Trainable: the gradient passes straight to the master; for
// the carriers the codes are constant.
func (g *Grid) AddGrad(dw []float32, ld, r0, r1 int) {
	k, sub, per := g.Cols(), g.grid.Sub, g.perGroup()
	addRows(g.master.G, dw, k, ld, r0, r1)
	if !g.move {
		return
	}
	for r := r0; r < r1; r++ {
		row := dw[(r-r0)*ld : (r-r0)*ld+k]
		for i := range g.subs {
			at, group := r*g.subs+i, r*g.groups+i/per
			d := row[i*sub : (i+1)*sub]
			sum := sum32(d)
			moved := simd.Dot(d, g.value[r*k+i*sub:r*k+(i+1)*sub]) - g.gridO[at]*sum
			g.a.G[group] += moved * ratio(g.scale[at], g.gridS[at])
			if g.b != nil {
				g.b.G[group] += g.unit[at] * sum
			}
		}
	}
}

// gradient is nil where the carriers need the gradient too.
func (g *Grid) gradient() []float32 {
	if g.move {
		return nil
	}
	return g.master.G
}
