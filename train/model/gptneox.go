package model

import "github.com/detox-surgery/detox-surgery/train/nn"

// gptneox is GPT-NeoX, Pythia among it: a part of each head turns, and attention and
// feed-forward part read the same residual stream unless a key says otherwise.
var gptneox = architecture{
	name:      "gptneox",
	layerNorm: true,
	neox:      true,
	configure: func(k *keys, c *Config) { c.Parallel = k.flagOr("use_parallel_residual", true) },
	top:       []Kind{OutputNormBias},
	block: []Kind{
		AttnNorm, AttnNormBias, AttnQKV, AttnQKVBias, AttnOutput, AttnOutputBias,
		FFNNorm, FFNNormBias, FFNUp, FFNUpBias, FFNDown, FFNDownBias,
	},
	layer: gptneoxLayer,
}

func gptneoxLayer(r *run, l int, x *nn.Value) *nn.Value {
	if !r.m.cfg.Parallel {
		return gpt2Layer(r, l, x)
	}
	f := r.mlp(r.norm(x, FFNNorm, l), l)
	return r.add(r.add(x, r.attention(r.norm(x, AttnNorm, l), l)), f)
}
