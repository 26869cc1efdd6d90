package nn

import "github.com/detox-surgery/detox-surgery/simd"

// RMSNorm returns x / √(mean x² + eps) * gain for each row of x [T, D]. A nil
// gain is one.
func RMSNorm(tp *Tape, x *Value, gain *Gain, eps float32) *Value {
	return rmsNorm(tp, x, gain, x.D, eps)
}

// HeadNorm is RMSNorm of each head of x [T, heads*len(gain)], as Gemma 3 and
// Qwen 3 apply it to queries and keys.
func HeadNorm(tp *Tape, x *Value, gain *Gain, eps float32) *Value {
	return rmsNorm(tp, x, gain, len(gain.X), eps)
}

func rmsNorm(tp *Tape, x *Value, gain *Gain, dim int, eps float32) *Value {
	if dim == 0 || x.D%dim != 0 || gain != nil && len(gain.X) != dim {
		panic(errShape)
	}
	r := tp.begin(tp.NewValue(x.T, x.D), x, nil, nil)
	r.gain, r.f, r.n[0] = gain, eps, dim
	rows := x.T * x.D / dim
	r.aux[0] = tp.mem.get(rows)
	tp.do(r, tasksFor(rows, rowsPerTask), normForward)
	return tp.end(r, x.needs || gain != nil && gain.Delta != nil, normBackward, x)
}

func normForward(_ *Tape, r *record, task, _ int) {
	d := r.n[0]
	lo, hi := chunk(task, rowsPerTask, len(r.aux[0]))
	for i := lo; i < hi; i++ {
		r.aux[0][i] = simd.RMSNorm(r.out.X[i*d:(i+1)*d], r.a.X[i*d:(i+1)*d], r.gain.values(), r.f)
	}
}

func normBackward(tp *Tape, r *record) {
	if r.gain != nil && r.gain.Delta != nil {
		tp.do(r, tasksFor(r.n[0], gainCols), gainTask)
	}
	if r.a.needs {
		_, r.beta[0] = tp.gradOf(r.a)
		tp.do(r, tasksFor(len(r.aux[0]), rowsPerTask), normBackTask)
	}
}

// gainCols is the number of columns whose gain gradient one task sums over all rows.
const gainCols = 64

func gainTask(_ *Tape, r *record, task, _ int) {
	d := r.n[0]
	lo, hi := chunk(task, gainCols, d)
	g := r.gain.Delta.G[lo:hi]
	for i, rstd := range r.aux[0] {
		x, dy := r.a.X[i*d+lo:i*d+hi], r.out.G[i*d+lo:i*d+hi]
		for j := range g {
			g[j] += dy[j] * x[j] * rstd
		}
	}
}

func normBackTask(_ *Tape, r *record, task, _ int) {
	d := r.n[0]
	lo, hi := chunk(task, rowsPerTask, len(r.aux[0]))
	for i := lo; i < hi; i++ {
		dx := r.a.G[i*d : (i+1)*d]
		if r.beta[0] == 0 {
			clear(dx)
		}
		simd.RMSNormBack(dx, r.out.G[i*d:(i+1)*d], r.a.X[i*d:(i+1)*d], r.gain.values(), r.aux[0][i])
	}
}
