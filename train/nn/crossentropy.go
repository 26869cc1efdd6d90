package nn

import "github.com/detox-surgery/detox-surgery/simd"

// CrossEntropy returns Σ weight[i] * -log p(targets[i]) for the final hidden
// states h [T, D] under head [V, D] (a *CappedHead caps its logits), and adds its
// gradient to that of h. Rows with weight 0 or a negative target cost nothing.
// The head gets no gradient.
func CrossEntropy(tp *Tape, h *Value, head simd.Matrix, targets []int32, weight []float32) float64 {
	if len(targets) != h.T || len(weight) != h.T {
		panic(errShape)
	}
	s := &tp.scan
	s.index, s.target = s.index[:0], s.target[:0]
	for t, id := range targets {
		if id >= 0 && weight[t] != 0 {
			s.index, s.target = append(s.index, int32(t)), append(s.target, id)
		}
	}
	s.logProbs(tp, h, head)
	var loss float64
	for i, t := range s.index {
		loss -= float64(weight[t]) * (float64(s.picked[i]) - s.lse(i))
	}
	if s.acc != nil {
		g := tp.Seed(h)
		for i, t := range s.index {
			simd.Axpy(g[int(t)*s.d:(int(t)+1)*s.d], -weight[t], s.acc[i*s.d:(i+1)*s.d])
		}
	}
	s.release(tp)
	return loss
}

// LogProbs returns log p(targets[i]) per row of h, 0 where the target is
// negative. back(w) adds the gradient of Σ w[i] log p(targets[i]) to that of h,
// so that weights may depend on the values; it may be called once, before the
// tape's Backward.
func LogProbs(tp *Tape, h *Value, head simd.Matrix, targets []int32) (lp []float32, back func(w []float32)) {
	if len(targets) != h.T {
		panic(errShape)
	}
	s := &tp.scan
	s.index, s.target = s.index[:0], s.target[:0]
	for t, id := range targets {
		if id >= 0 {
			s.index, s.target = append(s.index, int32(t)), append(s.target, id)
		}
	}
	s.logProbs(tp, h, head)
	lp = make([]float32, h.T)
	for i, t := range s.index {
		lp[t] = float32(float64(s.picked[i]) - s.lse(i))
	}
	if s.acc == nil {
		s.release(tp)
		return lp, func([]float32) {}
	}
	kept := tp.value(s.rows, s.d)
	kept.X, s.acc = s.acc, nil
	index := append([]int32(nil), s.index...)
	s.release(tp)
	return lp, func(w []float32) {
		g := tp.Seed(h)
		for i, t := range index {
			simd.Axpy(g[int(t)*h.D:(int(t)+1)*h.D], w[t], kept.X[i*h.D:(i+1)*h.D])
		}
		tp.Release(kept)
	}
}
