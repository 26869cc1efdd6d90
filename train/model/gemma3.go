package model

import (
	"math"

	"github.com/detox-surgery/detox-surgery/train/nn"
)

// gemma3 is the text part of Gemma 3: embeddings scaled by √D, norms on query
// and key heads and after both halves of a block, gated tanh-GELU, five blocks
// with a sliding window for each that sees everything. The file's norm gains
// already contain the 1 that Gemma adds to its own.
var gemma3 = architecture{
	name:      "gemma3",
	neox:      true,
	configure: configureGemma3,
	block: []Kind{
		AttnNorm, AttnQ, AttnK, AttnV, AttnOutput, AttnQNorm, AttnKNorm, PostAttnNorm,
		FFNNorm, FFNGate, FFNUp, FFNDown, PostFFNNorm,
	},
	layer: gemma3Layer,
}

// gemma3Blocks27B is the depth of the one size whose queries are scaled by
// width / heads instead of the head dimension; no key says so.
const gemma3Blocks27B = 62

func configureGemma3(k *keys, c *Config) {
	c.EmbedScale = float32(math.Sqrt(float64(c.Width)))
	c.Window = k.count("attention.sliding_window", 1, maxCount)
	c.WindowPattern = k.countOr("attention.sliding_window_pattern", 6, 1, maxBlocks)
	c.RopeBase = k.positiveOr("rope.freq_base", 1e6)
	c.RopeBaseLocal = k.positiveOr("rope.freq_base_swa", 10000)
	if c.Blocks == gemma3Blocks27B {
		c.AttnScale = float32(1 / math.Sqrt(float64(c.Width/c.Heads)))
	}
	readCaps(k, c)
}

// readCaps reads the soft caps of scores and logits, which Gemma 3 has left out.
func readCaps(k *keys, c *Config) {
	c.AttnCap = k.positiveOr("attn_logit_softcapping", 0)
	c.LogitCap = k.positiveOr("final_logit_softcapping", 0)
}

func gemma3Layer(r *run, l int, x *nn.Value) *nn.Value {
	a := r.norm(x, AttnNorm, l)
	q := r.rope(r.headNorm(r.linear(a, AttnQ, l), AttnQNorm, l), l)
	k := r.rope(r.headNorm(r.linear(a, AttnK, l), AttnKNorm, l), l)
	v := r.linear(a, AttnV, l)
	o := r.linear(r.attend(l, q, k, v), AttnOutput, l)
	x = nn.Add(r.tp, x, r.norm(o, PostAttnNorm, l))
	return nn.Add(r.tp, x, r.norm(r.geglu(r.norm(x, FFNNorm, l), l), PostFFNNorm, l))
}
