package nn

import (
	"math"

	"github.com/detox-surgery/detox-surgery/simd"
)

// Rotation says how rotary positions turn the heads of queries and keys (RoFormer,
// arXiv 2104.09864). A tape keeps one table per Rotation, told apart by address.
type Rotation struct {
	HeadDim int
	// Dim is how many of the first dimensions of a head turn; the others stay.
	Dim int
	// Base and Scale: pair i turns by pos * Scale * Base^(-2i/Dim) / Factors[i].
	Base, Scale float32
	Factors     []float32 // [Dim/2]; nil: all one
	// Magnitude is a factor on what turns; 0 is 1.
	Magnitude float32
	// NeoX makes pair i of the dimensions i and i + Dim/2, not of 2i and 2i+1.
	NeoX bool
}

// ropeTable holds cos and sin of the angles of a Rotation, Dim/2 each per position.
type ropeTable struct {
	*Rotation
	cos, sin []float32
}

// RoPE rotates the heads of x [T, heads*HeadDim] by their positions.
func RoPE(tp *Tape, x *Value, pos []int32, rot *Rotation) *Value {
	if rot.HeadDim <= 0 || x.D%rot.HeadDim != 0 || len(pos) != x.T || rot.Dim <= 0 || rot.Dim%2 != 0 || rot.Dim > rot.HeadDim ||
		rot.Factors != nil && len(rot.Factors) != rot.Dim/2 {
		panic(errShape)
	}
	r := tp.begin(tp.NewValue(x.T, x.D), x, nil, nil)
	r.ids = append(r.ids, pos...)
	t := tp.ropes[rot]
	if t == nil {
		t = &ropeTable{Rotation: rot}
		tp.ropes[rot] = t
	}
	last := int32(0)
	for _, p := range pos {
		last = max(last, p)
	}
	t.grow(int(last) + 1)
	r.rope = t
	tp.do(r, tasksFor(x.T, rowsPerTask), ropeForward)
	return tp.end(r, x.needs, ropeBackward)
}

func (t *ropeTable) grow(n int) {
	half := t.Dim / 2
	have := len(t.cos) / half
	if n <= have {
		return
	}
	m := 1.0
	if t.Magnitude != 0 {
		m = float64(t.Magnitude)
	}
	n = max(n, 2*have, 128)
	for p := have; p < n; p++ {
		for i := range half {
			a := float64(p) * float64(t.Scale) * math.Pow(float64(t.Base), -2*float64(i)/float64(t.Dim))
			if t.Factors != nil {
				a /= float64(t.Factors[i])
			}
			t.cos = append(t.cos, float32(m*math.Cos(a)))
			t.sin = append(t.sin, float32(m*math.Sin(a)))
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
	k := r.rope
	half, p := k.Dim/2, int(r.ids[t])
	cos, sin := k.cos[p*half:(p+1)*half], k.sin[p*half:(p+1)*half]
	if k.Dim == k.HeadDim {
		simd.Rotate(dst, src, cos, sin, sign, k.NeoX)
		return
	}
	for h := 0; h < len(src); h += k.HeadDim {
		simd.Rotate(dst[h:h+k.Dim], src[h:h+k.Dim], cos, sin, sign, k.NeoX)
		copy(dst[h+k.Dim:h+k.HeadDim], src[h+k.Dim:h+k.HeadDim])
	}
}
