package nn

import (
	"math"

	"github.com/detox-surgery/detox-surgery/simd"
)

// headRows is the number of vocabulary rows whose logits exist at once.
const headRows = 1024

// scan walks over the vocabulary once, block by block, as flash attention walks
// over keys: logits of a block, running maximum m and sum s of exp(logit - m),
// and acc += exp(logits - m) W with the rows rescaled when the maximum grows. So
// log-softmax and its gradient cost two products, and the logits of all rows and
// tokens never exist. With a reference, its rows follow those of the model in x
// and acc, and c collects Σ exp(ref - m) (ref - logit).
type scan struct {
	rows    int       // of the model; as many again of the reference, if there is one
	d       int       // width of a row
	x       []float32 // [rows or 2 rows, d] hidden states
	tile    []float32 // [the same, headRows]
	acc     []float32 // [the same, d]; nil if no gradient is wanted
	m       []float32 // [the same]
	s, c    []float64 // [the same]; [rows]
	target  []int32   // per row, nil with a reference
	picked  []float32 // logit of the target
	slope   []float32 // derivative of the soft cap there
	w, ref  simd.Matrix
	softcap float32
	view    rowView
	lo, n   int     // block
	index   []int32 // row of h per row
}

// rowView is a range of rows of a matrix.
type rowView struct {
	simd.Matrix
	r0, r1 int
}

// Rows implements simd.Matrix.
func (v *rowView) Rows() int { return v.r1 - v.r0 }

// DequantRows implements simd.Matrix.
func (v *rowView) DequantRows(dst []float32, ld, r0, r1 int) {
	v.Matrix.DequantRows(dst, ld, v.r0+r0, v.r0+r1)
}

// CappedHead is an output head whose logits are Cap*tanh(logit/Cap), as in Gemma 2.
type CappedHead struct {
	simd.Matrix
	Cap float32
}

// uncap splits a head into its matrix and soft cap.
func uncap(w simd.Matrix) (simd.Matrix, float32) {
	if c, ok := w.(*CappedHead); ok {
		return c.Matrix, c.Cap
	}
	return w, 0
}

// HeadLogits writes the logits of hidden states x [rows, D] to y [rows, V], capped
// where the head is a CappedHead.
func HeadLogits(p *simd.Pool, rows int, x []float32, head simd.Matrix, y []float32) {
	w, c := uncap(head)
	v := w.Rows()
	simd.MatMulT(p, rows, x, w.Cols(), w, 0, y, v)
	SoftCap(p, y[:rows*v], c)
}

func resize[T any](b []T, n int) []T {
	if cap(b) < n {
		return make([]T, n, n+n/4)
	}
	return b[:n]
}

// start prepares a scan of the rows of h whose index s.index lists. href [index,
// d] and ref are the reference, if there is one.
func (s *scan) start(tp *Tape, h *Value, w, ref simd.Matrix, href []float32) {
	if h.X == nil {
		panic(errReleased)
	}
	s.w, s.softcap = uncap(w)
	s.ref, s.rows, s.d = nil, len(s.index), h.D
	if s.w.Cols() != h.D {
		panic(errShape)
	}
	all := s.rows
	if ref != nil {
		s.ref, _ = uncap(ref)
		all = 2 * s.rows
	}
	s.x = tp.mem.get(all * s.d)
	s.tile = tp.mem.get(all * headRows)
	for i, t := range s.index {
		copy(s.x[i*s.d:(i+1)*s.d], h.X[int(t)*s.d:(int(t)+1)*s.d])
		if ref != nil {
			j := s.rows + i
			copy(s.x[j*s.d:(j+1)*s.d], href[int(t)*s.d:(int(t)+1)*s.d])
		}
	}
	s.acc = nil
	if tp.grad && h.needs {
		s.acc = tp.mem.get(all * s.d)
		clear(s.acc)
	}
	s.m, s.s, s.c = resize(s.m, all), resize(s.s, all), resize(s.c, s.rows)
	s.picked, s.slope = resize(s.picked, s.rows), resize(s.slope, s.rows)
	for i := range s.m {
		s.m[i], s.s[i] = float32(math.Inf(-1)), 0
	}
	clear(s.c)
}

// release gives the memory of the scan back.
func (s *scan) release(tp *Tape) {
	tp.mem.put(s.x)
	tp.mem.put(s.tile)
	tp.mem.put(s.acc)
	s.x, s.tile, s.acc, s.w, s.ref, s.view = nil, nil, nil, nil, nil, rowView{}
}

