package locate

import (
	"maps"
	"slices"
	"sync"

	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

// Attribution scores neuron i with Σ_t m_i(t) ∂Q/∂m_i(t), m its activation and
// Q = mean log p(rejected) − mean log p(chosen) per token, averaged over pairs:
// to first order, how much Q falls when the neuron is silenced.
//
// With y = W m and g = ∂Q/∂y that is Σ_r W[r,i] Σ_t g_r(t) m_i(t), the product of
// column i of ffn_down with the gradient of Q in that column. So the weight's
// gradient serves, and neither activations nor their gradients are kept.

// probe stands over ffn_down and folds its gradient into scores of neurons.
type probe struct {
	simd.Matrix
	mu    sync.Mutex
	parts map[int][]float64 // by first row: the shares of runs of rows
}

// Params implements nn.Trainable: there are none.
func (p *probe) Params() []*nn.Param { return nil }

// Sync implements nn.Trainable.
func (p *probe) Sync() {}

// AddGrad implements nn.Trainable.
func (p *probe) AddGrad(dw []float32, ld, r0, r1 int) {
	k := p.Cols()
	w, sum := make([]float32, k), make([]float64, k)
	for r := r0; r < r1; r++ {
		p.DequantRows(w, k, r, r+1)
		for i, x := range dw[(r-r0)*ld : (r-r0)*ld+k] {
			sum[i] += float64(x) * float64(w[i])
		}
	}
	p.mu.Lock()
	p.parts[r0] = sum
	p.mu.Unlock()
}

// fold adds the shares to scores, in the order of rows. Every d rows are another
// expert, whose neurons follow those of the one before.
func (p *probe) fold(scores []float64, d int) {
	for _, r := range slices.Sorted(maps.Keys(p.parts)) {
		first := r / d * p.Cols()
		for i, x := range p.parts[r] {
			scores[first+i] += x
		}
	}
	clear(p.parts)
}

func openAttribution(s *scorer) func() {
	s.tape = nn.NewTape(s.m.Pool(), true)
	before := make([]simd.Matrix, s.m.Config().Blocks)
	for l := range before {
		before[l] = s.m.Matrix(s.m.FFNDown(l))
		p := &probe{Matrix: before[l], parts: map[int][]float64{}}
		s.probes = append(s.probes, p)
		s.m.SetMatrix(s.m.FFNDown(l), p)
	}
	return func() {
		for l, w := range before {
			s.m.SetMatrix(s.m.FFNDown(l), w)
		}
	}
}

func attribute(s *scorer, batch []Example) {
	b := pack(batch)
	targets, weight := make([]int32, len(b.IDs)), make([]float32, len(b.IDs))
	for i := range targets {
		targets[i] = -1
	}
	at := 0
	for _, e := range batch {
		at += s.aim(e.Chosen.IDs, e.Chosen.Cont, -1, targets[at:], weight[at:])
		at += s.aim(e.Rejected.IDs, e.Rejected.Cont, 1, targets[at:], weight[at:])
	}
	h := s.m.Forward(s.tape, b, forwardPlain)
	// CrossEntropy seeds the gradient of −Σ w log p.
	nn.CrossEntropy(s.tape, h.Last, s.m.Head(), targets, weight)
	s.tape.Backward()
	s.tape.Reset()
	for l, p := range s.probes {
		p.fold(s.scores[l], s.m.Config().Width)
	}
}

// aim sets the targets of one sequence and their weights, so that Σ w log p is
// −sign times the example's share of Q; it returns the length.
func (s *scorer) aim(ids []int32, cont int, sign float64, targets []int32, weight []float32) int {
	w := float32(-sign * s.weight / float64(len(ids)-cont))
	for i := cont; i < len(ids); i++ {
		targets[i-1], weight[i-1] = ids[i], w
	}
	return len(ids)
}
