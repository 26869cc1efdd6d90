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
	TokenEmbd    Kind = iota // [V, D] input embedding, also the head where tied
	OutputNorm               // [D] gain of the final norm
	Output                   // [V, D] head, absent where tied
	AttnNorm                 // [D] gain before attention
	AttnQ                    // [heads*headDim, D]
	AttnK                    // [kvHeads*headDim, D]
	AttnV                    // [kvHeads*headDim, D]
	AttnOutput               // [D, heads*headDim]
	AttnQNorm                // [headDim] gain on every query head
	AttnKNorm                // [headDim] gain on every key head
	PostAttnNorm             // [D] gain on what attention adds
	FFNNorm                  // [D] gain before the feed-forward part
	FFNGate                  // [F, D]
	FFNUp                    // [F, D]
	FFNDown                  // [D, F]
	PostFFNNorm              // [D] gain on what the feed-forward part adds
	numKinds
)

// kindInfo is what is known of a Kind: its name in roles, its tensor in GGUF
// files and its shape (rows nil: a gain vector of cols values).
type kindInfo struct {
	name, tensor string
	rows, cols   func(c *Config) int
}

func width(c *Config) int    { return c.Width }
func ffn(c *Config) int      { return c.FFN }
func vocab(c *Config) int    { return c.Vocab }
func headDim(c *Config) int  { return c.HeadDim }
func queryDim(c *Config) int { return c.Heads * c.HeadDim }
func keyDim(c *Config) int   { return c.KVHeads * c.HeadDim }

// kinds is indexed by Kind.
var kinds = [numKinds]kindInfo{
	TokenEmbd:    {"token_embd", "token_embd", vocab, width},
	OutputNorm:   {"output_norm", "output_norm", nil, width},
	Output:       {"output", "output", vocab, width},
	AttnNorm:     {"attn_norm", "attn_norm", nil, width},
	AttnQ:        {"attn_q", "attn_q", queryDim, width},
	AttnK:        {"attn_k", "attn_k", keyDim, width},
	AttnV:        {"attn_v", "attn_v", keyDim, width},
	AttnOutput:   {"attn_output", "attn_output", width, queryDim},
	AttnQNorm:    {"attn_q_norm", "attn_q_norm", nil, headDim},
	AttnKNorm:    {"attn_k_norm", "attn_k_norm", nil, headDim},
	PostAttnNorm: {"post_attn_norm", "post_attention_norm", nil, width},
	FFNNorm:      {"ffn_norm", "ffn_norm", nil, width},
	FFNGate:      {"ffn_gate", "ffn_gate", ffn, width},
	FFNUp:        {"ffn_up", "ffn_up", ffn, width},
	FFNDown:      {"ffn_down", "ffn_down", width, ffn},
	PostFFNNorm:  {"post_ffn_norm", "post_ffw_norm", nil, width},
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

// IsGain reports whether tensors of this kind are norm gains, not matrices.
func (k Kind) IsGain() bool { return kinds[k].rows == nil }

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

// tensorName is the GGUF name of the role's tensor.
func (r Role) tensorName() string {
	name := kinds[r.Kind].tensor + ".weight"
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
	s, ok := strings.CutSuffix(name, ".weight")
	if !ok {
		return Role{}, false
	}
	r, err := parse(s, func(k *kindInfo) string { return k.tensor })
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
