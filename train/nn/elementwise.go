package nn

import "github.com/detox-surgery/detox-surgery/simd"

// Add returns a + b.
func Add(tp *Tape, a, b *Value) *Value {
	if a.T != b.T || a.D != b.D {
		panic(errShape)
	}
	r := tp.begin(tp.NewValue(a.T, a.D), a, b, nil)
	if !tp.skips() {
		tp.do(r, tasksFor(len(r.out.X), floatsPerTask), addForward)
	}
	return tp.end(r, a.needs || b.needs, addBackward)
}

func addForward(_ *Tape, r *record, task, _ int) {
	lo, hi := chunk(task, floatsPerTask, len(r.out.X))
	simd.Add(r.out.X[lo:hi], r.a.X[lo:hi], r.b.X[lo:hi])
}

func addBackward(tp *Tape, r *record) {
	if r.b.needs {
		tp.pass(r, r.b, 1)
	}
	if r.a.needs {
		if r.a.G == nil && !r.out.keepG {
			r.a.G, r.out.G = r.out.G, nil
			return
		}
		tp.pass(r, r.a, 1)
	}
}

// pass adds f times the gradient of r.out to that of v.
func (tp *Tape) pass(r *record, v *Value, f float32) {
	r.c, r.f = v, f
	_, r.beta[2] = tp.gradOf(v)
	tp.do(r, tasksFor(len(r.out.G), floatsPerTask), passTask)
}

func passTask(_ *Tape, r *record, task, _ int) {
	lo, hi := chunk(task, floatsPerTask, len(r.out.G))
	dst, src := r.c.G[lo:hi], r.out.G[lo:hi]
	switch {
	case r.beta[2] != 0:
		simd.Axpy(dst, r.f, src)
	case r.f == 1:
		copy(dst, src)
	default:
		simd.Scale(dst, r.f, src)
	}
}

// Scale returns f x.
func Scale(tp *Tape, x *Value, f float32) *Value { return scaled(tp, x, f, f) }

// GradReverse returns x; its backward multiplies the gradient by -lambda. This
// is the gradient-reversal layer of domain-adversarial training (arXiv 1505.07818).
func GradReverse(tp *Tape, x *Value, lambda float32) *Value { return scaled(tp, x, 1, -lambda) }

func scaled(tp *Tape, x *Value, forward, backward float32) *Value {
	r := tp.begin(tp.NewValue(x.T, x.D), x, nil, nil)
	r.f = forward
	tp.do(r, tasksFor(len(r.out.X), floatsPerTask), scaledTask)
	r.f = backward
	return tp.end(r, x.needs, scaledBackward)
}

func scaledTask(_ *Tape, r *record, task, _ int) {
	lo, hi := chunk(task, floatsPerTask, len(r.out.X))
	simd.Scale(r.out.X[lo:hi], r.f, r.a.X[lo:hi])
}

func scaledBackward(tp *Tape, r *record) { tp.pass(r, r.a, r.f) }
