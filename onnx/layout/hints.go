package layout

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strconv"

	"github.com/detox-surgery/detox-surgery/internal/jsonfile"
)

// Hints is what config.json and genai_config.json say about a model: numbers that a graph does not show, or shows only
// in part. Nothing ties them to the graph, so they are to be checked against it. A field is zero if no file says it.
type Hints struct {
	ModelType     string // "llama", "bert", ...
	Architectures []string

	Layers, Heads, KVHeads, HeadDim int
	Hidden, FeedForward, Vocab      int
	MaxPositions, SlidingWindow     int // tokens

	Eps        float64 // of the norms
	Activation string  // "silu", "gelu_pytorch_tanh", ...
	Tied       bool    // the embedding is the output matrix too

	Rope             Rope
	LocalTheta       float64 // base of the layers with a sliding window, where they have their own
	QueryScale       float64 // query_pre_attn_scalar: scores are divided by its square root instead of HeadDim's
	AttentionSoftcap float64
	LogitSoftcap     float64

	Labels     []string // of a classifier, by the index of its output
	MultiLabel bool     // each label for itself (sigmoid), not one of all (softmax)
}

// Rope is the rotary embedding.
type Rope struct {
	Theta       float64
	Partial     float64 // the rotated share of a head, 0 for all of it
	Type        string  // of the scaling: "linear", "dynamic", "yarn", "llama3", "longrope"; "" for none
	Factor      float64
	Original    int // positions before scaling
	LowFreq     float64
	HighFreq    float64
	AttnFactor  float64
	BetaFast    float64
	BetaSlow    float64
	ShortFactor []float64
	LongFactor  []float64
}

// Limits on numbers, far above those of any model.
const (
	maxLayers = 1 << 12
	maxHeads  = 1 << 16
	maxWidth  = 1 << 24
	maxTokens = 1 << 40
	maxLabels = 1 << 16
)

// ReadHints reads the configuration in a folder. The error wraps fs.ErrNotExist if there is none.
func ReadHints(dir string) (*Hints, error) {
	h, err := hints(os.DirFS(dir))
	if err != nil {
		return nil, fmt.Errorf("configuration in %s: %w", dir, err)
	}
	return h, nil
}

