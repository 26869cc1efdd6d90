package model

import "github.com/detox-surgery/detox-surgery/train/nn"

// olmo2 norms what attention and the feed-forward part add, not what they read, and
// queries and keys over all heads at once.
var olmo2 = architecture{
	name:      "olmo2",
	neox:      true,
	configure: func(_ *keys, c *Config) { c.WideHeadNorm = true },
	block:     []Kind{AttnQ, AttnK, AttnV, AttnOutput, AttnQNorm, AttnKNorm, PostAttnNorm, FFNGate, FFNUp, FFNDown, PostFFNNorm},
	layer:     olmo2Layer,
}

func olmo2Layer(r *run, l int, x *nn.Value) *nn.Value {
	q, k, v := r.qkv(x, l)
	q = r.rope(r.headNorm(q, AttnQNorm, l), l)
	k = r.rope(r.headNorm(k, AttnKNorm, l), l)
	o := r.linear(r.attend(l, q, k, v), AttnOutput, l)
	x = r.add(x, r.norm(o, PostAttnNorm, l))
	return r.add(x, r.norm(r.swiglu(x, l), PostFFNNorm, l))
}
