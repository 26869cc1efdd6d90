package nn

import (
	"errors"

	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/simd"
)

// ErrNoGrid says that a weight's type has no block grid to train on, or none on
// which what is to train can move by small steps.
var ErrNoGrid = errors.New("nn: type has no block grid")

// blocks is a quantized weight with its grid: w = scale*code + offset for each
// Sub weights. The carriers move it to
//
//	scale' = scale (1+a)    offset' = offset + unit b
//
// with one a and b per Group weights. unit is the scale for types whose minimum
// stands alone (Q4_1, Q5_1), so that b counts in steps, and the offset itself
// for K types, where b is relative.
type blocks struct {
	base simd.Matrix
	typ  quant.Type
	raw  []byte
	grid quant.Grid

	subs, groups        int       // per row
	scale, offset, unit []float32 // [N, subs]
}

func newBlocks(base simd.Matrix, typ quant.Type, grid quant.Grid, raw []byte) *blocks {
	n, k := base.Rows(), base.Cols()
	if k%grid.Group != 0 || k%typ.Block() != 0 || len(raw) != n*typ.RowBytes(k) {
		panic(errShape)
	}
	b := &blocks{base: base, typ: typ, raw: raw, grid: grid, subs: k / grid.Sub, groups: k / grid.Group}
	b.scale = make([]float32, n*b.subs)
	b.offset = make([]float32, n*b.subs)
	b.unit = b.offset
	if grid.HasMin && grid.Sub == grid.Group {
		b.unit = b.scale
	}
	for r := range n {
		lo, hi := r*b.subs, (r+1)*b.subs
		typ.RowGrid(b.row(r), b.scale[lo:hi], b.offset[lo:hi])
	}
	return b
}

// row is the bytes of row r.
func (b *blocks) row(r int) []byte {
	n := b.typ.RowBytes(b.base.Cols())
	return b.raw[r*n : (r+1)*n]
}

// perGroup is the number of (scale, offset) pairs that share their carriers.
func (b *blocks) perGroup() int { return b.grid.Group / b.grid.Sub }

// carriers are the trainable a and b of blocks.
type carriers struct {
	*blocks
	a, b *Param // [N, groups]; b nil without minimum
	// rounded makes the moved fields those that the file can hold.
	rounded bool
}

func newCarriers(name string, b *blocks) carriers {
	n := b.base.Rows() * b.groups
	c := carriers{blocks: b, a: NewParam(name+".scale", n)}
	if b.grid.HasMin {
		c.b = NewParam(name+".min", n)
	}
	return c
}

func (c *carriers) params() []*Param {
	if c.b == nil {
		return []*Param{c.a}
	}
	return []*Param{c.a, c.b}
}

// written writes the moved fields of row r, rounded as in the file: d
// and, where the type has a minimum, m, one per group each.
func (c *carriers) written(d, m []float32, r int) {
	if c.b == nil {
		m = nil
	}
	c.typ.Carriers(d, m, c.row(r))
	single := c.perGroup() == 1
	for i := range d {
		at := r*c.groups + i
		step := d[i]
		d[i] = c.typ.RoundCarrier(d[i] * (1 + c.a.X[at]))
		switch {
		case m == nil:
		case single:
			m[i] = c.typ.RoundCarrier(m[i] + step*c.b.X[at])
		default:
			m[i] = c.typ.RoundCarrier(m[i] * (1 + c.b.X[at]))
		}
	}
}

// moved writes scale' and offset' of row r, one per Sub weights. scratch has four
// floats per group.
func (c *carriers) moved(scale, offset []float32, r int, scratch []float32) {
	lo := r * c.subs
	per := c.perGroup()
	if !c.rounded {
		for i := range scale {
			at := r*c.groups + i/per
			scale[i] = c.scale[lo+i] * (1 + c.a.X[at])
			offset[i] = c.offset[lo+i]
			if c.b != nil {
				offset[i] += c.unit[lo+i] * c.b.X[at]
			}
		}
		return
	}
	g := c.groups
	d, d0, m, m0 := scratch[:g], scratch[g:2*g], scratch[2*g:3*g], scratch[3*g:4*g]
	clear(m)
	clear(m0)
	c.typ.Carriers(d0, m0, c.row(r))
	c.written(d, m, r)
	for i := range scale {
		j := i / per
		scale[i] = c.scale[lo+i] * ratio(d[j], d0[j])
		switch {
		case c.b == nil:
			offset[i] = c.offset[lo+i]
		case per == 1:
			offset[i] = m[j]
		default:
			offset[i] = c.offset[lo+i] * ratio(m[j], m0[j])
		}
	}
}

// ratio is x/y, 1 where y is zero: such a field cannot move.
func ratio(x, y float32) float32 {
	if y == 0 {
		return 1
	}
	return x / y
}
