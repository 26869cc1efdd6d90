package model

import "github.com/detox-surgery/detox-surgery/train/nn"

// gpt2 has learned positions, LayerNorm, biases everywhere and GELU without a gate.
var gpt2 = architecture{
	name:             "gpt2",
	layerNorm:        true,
	learnedPositions: true,
	configure:        noKeys,
	top:              []Kind{PosEmbd, OutputNormBias},
	block: []Kind{
		AttnNorm, AttnNormBias, AttnQKV, AttnQKVBias, AttnOutput, AttnOutputBias,
		FFNNorm, FFNNormBias, FFNUp, FFNUpBias, FFNDown, FFNDownBias,
	},
	layer: gpt2Layer,
}

func gpt2Layer(r *run, l int, x *nn.Value) *nn.Value {
	x = r.add(x, r.attention(r.norm(x, AttnNorm, l), l))
	return r.add(x, r.mlp(r.norm(x, FFNNorm, l), l))
}