// run goes over the vocabulary.
func (s *scan) run(tp *Tape, each taskFunc) {
	all := len(s.m)
	for s.lo = 0; s.lo < s.w.Rows(); s.lo += headRows {
		s.n = min(headRows, s.w.Rows()-s.lo)
		s.view = rowView{s.w, s.lo, s.lo + s.n}
		if s.ref == nil || s.ref == s.w {
			tp.prec.Forward.MatMulT(tp.pool, all, s.x, s.d, &s.view, 0, s.tile, s.n)
		} else {
			tp.prec.Forward.MatMulT(tp.pool, s.rows, s.x, s.d, &s.view, 0, s.tile, s.n)
			s.view.Matrix = s.ref
			tp.prec.Forward.MatMulT(tp.pool, s.rows, s.x[s.rows*s.d:], s.d, &s.view, 0, s.tile[s.rows*s.n:], s.n)
			s.view.Matrix = s.w
		}
		tp.do(nil, tasksFor(s.rows, headChunk), each)
		if s.acc != nil {
			tp.prec.Input.MatMul(tp.pool, all, s.tile, s.n, &s.view, 1, s.acc, s.d)
		}
	}
}

// headChunk is the number of rows of a task: few, a row is long.
const headChunk = 4

// row is the block of logits of row i, capped.
func (s *scan) row(i int) []float32 {
	l := s.tile[i*s.n : (i+1)*s.n]
	if s.softcap > 0 {
		for j, v := range l {
			l[j] = s.softcap * float32(math.Tanh(float64(v/s.softcap)))
		}
	}
	return l
}

// raise makes m the maximum of row i with the block l and returns the factor
// that brings sums to it.
func (s *scan) raise(i int, l []float32) float32 {
	top := simd.Max(l)
	if top <= s.m[i] {
		return 1
	}
	f := exp32(s.m[i] - top)
	s.m[i] = top
	s.s[i] *= float64(f)
	if s.acc != nil {
		simd.Scale(s.acc[i*s.d:(i+1)*s.d], f, s.acc[i*s.d:(i+1)*s.d])
	}
	return f
}

// weigh turns the logits l of row i into exp(l - m), adds them to the sum, and
// applies the slope of the cap for the gradient.
func (s *scan) weigh(i int, l []float32) {
	if s.softcap == 0 {
		s.s[i] += simd.ExpSum(l, l, s.m[i])
		return
	}
	for j, v := range l {
		u, e := v/s.softcap, exp32(v-s.m[i])
		s.s[i] += float64(e)
		l[j] = e * (1 - u*u)
	}
}

// lse is the log of the sum of the exponentials of row i.
func (s *scan) lse(i int) float64 { return float64(s.m[i]) + math.Log(s.s[i]) }

// pickTask scans rows that have a target.
func pickTask(tp *Tape, _ *record, task, _ int) {
	s := &tp.scan
	lo, hi := chunk(task, headChunk, s.rows)
	for i := lo; i < hi; i++ {
		l := s.row(i)
		if t := int(s.target[i]) - s.lo; t >= 0 && t < s.n {
			s.picked[i], s.slope[i] = l[t], 1
			if s.softcap > 0 {
				u := l[t] / s.softcap
				s.slope[i] = 1 - u*u
			}
		}
		s.raise(i, l)
		s.weigh(i, l)
	}
}

// finishPick leaves in acc the gradient of log p(target) with respect to the
// hidden state: slope W[target] - Σ p W.
func finishPick(tp *Tape, _ *record, task, _ int) {
	s := &tp.scan
	lo, hi := chunk(task, headChunk, s.rows)
	for i := lo; i < hi; i++ {
		a, x := s.acc[i*s.d:(i+1)*s.d], s.x[i*s.d:(i+1)*s.d]
		t := int(s.target[i])
		s.w.DequantRows(x, s.d, t, t+1)
		simd.Scale(a, float32(-1/s.s[i]), a)
		simd.Axpy(a, s.slope[i], x)
	}
}

// logProbs runs the scan over the rows of h that index lists.
func (s *scan) logProbs(tp *Tape, h *Value, head simd.Matrix) {
	s.start(tp, h, head, nil, nil)
	if s.rows == 0 {
		return
	}
	for _, t := range s.target {
		if int(t) >= s.w.Rows() {
			panic(errTarget)
		}
	}
	s.run(tp, pickTask)
	if s.acc != nil {
		tp.do(nil, tasksFor(s.rows, headChunk), finishPick)
	}
}

const errTarget = "nn: target is not a row of the head"
