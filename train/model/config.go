package model

import (
	"math"

	"github.com/detox-surgery/detox-surgery/gguf"
)

// Bounds on what a file may ask for, far above any model that a CPU edits.
const (
	maxBlocks = 1 << 12
	maxWidth  = 1 << 20
	maxHeads  = 1 << 12
	// The experts' matrices are counted in rows together.
	maxExperts = 1 << 10
	maxCount   = 1<<31 - 1
)

// Config is the shape of a model and the constants of its forward pass.
type Config struct {
	Arch    string
	Blocks  int // transformer blocks
	Width   int // D, the residual stream
	FFN     int // F, neurons of a block, or of an expert
	Heads   int // query heads
	KVHeads int // key and value heads; Heads is a multiple
	HeadDim int // of a head
	Vocab   int // V, rows of the embedding
	Context int // tokens the model was trained for
	RopeDim int // dimensions of a head that turn; 0: positions are learned

	Experts     int // in each block; 0: no mixture
	ExpertsUsed int // by a token

	LayerNorm    bool // norms subtract the mean
	FusedGate    bool // ffn_up holds the gate as well
	Parallel     bool // attention and feed-forward part read the same residual stream
	WideHeadNorm bool // attn_q_norm and attn_k_norm see all heads at once

	Eps            float32 // added to the mean square in norms
	RopeBase       float32 // of blocks that see everything
	RopeBaseLocal  float32 // of blocks with a window
	RopeScale      float32 // positions are multiplied by it in blocks that see everything
	RopeScaleLocal float32 // the same in blocks with a window
	RopeYaRN       bool    // the scales are YaRN's: of slow pairs alone
	RopeOriginal   int     // tokens of context before scaling
	RopeMagnitude  float32 // factor on rotated dimensions, beside that of YaRN
	EmbedScale     float32 // factor on embedding rows
	ResidualScale  float32 // factor on what attention and the feed-forward part add
	LogitScale     float32 // factor on logits
	AttnCap        float32 // scores become cap*tanh(score/cap); 0: none
	LogitCap       float32 // the same of logits
	AttnScale      float32 // factor on q·k
	Window         int     // keys a windowed block sees, the query's own included; 0: no windows
	WindowPattern  int     // every WindowPattern-th block sees everything, the others a window
}

// Windowed reports whether block l sees only Window keys.
func (c *Config) Windowed(l int) bool {
	return c.Window > 0 && c.WindowPattern > 0 && (l+1)%c.WindowPattern != 0
}

// readConfig reads the keys that all architectures share, then those of a.
func readConfig(f *gguf.File, a *architecture) (Config, error) {
	k := &keys{f: f, arch: a.name}
	c := Config{
		Arch:      a.name,
		Blocks:    k.count("block_count", 1, maxBlocks),
		Width:     k.count("embedding_length", 1, maxWidth),
		FFN:       k.count("feed_forward_length", 1, maxWidth),
		Heads:     k.count("attention.head_count", 1, maxHeads),
		Context:   k.count("context_length", 1, maxCount),
		LayerNorm: a.layerNorm,

		EmbedScale: 1, ResidualScale: 1, LogitScale: 1,
	}
	if a.layerNorm {
		c.Eps = k.positive("attention.layer_norm_epsilon")
	} else {
		c.Eps = k.positive("attention.layer_norm_rms_epsilon")
	}
	readHeads(k, &c)
	if k.err != nil {
		return c, k.err
	}
	if !a.learnedPositions {
		readRope(k, &c)
	}
	if a.experts {
		c.Experts = k.count("expert_count", 1, maxExperts)
		c.ExpertsUsed = k.count("expert_used_count", 1, max(1, c.Experts))
	}
	a.configure(k, &c)
	return c, k.err
}

func readHeads(k *keys, c *Config) {
	c.KVHeads = k.countOr("attention.head_count_kv", c.Heads, 1, maxHeads)
	if k.err != nil {
		return
	}
	if c.Heads%c.KVHeads != 0 {
		k.fail("%d attention heads do not divide among %d key heads", c.Heads, c.KVHeads)
	}
	if !k.has("attention.key_length") && c.Width%c.Heads != 0 {
		k.fail("width %d does not divide among %d heads", c.Width, c.Heads)
	}
	c.HeadDim = k.countOr("attention.key_length", c.Width/c.Heads, 2, maxWidth)
	if v := k.countOr("attention.value_length", c.HeadDim, 1, maxWidth); v != c.HeadDim {
		k.refuse("value heads of %d beside key heads of %d are not supported", v, c.HeadDim)
	}
	c.AttnScale = float32(1 / math.Sqrt(float64(c.HeadDim)))
}

// readRope reads how much of a head turns, the base and the scaling of rotary positions.
func readRope(k *keys, c *Config) {
	c.RopeDim = k.countOr("rope.dimension_count", c.HeadDim, 1, maxWidth)
	if c.RopeDim > c.HeadDim || c.RopeDim%2 != 0 {
		k.refuse("rotation of %d of %d head dimensions is not supported", c.RopeDim, c.HeadDim)
	}
	c.RopeBase = k.positiveOr("rope.freq_base", 10000)
	c.RopeBaseLocal = c.RopeBase
	readScaling(k, c)
}
