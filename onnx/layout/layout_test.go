package layout

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/detox-surgery/detox-surgery/internal/testenv"
)

// files makes empty files below a new folder, or files with what follows a "=".
func files(t *testing.T, names ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range names {
		name, text, _ := strings.Cut(name, "=")
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestFind(t *testing.T) {
	genai := `genai_config.json={"model": {"decoder": {"filename": "b.onnx"}}}`
	for _, c := range []struct {
		name       string
		files      []string
		path       string
		model, dir string // relative to the root; dir "-" for none
		fails      string
	}{
		{name: "optimum", files: []string{"model.onnx", "model.onnx_data", "config.json", "tokenizer.json"}, path: ".", model: "model.onnx", dir: "."},
		{name: "a file", files: []string{"model.onnx", "config.json", "model_int8.onnx"}, path: "model_int8.onnx", model: "model_int8.onnx", dir: "."},
		{name: "transformers.js", files: []string{"onnx/model_q4.onnx", "config.json", "tokenizer.json"}, path: ".", model: "onnx/model_q4.onnx", dir: "."},
		{name: "transformers.js, a file", files: []string{"onnx/model_q4.onnx", "onnx/model.onnx", "tokenizer.json"}, path: "onnx/model_q4.onnx", model: "onnx/model_q4.onnx", dir: "."},
		{name: "transformers.js, its folder", files: []string{"onnx/model_q4.onnx", "vocab.txt"}, path: "onnx", model: "onnx/model_q4.onnx", dir: "."},
		{name: "genai", files: []string{"a.onnx", "b.onnx", genai}, path: ".", model: "b.onnx", dir: "."},
		{name: "several", files: []string{"a.onnx", "b.onnx"}, path: ".", fails: "a.onnx, b.onnx"},
		{name: "several in onnx", files: []string{"onnx/a.onnx", "onnx/b.onnx"}, path: ".", fails: "a.onnx, b.onnx"},
		{name: "none", files: []string{"config.json"}, path: ".", fails: "no .onnx file"},
		{name: "no configuration", files: []string{"sub/model.onnx", "config.json"}, path: "sub", model: "sub/model.onnx", dir: "-"},
		{name: "absent", path: "x", fails: "no such file"},
		{name: "genai, absent", files: []string{genai, "a.onnx"}, path: ".", fails: "not there"},
		{name: "genai, outside", files: []string{`genai_config.json={"model": {"decoder": {"filename": "../b.onnx"}}}`, "a.onnx"}, path: ".", fails: "in the same folder"},
		{name: "genai, no JSON", files: []string{`genai_config.json={"model": [`, "a.onnx"}, path: ".", fails: "genai_config.json: byte"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := files(t, c.files...)
			model, dir, err := Find(filepath.Join(root, filepath.FromSlash(c.path)))
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Fatalf("%q, %v: want an error with %q", model, err, c.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if want := filepath.Join(root, filepath.FromSlash(c.model)); model != want {
				t.Errorf("model %s, want %s", model, want)
			}
			want := ""
			if c.dir != "-" {
				want = filepath.Join(root, filepath.FromSlash(c.dir))
			}
			if dir != want {
				t.Errorf("folder %q, want %q", dir, want)
			}
		})
	}
}

func TestHints(t *testing.T) {
	for _, c := range []struct {
		name, config, genai string
		want                Hints
	}{
		{
			name: "llama", config: `{"model_type": "llama", "architectures": ["LlamaForCausalLM"], "num_hidden_layers": 16, "num_attention_heads": 32,
				"num_key_value_heads": 8, "hidden_size": 2048, "intermediate_size": 8192, "vocab_size": 128256, "max_position_embeddings": 131072,
				"rms_norm_eps": 1e-05, "hidden_act": "silu", "tie_word_embeddings": true, "rope_theta": 500000.0, "sliding_window": null,
				"rope_scaling": {"factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0, "original_max_position_embeddings": 8192, "rope_type": "llama3"}}`,
			want: Hints{
				ModelType: "llama", Architectures: []string{"LlamaForCausalLM"}, Layers: 16, Heads: 32, KVHeads: 8, HeadDim: 64, Hidden: 2048,
				FeedForward: 8192, Vocab: 128256, MaxPositions: 131072, Eps: 1e-5, Activation: "silu", Tied: true,
				Rope: Rope{Theta: 500000, Type: "llama3", Factor: 32, LowFreq: 1, HighFreq: 4, Original: 8192},
			},
		},
		{
			name: "gemma 3, of transformers 5", config: `{"model_type": "gemma3", "text_config": {"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 1,
				"head_dim": 256, "hidden_size": 640, "hidden_activation": "gelu_pytorch_tanh", "sliding_window": 512, "query_pre_attn_scalar": 256,
				"final_logit_softcapping": 30.0, "attn_logit_softcapping": 50, "rope_parameters": {
				"full_attention": {"rope_theta": 1000000.0, "rope_type": "linear", "factor": 8}, "sliding_attention": {"rope_theta": 10000.0, "rope_type": "default"}}}}`,
			want: Hints{
				ModelType: "gemma3", Layers: 2, Heads: 4, KVHeads: 1, HeadDim: 256, Hidden: 640, SlidingWindow: 512, Activation: "gelu_pytorch_tanh", QueryScale: 256,
				AttentionSoftcap: 50, LogitSoftcap: 30, LocalTheta: 10000, Rope: Rope{Theta: 1e6, Type: "linear", Factor: 8},
			},
		},
		{
			name: "gpt2", config: `{"model_type": "gpt2", "n_layer": 12, "n_head": 12, "n_embd": 768, "n_inner": null, "n_positions": 1024, "layer_norm_epsilon": 1e-5, "activation_function": "gelu_new"}`,
			want: Hints{ModelType: "gpt2", Layers: 12, Heads: 12, KVHeads: 12, HeadDim: 64, Hidden: 768, FeedForward: 3072, MaxPositions: 1024, Eps: 1e-5, Activation: "gelu_new"},
		},
		{
			name: "a classifier", config: `{"model_type": "distilbert", "dim": 768, "n_heads": 12, "n_layers": 6, "hidden_dim": 3072, "activation": "gelu",
				"id2label": {"1": "toxic", "0": "neutral"}, "problem_type": "multi_label_classification"}`,
			want: Hints{ModelType: "distilbert", Layers: 6, Heads: 12, KVHeads: 12, HeadDim: 64, Hidden: 768, FeedForward: 3072, Activation: "gelu", Labels: []string{"neutral", "toxic"}, MultiLabel: true},
		},
		{
			name: "qwen2 without its window", config: `{"model_type": "qwen2", "sliding_window": 32768, "use_sliding_window": false}`,
			want: Hints{ModelType: "qwen2"},
		},
		{
			name: "falcon", config: `{"model_type": "falcon", "num_attention_heads": 71, "multi_query": true, "hidden_size": 4544}`,
			want: Hints{ModelType: "falcon", Heads: 71, KVHeads: 1, HeadDim: 64, Hidden: 4544},
		},
		{
			name: "genai", config: `{"num_hidden_layers": 30}`,
			genai: `{"model": {"type": "phi3", "vocab_size": 512, "context_length": 4096, "decoder": {"head_size": 64, "hidden_size": 576, "num_attention_heads": 9,
				"num_hidden_layers": 2, "num_key_value_heads": 3, "sliding_window": {"window_size": 2047}}}}`,
			want: Hints{ModelType: "phi3", Layers: 2, Heads: 9, KVHeads: 3, HeadDim: 64, Hidden: 576, Vocab: 512, MaxPositions: 4096, SlidingWindow: 2047},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := hints(configFS(c.config, c.genai))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(*got, c.want) {
				t.Errorf("%+v, want %+v", *got, c.want)
			}
		})
	}
}

func configFS(config, genai string) fstest.MapFS {
	m := fstest.MapFS{}
	if config != "" {
		m["config.json"] = &fstest.MapFile{Data: []byte(config)}
	}
	if genai != "" {
		m["genai_config.json"] = &fstest.MapFile{Data: []byte(genai)}
	}
	return m
}

func TestBadHintsAreRefused(t *testing.T) {
	for config, want := range map[string]string{
		`{"hidden_size": -1}`:                                         "config.json: hidden_size is -1",
		`{"hidden_size": 1e300}`:                                      "hidden_size is 1e+300",
		`{"hidden_size": 1.5}`:                                        "hidden_size is 1.5",
		`{"hidden_size": "576"}`:                                      `hidden_size is "576", want a number`,
		`{"num_hidden_layers": 5000}`:                                 "num_hidden_layers is 5000",
		`{"num_attention_heads": 9, "num_key_value_heads": 2}`:        "want a multiple",
		`{"num_attention_heads": 9, "hidden_size": 100}`:              "want a multiple, or head_dim",
		`{"rms_norm_eps": -1}`:                                        "rms_norm_eps is -1",
		`{"id2label": {"0": "a", "2": "b"}}`:                          "id2label does not name",
		`{"rope_scaling": []}`:                                        "rope_scaling is [], want an object",
		`{"rope_scaling": {"type": "longrope", "long_factor": "no"}}`: "long_factor",
		`[1]`: "config.json",
		`{`:   "config.json: byte 1",
	} {
		if _, err := hints(configFS(config, "")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
	if _, err := hints(configFS("", "")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without files: %v", err)
	}
}

// TestRealFolders reads what lies beside the models that make_onnx.py has built.
func TestRealFolders(t *testing.T) {
	for _, path := range testenv.ONNX(t) {
		model, dir, err := Find(filepath.Dir(path))
		if err != nil || model != path || dir != filepath.Dir(path) {
			t.Errorf("%s: %q, %q, %v", path, model, dir, err)
			continue
		}
		h, err := ReadHints(dir)
		if err != nil {
			t.Errorf("%s: %v", dir, err)
			continue
		}
		if h.Layers != 30 || h.Heads != 9 || h.KVHeads != 3 || h.HeadDim != 64 || h.Hidden != 576 || h.FeedForward != 1536 || h.Rope.Theta != 100000 || !h.Tied || h.Vocab != 49152 {
			t.Errorf("%s: %+v", dir, *h)
		}
	}
}

func FuzzHints(f *testing.F) {
	f.Add(`{"text_config": {"rope_parameters": {"full_attention": {}}}}`, `{"model": {"decoder": {}}}`)
	f.Add(`{"id2label": {"0": "a"}, "n_embd": 8, "n_head": 0}`, ``)
	f.Add(`{"rope_scaling": {"short_factor": [1]}, "num_attention_heads": 3}`, `{"model": null}`)
	f.Fuzz(func(t *testing.T, config, genai string) {
		h, err := hints(configFS(config, genai))
		if (h == nil || h.KVHeads > h.Heads) && err == nil {
			t.Errorf("%+v", h)
		}
	})
}
