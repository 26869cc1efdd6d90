package locate

import (
	"github.com/detox-surgery/detox-surgery/train/model"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

// forwardPlain keeps nothing but the final states.
var forwardPlain = model.ForwardOptions{}

func openContrast(s *scorer) func() {
	s.tape = nn.NewTape(s.m.Pool(), false)
	return nil
}

// contrast scores a neuron with its mean activation over the positions of the
// rejected continuation minus that over the chosen one, averaged over pairs. It
// sees correlation only: which neurons are on, not which matter.
func contrast(s *scorer, batch []Example) {
	h := s.m.Forward(s.tape, pack(batch), model.ForwardOptions{KeepActs: true})
	for l, acts := range h.Acts {
		at := 0
		for _, e := range batch {
			at += s.mean(acts, at, len(e.Chosen.IDs), e.Chosen.Cont, -1, s.scores[l])
			at += s.mean(acts, at, len(e.Rejected.IDs), e.Rejected.Cont, 1, s.scores[l])
		}
	}
	s.tape.Reset()
}

// mean adds the signed mean activation of positions cont to n of the sequence at
// row at, and returns n.
func (s *scorer) mean(acts *nn.Value, at, n, cont int, sign float64, scores []float64) int {
	f := sign * s.weight / float64(n-cont)
	for t := at + cont; t < at+n; t++ {
		for i, x := range acts.X[t*acts.D : (t+1)*acts.D] {
			scores[i] += f * float64(x)
		}
	}
	return n
}
