package model

import (
	"fmt"
	"strconv"
	"strings"
)

// Kind is what a tensor does in the model.
type Kind int

// Kinds of tensors. Those from AttnNorm on exist once per block.
const (
	TokenEmbd      Kind = iota // [V, D] input embedding, also the head where tied
	PosEmbd                    // [context, D] learned positions
	RopeFreqs                  // [rotated/2] divisors of rotary frequencies
	RopeLong                   // [rotated/2] the same beyond the original context
	RopeShort                  // [rotated/2] the same within it
	OutputNorm                 // [D] gain of the final norm
	OutputNormBias             // [D]
	Output                     // [V, D] head, absent where tied
	AttnNorm                   // [D] gain before attention
	AttnNormBias               // [D]
	AttnNorm2                  // [D] gain before attention, where AttnNorm serves the feed-forward part
	AttnNorm2Bias              // [D]
	AttnQKV                    // [heads*headDim + 2*kvHeads*headDim, D] queries, keys, values in one
	AttnQKVBias
	AttnQ // [heads*headDim, D]
	AttnQBias
	AttnK // [kvHeads*headDim, D]
	AttnKBias
	AttnV // [kvHeads*headDim, D]
	AttnVBias
	AttnOutput     // [D, heads*headDim]
	AttnOutputBias // [D]
	AttnQNorm      // [headDim] gain on every query head, or [heads*headDim] on all
	AttnKNorm      // [headDim] gain on every key head, or [kvHeads*headDim] on all
	PostAttnNorm   // [D] gain on what attention adds
	FFNNorm        // [D] gain before the feed-forward part
	FFNNormBias    // [D]
	FFNGate        // [F, D]
	FFNGateBias    // [F]
	FFNUp          // [F, D], or [2F, D] with the gate as its upper half
	FFNUpBias
	FFNDown     // [D, F]
	FFNDownBias // [D]
	PostFFNNorm // [D] gain on what the feed-forward part adds
	FFNGateInp  // [E, D] router of a mixture of experts
	FFNGateExps // [E, F, D]
	FFNUpExps   // [E, F, D]
	FFNDownExps // [E, D, F]
	numKinds
)

// form is what a tensor is to the forward pass.
type form int

const (
	matrix   form = iota // multiplied by, or looked up in
	gain                 // of a norm
	bias                 // added
	constant             // read once
)

// kindInfo is what is known of a Kind: its name in roles, its tensor in GGUF
// files without the suffix, and its shape (rows nil: a vector of cols values).
type kindInfo struct {
	name, tensor string
	form         form
	rows, cols   func(c *Config) int
	experts      bool // there are as many matrices as experts
}

func width(c *Config) int    { return c.Width }
func ffn(c *Config) int      { return c.FFN }
func vocab(c *Config) int    { return c.Vocab }
func context(c *Config) int  { return c.Context }
func queryDim(c *Config) int { return c.Heads * c.HeadDim }
func keyDim(c *Config) int   { return c.KVHeads * c.HeadDim }
func fusedDim(c *Config) int { return queryDim(c) + 2*keyDim(c) }
func experts(c *Config) int  { return c.Experts }
func pairs(c *Config) int    { return c.RopeDim / 2 }

func upDim(c *Config) int {
	if c.FusedGate {
		return 2 * c.FFN
	}
	return c.FFN
}

func queryNormDim(c *Config) int {
	if c.WideHeadNorm {
		return queryDim(c)
	}
	return c.HeadDim
}

func keyNormDim(c *Config) int {
	if c.WideHeadNorm {
		return keyDim(c)
	}
	return c.HeadDim
}

func matrixOf(name string, rows, cols func(c *Config) int) kindInfo {
	return kindInfo{name: name, tensor: name, form: matrix, rows: rows, cols: cols}
}

func expertsOf(name string, rows, cols func(c *Config) int) kindInfo {
	return kindInfo{name: name, tensor: name, form: matrix, rows: rows, cols: cols, experts: true}
}

func gainOf(name string, cols func(c *Config) int) kindInfo {
	return kindInfo{name: name, tensor: name, form: gain, cols: cols}
}

func biasOf(name string, cols func(c *Config) int) kindInfo {
	return kindInfo{name: name + ".bias", tensor: name, form: bias, cols: cols}
}

