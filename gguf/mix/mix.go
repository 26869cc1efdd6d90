// Package mix writes GGUF files again in other types, tensor by tensor as llama-quantize
// chooses them (llama.cpp, src/llama-quant.cpp).
package mix

import (
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strings"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/gguf/quant"
)

// Options say how a recipe is used.
type Options struct {
	Pure            bool        // all matrices get the base type
	KeepOutput      bool        // output.weight stays as it is
	AllowRequantize bool        // of tensors that are not F32, F16 or BF16
	Output          *quant.Type // of the head; nil: the recipe's
	Embedding       *quant.Type // of token_embd; nil: the recipe's
	Overrides       []Override  // the first that matches decides
	Importance      Importance  // nil: all weights count the same
}

// Override is the type of the tensors whose names match.
type Override struct {
	Name *regexp.Regexp
	Type quant.Type
}

// Errors of plans.
var (
	ErrRequantize = errors.New("tensor is quantized already")
	ErrNoEncoder  = errors.New("type is read here, not written")
)

// Find returns the recipe of that name, whatever its case.
func Find(name string) (*Recipe, bool) {
	name = strings.ToUpper(name)
	if a, ok := aliases[name]; ok {
		name = a
	}
	for i := range Recipes {
		if Recipes[i].Name == name {
			return &Recipes[i], true
		}
	}
	return nil, false
}

// Target is what becomes of a tensor.
type Target struct {
	*gguf.Tensor
	To quant.Type
}

// planner counts what the rules depend on.
type planner struct {
	r      *Recipe
	o      *Options
	shape  place // of the model
	tied   bool
	values int // attn_v seen
	downs  int // ffn_down seen
	layers int
	all    int // attn_v of the model
}

// Plan chooses the type of every tensor, in the file's order.
func Plan(f *gguf.File, r *Recipe, o *Options) ([]Target, error) {
	p := &planner{r: r, o: o, tied: f.Tensor("output.weight") == nil}
	p.read(f)
	types := map[string]quant.Type{}
	for _, t := range inLayers(f.Tensors) {
		to := p.choose(t)
		if to != t.Type && !to.CanEncode() {
			return nil, fmt.Errorf("gguf/mix: tensor %s: %w: %v", t.Name, ErrNoEncoder, to)
		}
		if to != t.Type && t.Type.Block() > 1 && !o.AllowRequantize {
			return nil, fmt.Errorf("gguf/mix: tensor %s: %w: %v", t.Name, ErrRequantize, t.Type)
		}
		if to != t.Type && !t.Type.CanDecode() {
			return nil, fmt.Errorf("gguf/mix: tensor %s: %v cannot be read", t.Name, t.Type)
		}
		types[t.Name] = to
	}
	out := make([]Target, len(f.Tensors))
	for i, t := range f.Tensors {
		out[i] = Target{t, types[t.Name]}
	}
	return out, nil
}

func (p *planner) read(f *gguf.File) {
	arch, _ := f.String("general.architecture")
	count := func(key string, def int) int {
		if v, ok := f.Uint(arch + "." + key); ok && v > 0 && v < 1<<20 {
			return int(v)
		}
		return def
	}
	heads := count("attention.head_count", 1)
	p.layers = count("block_count", 0)
	p.shape = place{
		base: p.r.Base, gqa: heads / count("attention.head_count_kv", heads), experts: count("expert_count", 0),
		falcon: arch == "falcon", imatrix: p.o.Importance != nil,
	}
	for _, t := range f.Tensors {
		if isValue(t.Name) {
			p.all++
		}
	}
}

var layerOf = regexp.MustCompile(`^blk\.(\d{1,6})\.`)

func layer(name string) int {
	m := layerOf.FindStringSubmatch(name)
	if m == nil {
		return -1
	}
	n := 0
	for _, c := range m[1] {
		n = 10*n + int(c-'0')
	}
	return n
}

// inLayers orders tensors as llama-quantize counts them.
func inLayers(ts []*gguf.Tensor) []*gguf.Tensor {
	out := append([]*gguf.Tensor(nil), ts...)
	sort.SliceStable(out, func(i, j int) bool {
		if a, b := layer(out[i].Name), layer(out[j].Name); a != b {
			return a < b
		}
		return out[i].Name < out[j].Name
	})
	return out
}

