package export

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/train/model"
)

// stFile is a safetensors file, read without the package that writes it.
type stFile struct {
	entries map[string]struct {
		DType   string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets [2]int `json:"data_offsets"`
	}
	body []byte
}

func readSafetensors(t *testing.T, path string) *stFile {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(raw)
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw[8:8+n], &all); err != nil {
		t.Fatal(err)
	}
	delete(all, "__metadata__")
	f := &stFile{body: raw[8+n:]}
	js, _ := json.Marshal(all)
	if err := json.Unmarshal(js, &f.entries); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *stFile) floats(name string) []float32 {
	e, ok := f.entries[name]
	if !ok {
		return nil
	}
	x := make([]float32, (e.Offsets[1]-e.Offsets[0])/4)
	quant.F32.Decode(x, f.body[e.Offsets[0]:e.Offsets[1]])
	return x
}

// linearRecord is a row of names.json.
type linearRecord struct {
	Tensor, Module, Kind string
	Shape                [2]int
	Rows                 []int
}

func (r *linearRecord) row(i int) int {
	if r.Rows == nil {
		return i
	}
	return r.Rows[i]
}

func readNames(t *testing.T) map[string][]linearRecord {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "names.json"))
	if err != nil {
		t.Fatal(err)
	}
	var names map[string][]linearRecord
	if err := json.Unmarshal(raw, &names); err != nil {
		t.Fatal(err)
	}
	return names
}

// namesConfig is the architecture and the heads of a model of names.json.
func namesConfig(t *testing.T, name string) model.Config {
	t.Helper()
	switch name {
	case "falcon-groups":
		return model.Config{Arch: "falcon", Heads: 4, KVHeads: 2, HeadDim: 8}
	case "gemma3":
		return model.Config{Arch: "gemma3", Heads: 4, KVHeads: 2, HeadDim: 16}
	}
	m, err := model.Open(openGGUF(t, archFile(name)))
	if err != nil {
		t.Fatal(err)
	}
	return m.Config()
}

// TestNamesAgainstTheConverter: modules and rows are where llama.cpp's converter takes
// them from.
func TestNamesAgainstTheConverter(t *testing.T) {
	seen := map[string]bool{}
	for name, records := range readNames(t) {
		c := namesConfig(t, name)
		l, ok := layouts[c.Arch]
		if !ok {
			t.Errorf("no layout for %s", c.Arch)
			continue
		}
		seen[c.Arch] = true
		moves := 0
		for _, rec := range records {
			role, ok := model.RoleOfTensor(rec.Tensor)
			if !ok {
				t.Errorf("%s: %s has no role", name, rec.Tensor)
				continue
			}
			if role.Kind == model.TokenEmbd && rec.Kind == "Linear" { // tied
				continue
			}
			if got := l.module(role); got != rec.Module || l.transpose != (rec.Kind == "Conv1D") && role.Kind != model.TokenEmbd {
				t.Errorf("%s: %s is %s (%s), want %s", name, rec.Tensor, got, rec.Kind, rec.Module)
			}
			move := l.rows[role.Kind]
			for r := range rec.Shape[0] {
				got := r
				if move != nil {
					got = move(&c, r)
				}
				if got != rec.row(r) {
					t.Errorf("%s: row %d of %s is %d, want %d", name, r, rec.Tensor, got, rec.row(r))
					break
				}
				if got != r {
					moves++
				}
			}
		}
		if want := slices.ContainsFunc(records, func(r linearRecord) bool { return r.Rows != nil }); want != (moves > 0) {
			t.Errorf("%s: %d rows moved", name, moves)
		}
	}
	for arch := range layouts {
		if !seen[arch] {
			t.Errorf("names.json has no %s", arch)
		}
	}
}

