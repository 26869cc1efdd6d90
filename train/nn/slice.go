package nn

import "github.com/detox-surgery/detox-surgery/simd"

// Slice returns the columns from <= c < from+n of x [T, D].
func Slice(tp *Tape, x *Value, from, n int) *Value {
	if from < 0 || n < 0 || from+n > x.D {
		panic(errShape)
	}
	r := tp.begin(tp.NewValue(x.T, n), x, nil, nil)
	r.n[0] = from
	if !tp.skips() {
		tp.do(r, tasksFor(x.T, rowsPerTask), sliceForward)
	}
	return tp.end(r, x.needs, sliceBackward)
}

func sliceForward(_ *Tape, r *record, task, _ int) {
	lo, hi := chunk(task, rowsPerTask, r.a.T)
	for t := lo; t < hi; t++ {
		copy(r.out.X[t*r.out.D:(t+1)*r.out.D], r.a.X[t*r.a.D+r.n[0]:])
	}
}

func sliceBackward(tp *Tape, r *record) {
	tp.Seed(r.a)
	tp.do(r, tasksFor(r.a.T, rowsPerTask), sliceBackTask)
}

func sliceBackTask(_ *Tape, r *record, task, _ int) {
	lo, hi := chunk(task, rowsPerTask, r.a.T)
	for t := lo; t < hi; t++ {
		at := t*r.a.D + r.n[0]
		g := r.a.G[at : at+r.out.D]
		simd.Add(g, g, r.out.G[t*r.out.D:(t+1)*r.out.D])
	}
}
