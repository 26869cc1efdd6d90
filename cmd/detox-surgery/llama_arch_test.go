package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/gguf/mix"
	"github.com/detox-surgery/detox-surgery/internal/testenv"
	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/train/model"
)

// TestLlamaCppReadsEveryArchitecture operates on a small random model of each
// architecture and compares the written file in llama.cpp with ours: probabilities of
// next tokens within 1 %.
func TestLlamaCppReadsEveryArchitecture(t *testing.T) {
	packages := testenv.LlamaCpp(t)
	files, err := filepath.Glob(filepath.Join("..", "..", "train", "model", "testdata", "arch", "*.gguf"))
	if err != nil || len(files) == 0 {
		t.Fatal("no models: ", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			out := operateQuickly(t, file)
			compareFiles(t, packages, out, out, floatWeights)
		})
	}
}

// TestApplyToASplitSet: any file of a set names it, with and without --keep-split;
// llama.cpp reads the files, and restore gives the merged original back.
func TestApplyToASplitSet(t *testing.T) {
	dir := t.TempDir()
	model := filepath.Join("..", "..", "train", "model", "testdata", "arch", "qwen3.gguf")
	prefix := filepath.Join(dir, "in")
	if _, stderr, code := tool(t, "split", "-m", model, "-o", prefix, "--max-tensors", "10"); code != 0 {
		t.Fatalf("split: %s", stderr)
	}
	second := prefix + "-00002-of-00003.gguf"
	whole := operateQuickly(t, second)
	kept := operateQuickly(t, second, "--keep-split")
	first := strings.TrimSuffix(kept, ".gguf") + "-00001-of-00003.gguf"
	merged, restored := filepath.Join(dir, "merged.gguf"), filepath.Join(dir, "restored.gguf")
	if _, stderr, code := tool(t, "merge", "-m", first, "-o", merged); code != 0 {
		t.Fatalf("merge: %s", stderr)
	}
	sameBytes(t, whole, merged)
	if _, stderr, code := tool(t, "restore", "-m", first, "--undo", kept+".undo", "-o", restored); code != 0 {
		t.Fatalf("restore: %s", stderr)
	}
	sameBytes(t, model, restored)
	for _, d := range []string{dir, filepath.Dir(kept), filepath.Dir(whole)} {
		if left, _ := filepath.Glob(filepath.Join(d, ".merged-*")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
	t.Run("llama.cpp", func(t *testing.T) {
		packages := testenv.LlamaCpp(t)
		compareFiles(t, packages, first, merged, floatWeights)
	})
}

func sameBytes(t *testing.T, a, b string) {
	t.Helper()
	x, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(x, y) {
		t.Errorf("%s and %s differ", filepath.Base(a), filepath.Base(b))
	}
}

// operateQuickly trains a small edit that moves the model, and returns the file.
func operateQuickly(t *testing.T, file string, more ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out.gguf")
	args := []string{
		"apply", "-m", file, "-o", out, "--report", t.TempDir(), "--preset", "quick", "--max-pairs", "16", "--lr", "0.02",
		"--prompts", "2", "--greedy", "1", "--plain", "1", "--tokens", "600", "--text-windows", "1", "--quiet",
	}
	if _, stderr, code := tool(t, append(args, more...)...); code != 0 {
		t.Fatalf("apply: %s", stderr)
	}
	return out
}

// How far log probabilities may lie from llama.cpp's on average. With quantized weights it
// rounds activations to 8 bits, which in a model of this width is seen.
const (
	floatWeights     = 0.01
	quantizedWeights = 0.08
)

// compareFiles has llama.cpp read one file and us another, and compares the most
// probable next tokens after some prompts. The mean of the differences is that of the
// logarithms of perplexities: 1 % at most.
func compareFiles(t *testing.T, packages, llama, file string, most float64) {
	t.Helper()
	f, err := gguf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := model.Open(f)
	if err != nil {
		t.Fatal(err)
	}
	var prompts [][]int32
	for n := 1; n <= 40; n++ {
		p := make([]int32, n)
		for i := range p {
			p[i] = int32((37*i*i + 11*n + 5*i) % 256)
		}
		prompts = append(prompts, p)
	}
	var theirs [][][2]float64
	python(t, "llamaprobs.py", packages, llama, prompts, &theirs)
	if len(theirs) != len(prompts) {
		t.Fatalf("llama.cpp answered %d of %d prompts", len(theirs), len(prompts))
	}
	sum, signed, n := 0.0, 0.0, 0
	s := m.NewSession(1, 64)
	for i, p := range prompts {
		s.Reset(0)
		logits := s.Extend([]int{0}, [][]int32{p})
		e := make([]float32, len(logits))
		top := simd.Max(logits)
		lse := float64(top) + math.Log(simd.ExpSum(e, logits, top))
		for _, x := range theirs[i] {
			d := float64(logits[int(x[0])]) - lse - x[1]
			sum, signed, n = sum+math.Abs(d), signed+d, n+1
		}
	}
	t.Logf("differences of log probabilities: mean %.2g, of size %.2g", signed/float64(n), sum/float64(n))
	if n < 30 {
		t.Fatalf("llama.cpp gave %d probabilities", n)
	}
	if !(sum/float64(n) <= most && math.Abs(signed/float64(n)) <= 0.01) {
		t.Errorf("log probabilities of llama.cpp differ by %g on average", sum/float64(n))
	}
}

// TestLlamaCppReadsEveryType operates on a model in each type that quantize writes and
// compares the written file in llama.cpp with ours. Its ffn_down has rows of 256.
func TestLlamaCppReadsEveryType(t *testing.T) {
	packages := testenv.LlamaCpp(t)
	model := filepath.Join("..", "..", "train", "model", "testdata", "arch", "mistral.gguf")
	for _, r := range mix.Recipes {
		t.Run(r.Name, func(t *testing.T) {
			in := filepath.Join(t.TempDir(), "in.gguf")
			if _, stderr, code := tool(t, "quantize", "-m", model, "-o", in, "--type", r.Name, "--quiet"); code != 0 {
				t.Fatalf("quantize: %s", stderr)
			}
			out, most := operateQuickly(t, in), quantizedWeights
			if r.Base.Block() == 1 {
				most = floatWeights
			}
			compareFiles(t, packages, out, out, most)
		})
	}
}
