package model

import "github.com/detox-surgery/detox-surgery/train/nn"

// phi3 is Llama with one matrix for queries, keys and values and one for gate and up.
// Its sliding window is left out, as llama.cpp does.
var phi3 = architecture{
	name:      "phi3",
	neox:      true,
	configure: func(_ *keys, c *Config) { c.FusedGate = true },
	block:     []Kind{AttnNorm, AttnQKV, AttnOutput, FFNNorm, FFNUp, FFNDown},
	optional:  []Kind{RopeLong, RopeShort},
	layer:     phi3Layer,
}

func phi3Layer(r *run, l int, x *nn.Value) *nn.Value {
	x = r.add(x, r.attention(r.norm(x, AttnNorm, l), l))
	return r.add(x, r.swiglu(r.norm(x, FFNNorm, l), l))
}
