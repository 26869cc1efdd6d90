package export

import (
	"maps"
	"strconv"
	"strings"

	"github.com/detox-surgery/detox-surgery/train/model"
)

// layout says how transformers lays out an architecture whose tensors llama.cpp's
// conversion has renamed, and of some has moved the rows.
type layout struct {
	blocks string                // prefix of a block's modules, its number in place of #
	names  map[model.Kind]string // within a block
	embd   string                // the embedding
	head   string                // the head
	// rows gives the module's row behind a tensor's row; nil: the same one. Only for
	// the kinds listed.
	rows      map[model.Kind]func(c *model.Config, r int) int
	transpose bool // modules keep their weights as [inputs, outputs]
}

var llamaNames = map[model.Kind]string{
	model.AttnQ: "self_attn.q_proj", model.AttnK: "self_attn.k_proj", model.AttnV: "self_attn.v_proj", model.AttnOutput: "self_attn.o_proj",
	model.FFNGate: "mlp.gate_proj", model.FFNUp: "mlp.up_proj", model.FFNDown: "mlp.down_proj",
}

// with is names with some others.
func with(names, more map[model.Kind]string) map[model.Kind]string {
	out := maps.Clone(names)
	maps.Copy(out, more)
	return out
}

// llamaLayout is what most architectures have; interleaved is it with the rows of
// queries and keys moved for rotary pairs that lie side by side.
var (
	llamaLayout = layout{blocks: "model.layers.#.", names: llamaNames, embd: "model.embed_tokens", head: "lm_head"}
	interleaved = layout{
		blocks: "model.layers.#.", names: llamaNames, embd: "model.embed_tokens", head: "lm_head",
		rows: map[model.Kind]func(*model.Config, int) int{model.AttnQ: halvesOfHead, model.AttnK: halvesOfHead},
	}
)

// layouts is by architecture.
var layouts = map[string]layout{
	"llama":    interleaved,
	"granite":  interleaved,
	"qwen2":    llamaLayout,
	"qwen3":    llamaLayout,
	"qwen3moe": llamaLayout,
	"gemma":    llamaLayout,
	"gemma2":   llamaLayout,
	"gemma3":   llamaLayout,
	"olmo2":    llamaLayout,
	"stablelm": llamaLayout,
	"phi3": {
		blocks: "model.layers.#.", embd: "model.embed_tokens", head: "lm_head",
		names: map[model.Kind]string{
			model.AttnQKV: "self_attn.qkv_proj", model.AttnOutput: "self_attn.o_proj",
			model.FFNUp: "mlp.gate_up_proj", model.FFNDown: "mlp.down_proj",
		},
	},
	"starcoder2": {
		blocks: "model.layers.#.", embd: "model.embed_tokens", head: "lm_head",
		names: with(llamaNames, map[model.Kind]string{model.FFNUp: "mlp.c_fc", model.FFNDown: "mlp.c_proj"}),
	},
	"gpt2": {
		blocks: "transformer.h.#.", embd: "transformer.wte", head: "lm_head", transpose: true,
		names: map[model.Kind]string{
			model.AttnQKV: "attn.c_attn", model.AttnOutput: "attn.c_proj", model.FFNUp: "mlp.c_fc", model.FFNDown: "mlp.c_proj",
		},
	},
	"gptneox": {
		blocks: "gpt_neox.layers.#.", embd: "gpt_neox.embed_in", head: "lm_head",
		names: map[model.Kind]string{
			model.AttnQKV: "attention.query_key_value", model.AttnOutput: "attention.dense",
			model.FFNUp: "mlp.dense_h_to_4h", model.FFNDown: "mlp.dense_4h_to_h",
		},
		rows: map[model.Kind]func(*model.Config, int) int{model.AttnQKV: byHead},
	},
	"falcon": {
		blocks: "transformer.h.#.", embd: "transformer.word_embeddings", head: "lm_head",
		names: map[model.Kind]string{
			model.AttnQKV: "self_attention.query_key_value", model.AttnOutput: "self_attention.dense",
			model.FFNUp: "mlp.dense_h_to_4h", model.FFNDown: "mlp.dense_4h_to_h",
		},
		rows: map[model.Kind]func(*model.Config, int) int{model.AttnQKV: byGroup},
	},
}

// halvesOfHead undoes the permutation of Llama's queries and keys: rows 2j and 2j+1
// of a head are j and j + headDim/2 of the original.
func halvesOfHead(c *model.Config, r int) int {
	i := r % c.HeadDim
	return r - i + i%2*(c.HeadDim/2) + i/2
}

// byHead undoes that of GPT-NeoX, which has query, key and value of a head together.
func byHead(c *model.Config, r int) int {
	part, head, i := r/(c.Heads*c.HeadDim), r/c.HeadDim%c.Heads, r%c.HeadDim
	return (3*head+part)*c.HeadDim + i
}

// byGroup undoes that of Falcon, which has the queries of a group together with the
// key and the value that they share.
func byGroup(c *model.Config, r int) int {
	head, i, per := r/c.HeadDim, r%c.HeadDim, c.Heads/c.KVHeads
	switch {
	case head < c.Heads:
		head = head/per*(per+2) + head%per
	case head < c.Heads+c.KVHeads:
		head = (head-c.Heads)*(per+2) + per
	default:
		head = (head-c.Heads-c.KVHeads)*(per+2) + per + 1
	}
	return head*c.HeadDim + i
}

// module is the name of a role's module, empty if transformers has none of that kind
// that PEFT adapts.
func (l *layout) module(r model.Role) string {
	switch {
	case r.Kind == model.TokenEmbd:
		return l.embd
	case r.Kind == model.Output:
		return l.head
	case l.names[r.Kind] == "":
		return ""
	}
	return strings.Replace(l.blocks, "#", strconv.Itoa(r.Block), 1) + l.names[r.Kind]
}
