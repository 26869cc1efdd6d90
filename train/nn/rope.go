package nn

import (
	"math"

	"github.com/detox-surgery/detox-surgery/simd"
)

type ropeKey struct {
	dim         int
	base, scale float32
}

// ropeTable holds cos and sin of position * scale * base^(-2i/dim), dim/2 each
// per position.
type ropeTable struct{ cos, sin []float32 }

// RoPE rotates the heads of x [T, heads*headDim] by their positions. Pair i of a
// head turns by pos * freqScale * base^(-2i/headDim); with neox it is made of the
// dimensions i and i + headDim/2, without of 2i and 2i+1.
func RoPE(tp *Tape, x *Value, pos []int32, headDim int, base, freqScale float32, neox bool) *Value {
	if headDim <= 0 || headDim%2 != 0 || x.D%headDim != 0 || len(pos) != x.T {
		panic(errShape)
	}
	r := tp.begin(tp.NewValue(x.T, x.D), x, nil, nil)
	r.ids = append(r.ids, pos...)
	r.n[0] = headDim
	if neox {
		r.n[1] = 1
	}
	k := ropeKey{headDim, base, freqScale}
	t := tp.ropes[k]
	if t == nil {
		t = new(ropeTable)
		tp.ropes[k] = t
	}
	last := int32(0)
	for _, p := range pos {
		last = max(last, p)
	}
	t.grow(k, int(last)+1)
	r.rope = t
	tp.do(r, tasksFor(x.T, rowsPerTask), ropeForward)
	return tp.end(r, x.needs, ropeBackward)
}

func (t *ropeTable) grow(k ropeKey, n int) {
	half := k.dim / 2
	have := len(t.cos) / half
	if n <= have {
		return
	}
	n = max(n, 2*have, 128)
	for p := have; p < n; p++ {
		for i := range half {
			a := float64(p) * float64(k.scale) * math.Pow(float64(k.base), -2*float64(i)/float64(k.dim))
			t.cos = append(t.cos, float32(math.Cos(a)))
			t.sin = append(t.sin, float32(math.Sin(a)))
		}
	}
}

func ropeForward(_ *Tape, r *record, task, _ int) {
	d := r.a.D
	lo, hi := chunk(task, rowsPerTask, r.a.T)
	for t := lo; t < hi; t++ {
		r.rotate(t, r.out.X[t*d:(t+1)*d], r.a.X[t*d:(t+1)*d], 1)
	}
}

// ropeBackward turns the gradient back.
func ropeBackward(tp *Tape, r *record) {
	_, r.beta[0] = tp.gradOf(r.a)
	tp.prepare(r.a.D)
	tp.do(r, tasksFor(r.a.T, rowsPerTask), ropeBackTask)
}

func ropeBackTask(tp *Tape, r *record, task, worker int) {
	d := r.a.D
	lo, hi := chunk(task, rowsPerTask, r.a.T)
	for t := lo; t < hi; t++ {
		g, dy := r.a.G[t*d:(t+1)*d], r.out.G[t*d:(t+1)*d]
		if r.beta[0] == 0 {
			r.rotate(t, g, dy, -1)
			continue
		}
		row := tp.scratch[worker][:d]
		r.rotate(t, row, dy, -1)
		simd.Add(g, g, row)
	}
}

// rotate writes row t of src, turned in direction sign, to dst.
func (r *record) rotate(t int, dst, src []float32, sign float32) {
	half := r.n[0] / 2
	p := int(r.ids[t])
	simd.Rotate(dst, src, r.rope.cos[p*half:(p+1)*half], r.rope.sin[p*half:(p+1)*half], sign, r.n[1] == 1)
}
