package nn

import "github.com/detox-surgery/detox-surgery/simd"

// geluChunk is how many elements go through the gated kernel at once, beside a
// gate of ones.
const geluChunk = 1024

var geluOnes = func() (o [geluChunk]float32) {
	for i := range o {
		o[i] = 1
	}
	return o
}()

// GELU returns gelu(x) in its tanh form (arXiv 1606.08415), as llama.cpp computes
// it for every model without a gate. Backward reads x.
func GELU(tp *Tape, x *Value) *Value {
	r := tp.begin(tp.NewValue(x.T, x.D), x, nil, nil)
	if !tp.skips() {
		tp.do(r, tasksFor(len(x.X), floatsPerTask), unaryForward)
	}
	return tp.end(r, x.needs, unaryBackward, x)
}

func unaryForward(_ *Tape, r *record, task, _ int) {
	lo, hi := chunk(task, floatsPerTask, len(r.out.X))
	for ; lo < hi; lo += geluChunk {
		n := min(geluChunk, hi-lo)
		simd.GeLUMul(r.out.X[lo:lo+n], r.a.X[lo:lo+n], geluOnes[:n])
	}
}

func unaryBackward(tp *Tape, r *record) {
	tp.Seed(r.a)
	tp.prepare(geluChunk)
	tp.do(r, tasksFor(len(r.out.G), floatsPerTask), unaryBackTask)
}

func unaryBackTask(tp *Tape, r *record, task, worker int) {
	lo, hi := chunk(task, floatsPerTask, len(r.out.G))
	for ; lo < hi; lo += geluChunk {
		n := min(geluChunk, hi-lo)
		simd.GeLUMulBack(r.a.G[lo:lo+n], tp.scratch[worker][:n], r.out.G[lo:lo+n], r.a.X[lo:lo+n], geluOnes[:n])
	}
}
