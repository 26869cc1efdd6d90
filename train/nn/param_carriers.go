package nn

import (
	"fmt"
	"sync"

	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/simd"
)

// Carriers trains the f16 fields of a quantized weight, its block scales and
// minimums, and leaves the codes alone (PEQA, arXiv 2305.14152): what is trained
// can be written without rounding codes. The parameters are relative: d(1+a),
// and m + d b for Q4_1 and Q5_1, dmin(1+b) for K types.
type Carriers struct {
	carriers
	mul, add []float32 // [N, subs]: w' = w mul + add
	rows     sync.Pool // scratch of one row
}

// NewCarriers returns the weight base, whose blocks of type typ are raw, with
// nothing moved yet. The error is ErrNoGrid for plain floats, for types that are
// not edited, and for those whose scales have too few bits to train.
func NewCarriers(name string, base simd.Matrix, typ quant.Type, raw []byte) (*Carriers, error) {
	grid, ok := typ.Grid()
	switch {
	case !ok:
		return nil, fmt.Errorf("%w: %v", ErrNoGrid, typ)
	case grid.Coarse:
		return nil, fmt.Errorf("%w: the scales of %v are too coarse to train", ErrNoGrid, typ)
	}
	b := newBlocks(base, typ, grid, raw)
	c := &Carriers{carriers: newCarriers(name, b)}
	c.mul = make([]float32, len(b.scale))
	c.add = make([]float32, len(b.scale))
	k := base.Cols()
	c.rows.New = func() any { s := make([]float32, k); return &s }
	c.Sync()
	return c, nil
}

// Base returns the weight with nothing moved.
func (c *Carriers) Base() simd.Matrix { return c.base }

// Round sets whether the forward pass goes through fields rounded as in the file, which
// makes the trained weight the written one. Gradients pass straight through.
func (c *Carriers) Round(on bool) {
	c.rounded = on
	c.Sync()
}

// Groups is the number of carriers of a row.
func (c *Carriers) Groups() int { return c.groups }

// HasMin reports whether the weight has minimums.
func (c *Carriers) HasMin() bool { return c.b != nil }

// Written writes the moved fields of row r rounded as in the file: what
// quant.Type.SetCarriers is to store. d and m have Groups values; m is ignored
// where the type has no minimum.
func (c *Carriers) Written(d, m []float32, r int) { c.written(d, m, r) }

// Rows implements simd.Matrix.
func (c *Carriers) Rows() int { return c.base.Rows() }

// Cols implements simd.Matrix.
func (c *Carriers) Cols() int { return c.base.Cols() }

// DequantRows implements simd.Matrix.
func (c *Carriers) DequantRows(dst []float32, ld, r0, r1 int) {
	c.base.DequantRows(dst, ld, r0, r1)
	k := c.Cols()
	for r := r0; r < r1; r++ {
		simd.ScaleBlocks(dst[(r-r0)*ld:(r-r0)*ld+k], c.mul[r*c.subs:(r+1)*c.subs], c.add[r*c.subs:(r+1)*c.subs], c.grid.Sub)
	}
}

// Params implements Trainable: the scales, then the minimums if there are any.
func (c *Carriers) Params() []*Param { return c.params() }

// Sync implements Trainable.
func (c *Carriers) Sync() {
	scratch := make([]float32, 4*c.groups)
	for r := range c.Rows() {
		lo, hi := r*c.subs, (r+1)*c.subs
		mul, add := c.mul[lo:hi], c.add[lo:hi]
		c.moved(mul, add, r, scratch)
		for i := range mul {
			s := ratio(mul[i], c.scale[lo+i])
			mul[i], add[i] = s, add[i]-s*c.offset[lo+i]
		}
	}
}

// AddGrad implements Trainable: da = Σ dw (w - offset), db = unit Σ dw over the
// weights that share a carrier.
func (c *Carriers) AddGrad(dw []float32, ld, r0, r1 int) {
	buf := c.rows.Get().(*[]float32)
	w, k, sub, per := *buf, c.Cols(), c.grid.Sub, c.perGroup()
	for r := r0; r < r1; r++ {
		c.base.DequantRows(w, k, r, r+1)
		g := dw[(r-r0)*ld : (r-r0)*ld+k]
		for i := range c.subs {
			at, group := r*c.subs+i, r*c.groups+i/per
			b := g[i*sub : (i+1)*sub]
			sum := sum32(b)
			c.a.G[group] += simd.Dot(b, w[i*sub:(i+1)*sub]) - c.offset[at]*sum
			if c.b != nil {
				c.b.G[group] += c.unit[at] * sum
			}
		}
	}
	c.rows.Put(buf)
}
