package model

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// with returns kvs with some keys set to other values, or removed where the
// value is nil.
func with(kvs []kv, changes ...kv) []kv {
	out := slices.Clone(kvs)
	for _, c := range changes {
		out = slices.DeleteFunc(out, func(e kv) bool { return e.key == c.key })
		if c.value != nil {
			out = append(out, c)
		}
	}
	return out
}

// yarn are the keys of a model scaled by four, and more.
func yarn(more ...kv) []kv {
	return append([]kv{{"llama.rope.scaling.type", "yarn"}, {"llama.rope.scaling.factor", float32(4)}}, more...)
}

// TestOpenRefuses holds Open to the cases of level "model" of the hostile
// catalogue, one fault each in a file that is otherwise whole, and to more of
// its own. Every message is one line that names what is wrong.
func TestOpenRefuses(t *testing.T) {
	kvs, tensors := tinyParts("llama")
	tokens := make([]string, tinyConfig.Vocab)
	for i := range tokens {
		tokens[i] = string(rune('A' + i))
	}
	vocab := []kv{{"tokenizer.ggml.model", "llama"}, {"tokenizer.ggml.tokens", tokens}, {"tokenizer.ggml.scores", make([]float32, len(tokens))}, {"tokenizer.ggml.unknown_token_id", uint32(0)}}
	keys := func(changes ...kv) []kv { return with(kvs, changes...) }
	without := func(name string) []tensor {
		return slices.DeleteFunc(slices.Clone(tensors), func(x tensor) bool { return x.name == name })
	}
	for _, c := range []struct {
		name        string
		kvs         []kv
		tensors     []tensor
		want        string
		unsupported bool
	}{
		{"arch missing", keys(kv{"general.architecture", nil}), tensors, "general.architecture is missing", false},
		{"arch is a number", keys(kv{"general.architecture", uint32(7)}), tensors, "general.architecture is not a string", false},
		{"arch unknown", keys(kv{"general.architecture", "nosuch"}), tensors, `architecture "nosuch" is not supported (known: falcon, gemma, `, true},
		{"blocks is a string", keys(kv{"llama.block_count", "1"}), tensors, "llama.block_count is not a whole number", false},
		{"blocks 2^32-1", keys(kv{"llama.block_count", uint32(1<<32 - 1)}), tensors, "llama.block_count is 4294967295", false},
		{"blocks beyond tensors", keys(kv{"llama.block_count", uint32(4000)}), tensors, "llama.block_count is 4000, but the file has only", false},
		{"blocks -1", keys(kv{"llama.block_count", int32(-1)}), tensors, "llama.block_count is not a whole number", false},
		{"blocks missing", keys(kv{"llama.block_count", nil}), tensors, "llama.block_count is missing", false},
		{"no heads", keys(kv{"llama.attention.head_count", uint32(0)}), tensors, "llama.attention.head_count is 0", false},
		{"no key heads", keys(kv{"llama.attention.head_count_kv", uint32(0)}), tensors, "llama.attention.head_count_kv is 0", false},
		{"uneven groups", keys(kv{"llama.attention.head_count_kv", uint32(3)}), tensors, "4 attention heads do not divide among 3 key heads", false},
		{"uneven heads", keys(kv{"llama.attention.head_count", uint32(6)}), tensors, "width 32 does not divide among 6 heads", false},
		{"width 0", keys(kv{"llama.embedding_length", uint32(0)}), tensors, "llama.embedding_length is 0", false},
		{"epsilon 0", keys(kv{"llama.attention.layer_norm_rms_epsilon", float32(0)}), tensors, "layer_norm_rms_epsilon is not a number above 0", false},
		{"rotation of three", keys(kv{"llama.rope.dimension_count", uint32(3)}), tensors, "rotation of 3 of 8", true},
		{"rope scaling unknown", keys(kv{"llama.rope.scaling.type", "ntk"}), tensors, `rope scaling "ntk" is not supported`, true},
		{"rope scaling a number", keys(kv{"llama.rope.scaling.type", uint32(1)}), tensors, "rope.scaling.type is not a string", false},
		{"rope factor negative", keys(kv{"llama.rope.scaling.factor", float32(-2)}), tensors, "rope.scaling.factor is not a number above 0", false},
		{"original context 0", keys(kv{"llama.rope.scaling.original_context_length", uint32(0)}), tensors, "original_context_length is 0", false},
		{"yarn of other turns", keys(yarn(kv{"llama.rope.scaling.yarn_beta_fast", float32(16)})...), tensors, "yarn_beta_fast is 16; YaRN is supported with 32", true},
		{"yarn of other magnitude", keys(yarn(kv{"llama.rope.scaling.yarn_attn_factor", float32(2)})...), tensors, "yarn_attn_factor is 2; YaRN is supported with 1.13863", true},
		{"yarn mixed", keys(yarn(kv{"llama.rope.scaling.yarn_ext_factor", float32(0.5)})...), tensors, "yarn_ext_factor is 0.5", true},
		{"yarn of DeepSeek", keys(yarn(kv{"llama.rope.scaling.yarn_log_multiplier", float32(0.1)})...), tensors, "yarn_log_multiplier is 0.1", true},
		{"yarn constant a string", keys(yarn(kv{"llama.rope.scaling.yarn_beta_slow", "1"})...), tensors, "yarn_beta_slow is not a number", false},
		{"a projector", keys(kv{"general.type", "mmproj"}), tensors, "is a multimodal projector (mmproj), not a language model", true},
		{"an older projector", keys(kv{"general.architecture", "clip"}), tensors, "is a multimodal projector (mmproj), not a language model", true},
		{"an adapter", keys(kv{"general.type", "adapter"}), tensors, "is an adapter", true},
		{"experts", keys(kv{"llama.expert_count", uint32(8)}), tensors, "key llama.expert_used_count is missing", false},
		{"experts of qwen2", keys(kv{"general.architecture", "qwen2"}, kv{"qwen2.expert_count", uint32(8)}), tensors, `"qwen2" is not supported with key qwen2.expert_count`, true},
		{"missing tensors", kvs, tensors[:1], "but the file has only 1 tensors", false},
		{"one missing tensor", kvs, without("blk.6.ffn_down.weight"), "tensor blk.6.ffn_down.weight is missing", false},
		{"no embedding", kvs, without("token_embd.weight"), "tensor token_embd.weight is missing", false},
		{"extra tensor", kvs, append(slices.Clone(tensors), tensor{"blk.0.attn_q_norm.weight", []uint64{8}, make([]float32, 8)}), `tensor "blk.0.attn_q_norm.weight" is not part of`, true},
		{"wrong width", keys(kv{"llama.embedding_length", uint32(64)}), tensors, "tensor token_embd.weight has shape [32 61], must be [64 61]", false},
		{"wrong ffn", keys(kv{"llama.feed_forward_length", uint32(40)}), tensors, "tensor blk.0.ffn_gate.weight has shape [32 48], must be [32 40]", false},
		{"tokens are numbers", keys(append(vocab, kv{"tokenizer.ggml.tokens", []uint32{1, 2}})...), tensors, "tokenizer", false},
		{"scores too few", keys(append(vocab, kv{"tokenizer.ggml.scores", []float32{0}})...), tensors, "tokenizer", false},
		{"end token out of range", keys(append(vocab, kv{"tokenizer.ggml.eos_token_id", uint32(99)})...), tensors, "tokenizer", false},
		{"too few tokens", keys(append(vocab, kv{"tokenizer.ggml.tokens", tokens[:60]}, kv{"tokenizer.ggml.scores", make([]float32, 60)})...), tensors, "tokenizer has 60 tokens, the embedding 61 rows", false},
		{"one part of three", keys(kv{"split.no", uint16(0)}, kv{"split.count", uint16(3)}), tensors, "part 1 of 3 of a split model", true},
		{"part 7 of 3", keys(kv{"split.no", uint16(7)}, kv{"split.count", uint16(3)}), tensors, "part 7 (from 0) of 3", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := Open(openFile(t, c.kvs, c.tensors))
			if err == nil {
				t.Fatalf("opened a model of %d blocks", m.Config().Blocks)
			}
			if s := err.Error(); !strings.HasPrefix(s, "model: ") || !strings.Contains(s, c.want) || strings.Contains(s, "\n") {
				t.Errorf("error %q, want one line with %q", s, c.want)
			}
			if errors.Is(err, ErrUnsupported) != c.unsupported {
				t.Errorf("error %q: ErrUnsupported is %v", err, !c.unsupported)
			}
		})
	}
	if _, err := Open(openFile(t, keys(vocab...), tensors)); err != nil {
		t.Errorf("the whole file: %v", err)
	}
}

