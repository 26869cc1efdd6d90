package model

import (
	"math"

	"github.com/detox-surgery/detox-surgery/train/nn"
)

// gemma2 is Gemma with norms after both halves of a block, capped scores and
// logits, and a sliding window in every other block.
var gemma2 = architecture{
	name:      "gemma2",
	neox:      true,
	configure: configureGemma2,
	block:     append([]Kind{PostAttnNorm, PostFFNNorm}, llamaBlock...),
	layer:     gemma2Layer,
}

// gemma2Blocks27B is the depth of the one size whose queries are scaled by
// width / heads instead of the head dimension; no key says so.
const gemma2Blocks27B = 46

func configureGemma2(k *keys, c *Config) {
	c.EmbedScale = float32(math.Sqrt(float64(c.Width)))
	c.Window = k.countOr("attention.sliding_window", 4096, 1, maxCount)
	c.WindowPattern = 2
	c.RopeScaleLocal = c.RopeScale
	if c.Blocks == gemma2Blocks27B {
		c.AttnScale = float32(1 / math.Sqrt(float64(c.Width/c.Heads)))
	}
	readCaps(k, c)
}

func gemma2Layer(r *run, l int, x *nn.Value) *nn.Value {
	o := r.attention(r.norm(x, AttnNorm, l), l)
	x = nn.Add(r.tp, x, r.norm(o, PostAttnNorm, l))
	return nn.Add(r.tp, x, r.norm(r.geglu(r.norm(x, FFNNorm, l), l), PostFFNNorm, l))
}
