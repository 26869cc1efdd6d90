package model

import "github.com/detox-surgery/detox-surgery/train/nn"

// stablelm is Llama with LayerNorm and a part of each head that turns. Where there is
// no ffn_norm, attention and feed-forward part share their norm and run side by side.
var stablelm = architecture{
	name:      "stablelm",
	layerNorm: true,
	neox:      true,
	configure: noKeys,
	top:       []Kind{OutputNormBias},
	block:     []Kind{AttnNorm, AttnNormBias, AttnQ, AttnK, AttnV, AttnOutput, FFNGate, FFNUp, FFNDown},
	optional:  []Kind{AttnQBias, AttnKBias, AttnVBias, FFNNorm, FFNNormBias},
	layer:     stablelmLayer,
}

func stablelmLayer(r *run, l int, x *nn.Value) *nn.Value {
	if r.has(FFNNorm, l) {
		return llamaLayer(r, l, x)
	}
	a := r.norm(x, AttnNorm, l)
	return r.add(r.add(x, r.attention(a, l)), r.swiglu(a, l))
}
