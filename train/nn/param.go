package nn

import "github.com/detox-surgery/detox-surgery/simd"

// Param is a flat trainable parameter and its gradient. Backward adds to G; the
// optimizer zeroes it.
type Param struct {
	Name string
	X, G []float32
}

// NewParam returns a parameter of n zeros.
func NewParam(name string, n int) *Param {
	return &Param{Name: name, X: make([]float32, n), G: make([]float32, n)}
}

// Trainable is a weight with parameters.
type Trainable interface {
	simd.Matrix
	// Params returns the parameters, always in the same order.
	Params() []*Param
	// AddGrad adds the gradient of rows r0 <= r < r1 of the effective weight, row
	// r at dw[(r-r0)*ld:], to the gradients of the parameters. It is called
	// concurrently for disjoint rows and may overwrite dw.
	AddGrad(dw []float32, ld, r0, r1 int)
	// Sync recomputes what DequantRows reads from the parameters. It must be
	// called after every change of them.
	Sync()
}

// SyncAll calls Sync of every weight on the workers of p.
func SyncAll(p *simd.Pool, ws []Trainable) {
	p.Do(len(ws), func(i, _ int) { ws[i].Sync() })
}

// denseGrad is a Trainable whose parameter has the weight's own shape, so that
// the gradient can be accumulated in place.
type denseGrad interface {
	Trainable
	gradient() []float32 // [N, K]; nil if AddGrad must be used
}

// columnGrad is a Trainable that only moves some columns of the weight.
type columnGrad interface {
	Trainable
	columns() []int32
	gradient() []float32 // [N, len(columns)]
}

// Gain is the gain of a norm. X is what the norm multiplies by; Delta, if not
// nil, is what training has added to Base.
type Gain struct {
	X     []float32
	Base  []float32
	Delta *Param
}

// NewGain returns a frozen gain.
func NewGain(x []float32) *Gain { return &Gain{X: x, Base: x} }

// values is X; a nil gain has none, which norms take for one.
func (g *Gain) values() []float32 {
	if g == nil {
		return nil
	}
	return g.X
}

// Train gives the gain a trainable delta of zero under the given name.
func (g *Gain) Train(name string) *Param {
	g.Base = g.X
	g.X = append([]float32(nil), g.Base...)
	g.Delta = NewParam(name, len(g.X))
	return g.Delta
}

// Params returns the trainable parameter, if there is one.
func (g *Gain) Params() []*Param {
	if g.Delta == nil {
		return nil
	}
	return []*Param{g.Delta}
}

// Sync recomputes X after a change of Delta.
func (g *Gain) Sync() {
	if g.Delta == nil {
		return
	}
	for i, b := range g.Base {
		g.X[i] = b + g.Delta.X[i]
	}
}
