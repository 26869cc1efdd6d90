package nn

import "github.com/detox-surgery/detox-surgery/simd"

// Linear returns x Wᵀ for a weight w [N, K] and x [T, K]. A frozen weight saves
// nothing for backward; a Trainable one saves x, or only the columns of x that
// it moves.
func Linear(tp *Tape, x *Value, w simd.Matrix) *Value {
	if x.D != w.Cols() {
		panic(errShape)
	}
	if x.X == nil {
		panic(errReleased)
	}
	r := tp.begin(tp.NewValue(x.T, w.Rows()), x, nil, nil)
	r.w = w
	simd.MatMulT(tp.pool, x.T, x.X, x.D, w, 0, r.out.X, r.out.D)
	switch t := w.(type) {
	case columnGrad:
		if tp.grad {
			r.aux[0] = gatherColumns(tp, x, t.columns())
		}
		return tp.end(r, true, linearBackward)
	case Trainable:
		return tp.end(r, true, linearBackward, x)
	}
	return tp.end(r, x.needs, linearBackward)
}

func gatherColumns(tp *Tape, x *Value, cols []int32) []float32 {
	b := tp.mem.get(x.T * len(cols))
	for t := range x.T {
		src, dst := x.X[t*x.D:(t+1)*x.D], b[t*len(cols):(t+1)*len(cols)]
		for i, c := range cols {
			dst[i] = src[c]
		}
	}
	return b
}

func linearBackward(tp *Tape, r *record) {
	x, dy := r.a, r.out.G
	n, k := r.w.Rows(), r.w.Cols()
	if x.needs {
		dx, beta := tp.gradOf(x)
		simd.MatMul(tp.pool, x.T, dy, n, r.w, beta, dx, k)
	}
	switch w := r.w.(type) {
	case columnGrad:
		c := len(w.columns())
		simd.Gemm(tp.pool, true, false, n, c, x.T, dy, n, r.aux[0], c, 1, w.gradient(), c)
	case Trainable:
		if d, ok := w.(denseGrad); ok && d.gradient() != nil {
			simd.Gemm(tp.pool, true, false, n, k, x.T, dy, n, x.X, k, 1, d.gradient(), k)
			return
		}
		tp.prepare(tileRows * k)
		tp.do(r, tasksFor(n, tileRows), weightTile)
	}
}

// tileRows is the number of rows of dL/dW that exist at once per worker.
const tileRows = 96

func weightTile(tp *Tape, r *record, task, worker int) {
	n, k := r.w.Rows(), r.w.Cols()
	lo, hi := chunk(task, tileRows, n)
	dw := tp.scratch[worker][:(hi-lo)*k]
	simd.Gemm(nil, true, false, hi-lo, k, r.a.T, r.out.G[lo:], n, r.a.X, k, 0, dw, k)
	r.w.(Trainable).AddGrad(dw, k, lo, hi)
}
