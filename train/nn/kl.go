package nn

import "github.com/detox-surgery/detox-surgery/simd"

// KLToRef returns Σ weight[i] KL(p_ref || p) for the final hidden states h [T, D]
// under head and those of the reference, href [T, D], under refHead, and adds its
// gradient to that of h. Rows with weight 0 cost nothing. Head and reference get
// no gradient.
func KLToRef(tp *Tape, h *Value, href []float32, head, refHead simd.Matrix, weight []float32) float64 {
	if len(href) != h.T*h.D || len(weight) != h.T || refHead.Rows() != head.Rows() || refHead.Cols() != head.Cols() {
		panic(errShape)
	}
	s := &tp.scan
	s.index = s.index[:0]
	for t, w := range weight {
		if w != 0 {
			s.index = append(s.index, int32(t))
		}
	}
	s.start(tp, h, head, refHead, href)
	tp.prepare(headRows)
	if s.rows > 0 {
		s.run(tp, klTask)
	}
	var loss float64
	for i, t := range s.index {
		j := s.rows + i
		loss += float64(weight[t]) * (s.c[i]/s.s[j] + s.lse(i) - s.lse(j))
	}
	if s.acc != nil && s.rows > 0 {
		g := tp.Seed(h)
		for i, t := range s.index {
			j, row := s.rows+i, g[int(t)*s.d:(int(t)+1)*s.d]
			// Both are rounded before the difference is taken: where model and
			// reference agree it is exactly zero.
			p, q := s.acc[i*s.d:(i+1)*s.d], s.acc[j*s.d:(j+1)*s.d]
			simd.Scale(p, float32(1/s.s[i]), p)
			simd.Scale(q, float32(1/s.s[j]), q)
			simd.Axpy(p, -1, q)
			simd.Axpy(row, weight[t], p)
		}
	}
	s.release(tp)
	return loss
}

// klTask scans rows of the model beside those of the reference.
func klTask(tp *Tape, _ *record, task, worker int) {
	s := &tp.scan
	lo, hi := chunk(task, headChunk, s.rows)
	for i := lo; i < hi; i++ {
		j := s.rows + i
		l, r := s.row(i), s.row(j)
		s.raise(i, l)
		s.c[i] *= float64(s.raise(j, r))
		if s.softcap > 0 {
			s.weighPair(i, j, l, r)
			continue
		}
		diff := tp.scratch[worker][:s.n]
		for k, v := range r {
			diff[k] = v - l[k]
		}
		s.weigh(i, l)
		s.weigh(j, r)
		s.c[i] += float64(simd.Dot(diff, r))
	}
}

// weighPair is weigh for a capped row of the model and of the reference: the
// gradient of both terms passes through the slope of the model's logits.
func (s *scan) weighPair(i, j int, l, r []float32) {
	for k, v := range l {
		u, e := v/s.softcap, exp32(v-s.m[i])
		f := exp32(r[k] - s.m[j])
		s.s[i] += float64(e)
		s.s[j] += float64(f)
		s.c[i] += float64(f) * float64(r[k]-v)
		l[k], r[k] = e*(1-u*u), f*(1-u*u)
	}
}
