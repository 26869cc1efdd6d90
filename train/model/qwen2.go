package model

// qwen2 is Llama with biases on queries, keys and values and rotary pairs half a
// head apart.
var qwen2 = architecture{
	name:      "qwen2",
	neox:      true,
	configure: noKeys,
	block:     append([]Kind{AttnQBias, AttnKBias, AttnVBias}, llamaBlock...),
	layer:     llamaLayer,
}
