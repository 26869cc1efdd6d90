package model

import (
	"slices"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

// Layout is how another container than a GGUF file holds an architecture: what its
// exporter left as the original authors have it, or fused.
type Layout struct {
	NeoX      bool    // rotary pairs lie half a head apart, whatever GGUF files do
	FusedQKV  bool    // attn_qkv in place of attn_q, attn_k and attn_v
	FusedGate bool    // ffn_up holds the gate as its upper half
	AttnScale float32 // factor on q·k; 0: that of the architecture
}

// OpenLayout is Open for the tensors of such a container.
func OpenLayout(f *gguf.File, l Layout) (*Model, error) {
	a, err := findArchitecture(f)
	if err != nil {
		return nil, err
	}
	b := *a
	b.neox = b.neox || l.NeoX
	b.block = slices.Clone(b.block)
	if l.FusedQKV {
		b.replace(AttnQKV, AttnQ, AttnK, AttnV)
		b.replaceOptional(AttnQKVBias, AttnQBias, AttnKBias, AttnVBias)
	}
	if l.FusedGate {
		b.replace(FFNUp, FFNGate, FFNUp)
	}
	configure := b.configure
	b.configure = func(k *keys, c *Config) {
		configure(k, c)
		c.FusedGate = c.FusedGate || l.FusedGate
	}
	m, err := openAs(f, &b)
	if err != nil {
		return nil, err
	}
	if l.AttnScale != 0 {
		m.cfg.AttnScale = l.AttnScale
	}
	return m, nil
}

// replace puts kind k in the place of others, where those are.
func (a *architecture) replace(k Kind, others ...Kind) {
	if !slices.Contains(a.block, others[0]) {
		return
	}
	a.block = slices.DeleteFunc(a.block, func(o Kind) bool { return slices.Contains(others, o) })
	a.block = append(a.block, k)
}

func (a *architecture) replaceOptional(k Kind, others ...Kind) {
	if slices.Contains(a.optional, others[0]) {
		a.optional = append(slices.Clone(a.optional), k)
	}
}

// gated is the product of act(gate) and up, whether those are two matrices or one.
func (r *run) gated(f *nn.Value, l int, act func(tp *nn.Tape, gate, up *nn.Value) *nn.Value) *nn.Value {
	if !r.m.cfg.FusedGate {
		return act(r.tp, r.linear(f, FFNGate, l), r.linear(f, FFNUp, l))
	}
	both, n := r.linear(f, FFNUp, l), r.m.cfg.FFN
	return act(r.tp, nn.Slice(r.tp, both, 0, n), nn.Slice(r.tp, both, n, n))
}
