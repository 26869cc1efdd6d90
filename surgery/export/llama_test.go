package export

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/internal/testenv"
	"github.com/detox-surgery/detox-surgery/train/data"
	"github.com/detox-surgery/detox-surgery/train/model"
)

// logitsJob is what llamalogits.py computes.
type logitsJob struct {
	Model   string    `json:"model"`
	LoRA    string    `json:"lora"`
	Vector  []float32 `json:"vector"`
	Prompts [][]int32 `json:"prompts"`
}

// logProbs are logits of some prompts as log probabilities.
func logProbs(rows [][]float32) [][]float64 {
	out := make([][]float64, len(rows))
	for i, row := range rows {
		top, sum := float64(slices.Max(row)), 0.0
		for _, x := range row {
			sum += math.Exp(float64(x) - top)
		}
		for _, x := range row {
			out[i] = append(out[i], float64(x)-top-math.Log(sum))
		}
	}
	return out
}

func runPython(t *testing.T, in, out any, python string, args ...string) {
	t.Helper()
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(python, args...)
	c.Stdin = bytes.NewReader(raw)
	c.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	raw, err = c.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", args[0], err, stderr.String())
	}
	lines := bytes.Split(bytes.TrimSpace(raw), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], out); err != nil {
		t.Fatalf("%s printed %q", args[0], raw)
	}
}

func llamaLogits(t *testing.T, packages string, j logitsJob) [][]float64 {
	t.Helper()
	var rows [][]float32
	runPython(t, j, &rows, "python3", filepath.Join("testdata", "llamalogits.py"), packages)
	if len(rows) != len(j.Prompts) {
		t.Fatalf("llama.cpp answered %d of %d prompts", len(rows), len(j.Prompts))
	}
	return logProbs(rows)
}

func ourLogits(t *testing.T, f *gguf.File, prompts [][]int32) [][]float64 {
	t.Helper()
	m, err := model.Open(f)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]float32
	for _, p := range prompts {
		rows = append(rows, slices.Clone(m.NewSession(1, 512).Extend([]int{0}, [][]int32{p})))
	}
	return logProbs(rows)
}

// distance is the mean of Σ p |log p - log q| over prompts.
func distance(p, q [][]float64) float64 {
	var sum float64
	for i := range p {
		for k, x := range p[i] {
			sum += math.Exp(x) * math.Abs(x-q[i][k])
		}
	}
	return sum / float64(len(p))
}

func tokenPrompts() (prompts [][]int32) {
	for n := 1; n <= 12; n++ {
		p := make([]int32, n)
		for i := range p {
			p[i] = int32((37*i*i + 11*n + 5*i) % 256)
		}
		prompts = append(prompts, p)
	}
	return prompts
}

// TestLlamaCppAppliesTheLoRA: the parent with the adapter in llama.cpp is our edited
// model, for every architecture.
func TestLlamaCppAppliesTheLoRA(t *testing.T) {
	packages := testenv.LlamaCpp(t)
	files, _ := filepath.Glob(archFile("*"))
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			parent := openGGUF(t, file)
			tied := parent.Tensor("output.weight") == nil
			edited := moved(t, parent, func(n string) bool {
				return everything(n) && n != "position_embd.weight" && !(tied && n == tokenEmbd)
			})
			out := filepath.Join(t.TempDir(), "lora.gguf")
			if r := export(t, "lora", &Input{Parent: parent, Edited: edited}, out); len(r.Left) > 0 {
				t.Errorf("left out: %v", r.Left)
			}
			prompts := tokenPrompts()
			theirs := llamaLogits(t, packages, logitsJob{Model: file, LoRA: out, Prompts: prompts})
			ours, before := ourLogits(t, edited, prompts), ourLogits(t, parent, prompts)
			d, moved := distance(theirs, ours), distance(before, ours)
			t.Logf("distance %.2g, of the parent %.2g", d, moved)
			if d > 0.02 || moved < 0.1 {
				t.Errorf("log probabilities differ by %g from the edited model's; the parent's by %g", d, moved)
			}
		})
	}
}

