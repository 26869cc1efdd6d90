package onnxlm

import (
	"fmt"
	"math"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/onnx"
	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/train/model"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

// Patient is a decoder language model that was found in an ONNX file.
type Patient struct {
	ONNX   *onnx.Model
	File   *gguf.File // its keys and tensors by the names of GGUF, in memory
	Layout model.Layout
	Proof  Proof

	weights map[string]*weight // by tensor name
}

// Proof says how far the model's logits are from those of the graph itself, run node by
// node, on a prompt.
type Proof struct {
	Tokens    int     `json:"tokens"`
	MaxDiff   float64 `json:"max_abs_diff"`
	KL        float64 `json:"mean_kl"` // nats
	Top1      float64 `json:"top1_agreement"`
	Quantized bool    `json:"quantized_activations"` // the graph rounds activations, which the model does not
}

// Open finds the decoder in m. keys are those of the tokenizer and what else is known
// of the model; m must stay open as long as the patient is used. The error is
// model.ErrUnsupported for sound graphs that are not understood or that compute
// something else than the model that was found.
func Open(m *onnx.Model, keys []gguf.KV, pool *simd.Pool) (*Patient, error) {
	run, err := newRunner(m, pool)
	if err != nil {
		return nil, err
	}
	g := newGraph(m, run)
	d, err := g.find()
	if err != nil {
		return nil, err
	}
	s, err := g.probe(d)
	if err != nil {
		return nil, err
	}
	p := &Patient{ONNX: m, weights: map[string]*weight{}}
	if err := p.build(g, d, s, keys); err != nil {
		return nil, err
	}
	return p, p.prove(g, s, pool)
}

// Model opens the model; each call gives one of its own over the same weights.
func (p *Patient) Model() (*model.Model, error) { return model.OpenLayout(p.File, p.Layout) }

// Limits on how far a model may be from its graph: the first where both compute the
// same up to rounding, the second where the graph rounds activations to 8 bits.
const (
	maxKL          = 2e-3
	maxKLQuantized = 2.5
)

// prove compares the model with the graph.
func (p *Patient) prove(g *graph, s *shape, pool *simd.Pool) error {
	m, err := p.Model()
	if err != nil {
		return err
	}
	m.SetPool(pool)
	tp := nn.NewTape(pool, false)
	h := m.Forward(tp, model.NewBatch(s.ids), model.ForwardOptions{})
	ours := m.LogitsRows(tp, h.Last)
	p.Proof = compare(ours.X, s.logits.F, len(s.ids))
	p.Proof.Quantized = g.quantizesActivations()
	limit := maxKL
	if p.Proof.Quantized {
		limit = maxKLQuantized
	}
	if !(p.Proof.KL <= limit) {
		return unknown(p.ONNX.Path(), "the graph computes something else than the %s model that its structure looks like: KL %.3g on %d tokens, logits up to %.3g apart",
			m.Config().Arch, p.Proof.KL, p.Proof.Tokens, p.Proof.MaxDiff)
	}
	return nil
}

func (g *graph) quantizesActivations() bool {
	for _, n := range g.m.Graph.Nodes {
		switch n.Op {
		case "DynamicQuantizeLinear", "QuantizeLinear", "QLinearMatMul", "DynamicQuantizeMatMul":
			return true
		case "MatMulNBits":
			if a, err := n.Int("accuracy_level", 0); err == nil && a == 4 {
				return true
			}
		}
	}
	return false
}

// compare takes logits [T, V] of the model and of the graph.
func compare(ours, graph []float32, tokens int) Proof {
	p := Proof{Tokens: tokens}
	v := len(graph) / tokens
	for t := range tokens {
		a, b := ours[t*v:(t+1)*v], graph[t*v:(t+1)*v]
		la, lb := logSum(a), logSum(b)
		var kl float64
		for i := range a {
			p.MaxDiff = max(p.MaxDiff, math.Abs(float64(a[i])-float64(b[i])))
			q := float64(b[i]) - lb
			kl += math.Exp(q) * (q - float64(a[i]) + la)
		}
		p.KL += kl / float64(tokens)
		if argmax(a) == argmax(b) {
			p.Top1 += 1 / float64(tokens)
		}
	}
	return p
}

func logSum(x []float32) float64 {
	top := float64(x[argmax(x)])
	var sum float64
	for _, v := range x {
		sum += math.Exp(float64(v) - top)
	}
	return top + math.Log(sum)
}

func argmax(x []float32) int {
	best := 0
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return best
}

// Payloads turns edited tensors, by their names in File, into payloads of tensors of
// the ONNX model. Tensors that hold the same must agree.
func (p *Patient) Payloads(edited map[string][]byte) (map[*onnx.Tensor][]byte, error) {
	out := map[*onnx.Tensor][]byte{}
	for name, raw := range edited {
		w := p.weights[name]
		if w == nil || w.write == nil {
			return nil, unsupported(fmt.Sprintf("onnxlm: %s is computed in the graph and cannot be edited", name))
		}
		parts, err := w.write(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for t, b := range parts {
			out[t] = b
		}
	}
	return out, nil
}

// Writable reports whether a tensor of File can be edited.
func (p *Patient) Writable(name string) bool {
	return p.weights[name] != nil && p.weights[name].write != nil
}

// Source says where a tensor of File lies in the ONNX model: its form and the name of
// the initializer that has its values or codes.
func (p *Patient) Source(name string) (form, initializer string) {
	if w := p.weights[name]; w != nil && w.main != nil {
		return w.form, w.main.Name
	}
	return "constant", ""
}

// tensor makes the tensor of a weight.
func (p *Patient) tensor(name string, w *weight) (*gguf.Tensor, error) {
	raw, err := w.read()
	if err != nil {
		return nil, err
	}
	p.weights[name] = w
	dims := []uint64{uint64(w.k), uint64(w.n)}
	if w.n == 0 {
		dims = dims[:1]
	}
	return gguf.NewTensor(name, dims, w.typ, raw), nil
}

// vectorWeight is a gain or bias of n numbers.
func (g *graph) vectorWeight(name string, n int) *weight {
	x := g.vector(name, n)
	if x == nil {
		return nil
	}
	w := &weight{k: n, typ: quant.F32, form: "vector", main: g.tensors[name]}
	w.read = func() ([]byte, error) { return floatBytes(x, onnx.Float), nil }
	if t := w.main; t != nil {
		if _, ok := floatTypes[t.Type]; ok {
			w.write = func(raw []byte) (map[*onnx.Tensor][]byte, error) {
				x := make([]float32, n)
				quant.F32.Decode(x, raw)
				return map[*onnx.Tensor][]byte{t: floatBytes(x, t.Type)}, nil
			}
		}
	}
	return w
}
