package onnxlm

import (
	"math"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/onnx"
	"github.com/detox-surgery/detox-surgery/train/model"
)

// architecture is the name of the first row that fits what was found.
func (d *decoder) architecture() string {
	b := d.blocks[0]
	for _, r := range families {
		if r.fits(d, b.attn, b.ffn) {
			return r.name
		}
	}
	return ""
}

// families lists the structures that package model has a forward pass for.
var families = []struct {
	name string
	fits func(d *decoder, a *attention, f *feedForward) bool
}{
	{"gpt2", func(d *decoder, a *attention, f *feedForward) bool {
		return a.norm.layer && d.positions != nil && f.gate == nil && f.act == gelu
	}},
	{"gemma3", func(_ *decoder, a *attention, f *feedForward) bool {
		return rmsGated(a, f, gelu) && a.qNorm != nil && a.post != nil && f.post != nil
	}},
	{"gemma2", func(_ *decoder, a *attention, f *feedForward) bool {
		return rmsGated(a, f, gelu) && a.qNorm == nil && a.post != nil && f.post != nil
	}},
	{"gemma", func(_ *decoder, a *attention, f *feedForward) bool {
		return rmsGated(a, f, gelu) && a.qNorm == nil && a.post == nil && f.post == nil
	}},
	{"qwen3", func(_ *decoder, a *attention, f *feedForward) bool {
		return rmsGated(a, f, silu) && a.qNorm != nil && a.post == nil && f.post == nil
	}},
	{"qwen2", func(_ *decoder, a *attention, f *feedForward) bool {
		return rmsGated(a, f, silu) && a.qNorm == nil && a.post == nil && f.post == nil && a.q.bias != "" && a.out.bias == ""
	}},
	{"phi3", func(_ *decoder, a *attention, f *feedForward) bool {
		return rmsGated(a, f, silu) && a.qNorm == nil && a.post == nil && f.post == nil && a.q == a.k && f.gate == f.up
	}},
	{"llama", func(_ *decoder, a *attention, f *feedForward) bool {
		return rmsGated(a, f, silu) && a.qNorm == nil && a.post == nil && f.post == nil
	}},
}

func rmsGated(a *attention, f *feedForward, act activation) bool {
	return !a.norm.layer && !f.norm.layer && a.cosine() && f.gate != nil && f.act == act
}

func (a *attention) cosine() bool { return a.cos != "" }

// defaultContext is what a model is taken to be trained for where no key says it.
const defaultContext = 2048

// build makes the file of keys and tensors.
func (p *Patient) build(g *graph, d *decoder, s *shape, keys []gguf.KV) error {
	arch := d.architecture()
	if arch == "" {
		return unknown(g.m.Path(), "a decoder of %d blocks whose structure is none of those that are supported", len(d.blocks))
	}
	a, f := d.blocks[0].attn, d.blocks[0].ffn
	p.Layout = model.Layout{NeoX: !a.interleaved, FusedQKV: a.q == a.k, FusedGate: f.gate == f.up && f.gate != nil}
	if standard := float32(1 / math.Sqrt(float64(s.headDim))); a.scale != 0 && math.Abs(float64(a.scale/standard-1)) > 1e-3 {
		p.Layout.AttnScale = a.scale
	}
	kvs := append(d.keys(arch, s), keys...)
	b := &builder{p: p, g: g, d: d, s: s}
	b.top()
	for l, x := range d.blocks {
		b.block(l, x)
	}
	if b.err != nil {
		return b.err
	}
	p.File = gguf.NewFile(g.m.Path(), kvs, b.tensors)
	return nil
}

// keys are the keys of GGUF that say what was found.
func (d *decoder) keys(arch string, s *shape) []gguf.KV {
	kv := func(key string, v any) gguf.KV { return gguf.KV{Key: arch + "." + key, Value: gguf.ValueOf(v)} }
	eps := "attention.layer_norm_rms_epsilon"
	if d.final.layer {
		eps = "attention.layer_norm_epsilon"
	}
	context := defaultContext
	if d.positions != nil {
		context = d.positions.n
	}
	out := []gguf.KV{
		{Key: "general.architecture", Value: gguf.ValueOf(arch)},
		kv("block_count", uint32(len(d.blocks))), kv("embedding_length", uint32(s.width)), kv("feed_forward_length", uint32(s.ffn)),
		kv("attention.head_count", uint32(s.heads)), kv("attention.head_count_kv", uint32(s.kv)),
		kv("attention.key_length", uint32(s.headDim)), kv("attention.value_length", uint32(s.headDim)),
		kv("context_length", uint32(context)), kv(eps, d.final.eps),
	}
	if s.ropeDim > 0 {
		out = append(out, kv("rope.dimension_count", uint32(s.ropeDim)), kv("rope.freq_base", s.ropeBase), kv("rope.scaling.attn_factor", s.magnitude))
	}
	return out
}