// TestPEFTIsTheChange: the arrays of every module multiply to the change of the rows that
// the converter would take from it.
func TestPEFTIsTheChange(t *testing.T) {
	for name, records := range readNames(t) {
		if name == "falcon-groups" || name == "gemma3" {
			continue
		}
		parent := openGGUF(t, archFile(name))
		edited := moved(t, parent, everything)
		dir := filepath.Join(t.TempDir(), "adapter")
		r := export(t, "peft", &Input{Parent: parent, Edited: edited, BaseModel: "some/model"}, dir)
		st := readSafetensors(t, filepath.Join(dir, peftWeights))
		var cfg loraConfig
		raw, err := os.ReadFile(filepath.Join(dir, peftConfig))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &cfg); err != nil {
			t.Fatal(err)
		}
		if cfg.Alpha != testRank || cfg.Rank != testRank || *cfg.BaseModel != "some/model" || len(cfg.Targets) != len(r.Tensors) || len(st.entries) != 2*len(r.Tensors) {
			t.Errorf("%s: %+v, %d arrays for %d tensors", name, cfg, len(st.entries), len(r.Tensors))
		}
		for _, rec := range records {
			if rec.Tensor == tokenEmbd && parent.Tensor("output.weight") == nil {
				if slices.Contains(cfg.Targets, rec.Module) {
					t.Errorf("%s: the tied embedding is adapted", name)
				}
				continue
			}
			p := "base_model.model." + rec.Module
			a, b := st.floats(p+".lora_A.weight"), st.floats(p+".lora_B.weight")
			n, k := rec.Shape[0], rec.Shape[1]
			if strings.Contains(rec.Tensor, "token_embd") {
				a, b = transposed(st.floats(p+".lora_embedding_B"), k, testRank), transposed(st.floats(p+".lora_embedding_A"), testRank, n)
			}
			if a == nil || b == nil {
				t.Errorf("%s: no arrays for %s", name, rec.Module)
				continue
			}
			w := make([]float32, n*k) // in the module's rows
			product(w, a, b, testRank, 1)
			from, to := decoded(parent.Tensor(rec.Tensor)), decoded(edited.Tensor(rec.Tensor))
			for i := range n {
				got := w[rec.row(i)*k : (rec.row(i)+1)*k]
				for j, x := range got {
					if d := float64(to[i*k+j]) - float64(from[i*k+j]) - float64(x); d > 2e-5 || d < -2e-5 {
						t.Fatalf("%s: %s row %d column %d is off by %g", name, rec.Module, i, j, d)
					}
				}
			}
		}
	}
}

// TestPEFTLoads builds the models of make_arch.py in transformers, has PEFT load the
// adapters, and compares the logits with those of our edited models. DETOX_PEERS_PYTHON is
// a Python with torch, transformers and peft.
func TestPEFTLoads(t *testing.T) {
	python := os.Getenv("DETOX_PEERS_PYTHON")
	if python == "" {
		t.Skip("no Python with torch, transformers and peft (DETOX_PEERS_PYTHON names it)")
	}
	type job struct{ Name, Dir string }
	var jobs []job
	var ours [][][]float64
	prompts := tokenPrompts()
	for _, name := range []string{"llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "phi3", "gpt2", "gptneox", "falcon", "starcoder2", "stablelm", "granite", "olmo2"} {
		parent := openGGUF(t, archFile(name))
		tied := parent.Tensor("output.weight") == nil
		edited := moved(t, parent, func(n string) bool {
			return everything(n) && n != "position_embd.weight" && !(tied && n == tokenEmbd)
		})
		dir := filepath.Join(t.TempDir(), "adapter")
		if r := export(t, "peft", &Input{Parent: parent, Edited: edited}, dir); len(r.Left) > 0 {
			t.Errorf("%s: left out %v", name, r.Left)
		}
		jobs, ours = append(jobs, job{name, dir}), append(ours, ourLogits(t, edited, prompts))
	}
	var theirs [][][]float32
	runPython(t, map[string]any{"jobs": jobs, "prompts": prompts}, &theirs, python, filepath.Join("testdata", "peftlogits.py"))
	for i, j := range jobs {
		d := distance(logProbs(theirs[i]), ours[i])
		t.Logf("%s: distance %.2g", j.Name, d)
		if d > 0.01 {
			t.Errorf("%s: log probabilities differ by %g from the edited model's", j.Name, d)
		}
	}
}
