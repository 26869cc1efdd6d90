package eval

import (
	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/train/model"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

// runtime is a *model.Model as the metrics see it. Its tape keeps its memory from
// one pass to the next.
type runtime struct {
	m    *model.Model
	tape *nn.Tape
}

// New makes m measurable. It runs on m's pool; m's weights are read when a metric
// runs, so replacing them between metrics is allowed. m must have a tokenizer.
func New(m *model.Model) Model {
	if m.Tokenizer() == nil {
		panic("eval: the model has no tokenizer")
	}
	return &runtime{m, nn.NewTape(m.Pool(), false)}
}

// Tokens implements LM.
func (r *runtime) Tokens() Tokens { return r.m.Tokenizer() }

// Head implements States.
func (r *runtime) Head() simd.Matrix { return r.m.Head() }

// Pool implements States.
func (r *runtime) Pool() *simd.Pool { return r.m.Pool() }

// Hidden implements States.
func (r *runtime) Hidden(seqs [][]int32) []float32 {
	return r.forward(seqs).X
}

func (r *runtime) forward(seqs [][]int32) *nn.Value {
	r.tape.Reset()
	return r.m.Forward(r.tape, model.NewBatch(seqs...), model.ForwardOptions{}).Last
}

// LogProbs implements LM.
func (r *runtime) LogProbs(seqs [][]int32, from []int) [][]float64 {
	out := make([][]float64, len(seqs))
	var targets []int32 // by row of the packed batch; -1: not wanted
	for i, s := range seqs {
		for k := range s {
			if k+1 >= from[i] && k+1 < len(s) {
				targets = append(targets, s[k+1])
			} else {
				targets = append(targets, -1)
			}
		}
	}
	if len(targets) == 0 {
		return out
	}
	lp, _ := nn.LogProbs(r.tape, r.forward(seqs), r.m.Head(), targets)
	row := 0
	for i, s := range seqs {
		for k := range s {
			if targets[row+k] >= 0 {
				out[i] = append(out[i], float64(lp[row+k]))
			}
		}
		row += len(s)
	}
	return out
}

// Generate implements LM.
func (r *runtime) Generate(prompts [][]int32, o GenOptions) [][]int32 {
	return model.Generate(r.m, prompts, model.GenOptions{
		MaxNew: o.MaxNew, Sample: o.Sample, TopP: o.TopP, Temp: o.Temp, Seed: o.Seed, Batch: o.Batch, Progress: o.Progress,
	})
}
