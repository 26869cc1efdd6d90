package nn

import "math"

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
	lo, hi := chunk(task, rowsPerTask, r.a.T)
	for t := lo; t < hi; t++ {
		r.rotate(t, r.out.X, r.a.X, 1, 0)
	}
}

// ropeBackward turns the gradient back.
func ropeBackward(tp *Tape, r *record) {
	_, r.beta[0] = tp.gradOf(r.a)
	tp.do(r, tasksFor(r.a.T, rowsPerTask), ropeBackTask)
}

func ropeBackTask(_ *Tape, r *record, task, _ int) {
	lo, hi := chunk(task, rowsPerTask, r.a.T)
	for t := lo; t < hi; t++ {
		r.rotate(t, r.a.G, r.out.G, -1, r.beta[0])
	}
}

// rotate writes row t of src, turned in direction sign, to dst (beta 1: adds).
func (r *record) rotate(t int, dst, src []float32, sign, beta float32) {
	d, half := r.n[0], r.n[0]/2
	step, second := 2, 1
	if r.n[1] == 1 {
		step, second = 1, half
	}
	p := int(r.ids[t])
	cos, sin := r.rope.cos[p*half:(p+1)*half], r.rope.sin[p*half:(p+1)*half]
	for h := t * r.a.D; h < (t+1)*r.a.D; h += d {
		x, y := src[h:h+d], dst[h:h+d]
		for i, c := range cos {
			s := sign * sin[i]
			j := i * step
			a, b := x[j], x[j+second]
			u, v := a*c-b*s, a*s+b*c
			if beta != 0 {
				u, v = u+y[j], v+y[j+second]
			}
			y[j], y[j+second] = u, v
		}
	}
}
