package nn

// Center returns x less its mean for each row of x [T, D]. LayerNorm is RMSNorm of
// it (arXiv 1607.06450): the mean square of what is left is the variance.
func Center(tp *Tape, x *Value) *Value {
	r := tp.begin(tp.NewValue(x.T, x.D), x, nil, nil)
	tp.do(r, tasksFor(x.T, rowsPerTask), centerForward)
	return tp.end(r, x.needs, centerBackward)
}

func mean(x []float32) float32 { return sum32(x) / float32(len(x)) }

func centerForward(_ *Tape, r *record, task, _ int) {
	d := r.a.D
	lo, hi := chunk(task, rowsPerTask, r.a.T)
	for t := lo; t < hi; t++ {
		x, y := r.a.X[t*d:(t+1)*d], r.out.X[t*d:(t+1)*d]
		m := mean(x)
		for i, v := range x {
			y[i] = v - m
		}
	}
}

func centerBackward(tp *Tape, r *record) {
	_, r.beta[0] = tp.gradOf(r.a)
	tp.do(r, tasksFor(r.a.T, rowsPerTask), centerBackTask)
}

func centerBackTask(_ *Tape, r *record, task, _ int) {
	d := r.a.D
	lo, hi := chunk(task, rowsPerTask, r.a.T)
	for t := lo; t < hi; t++ {
		dx, dy := r.a.G[t*d:(t+1)*d], r.out.G[t*d:(t+1)*d]
		if r.beta[0] == 0 {
			clear(dx)
		}
		m := mean(dy)
		for i, v := range dy {
			dx[i] += v - m
		}
	}
}
