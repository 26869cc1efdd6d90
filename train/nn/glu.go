package nn

import "github.com/detox-surgery/detox-surgery/simd"

// SiLUMul returns silu(gate) * up, the activation of Llama's feed-forward. Its
// backward reads gate and up; the result itself is recomputed where a later op
// needs it.
func SiLUMul(tp *Tape, gate, up *Value) *Value {
	return glu(tp, gate, up, siluForward, siluBackward)
}

// GeLUMul returns gelu(gate) * up with the tanh form of GELU, as in Gemma.
func GeLUMul(tp *Tape, gate, up *Value) *Value {
	return glu(tp, gate, up, geluForward, geluBackward)
}

func glu(tp *Tape, gate, up *Value, forward taskFunc, back func(*Tape, *record)) *Value {
	if gate.T != up.T || gate.D != up.D {
		panic(errShape)
	}
	r := tp.begin(tp.NewValue(gate.T, gate.D), gate, up, nil)
	r.forward = forward
	if !tp.skips() {
		tp.do(r, tasksFor(gate.T, rowsPerTask), forward)
	}
	recorded := tp.grad && (gate.needs || up.needs)
	out := tp.end(r, recorded, back, gate, up)
	if recorded && gate.remake == nil && up.remake == nil {
		out.remake = r
	}
	out.cheap = tp.dry && out.needs && !gate.cheap && !up.cheap
	return out
}

func rowRange(r *record, task int) (lo, hi int) {
	lo, hi = chunk(task, rowsPerTask, r.out.T)
	return lo * r.out.D, hi * r.out.D
}

func siluForward(_ *Tape, r *record, task, _ int) {
	lo, hi := rowRange(r, task)
	simd.SiLUMul(r.out.X[lo:hi], r.a.X[lo:hi], r.b.X[lo:hi])
}

func geluForward(_ *Tape, r *record, task, _ int) {
	lo, hi := rowRange(r, task)
	simd.GeLUMul(r.out.X[lo:hi], r.a.X[lo:hi], r.b.X[lo:hi])
}

func siluBackward(tp *Tape, r *record) { gluBackward(tp, r, siluBackTask) }
func geluBackward(tp *Tape, r *record) { gluBackward(tp, r, geluBackTask) }

func gluBackward(tp *Tape, r *record, task taskFunc) {
	tp.Seed(r.a)
	tp.Seed(r.b)
	tp.do(r, tasksFor(r.out.T, rowsPerTask), task)
}

func siluBackTask(_ *Tape, r *record, task, _ int) {
	lo, hi := rowRange(r, task)
	simd.SiLUMulBack(r.a.G[lo:hi], r.b.G[lo:hi], r.out.G[lo:hi], r.a.X[lo:hi], r.b.X[lo:hi])
}

func geluBackTask(_ *Tape, r *record, task, _ int) {
	lo, hi := rowRange(r, task)
	simd.GeLUMulBack(r.a.G[lo:hi], r.b.G[lo:hi], r.out.G[lo:hi], r.a.X[lo:hi], r.b.X[lo:hi])
}
