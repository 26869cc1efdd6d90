package mix

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
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
	compareGoldens(t, f, "smollm2.json")
}

// TestProjectorAsLlamaQuantize does it on a multimodal projector.
func TestProjectorAsLlamaQuantize(t *testing.T) {
	z, err := zip.OpenReader(filepath.Join("..", "testdata", "files.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	raw, err := fs.ReadFile(z, "mmproj.gguf")
	if err != nil {
		t.Fatal(err)
	}
	f, err := gguf.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	compareGoldens(t, f, "mmproj.json")
}

func compareGoldens(t *testing.T, f *gguf.File, file string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", file))
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
			case want[r.Name] == "" && slices.Contains([]string{"F32", "Q1_0", "Q2_K", "IQ4_NL", "IQ4_XS"}, r.Name):
				t.Skip("not in the goldens")
			case r.Name == "IQ4_XS" && testing.Short() && f.Size() > 1<<20:
				t.Skip("takes half a minute")
			}
			g := requantized(t, f, &r, &Options{AllowRequantize: true}, 2)
			if hashOf(g) != want[r.Name] {
				t.Errorf("tensors differ from llama-quantize's")
			}
			if n, ok := g.Uint("general.file_type"); !ok || n != uint64(r.FileType) {
				t.Errorf("general.file_type is %d", n)
			}
		})
	}
}

// hashOf is that of testdata/make_goldens.py.
func hashOf(f *gguf.File) string {
	ts := append([]*gguf.Tensor(nil), f.Tensors...)
	sort.Slice(ts, func(i, j int) bool { return ts[i].Name < ts[j].Name })
	h := sha256.New()
	for _, x := range ts {
		h.Write(fmt.Appendf(nil, "%s\n%s\n", x.Name, x.Type))
		h.Write(x.Raw())
	}
	return hex.EncodeToString(h.Sum(nil))
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

// TestNothingInIt: a matrix without rows or columns stays what it is.
func TestNothingInIt(t *testing.T) {
	r, _ := Find("Q4_0")
	o := &Options{Importance: Importance{"a.weight": {1}, "b.weight": {1}}}
	f := gguf.NewFile("", nil, []*gguf.Tensor{
		gguf.NewTensor("a.weight", []uint64{0, 5}, quant.F16, nil), gguf.NewTensor("b.weight", []uint64{32, 0, 3}, quant.F16, nil),
	})
	targets, err := Plan(f, r, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range targets {
		if x.To != x.Type {
			t.Errorf("%s becomes %v", x.Name, x.To)
		}
	}
}
