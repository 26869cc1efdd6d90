package nn

import "github.com/detox-surgery/detox-surgery/simd"

// Delta is a frozen weight plus a trainable float32 difference of its shape.
type Delta struct {
	base  simd.Matrix
	param *Param // [N, K]
}

// NewDelta returns base with a difference of zero.
func NewDelta(name string, base simd.Matrix) *Delta {
	return &Delta{base, NewParam(name+".delta", base.Rows()*base.Cols())}
}

// Base returns the frozen weight.
func (d *Delta) Base() simd.Matrix { return d.base }

// Rows implements simd.Matrix.
func (d *Delta) Rows() int { return d.base.Rows() }

// Cols implements simd.Matrix.
func (d *Delta) Cols() int { return d.base.Cols() }

// DequantRows implements simd.Matrix.
func (d *Delta) DequantRows(dst []float32, ld, r0, r1 int) {
	d.base.DequantRows(dst, ld, r0, r1)
	k := d.Cols()
	for r := r0; r < r1; r++ {
		simd.Add(dst[(r-r0)*ld:(r-r0)*ld+k], dst[(r-r0)*ld:(r-r0)*ld+k], d.param.X[r*k:(r+1)*k])
	}
}

// Params implements Trainable.
func (d *Delta) Params() []*Param { return []*Param{d.param} }

// AddGrad implements Trainable.
func (d *Delta) AddGrad(dw []float32, ld, r0, r1 int) { addRows(d.param.G, dw, d.Cols(), ld, r0, r1) }

// Sync implements Trainable.
func (d *Delta) Sync() {}

func (d *Delta) gradient() []float32 { return d.param.G }
