package model

// granite is Llama with four constants: factors on embeddings, on what blocks add,
// on attention scores, and a divisor of logits.
var granite = architecture{
	name:      "granite",
	configure: configureGranite,
	block:     llamaBlock,
	optional:  []Kind{RopeFreqs, AttnQBias, AttnKBias, AttnVBias, AttnOutputBias, FFNGateBias, FFNUpBias, FFNDownBias},
	layer:     llamaLayer,
}

func configureGranite(k *keys, c *Config) {
	c.EmbedScale = k.positiveOr("embedding_scale", 1)
	c.ResidualScale = k.positiveOr("residual_scale", 1)
	c.AttnScale = k.positiveOr("attention.scale", c.AttnScale)
	c.LogitScale = 1 / k.positiveOr("logit_scale", 1)
}
