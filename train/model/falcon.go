package model

import "github.com/detox-surgery/detox-surgery/train/nn"

// falcon runs attention and feed-forward part side by side on one norm, or on one
// each where there is attn_norm_2. Conversion puts queries before keys and values.
var falcon = architecture{
	name:      "falcon",
	layerNorm: true,
	neox:      true,
	configure: noKeys,
	top:       []Kind{OutputNormBias},
	block:     []Kind{AttnNorm, AttnNormBias, AttnQKV, AttnOutput, FFNUp, FFNDown},
	optional:  []Kind{AttnNorm2, AttnNorm2Bias},
	layer:     falconLayer,
}

func falconLayer(r *run, l int, x *nn.Value) *nn.Value {
	f := r.norm(x, AttnNorm, l)
	a := f
	if r.has(AttnNorm2, l) {
		a = r.norm(x, AttnNorm2, l)
	}
	return r.add(r.add(x, r.attention(a, l)), r.mlp(f, l))
}
