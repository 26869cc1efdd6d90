package model

import "github.com/detox-surgery/detox-surgery/train/nn"

// qwen3 is Llama with norms on query and key heads and rotary pairs half a head
// apart.
var qwen3 = architecture{
	name:      "qwen3",
	neox:      true,
	configure: noKeys,
	block:     append([]Kind{AttnQNorm, AttnKNorm}, llamaBlock...),
	layer:     qwen3Layer,
}

func qwen3Layer(r *run, l int, x *nn.Value) *nn.Value {
	q, k, v := r.qkv(r.norm(x, AttnNorm, l), l)
	q = r.rope(r.headNorm(q, AttnQNorm, l), l)
	k = r.rope(r.headNorm(k, AttnKNorm, l), l)
	x = r.add(x, r.linear(r.attend(l, q, k, v), AttnOutput, l))
	f := r.norm(x, FFNNorm, l)
	if r.m.arch.experts {
		return r.add(x, r.mixture(f, l))
	}
	return r.add(x, r.swiglu(f, l))
}

// qwen3moe is qwen3 with a mixture of experts in every block.
var qwen3moe = architecture{
	name:      "qwen3moe",
	experts:   true,
	neox:      true,
	configure: func(k *keys, c *Config) { c.FFN = k.countOr("expert_feed_forward_length", c.FFN, 1, maxWidth) },
	block: []Kind{
		AttnNorm, AttnQ, AttnK, AttnV, AttnOutput, AttnQNorm, AttnKNorm,
		FFNNorm, FFNGateInp, FFNGateExps, FFNUpExps, FFNDownExps,
	},
	layer: qwen3Layer,
}
