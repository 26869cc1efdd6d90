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
	if !tp.skips() {
		tp.forward(x, w, r.out)
	}
	switch t := w.(type) {
	case columnGrad:
		tp.wanted = max(tp.wanted, x.op)
		if tp.grad {
			r.aux[0] = gatherColumns(tp, x, t.columns())
		}
		return tp.end(r, true, linearBackward)
	case Trainable:
		return tp.end(r, true, linearBackward, x)
	}
	return tp.end(r, x.needs, linearBackward)
}

// forward multiplies in the precision of the tape.
func (tp *Tape) forward(x *Value, w simd.Matrix, out *Value) {
	if !tp.int8 || !simd.MatMulT8(tp.pool, x.T, x.X, x.D, w, out.X, out.D) {
		tp.prec.Forward.MatMulT(tp.pool, x.T, x.X, x.D, w, 0, out.X, out.D)
	}
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
		tp.prec.Input.MatMul(tp.pool, x.T, dy, n, r.w, beta, dx, k)
	}
	switch w := r.w.(type) {
	case columnGrad:
		c := len(w.columns())
		tp.prec.Weight.Gemm(tp.pool, true, false, n, c, x.T, dy, n, r.aux[0], c, 1, w.gradient(), c)
	case Trainable:
		if d, ok := w.(denseGrad); ok && d.gradient() != nil {
			tp.prec.Weight.Gemm(tp.pool, true, false, n, k, x.T, dy, n, x.X, k, 1, d.gradient(), k)
			return
		}
		tp.weightGrad(r, w)
	}
}

const (
	// panelFloats bounds how much of dL/dW exists at once (4 MB).
	panelFloats = 1 << 20
	// gradRows is the number of rows of it that AddGrad gets at a time.
	gradRows = 16
)

// weightGrad hands dL/dW = dyᵀ x to w in panels of rows.
func (tp *Tape) weightGrad(r *record, w Trainable) {
	n, k, dy := w.Rows(), w.Cols(), r.out.G
	rows := min(n, max(gradRows, panelFloats/k/gradRows*gradRows))
	panel := tp.mem.get(rows * k)
	r.aux[1] = panel
	for r.n[0] = 0; r.n[0] < n; r.n[0] += rows {
		r.n[1] = min(rows, n-r.n[0])
		tp.prec.Weight.Gemm(tp.pool, true, false, r.n[1], k, r.a.T, dy[r.n[0]:], n, r.a.X, k, 0, panel, k)
		tp.do(r, tasksFor(r.n[1], gradRows), addGradTask)
	}
}

func addGradTask(_ *Tape, r *record, task, _ int) {
	k := r.w.Cols()
	lo, hi := chunk(task, gradRows, r.n[1])
	r.w.(Trainable).AddGrad(r.aux[1][lo*k:hi*k], k, r.n[0]+lo, r.n[0]+hi)
}
