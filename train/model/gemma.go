package model

import (
	"math"

	"github.com/detox-surgery/detox-surgery/train/nn"
)

// gemma is the first Gemma: Llama with embeddings scaled by √D and gated tanh-GELU.
// The file's norm gains already contain the 1 that Gemma adds to its own.
var gemma = architecture{
	name:      "gemma",
	neox:      true,
	configure: configureGemma,
	block:     llamaBlock,
	layer:     gemmaLayer,
}

func configureGemma(_ *keys, c *Config) { c.EmbedScale = float32(math.Sqrt(float64(c.Width))) }

func gemmaLayer(r *run, l int, x *nn.Value) *nn.Value {
	x = r.add(x, r.attention(r.norm(x, AttnNorm, l), l))
	return r.add(x, r.geglu(r.norm(x, FFNNorm, l), l))
}
