package mix

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/internal/testenv"
	"github.com/detox-surgery/detox-surgery/simd"
)

func small(t *testing.T, name string) *gguf.File {
	t.Helper()
	f, err := gguf.Open(filepath.Join("..", "..", "train", "model", "testdata", "arch", name+".gguf"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func requantized(t *testing.T, f *gguf.File, r *Recipe, o *Options, workers int) *gguf.File {
	t.Helper()
	targets, err := Plan(f, r, o)
	if err != nil {
		t.Fatal(err)
	}
	pool := simd.NewPool(workers)
	defer pool.Close()
	var b bytes.Buffer
	if _, err := Write(&b, f, r, targets, o, pool, nil); err != nil {
		t.Fatal(err)
	}
	g, err := gguf.Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestAsLlamaQuantize compares every recipe with llama-quantize on a real model: the
// type and every byte of every tensor.
func TestAsLlamaQuantize(t *testing.T) {
	f, err := gguf.Open(testenv.Model(t, testenv.SmolLM2))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	raw, err := os.ReadFile(filepath.Join("testdata", "smollm2.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]string
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	for _, r := range Recipes {
		t.Run(r.Name, func(t *testing.T) {
			switch {
			case r.Name == "F32" || r.Name == "Q1_0":
				t.Skip("not in the goldens")
			case r.Name == "IQ4_XS" && testing.Short():
				t.Skip("takes half a minute")
			}
			g := requantized(t, f, &r, &Options{AllowRequantize: true}, 2)
			ts := append([]*gguf.Tensor(nil), g.Tensors...)
			sort.Slice(ts, func(i, j int) bool { return ts[i].Name < ts[j].Name })
			h := sha256.New()
			for _, x := range ts {
				fmt.Fprintf(h, "%s\n%s\n", x.Name, x.Type)
				h.Write(x.Raw())
			}
			if got := hex.EncodeToString(h.Sum(nil)); got != want[r.Name] {
				t.Errorf("tensors differ from llama-quantize's")
			}
			if n, ok := g.Uint("general.file_type"); !ok || n != uint64(r.FileType) {
				t.Errorf("general.file_type is %d", n)
			}
		})
	}
}

// TestWorkers: the same bytes for any number of workers, experts included.
func TestWorkers(t *testing.T) {
	f := small(t, "mixtral")
	r, _ := Find("q8_0")
	a, b := requantized(t, f, r, &Options{}, 1), requantized(t, f, r, &Options{}, 3)
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("one and three workers write different files")
	}
	if x := a.Tensor("blk.0.ffn_gate_inp.weight"); x.Type != f.Tensor(x.Name).Type {
		t.Errorf("the router became %v", x.Type)
	}
}

func TestOptions(t *testing.T) {
	f := small(t, "llama")
	q, _ := Find("Q4_0")
	up, half := quant.Q8_0, quant.F16
	for _, c := range []struct {
		name, tensor string
		o            Options
		want         quant.Type
	}{
		{"a matrix", "blk.0.ffn_up.weight", Options{}, quant.Q4_0},
		{"a norm", "blk.0.ffn_norm.weight", Options{}, quant.F32},
		{"the head", "output.weight", Options{}, quant.Q8_0}, // rows of 32 do not divide into 256
		{"pure", "output.weight", Options{Pure: true}, quant.Q4_0},
		{"kept", "output.weight", Options{KeepOutput: true}, quant.F16},
		{"output type", "output.weight", Options{Output: &half}, quant.F16},
		{"embedding type", "token_embd.weight", Options{Embedding: &up}, quant.Q8_0},
		{"override", "blk.1.attn_v.weight", Options{Overrides: []Override{{regexp.MustCompile("attn_v"), quant.Q5_1}}}, quant.Q5_1},
		{"first ffn_down, seen", "blk.0.ffn_down.weight", Options{Importance: Importance{"x": nil}}, quant.Q4_0},
	} {
		t.Run(c.name, func(t *testing.T) {
			targets, err := Plan(f, q, &c.o)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range targets {
				if x.Name == c.tensor && x.To != c.want {
					t.Errorf("%s becomes %v, want %v", x.Name, x.To, c.want)
				}
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	f := small(t, "llama")
	q, _ := Find("q4_0")
	g := requantized(t, f, q, &Options{}, 1)
	if _, err := Plan(g, q, &Options{}); err != nil {
		t.Errorf("what has its type already: %v", err)
	}
	other, _ := Find("Q5_1")
	if _, err := Plan(g, other, &Options{}); !errors.Is(err, ErrRequantize) {
		t.Errorf("quantized already: %v", err)
	}
	iq := Options{Overrides: []Override{{regexp.MustCompile("ffn_up"), quant.IQ2XS}}}
	if _, err := Plan(f, q, &iq); err != nil {
		t.Errorf("rows of 32 in blocks of 256 fall back: %v", err)
	}
	if _, ok := Find("IQ2_XS"); ok {
		t.Error("a recipe for a type that has no encoder")
	}
}

// TestImportance: weights change the codes, and files that are not of llama-imatrix are refused.
func TestImportance(t *testing.T) {
	f := small(t, "llama")
	if _, err := ReadImportance(f); err == nil || !strings.Contains(err.Error(), "general.type") {
		t.Errorf("a model as importance matrix: %v", err)
	}
	q, _ := Find("Q4_1")
	name := "blk.0.ffn_up.weight"
	w := make([]float32, f.Tensor(name).Cols())
	for i := range w {
		w[i] = float32(1 + 50*(i%7))
	}
	plain := requantized(t, f, q, &Options{}, 1)
	o := &Options{Importance: Importance{name: w}}
	if weighed := requantized(t, f, q, o, 2); bytes.Equal(plain.Tensor(name).Raw(), weighed.Tensor(name).Raw()) {
		t.Error("weights change nothing")
	}
	o.Importance[name] = w[1:]
	targets, err := Plan(f, q, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Write(new(bytes.Buffer), f, q, targets, o, nil, nil); err == nil {
		t.Error("31 weights for rows of 32")
	}
}
