package surgery

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/detox-surgery/detox-surgery/surgery/eval"
	"github.com/detox-surgery/detox-surgery/surgery/report"
	"github.com/detox-surgery/detox-surgery/train"
	"github.com/detox-surgery/detox-surgery/train/data"
)

// reportNeurons is how many neurons the heat map shows.
const reportNeurons = 1000

// Report puts an outcome into the document that is written beside the model.
func (o *Outcome) Report(in Input, cfg Config) *report.Report {
	r := &report.Report{
		Title: filepath.Base(in.Model), Tool: in.Tool, Results: []*eval.Result{o.Original, o.Float, o.File},
		Subtitle: fmt.Sprintf("%s on %s, %d tensors edited", cfg.Method, cfg.Trainable.How, len(o.Written.Tensors)),
		Curves:   curves(o.Curves), Settings: settings(cfg),
	}
	if o.Located != nil {
		for _, n := range o.Located.Neurons[:min(reportNeurons, len(o.Located.Neurons))] {
			r.Neurons = append(r.Neurons, report.Neuron{Block: n.Block, Index: n.Index, Score: n.Score})
		}
	}
	for _, t := range o.Written.Tensors {
		r.Tensors = append(r.Tensors, report.Tensor{Name: t.Name, Type: t.Type, Codes: t.Codes, Scales: t.Scales, RelErr: 1 - t.Survived})
	}
	for _, f := range []struct{ role, path string }{{"parent", in.Model}, {"written", in.Output}} {
		if st, err := os.Stat(f.path); err == nil {
			sum, _ := data.Fingerprint(f.path)
			r.Files = append(r.Files, report.File{Role: f.role, Name: filepath.Base(f.path), Bytes: st.Size(), SHA256: sum})
		}
	}
	if in.PairsName != "" {
		r.Files = append(r.Files, report.File{Role: "pairs", Name: in.PairsName, SHA256: in.PairsHash})
	}
	for _, s := range o.Skipped {
		r.Notes = append(r.Notes, s+" has a type that this way of training cannot move and was left alone.")
	}
	return r
}

// curves turns the steps into lines of the training plot.
func curves(steps []train.StepStats) []report.Curve {
	if len(steps) == 0 {
		return nil
	}
	var out []report.Curve
	for _, c := range []struct {
		panel, name string
		get         func(train.StepStats) float64
	}{
		{"KL to the original, nats per token", "chosen", func(s train.StepStats) float64 { return s.KLPairs }},
		{"KL to the original, nats per token", "neutral text", func(s train.StepStats) float64 { return s.KLText }},
		{"KL to the original, nats per token", "chosen, after toxic lines", func(s train.StepStats) float64 { return s.KLContext }},
		{"discriminator", "accuracy", func(s train.StepStats) float64 { return s.DiscAcc }},
		{"discriminator", "loss", func(s train.StepStats) float64 { return s.DiscLoss }},
	} {
		line := report.Curve{Panel: c.panel, Name: c.name}
		for _, s := range steps {
			line.X, line.Y = append(line.X, float64(s.Step)), append(line.Y, c.get(s))
		}
		out = append(out, line)
	}
	return out
}

// settings lists the resolved configuration by its JSON names.
func settings(cfg Config) []report.Setting {
	var out []report.Setting
	add := func(name string, v any) {
		b, err := json.Marshal(v)
		if err == nil {
			out = append(out, report.Setting{Name: name, Value: string(b)})
		}
	}
	add("method", cfg.Method)
	add("trainable", cfg.Trainable)
	add("training", cfg.Train)
	add("rounding", cfg.Rounding)
	add("measurement", cfg.Measure)
	return out
}
