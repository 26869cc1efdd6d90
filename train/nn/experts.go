package nn

import (
	"slices"

	"github.com/detox-surgery/detox-surgery/simd"
)

// Routing says which experts see which tokens. Rows are (token, choice) pairs in the
// order of experts, and of tokens within an expert.
type Routing struct {
	Tokens  []int32 // [T*k] token of each row
	Rows    []int32 // [T*k] row of choice j of token t, at t*k + j
	Offsets []int32 // [E+1] first row of each expert
}

// Route chooses the k largest logits of each row of logits [T, E] and returns their
// softmax [T, k], as Mixtral (arXiv 2401.04088) weighs its experts, and who sees what.
// Of equal logits the first wins.
func Route(tp *Tape, logits *Value, k int) (*Value, *Routing) {
	if k <= 0 || k > logits.D {
		panic(errShape)
	}
	w := tp.NewValue(logits.T, k)
	r := tp.begin(w, logits, nil, nil)
	r.n[0] = k
	e := logits.D
	route := &Routing{Tokens: make([]int32, logits.T*k), Rows: make([]int32, logits.T*k), Offsets: make([]int32, e+1)}
	chosen := make([]int32, 0, logits.T*k)
	for t := range logits.T {
		row := logits.X[t*e : (t+1)*e]
		for j := range k {
			best := int32(-1)
			for i := range row {
				if !slices.Contains(chosen[t*k:], int32(i)) && (best < 0 || row[i] > row[best]) {
					best = int32(i)
				}
			}
			chosen = append(chosen, best)
			w.X[t*k+j] = row[best]
			route.Offsets[best+1]++
		}
		simd.Softmax(w.X[t*k:(t+1)*k], w.X[t*k:(t+1)*k])
	}
	for i := range e {
		route.Offsets[i+1] += route.Offsets[i]
	}
	next := slices.Clone(route.Offsets)
	for i, c := range chosen {
		route.Rows[i] = next[c]
		route.Tokens[next[c]] = int32(i / k)
		next[c]++
	}
	r.ids = append(r.ids, chosen...)
	return tp.end(r, logits.needs, routeBackward, w), route
}

func routeBackward(tp *Tape, r *record) {
	g, k, e := tp.Seed(r.a), r.n[0], r.a.D
	for t := range r.out.T {
		w, dw := r.out.X[t*k:(t+1)*k], r.out.G[t*k:(t+1)*k]
		mean := simd.Dot(w, dw)
		for j, x := range w {
			g[t*e+int(r.ids[t*k+j])] += x * (dw[j] - mean)
		}
	}
}

// ExpertLinear multiplies each row of x [S, K] by the matrix of its expert: w is
// [E*N, K], the experts' matrices one below the other, and expert i has the rows
// offsets[i] <= s < offsets[i+1]. The result is [S, N].
func ExpertLinear(tp *Tape, x *Value, w simd.Matrix, offsets []int32) *Value {
	e := len(offsets) - 1
	if e <= 0 || w.Rows()%e != 0 || x.D != w.Cols() || int(offsets[e]) != x.T {
		panic(errShape)
	}
	r := tp.begin(tp.NewValue(x.T, w.Rows()/e), x, nil, nil)
	r.w = w
	r.ids = append(r.ids, offsets...)
	if !tp.skips() {
		r.eachExpert(func(lo, rows int, w simd.Matrix, _ int) {
			tp.prec.Forward.MatMulT(tp.pool, rows, x.X[lo*x.D:], x.D, w, 0, r.out.X[lo*r.out.D:], r.out.D)
		})
	}
	if _, ok := w.(Trainable); ok {
		return tp.end(r, true, expertBackward, x)
	}
	return tp.end(r, x.needs, expertBackward)
}

// eachExpert calls f for each expert that has rows: the first, their number, its
// matrix, and that matrix's first row.
func (r *record) eachExpert(f func(lo, rows int, w simd.Matrix, first int)) {
	n := r.out.D
	for i := range len(r.ids) - 1 {
		if lo, hi := int(r.ids[i]), int(r.ids[i+1]); hi > lo {
			f(lo, hi-lo, &rowView{r.w, i * n, (i + 1) * n}, i*n)
		}
	}
}

func expertBackward(tp *Tape, r *record) {
	x, dy, n, k := r.a, r.out.G, r.out.D, r.a.D
	if x.needs {
		dx, beta := tp.gradOf(x)
		r.eachExpert(func(lo, rows int, w simd.Matrix, _ int) {
			tp.prec.Input.MatMul(tp.pool, rows, dy[lo*n:], n, w, beta, dx[lo*k:], k)
		})
	}
	w, ok := r.w.(Trainable)
	if !ok {
		return
	}
	dense, _ := r.w.(denseGrad)
	panel := tp.mem.get(n * k)
	r.aux[1] = panel
	r.eachExpert(func(lo, rows int, _ simd.Matrix, first int) {
		if dense != nil && dense.gradient() != nil {
			tp.prec.Weight.Gemm(tp.pool, true, false, n, k, rows, dy[lo*n:], n, x.X[lo*k:], k, 1, dense.gradient()[first*k:], k)
			return
		}
		tp.prec.Weight.Gemm(tp.pool, true, false, n, k, rows, dy[lo*n:], n, x.X[lo*k:], k, 0, panel, k)
		tp.pool.Do(tasksFor(n, gradRows), func(task, _ int) {
			a, b := chunk(task, gradRows, n)
			w.AddGrad(panel[a*k:b*k], k, first+a, first+b)
		})
	})
}

// Combine adds up what the experts made of each token: row t of the result [T, D] is
// Σ_j w[t, j] y[rows[t*k+j]], with w [T, k] and y [T*k, D].
func Combine(tp *Tape, y, w *Value, rows []int32) *Value {
	if y.T != len(rows) || w.T*w.D != len(rows) {
		panic(errShape)
	}
	r := tp.begin(tp.NewValue(w.T, y.D), y, w, nil)
	r.ids = append(r.ids, rows...)
	if !tp.skips() {
		tp.do(r, tasksFor(w.T, rowsPerTask), combineForward)
	}
	return tp.end(r, y.needs || w.needs, combineBackward, y, w)
}

func combineForward(_ *Tape, r *record, task, _ int) {
	d, k := r.out.D, r.b.D
	lo, hi := chunk(task, rowsPerTask, r.out.T)
	for t := lo; t < hi; t++ {
		out := r.out.X[t*d : (t+1)*d]
		clear(out)
		for j := t * k; j < (t+1)*k; j++ {
			at := int(r.ids[j]) * d
			simd.Axpy(out, r.b.X[j], r.a.X[at:at+d])
		}
	}
}

func combineBackward(tp *Tape, r *record) {
	if r.a.needs {
		tp.Seed(r.a)
	}
	if r.b.needs {
		tp.Seed(r.b)
	}
	tp.do(r, tasksFor(r.out.T, rowsPerTask), combineBackTask)
}

func combineBackTask(_ *Tape, r *record, task, _ int) {
	d, k := r.out.D, r.b.D
	lo, hi := chunk(task, rowsPerTask, r.out.T)
	for t := lo; t < hi; t++ {
		g := r.out.G[t*d : (t+1)*d]
		for j := t * k; j < (t+1)*k; j++ {
			at := int(r.ids[j]) * d
			if r.a.needs {
				simd.Axpy(r.a.G[at:at+d], r.b.X[j], g)
			}
			if r.b.needs {
				r.b.G[j] += simd.Dot(r.a.X[at:at+d], g)
			}
		}
	}
}
