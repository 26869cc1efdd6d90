package nn

import "github.com/detox-surgery/detox-surgery/simd"

// Columns is a frozen weight plus a trainable difference on some of its columns:
// for ffn_down, on the output vectors of some neurons.
type Columns struct {
	base  simd.Matrix
	cols  []int32
	param *Param // [N, len(cols)]
}

// NewColumns returns base with a difference of zero on the columns cols, which
// must be distinct.
func NewColumns(name string, base simd.Matrix, cols []int32) *Columns {
	for _, c := range cols {
		if c < 0 || int(c) >= base.Cols() {
			panic(errShape)
		}
	}
	return &Columns{base, append([]int32(nil), cols...), NewParam(name+".columns", base.Rows()*len(cols))}
}

// Base returns the frozen weight.
func (c *Columns) Base() simd.Matrix { return c.base }

// Index returns the columns that train, in the order of the parameter's.
func (c *Columns) Index() []int32 { return c.cols }

// Rows implements simd.Matrix.
func (c *Columns) Rows() int { return c.base.Rows() }

// Cols implements simd.Matrix.
func (c *Columns) Cols() int { return c.base.Cols() }

// DequantRows implements simd.Matrix.
func (c *Columns) DequantRows(dst []float32, ld, r0, r1 int) {
	c.base.DequantRows(dst, ld, r0, r1)
	n := len(c.cols)
	for r := r0; r < r1; r++ {
		row, delta := dst[(r-r0)*ld:], c.param.X[r*n:(r+1)*n]
		for i, col := range c.cols {
			row[col] += delta[i]
		}
	}
}

// Params implements Trainable.
func (c *Columns) Params() []*Param { return []*Param{c.param} }

// AddGrad implements Trainable.
func (c *Columns) AddGrad(dw []float32, ld, r0, r1 int) {
	n := len(c.cols)
	for r := r0; r < r1; r++ {
		row, g := dw[(r-r0)*ld:], c.param.G[r*n:(r+1)*n]
		for i, col := range c.cols {
			g[i] += row[col]
		}
	}
}

// Sync implements Trainable.
func (c *Columns) Sync() {}

func (c *Columns) columns() []int32    { return c.cols }
func (c *Columns) gradient() []float32 { return c.param.G }