// shifted is a copy of a model whose ffn_down adds a multiple of one vector, the same
// sign everywhere because activations of GELU are positive on average.
func shifted(t *testing.T, f *gguf.File) *gguf.File {
	t.Helper()
	rng := rand.New(rand.NewPCG(8, 8))
	e := gguf.Edits{Data: map[string]gguf.Replacement{}}
	for l := range 2 {
		ts := f.Tensor(model.Role{Kind: model.FFNDown, Block: l}.String() + ".weight")
		w := decoded(ts)
		for r := range ts.Rows() {
			u := float32(rng.NormFloat64() * 0.05)
			for k := range ts.Cols() {
				w[r*ts.Cols()+k] += u
			}
		}
		raw := make([]byte, 4*len(w))
		quant.F32.Encode(raw, w)
		e.Data[ts.Name] = gguf.Replacement{Type: quant.F32, Bytes: raw}
	}
	path := filepath.Join(t.TempDir(), "edited.gguf")
	if err := gguf.WriteFile(path, false, func(w io.Writer) error { _, err := f.WriteTo(w, e); return err }); err != nil {
		t.Fatal(err)
	}
	return openGGUF(t, path)
}

// randomPairs are pairs of printable bytes.
func randomPairs(n int) (pairs []data.Pair) {
	rng := rand.New(rand.NewPCG(5, 5))
	text := func() string {
		b := make([]byte, 24)
		for i := range b {
			b[i] = byte(33 + rng.IntN(90))
		}
		return string(b)
	}
	for range n {
		pairs = append(pairs, data.Pair{Prompt: text(), Chosen: text(), Rejected: text()})
	}
	return pairs
}

// TestLlamaCppAppliesTheVector: the parent with the vector in llama.cpp is nearer to the
// edited model than without, where the edit has an effect on average.
func TestLlamaCppAppliesTheVector(t *testing.T) {
	packages := testenv.LlamaCpp(t)
	for _, name := range []string{"gpt2", "starcoder2", "gptneox"} {
		parent := openGGUF(t, archFile(name))
		edited := shifted(t, parent)
		out := filepath.Join(t.TempDir(), "cv.gguf")
		export(t, "control-vector", &Input{Parent: parent, Edited: edited, Pairs: randomPairs(24)}, out)
		cv := openGGUF(t, out)
		prompts := tokenPrompts()
		theirs := llamaLogits(t, packages, logitsJob{Model: archFile(name), Vector: decoded(cv.Tensor("direction.1")), Prompts: prompts})
		ours, before := ourLogits(t, edited, prompts), ourLogits(t, parent, prompts)
		d, was := distance(ours, theirs), distance(ours, before)
		t.Logf("%s: distance to the edited model %.3g, without vector %.3g", name, d, was)
		if d > 0.7*was {
			t.Errorf("%s: the vector brings the parent from %g to %g of the edited model, want 0.7 of it", name, was, d)
		}
	}
}

// TestLlamaExportLoRA merges with llama.cpp's own tool, from the folder DETOX_LLAMA_BIN:
// in F32 the result is the edited file within rounding.
func TestLlamaExportLoRA(t *testing.T) {
	dir := os.Getenv("DETOX_LLAMA_BIN")
	if dir == "" {
		t.Skip("no llama-export-lora (DETOX_LLAMA_BIN names its folder)")
	}
	for _, name := range []string{"llama", "qwen3moe", "gptneox"} {
		parent := openGGUF(t, archFile(name))
		edited := moved(t, parent, everything)
		tmp := t.TempDir()
		out, base, merged := filepath.Join(tmp, "lora.gguf"), filepath.Join(tmp, "base.gguf"), filepath.Join(tmp, "merged.gguf")
		wide := gguf.Edits{Data: map[string]gguf.Replacement{}}
		for _, ts := range parent.Tensors {
			raw := make([]byte, 4*ts.Rows()*ts.Cols())
			quant.F32.Encode(raw, decoded(ts))
			wide.Data[ts.Name] = gguf.Replacement{Type: quant.F32, Bytes: raw}
		}
		if err := gguf.WriteFile(base, false, func(w io.Writer) error { _, err := parent.WriteTo(w, wide); return err }); err != nil {
			t.Fatal(err)
		}
		export(t, "lora", &Input{Parent: parent, Edited: edited}, out)
		c := exec.Command(filepath.Join(dir, "llama-export-lora"), "-m", base, "--lora", out, "-o", merged, "-t", "2")
		c.Env = append(os.Environ(), "LD_LIBRARY_PATH="+dir)
		if msg, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, msg)
		}
		m := openGGUF(t, merged)
		worst := 0.0
		for _, ts := range edited.Tensors {
			worst = max(worst, largest(decoded(ts), decoded(m.Tensor(ts.Name))))
		}
		t.Logf("%s: largest difference %.2g", name, worst)
		if worst > 5e-5 {
			t.Errorf("%s: merged weights are off by %g", name, worst)
		}
	}
}
