package surgery

import (
	"fmt"
	"strings"

	"github.com/detox-surgery/detox-surgery/surgery/patient"
)

// Plan says what an operation is going to do, before it does it.
type Plan struct {
	Model      string  `json:"model"`
	Arch       string  `json:"architecture"`
	Output     string  `json:"output"`
	Bytes      int64   `json:"output_bytes"` // up to metadata, if no type changes
	Method     string  `json:"method"`
	How        How     `json:"how"`
	Tensors    int     `json:"tensors"`   // that train
	Trainable  int64   `json:"trainable"` // parameters
	Pairs      int     `json:"pairs"`
	Steps      int     `json:"steps"`
	GFLOP      float64 `json:"training_gflop"`
	Memory     int64   `json:"memory_bytes"`      // estimate: mapping, parameters, activations
	SecondsAt  float64 `json:"seconds_at_gflops"` // training at AssumeRate
	AssumeRate float64 `json:"assumed_gflops"`    // of all threads
	Generation int     `json:"generated_tokens"`  // by the measurements of three models
	Undo       string  `json:"undo"`
}

// assumedRate is GFLOP/s of one thread that plans reckon with; bench gemm measures.
const assumedRate = 120

// The lengths that plans assume: a sequence of a pair, and toxic lines before it.
const (
	meanPairTokens    = 20
	meanContextTokens = 35
)

// NewPlan opens the model, checks that the operation is possible, and estimates it.
func NewPlan(in Input, cfg Config) (*Plan, error) {
	f, err := patient.Open(in.Model, in.Pool)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	m, err := f.Model()
	if err != nil {
		return nil, err
	}
	roles, err := cfg.Trainable.Roles(m)
	if err != nil {
		return nil, err
	}
	p := &Plan{
		Model: in.Model, Arch: m.Config().Arch, Output: in.Output, Bytes: f.Size(), Method: cfg.Method, How: cfg.Trainable.How,
		Pairs: len(in.Pairs), Undo: in.Output + ".undo",
	}
	if cfg.MaxPairs > 0 {
		p.Pairs = min(p.Pairs, cfg.MaxPairs)
	}
	if in.Edit == nil {
		p.Steps = cfg.Train.Steps(p.Pairs)
	}
	var weights int64
	for _, r := range m.Roles() {
		if r.Kind.IsMatrix() {
			weights += int64(m.Tensor(r).Rows()) * int64(m.Tensor(r).Cols())
		}
	}
	for _, r := range roles {
		t := m.Tensor(r)
		n := int64(t.Rows()) * int64(t.Cols())
		if g, ok := t.Type.Grid(); ok && !g.Coarse && cfg.Trainable.How == Carriers {
			p.Trainable += 2 * n / int64(g.Group)
		} else {
			p.Trainable += n
		}
		p.Tensors++
	}
	pair := meanPairTokens + cfg.Train.ContextShare*meanContextTokens
	tokens := float64(p.Steps) * (2*pair*float64(cfg.Train.Batch) + float64(cfg.Train.TextWindows*cfg.Train.TextTokens))
	p.GFLOP = tokens * float64(weights) * 5 / 1e9
	p.AssumeRate = assumedRate * float64(in.Pool.Workers())
	p.SecondsAt = p.GFLOP / p.AssumeRate
	c := m.Config()
	block := int64(cfg.Train.MaxTokens) * int64(6*c.Width+4*c.FFN) * 4
	activations := block * int64(c.Blocks)
	if b := cfg.Train.ActivationBudget; b > 0 {
		activations = min(activations, b+block) // the one that is computed again
	}
	p.Memory = f.Size() + 16*p.Trainable + activations
	p.Generation = 3 * cfg.Measure.MaxNew * (cfg.Measure.Prompts + cfg.Measure.Greedy + cfg.Measure.Plain)
	return p, nil
}

// String is the plan for people.
func (p *Plan) String() string {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-11s %s\n", name, fmt.Sprintf(format, args...))
	}
	row("model", "%s (%s, %.0f MB)", p.Model, p.Arch, float64(p.Bytes)/1e6)
	row("output", "%s, undo file %s", p.Output, p.Undo)
	row("method", "%s on %s of %d tensors: %d parameters", p.Method, p.How, p.Tensors, p.Trainable)
	row("training", "%d pairs, %d steps, %.0f TFLOP: about %.1f min at %.0f GFLOP/s", p.Pairs, p.Steps, p.GFLOP/1000, p.SecondsAt/60, p.AssumeRate)
	row("measuring", "%d generated tokens on three models", p.Generation)
	row("memory", "about %.0f MB", float64(p.Memory)/1e6)
	return b.String()
}