// builder collects tensors; the first error sticks.
type builder struct {
	p       *Patient
	g       *graph
	d       *decoder
	s       *shape
	tensors []*gguf.Tensor
	err     error
}

func (b *builder) add(r model.Role, w *weight, at string) {
	if b.err != nil {
		return
	}
	if w == nil {
		b.err = unknown(at, "%s is not a constant that can be read", r)
		return
	}
	t, err := b.p.tensor(r.TensorName(), w)
	if err != nil {
		b.err = err
		return
	}
	b.tensors = append(b.tensors, t)
}

func (b *builder) top() {
	d := b.d
	b.add(model.Role{Kind: model.TokenEmbd}, d.embed, "embedding")
	if d.positions != nil {
		b.add(model.Role{Kind: model.PosEmbd}, d.positions, "positions")
	}
	if f := b.s.ropeFactors; f != nil {
		b.add(model.Role{Kind: model.RopeFreqs}, &weight{k: len(f), typ: quant.F32, read: func() ([]byte, error) { return floatBytes(f, onnx.Float), nil }}, "rotation")
	}
	b.norm(model.Role{Kind: model.OutputNorm}, model.OutputNormBias, d.final, b.s.width)
	if d.head.w.main != d.embed.main {
		b.add(model.Role{Kind: model.Output}, d.head.w, d.head.y)
	}
	if d.head.bias != "" && b.err == nil {
		b.err = unknown(d.head.y, "a head with a bias is not supported")
	}
}

func (b *builder) norm(r model.Role, bias model.Kind, n *norm, size int) {
	if n == nil {
		return
	}
	if n.eps != b.d.final.eps && b.err == nil {
		b.err = unknown(n.y, "norms with the epsilons %g and %g", n.eps, b.d.final.eps)
	}
	b.add(r, b.g.vectorWeight(n.gain, size), n.y)
	if n.bias != "" {
		b.add(model.Role{Kind: bias, Block: r.Block}, b.g.vectorWeight(n.bias, size), n.y)
	}
}

func (b *builder) linear(r model.Role, bias model.Kind, l *linear) {
	b.add(r, l.w, l.y)
	if l.bias != "" {
		b.add(model.Role{Kind: bias, Block: r.Block}, b.g.vectorWeight(l.bias, l.w.n), l.y)
	}
}

func (b *builder) block(l int, x *block) {
	role := func(k model.Kind) model.Role { return model.Role{Kind: k, Block: l} }
	a, f, d := x.attn, x.ffn, b.s.width
	b.norm(role(model.AttnNorm), model.AttnNormBias, a.norm, d)
	if a.q == a.k {
		b.linear(role(model.AttnQKV), model.AttnQKVBias, a.q)
	} else {
		b.linear(role(model.AttnQ), model.AttnQBias, a.q)
		b.linear(role(model.AttnK), model.AttnKBias, a.k)
		b.linear(role(model.AttnV), model.AttnVBias, a.v)
	}
	b.norm(role(model.AttnQNorm), 0, a.qNorm, b.s.headDim)
	b.norm(role(model.AttnKNorm), 0, a.kNorm, b.s.headDim)
	b.linear(role(model.AttnOutput), model.AttnOutputBias, a.out)
	b.norm(role(model.PostAttnNorm), 0, a.post, d)
	b.norm(role(model.FFNNorm), model.FFNNormBias, f.norm, d)
	if f.gate != nil && f.gate != f.up {
		b.linear(role(model.FFNGate), model.FFNGateBias, f.gate)
	}
	b.linear(role(model.FFNUp), model.FFNUpBias, f.up)
	b.linear(role(model.FFNDown), model.FFNDownBias, f.out)
	b.norm(role(model.PostFFNNorm), 0, f.post, d)
}
