package model

import "github.com/detox-surgery/detox-surgery/train/nn"

// llama is the Llama family as llama.cpp converts it, Mistral, SmolLM2 and
// TinyLlama among it: pre-norm, grouped queries, gated SiLU. Conversion permutes
// the rows of attn_q and attn_k so that rotary pairs lie side by side (2i, 2i+1),
// and writes the frequency factors of Llama 3 as rope_freqs.
var llama = architecture{
	name:      "llama",
	configure: noKeys,
	block:     llamaBlock,
	optional:  []Kind{RopeFreqs, AttnQBias, AttnKBias, AttnVBias, AttnOutputBias, FFNGateBias, FFNUpBias, FFNDownBias},
	layer:     llamaLayer,
}

var llamaBlock = []Kind{AttnNorm, AttnQ, AttnK, AttnV, AttnOutput, FFNNorm, FFNGate, FFNUp, FFNDown}

func llamaLayer(r *run, l int, x *nn.Value) *nn.Value {
	x = r.add(x, r.attention(r.norm(x, AttnNorm, l), l))
	return r.add(x, r.swiglu(r.norm(x, FFNNorm, l), l))
}

// llamaMoE is Mixtral.
var llamaMoE = architecture{
	name:      "llama",
	experts:   true,
	configure: noKeys,
	block:     []Kind{AttnNorm, AttnQ, AttnK, AttnV, AttnOutput, FFNNorm, FFNGateInp, FFNGateExps, FFNUpExps, FFNDownExps},
	optional:  []Kind{RopeFreqs},
	layer:     llamaMoELayer,
}

func llamaMoELayer(r *run, l int, x *nn.Value) *nn.Value {
	x = r.add(x, r.attention(r.norm(x, AttnNorm, l), l))
	return r.add(x, r.mixture(r.norm(x, FFNNorm, l), l))
}
