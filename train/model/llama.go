package model

import "github.com/detox-surgery/detox-surgery/train/nn"

// llama is the Llama family as llama.cpp converts it: pre-norm, grouped queries,
// gated SiLU. Conversion permutes the rows of attn_q and attn_k so that rotary
// pairs lie side by side (2i, 2i+1).
var llama = architecture{
	name:      "llama",
	configure: configureLlama,
	block:     []Kind{AttnNorm, AttnQ, AttnK, AttnV, AttnOutput, FFNNorm, FFNGate, FFNUp, FFNDown},
	layer:     llamaLayer,
}

func configureLlama(k *keys, _ *Config) {
	if k.countOr("expert_count", 0, 0, maxCount) > 0 {
		k.refuse("mixtures of experts are not supported")
	}
}

func llamaLayer(r *run, l int, x *nn.Value) *nn.Value {
	a := r.norm(x, AttnNorm, l)
	q := r.rope(r.linear(a, AttnQ, l), l, false)
	k := r.rope(r.linear(a, AttnK, l), l, false)
	v := r.linear(a, AttnV, l)
	x = nn.Add(r.tp, x, r.linear(r.attend(l, q, k, v), AttnOutput, l))

	f := r.norm(x, FFNNorm, l)
	m := nn.SiLUMul(r.tp, r.linear(f, FFNGate, l), r.linear(f, FFNUp, l))
	r.keepActs(l, m)
	return nn.Add(r.tp, x, r.linear(m, FFNDown, l))
}
