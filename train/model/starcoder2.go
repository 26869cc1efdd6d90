package model

// starcoder2 is GPT-2 with rotary positions and grouped queries.
var starcoder2 = architecture{
	name:      "starcoder2",
	layerNorm: true,
	neox:      true,
	configure: noKeys,
	top:       []Kind{OutputNormBias},
	block: []Kind{
		AttnNorm, AttnNormBias, AttnQ, AttnK, AttnV, AttnOutput,
		FFNNorm, FFNNormBias, FFNUp, FFNUpBias, FFNDown, FFNDownBias,
	},
	optional: []Kind{AttnQBias, AttnKBias, AttnVBias, AttnOutputBias},
	layer:    gpt2Layer,
}