// fixed are parts of names of matrices that keep their type: small or delicate.
var fixed = []string{
	"_norm.weight", "ffn_gate_inp.weight", "ffn_gate_tid2eid.weight", "altup", "laurel", "per_layer_model_proj", "ssm_conv1d",
	"shortconv.conv.weight", "indexer.k_proj.weight", "indexer.q_proj.weight", "time_mix_first.weight", "time_mix_w0.weight",
	"time_mix_w1.weight", "time_mix_w2.weight", "time_mix_v0.weight", "time_mix_v1.weight", "time_mix_v2.weight",
	"time_mix_a0.weight", "time_mix_a1.weight", "time_mix_a2.weight", "time_mix_g1.weight", "time_mix_g2.weight",
	"time_mix_decay_w1.weight", "time_mix_decay_w2.weight", "time_mix_lerp_fused.weight", "attn_rel_b.weight", ".position_embd",
	"sam.pos_embd", "sam.neck.", "sam.net_", ".rel_pos", ".patch_embd", ".patch_merger", "a.rvq.codebook", "mm.a.code_embd",
}

// changes reports whether a tensor may change its type.
func (p *planner) changes(t *gguf.Tensor) bool {
	dims := 1
	for i, d := range t.Dims {
		if d > 1 {
			dims = i + 1
		}
	}
	if t.Size == 0 || dims < 2 || !strings.HasSuffix(t.Name, "weight") || p.o.KeepOutput && t.Name == "output.weight" ||
		t.Name == "position_embd.weight" || t.Name == "token_types.weight" {
		return false
	}
	for _, s := range fixed {
		if strings.Contains(t.Name, s) {
			return false
		}
	}
	return true
}

func isHead(name string) bool { return name == "output.weight" }
func isEmbedding(name string) bool {
	return name == "token_embd.weight" || name == "per_layer_token_embd.weight"
}

func isValue(name string) bool {
	return strings.Contains(name, "attn_v.weight") || strings.Contains(name, "attn_qkv.weight") || strings.Contains(name, "attn_kv_b.weight")
}

func (p *planner) choose(t *gguf.Tensor) quant.Type {
	if !p.changes(t) {
		return t.Type
	}
	switch {
	case p.o.Embedding != nil && isEmbedding(t.Name):
		return *p.o.Embedding
	case p.o.Output != nil && isHead(t.Name):
		return *p.o.Output
	case p.r.Base.Block() == 1:
		return p.r.Base
	}
	to := p.r.Base
	manual := false
	for _, o := range p.o.Overrides {
		if manual = o.Name.MatchString(t.Name); manual {
			to = o.Type
			break
		}
	}
	if !manual && !p.o.Pure {
		to = p.rule(t)
	}
	return fitting(to, t.Cols())
}

// rule is what the recipe says of t.
func (p *planner) rule(t *gguf.Tensor) quant.Type {
	at := p.shape
	at.stacked = len(t.Dims) > 2 && t.Dims[2] > 1
	ask := func(r rule) quant.Type {
		if r == nil {
			return at.base
		}
		return r(&at)
	}
	name := t.Name
	switch {
	case isHead(name) || p.tied && isEmbedding(name):
		return p.head(t)
	case p.r.any != nil:
		return ask(p.r.any)
	case isEmbedding(name):
		return ask(p.r.embd)
	case isValue(name):
		at.i, at.n = p.values, p.all
		p.values++
		to := ask(p.r.value)
		if p.layers == 80 && p.shape.gqa > 1 && (to == quant.Q3K || to == quant.Q4K) {
			to = quant.Q5K // of 70 B parameters
		}
		if at.experts == 8 {
			to = quant.Q8_0
		}
		return to
	case strings.Contains(name, "attn_k.weight") && at.experts == 8:
		return quant.Q8_0
	case strings.Contains(name, "ffn_down"):
		at.i, at.n = p.downs, p.layers
		if at.experts > 1 {
			at.i = layer(name)
		}
		p.downs++
		return ask(p.r.down)
	case strings.Contains(name, "attn_output.weight"):
		if at.experts == 8 && !at.falcon {
			if p.r.heavy {
				return quant.Q5K
			}
			return at.base
		}
		return ask(p.r.output)
	}
	return at.base
}

// head is the type of what makes logits.
func (p *planner) head(t *gguf.Tensor) quant.Type {
	switch {
	case p.r.any != nil || p.shape.falcon || t.Cols()%p.r.Base.Block() != 0, p.r.Base == quant.Q8_0:
		return quant.Q8_0
	}
	return quant.Q6K
}

// fitting is to, or what stands for it where its blocks do not divide a row.
func fitting(to quant.Type, cols int) quant.Type {
	if cols%to.Block() != 0 {
		to = fallbacks[to] // F32 where there is none
	}
	if to == quant.F32 || cols%to.Block() != 0 {
		return quant.F16
	}
	return to
}
