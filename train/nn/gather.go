package nn

import "github.com/detox-surgery/detox-surgery/simd"

// Embed returns scale times the rows ids of the embedding table w [V, D].
func Embed(tp *Tape, w simd.Matrix, ids []int32, scale float32) *Value {
	r := tp.begin(tp.NewValue(len(ids), w.Cols()), nil, nil, nil)
	r.w, r.f = w, scale
	r.ids = append(r.ids, ids...)
	tp.do(r, tasksFor(len(ids), rowsPerTask), embedForward)
	_, trains := w.(Trainable)
	return tp.end(r, trains, embedBackward)
}

func embedForward(_ *Tape, r *record, task, _ int) {
	lo, hi := chunk(task, rowsPerTask, len(r.ids))
	d := r.out.D
	for t := lo; t < hi; t++ {
		row, id := r.out.X[t*d:(t+1)*d], int(r.ids[t])
		r.w.DequantRows(row, d, id, id+1)
		if r.f != 1 {
			simd.Scale(row, r.f, row)
		}
	}
}

// embedBackward runs in order: a token may occur more than once.
func embedBackward(tp *Tape, r *record) {
	d, w := r.out.D, r.w.(Trainable)
	tp.prepare(d)
	row := tp.scratch[0][:d]
	for t, id := range r.ids {
		simd.Scale(row, r.f, r.out.G[t*d:(t+1)*d])
		w.AddGrad(row, d, int(id), int(id)+1)
	}
}

// GatherRows returns the rows idx of x, in that order; rows may repeat.
func GatherRows(tp *Tape, x *Value, idx []int32) *Value {
	r := tp.begin(tp.NewValue(len(idx), x.D), x, nil, nil)
	r.ids = append(r.ids, idx...)
	for i, t := range idx {
		copy(r.out.X[i*x.D:(i+1)*x.D], x.X[int(t)*x.D:(int(t)+1)*x.D])
	}
	return tp.end(r, x.needs, gatherBackward)
}

func gatherBackward(tp *Tape, r *record) {
	g, d := tp.Seed(r.a), r.a.D
	for i, t := range r.ids {
		simd.Add(g[int(t)*d:(int(t)+1)*d], g[int(t)*d:(int(t)+1)*d], r.out.G[i*d:(i+1)*d])
	}
}
