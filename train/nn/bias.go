package nn

import "github.com/detox-surgery/detox-surgery/simd"

// AddBias returns x + b for each row of x [T, D]. The bias b [D] is frozen.
func AddBias(tp *Tape, x *Value, b []float32) *Value {
	if len(b) != x.D {
		panic(errShape)
	}
	r := tp.begin(tp.NewValue(x.T, x.D), x, nil, nil)
	r.bias = b
	if !tp.skips() {
		tp.do(r, tasksFor(x.T, rowsPerTask), biasForward)
	}
	return tp.end(r, x.needs, biasBackward)
}

func biasForward(_ *Tape, r *record, task, _ int) {
	d := r.a.D
	lo, hi := chunk(task, rowsPerTask, r.a.T)
	for t := lo; t < hi; t++ {
		simd.Add(r.out.X[t*d:(t+1)*d], r.a.X[t*d:(t+1)*d], r.bias)
	}
}

func biasBackward(tp *Tape, r *record) {
	if r.a.G == nil && !r.out.keepG {
		r.a.G, r.out.G = r.out.G, nil
		return
	}
	tp.pass(r, r.a, 1)
}