func TestOpenUntied(t *testing.T) {
	kvs, tensors := tinyParts("llama")
	head := tensor{"output.weight", []uint64{32, 61}, make([]float32, 32*61)}
	m, err := Open(openFile(t, kvs, append(tensors, head)))
	if err != nil {
		t.Fatal(err)
	}
	if m.Tied() || m.Head() != m.Matrix(Role{Kind: Output}) {
		t.Error("output.weight is not the head")
	}
	if r := m.Roles(); r[len(r)-1] != (Role{Kind: Output}) || len(r) != len(tensors)+1 {
		t.Errorf("%d roles for %d tensors", len(r), len(tensors)+1)
	}
}

func TestRoleNames(t *testing.T) {
	for _, arch := range []string{"llama", "gemma3"} {
		m := tiny(t, arch)
		if got := len(m.Roles()); got != len(m.File().Tensors) {
			t.Errorf("%s: %d roles, %d tensors", arch, got, len(m.File().Tensors))
		}
		for _, r := range m.Roles() {
			back, err := ParseRole(r.String())
			if err != nil || back != r {
				t.Errorf("role %v parsed as %v, %v", r, back, err)
			}
			if back, ok := RoleOfTensor(m.Tensor(r).Name); !ok || back != r {
				t.Errorf("tensor %s has role %v, want %v", m.Tensor(r).Name, back, r)
			}
			if m.Tensor(r) == nil || (m.Gain(r) == nil) == (m.Matrix(r) == nil) {
				t.Errorf("role %v: wants a tensor and a gain or a matrix", r)
			}
		}
	}
	if s := (Role{Kind: FFNDown, Block: 17}).String(); s != "blk.17.ffn_down" {
		t.Errorf("role is called %s", s)
	}
	for _, s := range []string{"", "ffn_down", "blk.1.token_embd", "blk..ffn_up", "blk.-1.ffn_up", "blk.01.ffn_up", "blk.1", "blk.1.ffn_up.weight"} {
		if r, err := ParseRole(s); err == nil {
			t.Errorf("%q parsed as %v", s, r)
		}
	}
	m := tiny(t, "llama")
	for _, r := range []Role{{Kind: Output}, {Kind: AttnQNorm}, {Kind: FFNUp, Block: 7}, {Kind: FFNUp, Block: -1}, {Kind: numKinds}, {Kind: -1}} {
		if m.Tensor(r) != nil || m.Matrix(r) != nil || m.Gain(r) != nil || m.Original(r) != nil {
			t.Errorf("a model without %v has one", r)
		}
	}
}