func hints(fsys fs.FS) (*Hints, error) {
	h := &Hints{}
	r := reader{name: "config.json"}
	known := false
	err := jsonfile.Read(fsys, r.name, maxConfig, &r.at)
	if err == nil {
		known = true
		err = h.readConfig(&r)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	g := reader{name: "genai_config.json"}
	err = jsonfile.Read(fsys, g.name, maxConfig, &g.at)
	if err == nil {
		known = true
		err = h.readGenai(&g)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if !known {
		return nil, fmt.Errorf("neither config.json nor genai_config.json: %w", fs.ErrNotExist)
	}
	return h, h.complete()
}

// readConfig reads config.json. Models of several parts keep the numbers of their language model in text_config.
func (h *Hints) readConfig(r *reader) error {
	r.str(&h.ModelType, "model_type")
	r.strs(&h.Architectures, "architectures")
	h.readLabels(r)
	r.flag(&h.Tied, "tie_word_embeddings")
	if text := r.object("text_config"); text != nil {
		r.at = text
		r.flag(&h.Tied, "tie_word_embeddings")
	}
	h.readSizes(r)
	r.float(&h.Eps, "rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "norm_epsilon", "norm_eps")
	r.str(&h.Activation, "hidden_activation", "hidden_act", "activation_function", "activation")
	r.float(&h.LocalTheta, "rope_local_base_freq")
	r.float(&h.QueryScale, "query_pre_attn_scalar")
	r.float(&h.AttentionSoftcap, "attn_logit_softcapping")
	r.float(&h.LogitSoftcap, "final_logit_softcapping")
	h.readRope(r)
	return r.err
}

func (h *Hints) readSizes(r *reader) {
	r.whole(&h.Layers, maxLayers, "num_hidden_layers", "n_layer", "n_layers", "num_layers")
	r.whole(&h.Heads, maxHeads, "num_attention_heads", "n_head", "n_heads")
	r.whole(&h.KVHeads, maxHeads, "num_key_value_heads", "num_kv_heads", "n_head_kv")
	r.whole(&h.HeadDim, maxWidth, "head_dim")
	r.whole(&h.Hidden, maxWidth, "hidden_size", "n_embd", "dim", "d_model")
	r.whole(&h.FeedForward, maxWidth, "intermediate_size", "n_inner", "ffn_hidden_size", "hidden_dim", "ffn_dim")
	r.whole(&h.Vocab, maxWidth, "vocab_size")
	r.whole(&h.MaxPositions, maxTokens, "max_position_embeddings", "n_positions", "max_sequence_length", "seq_length")
	windowed := true
	r.flag(&windowed, "use_sliding_window")
	if windowed {
		r.whole(&h.SlidingWindow, maxTokens, "sliding_window")
	}
	one := false
	if r.flag(&one, "multi_query"); one && h.KVHeads == 0 {
		h.KVHeads = 1
	}
}

// readRope reads rope_theta with rope_scaling, or rope_parameters, which newer files have for both. Those of layers
// with a window of their own are in an object for each kind of layer.
func (h *Hints) readRope(r *reader) {
	r.float(&h.Rope.Theta, "rope_theta", "rotary_emb_base")
	r.float(&h.Rope.Partial, "partial_rotary_factor", "rotary_pct")
	r.whole(&h.Rope.Original, maxTokens, "original_max_position_embeddings")
	outer := r.at
	for _, key := range []string{"rope_scaling", "rope_parameters"} {
		r.at = outer
		in := r.object(key)
		if in == nil {
			continue
		}
		r.at = in
		if full := r.object("full_attention"); full != nil {
			if local := r.object("sliding_attention"); local != nil {
				r.at = local
				r.float(&h.LocalTheta, "rope_theta")
			}
			r.at = full
		}
		h.Rope.read(r)
	}
	r.at = outer
}

func (p *Rope) read(r *reader) {
	r.float(&p.Theta, "rope_theta")
	r.float(&p.Partial, "partial_rotary_factor")
	r.str(&p.Type, "rope_type", "type")
	if p.Type == "default" {
		p.Type = ""
	}
	r.float(&p.Factor, "factor")
	r.whole(&p.Original, maxTokens, "original_max_position_embeddings")
	r.float(&p.LowFreq, "low_freq_factor")
	r.float(&p.HighFreq, "high_freq_factor")
	r.float(&p.AttnFactor, "attention_factor", "attn_factor")
	r.float(&p.BetaFast, "beta_fast")
	r.float(&p.BetaSlow, "beta_slow")
	r.floats(&p.ShortFactor, "short_factor")
	r.floats(&p.LongFactor, "long_factor")
}

// readLabels reads the names of a classifier's outputs.
func (h *Hints) readLabels(r *reader) {
	var kind string
	r.str(&kind, "problem_type")
	h.MultiLabel = kind == "multi_label_classification"
	list := r.object("id2label")
	if len(list) > maxLabels {
		r.fail("id2label", "has too many entries")
		return
	}
	labels := make([]string, len(list))
	for key, raw := range list {
		i, err := strconv.Atoi(key)
		if err != nil || i < 0 || i >= len(labels) || json.Unmarshal(raw, &labels[i]) != nil {
			r.fail("id2label", "does not name the outputs 0 to "+strconv.Itoa(len(labels)-1))
			return
		}
	}
	if len(labels) > 0 {
		h.Labels = labels
	}
}

// readGenai reads what the builder of onnxruntime-genai has written with the model; it counts before config.json.
func (h *Hints) readGenai(r *reader) error {
	r.at = r.object("model")
	if h.ModelType == "" {
		r.str(&h.ModelType, "type")
	}
	r.whole(&h.Vocab, maxWidth, "vocab_size")
	r.whole(&h.MaxPositions, maxTokens, "context_length")
	r.at = r.object("decoder")
	r.whole(&h.Layers, maxLayers, "num_hidden_layers")
	r.whole(&h.Heads, maxHeads, "num_attention_heads")
	r.whole(&h.KVHeads, maxHeads, "num_key_value_heads")
	r.whole(&h.HeadDim, maxWidth, "head_size")
	r.whole(&h.Hidden, maxWidth, "hidden_size")
	if r.at = r.object("sliding_window"); r.at != nil {
		r.whole(&h.SlidingWindow, maxTokens, "window_size")
	}
	return r.err
}

// complete sets what follows from the rest, and checks that the numbers fit together.
func (h *Hints) complete() error {
	if h.KVHeads == 0 {
		h.KVHeads = h.Heads
	}
	if h.KVHeads > 0 && h.Heads%h.KVHeads != 0 {
		return fmt.Errorf("%d heads for queries and %d for keys: want a multiple", h.Heads, h.KVHeads)
	}
	if h.HeadDim == 0 && h.Heads > 0 && h.Hidden > 0 {
		if h.Hidden%h.Heads != 0 {
			return fmt.Errorf("hidden size %d for %d heads: want a multiple, or head_dim", h.Hidden, h.Heads)
		}
		h.HeadDim = h.Hidden / h.Heads
	}
	if h.FeedForward == 0 && h.ModelType == "gpt2" {
		h.FeedForward = 4 * h.Hidden
	}
	return nil
}

// reader takes values out of a JSON object. Of several keys for the same value the first that is there counts; null
// counts as absent. The first error stays.
type reader struct {
	name string
	at   map[string]json.RawMessage
	err  error
}

func (r *reader) fail(key, what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s: %s %s", r.name, key, what)
	}
}

// get decodes the value of the first key that is there, and reports whether one is.
func (r *reader) get(into any, want string, keys ...string) (string, bool) {
	for _, key := range keys {
		raw, ok := r.at[key]
		if !ok || string(raw) == "null" {
			continue
		}
		if json.Unmarshal(raw, into) != nil {
			r.fail(key, fmt.Sprintf("is %.40s, want %s", raw, want))
			return key, false
		}
		return key, true
	}
	return "", false
}

func (r *reader) str(p *string, keys ...string) { r.get(p, "a string", keys...) }

func (r *reader) strs(p *[]string, keys ...string) { r.get(p, "an array of strings", keys...) }

func (r *reader) flag(p *bool, keys ...string) { r.get(p, "true or false", keys...) }

func (r *reader) object(key string) map[string]json.RawMessage {
	var m map[string]json.RawMessage
	r.get(&m, "an object", key)
	return m
}

// whole reads a number from 0 to limit. Some files have sizes with a decimal point, which is let pass.
func (r *reader) whole(p *int, limit float64, keys ...string) {
	var x float64
	key, ok := r.get(&x, "a number", keys...)
	if !ok {
		return
	}
	if x < 0 || x > limit || x != math.Trunc(x) {
		r.fail(key, fmt.Sprintf("is %v, want a whole number up to %.0f", x, limit))
		return
	}
	*p = int(x)
}

func (r *reader) float(p *float64, keys ...string) {
	var x float64
	key, ok := r.get(&x, "a number", keys...)
	if !ok {
		return
	}
	if x < 0 {
		r.fail(key, fmt.Sprintf("is %v, want no negative number", x))
		return
	}
	*p = x
}

func (r *reader) floats(p *[]float64, keys ...string) {
	var x []float64
	key, ok := r.get(&x, "an array of numbers", keys...)
	if !ok {
		return
	}
	if len(x) > maxHeads {
		r.fail(key, fmt.Sprintf("has %d entries", len(x)))
		return
	}
	*p = x
}