// kinds is indexed by Kind.
var kinds = [numKinds]kindInfo{
	TokenEmbd:      matrixOf("token_embd", vocab, width),
	PosEmbd:        {name: "position_embd", tensor: "position_embd", rows: context, cols: width},
	RopeFreqs:      {name: "rope_freqs", tensor: "rope_freqs", form: constant, cols: pairs},
	RopeLong:       {name: "rope_factors_long", tensor: "rope_factors_long", form: constant, cols: pairs},
	RopeShort:      {name: "rope_factors_short", tensor: "rope_factors_short", form: constant, cols: pairs},
	OutputNorm:     gainOf("output_norm", width),
	OutputNormBias: biasOf("output_norm", width),
	Output:         matrixOf("output", vocab, width),
	AttnNorm:       gainOf("attn_norm", width),
	AttnNormBias:   biasOf("attn_norm", width),
	AttnNorm2:      gainOf("attn_norm_2", width),
	AttnNorm2Bias:  biasOf("attn_norm_2", width),
	AttnQKV:        matrixOf("attn_qkv", fusedDim, width),
	AttnQKVBias:    biasOf("attn_qkv", fusedDim),
	AttnQ:          matrixOf("attn_q", queryDim, width),
	AttnQBias:      biasOf("attn_q", queryDim),
	AttnK:          matrixOf("attn_k", keyDim, width),
	AttnKBias:      biasOf("attn_k", keyDim),
	AttnV:          matrixOf("attn_v", keyDim, width),
	AttnVBias:      biasOf("attn_v", keyDim),
	AttnOutput:     matrixOf("attn_output", width, queryDim),
	AttnOutputBias: biasOf("attn_output", width),
	AttnQNorm:      gainOf("attn_q_norm", queryNormDim),
	AttnKNorm:      gainOf("attn_k_norm", keyNormDim),
	PostAttnNorm:   {name: "post_attn_norm", tensor: "post_attention_norm", form: gain, cols: width},
	FFNNorm:        gainOf("ffn_norm", width),
	FFNNormBias:    biasOf("ffn_norm", width),
	FFNGate:        matrixOf("ffn_gate", ffn, width),
	FFNGateBias:    biasOf("ffn_gate", ffn),
	FFNUp:          matrixOf("ffn_up", upDim, width),
	FFNUpBias:      biasOf("ffn_up", upDim),
	FFNDown:        matrixOf("ffn_down", width, ffn),
	FFNDownBias:    biasOf("ffn_down", width),
	PostFFNNorm:    {name: "post_ffn_norm", tensor: "post_ffw_norm", form: gain, cols: width},
	FFNGateInp:     matrixOf("ffn_gate_inp", experts, width),
	FFNGateExps:    expertsOf("ffn_gate_exps", ffn, width),
	FFNUpExps:      expertsOf("ffn_up_exps", ffn, width),
	FFNDownExps:    expertsOf("ffn_down_exps", width, ffn),
}

// tensorName is the name of the kind's tensor in GGUF files, within its block.
func (k *kindInfo) tensorName() string {
	if k.form == bias {
		return k.tensor + ".bias"
	}
	return k.tensor + ".weight"
}

// String is the name of the kind as it stands in roles: "ffn_down".
func (k Kind) String() string {
	if k < 0 || k >= numKinds {
		return fmt.Sprintf("Kind(%d)", int(k))
	}
	return kinds[k].name
}

// PerBlock reports whether every block has a tensor of this kind.
func (k Kind) PerBlock() bool { return k >= AttnNorm }

// IsGain reports whether tensors of this kind are norm gains.
func (k Kind) IsGain() bool { return kinds[k].form == gain }

// IsMatrix reports whether tensors of this kind are matrices, not vectors.
func (k Kind) IsMatrix() bool { return kinds[k].form == matrix }

// Role names one tensor of a model by what it does, whatever its container calls
// it. Block counts from 0 and is 0 where the kind is not of a block.
type Role struct {
	Kind  Kind
	Block int
}

// String is the name used in edit files: "blk.17.ffn_down", "token_embd".
func (r Role) String() string {
	if r.Kind.PerBlock() {
		return "blk." + strconv.Itoa(r.Block) + "." + r.Kind.String()
	}
	return r.Kind.String()
}

// TensorName is the GGUF name of the role's tensor.
func (r Role) TensorName() string {
	name := kinds[r.Kind].tensorName()
	if r.Kind.PerBlock() {
		return "blk." + strconv.Itoa(r.Block) + "." + name
	}
	return name
}

// ParseRole is the inverse of Role.String.
func ParseRole(s string) (Role, error) {
	return parse(s, func(k *kindInfo) string { return k.name })
}

// RoleOfTensor is the role of the tensor with that name in GGUF files, which call
// some roles otherwise: "blk.17.post_ffw_norm.weight" is blk.17.post_ffn_norm.
func RoleOfTensor(name string) (Role, bool) {
	r, err := parse(name, (*kindInfo).tensorName)
	return r, err == nil
}

func parse(s string, nameOf func(k *kindInfo) string) (Role, error) {
	name, block, perBlock := s, 0, false
	if rest, ok := strings.CutPrefix(s, "blk."); ok {
		num, kind, ok := strings.Cut(rest, ".")
		n, err := strconv.Atoi(num)
		if !ok || err != nil || n < 0 || strconv.Itoa(n) != num {
			return Role{}, fmt.Errorf("model: role %q: no block number after \"blk.\"", s)
		}
		name, block, perBlock = kind, n, true
	}
	for k := range numKinds {
		if nameOf(&kinds[k]) == name && k.PerBlock() == perBlock {
			return Role{Kind: k, Block: block}, nil
		}
	}
	return Role{}, fmt.Errorf("model: role %q is not known", s)
}
