package nn

import "github.com/detox-surgery/detox-surgery/simd"

// Dense is a float32 weight that is itself the parameter.
type Dense struct {
	simd.Dense
	param *Param
}

// NewDense returns a trainable [n, k] weight of zeros.
func NewDense(name string, n, k int) *Dense {
	p := NewParam(name, n*k)
	return &Dense{simd.Dense{N: n, K: k, Data: p.X}, p}
}

// Params implements Trainable.
func (d *Dense) Params() []*Param { return []*Param{d.param} }

// AddGrad implements Trainable.
func (d *Dense) AddGrad(dw []float32, ld, r0, r1 int) { addRows(d.param.G, dw, d.K, ld, r0, r1) }

// Sync implements Trainable.
func (d *Dense) Sync() {}

func (d *Dense) gradient() []float32 { return d.param.G }

// addRows adds rows r0..r1 of dw, k wide and ld apart, to the dense gradient g.
func addRows(g, dw []float32, k, ld, r0, r1 int) {
	for r := r0; r < r1; r++ {
		simd.Add(g[r*k:(r+1)*k], g[r*k:(r+1)*k], dw[(r-r0)*ld:(r-r0)*ld+k])
	}
}
