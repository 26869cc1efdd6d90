package bench

import (
	"cmp"
	"fmt"
	"math/rand/v2"

	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/train/model"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

// TrainStepConfig describes the step: Batch sequences of Seq random tokens,
// next-token cross-entropy over all positions, forward and backward.
type TrainStepConfig struct {
	Batch, Seq int
	Trainable  string // ffn_down | all (the matrices of the blocks) | gains (of the norms)
	Steps      int    // measured steps; one more warms up
	MaxTokens  int    // tokens of one micro-batch
	Precision  string // nn.F32 or nn.Fast; "": the former
	Budget     int64  // model.ForwardOptions.ActivationBudget
}

// TrainStepResult is the outcome of TrainStep.
type TrainStepResult struct {
	Trainable  string  `json:"trainable"`
	Params     int     `json:"trainable_params"`
	Batch      int     `json:"batch"`
	Seq        int     `json:"seq"`
	Precision  string  `json:"precision"`
	Threads    int     `json:"threads"`
	Tier       string  `json:"tier"`
	Seconds    float64 `json:"seconds"` // median of a step
	TokensPerS float64 `json:"tokens_per_s"`
	Loss       float64 `json:"loss"`
	PeakRSS    int64   `json:"peak_rss_bytes"`
	TapeBytes  int64   `json:"tape_bytes"` // activations, gradients of them, scratch of losses
}

// TrainStep times training steps of a model. It leaves the model as it was.
func TrainStep(m *model.Model, cfg TrainStepConfig) (TrainStepResult, error) {
	res := TrainStepResult{
		Trainable: cfg.Trainable, Batch: cfg.Batch, Seq: cfg.Seq, Threads: m.Pool().Workers(), Tier: simd.Active().String(),
	}
	if cfg.Batch < 1 || cfg.Seq < 2 || cfg.Steps < 1 {
		return res, fmt.Errorf("bench: batch %d, sequence %d and steps %d must be positive", cfg.Batch, cfg.Seq, cfg.Steps)
	}
	prec, ok := nn.NamedPrecision(cfg.Precision)
	if !ok {
		return res, fmt.Errorf("bench: precision %q is not %s or %s", cfg.Precision, nn.F32, nn.Fast)
	}
	res.Precision = cmp.Or(cfg.Precision, nn.F32)
	params, undo, err := makeTrainable(m, cfg.Trainable)
	if err != nil {
		return res, err
	}
	defer undo()
	for _, p := range params {
		res.Params += len(p.X)
	}
	r := rand.New(rand.NewPCG(1, 2))
	seqs := make([][]int32, cfg.Batch)
	for i := range seqs {
		seqs[i] = make([]int32, cfg.Seq)
		for j := range seqs[i] {
			seqs[i][j] = int32(r.IntN(m.Config().Vocab))
		}
	}
	tape := nn.NewTape(m.Pool(), true)
	tape.SetPrecision(prec)
	res.Seconds, _ = timeRuns(cfg.Steps, func() {
		res.Loss = step(tape, m, seqs, max(1, cfg.MaxTokens/cfg.Seq), cfg.Budget)
		m.Pool().Do(len(params), func(i, _ int) { clear(params[i].G) })
	})
	res.TokensPerS = float64(cfg.Batch*cfg.Seq) / res.Seconds
	res.PeakRSS, res.TapeBytes = PeakRSS(), tape.Bytes()
	return res, nil
}

// step runs forward and backward over seqs, group sequences at a time.
func step(tape *nn.Tape, m *model.Model, seqs [][]int32, group int, budget int64) float64 {
	n := len(seqs[0])
	var sum float64
	for len(seqs) > 0 {
		part := seqs[:min(group, len(seqs))]
		seqs = seqs[len(part):]
		tape.Reset()
		h := m.Forward(tape, model.NewBatch(part...), model.ForwardOptions{ActivationBudget: budget}).Last
		var rows, targets []int32
		var weight []float32
		for i, s := range part {
			for j := range n - 1 {
				rows = append(rows, int32(i*n+j))
				targets = append(targets, s[j+1])
				weight = append(weight, 1)
			}
		}
		sum += nn.CrossEntropy(tape, nn.GatherRows(tape, h, rows), m.Head(), targets, weight)
		tape.Backward()
	}
	return sum
}

// trainables name what a step trains.
var trainables = map[string]func(r model.Role) bool{
	"ffn_down": func(r model.Role) bool { return r.Kind == model.FFNDown },
	"all":      func(r model.Role) bool { return r.Kind.PerBlock() && r.Kind.IsMatrix() },
	"gains":    func(r model.Role) bool { return r.Kind.IsGain() },
}

// makeTrainable puts an f32 delta over the named weights.
func makeTrainable(m *model.Model, which string) (params []*nn.Param, undo func(), err error) {
	trains, ok := trainables[which]
	if !ok {
		return nil, nil, fmt.Errorf("bench: trainable is %q, not ffn_down, all or gains", which)
	}
	var roles []model.Role
	for _, r := range m.Roles() {
		if !trains(r) {
			continue
		}
		roles = append(roles, r)
		if g := m.Gain(r); g != nil {
			params = append(params, g.Train(r.String()))
			continue
		}
		d := nn.NewDelta(r.String(), m.Original(r))
		m.SetMatrix(r, d)
		params = append(params, d.Params()...)
	}
	return params, func() {
		for _, r := range roles {
			if g := m.Gain(r); g != nil {
				g.X, g.Delta = g.Base, nil
			} else {
				m.SetMatrix(r, nil)
			}
		}
	}, nil
}
