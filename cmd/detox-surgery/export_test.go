package main

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/surgery/edit"
	"github.com/detox-surgery/detox-surgery/train/model"
)

func archModel(name string) string {
	return filepath.Join("..", "..", "train", "model", "testdata", "arch", name+".gguf")
}

// smallEdit writes an edit of one matrix and the model with it in F16.
func smallEdit(t *testing.T, path string) (editFile, edited string) {
	t.Helper()
	f, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	role := model.Role{Kind: model.FFNDown, Block: 1}
	ts := f.Tensor(role.String() + ".weight")
	n, k := ts.Rows(), ts.Cols()
	p := &edit.Part{Rows: n, Cols: k, Delta: make([]float32, n*k)}
	w := make([]float32, n*k)
	ts.DequantRows(w, k, 0, n)
	for i := range w {
		p.Delta[i] = float32(i/k+1) * float32(i%k+1) / 2048 // of rank 1
		w[i] += p.Delta[i]
	}
	e := edit.New(edit.Meta{Arch: "qwen3"})
	e.Parts[role] = p
	dir := t.TempDir()
	editFile, edited = filepath.Join(dir, "e.safetensors"), filepath.Join(dir, "edited.gguf")
	if err := e.Save(editFile, false, false); err != nil {
		t.Fatal(err)
	}
	raw := make([]byte, n*quant.F16.RowBytes(k))
	quant.F16.Encode(raw, w)
	err = gguf.WriteFile(edited, false, func(w io.Writer) error {
		_, err := f.WriteTo(w, gguf.Edits{Data: map[string]gguf.Replacement{ts.Name: {Type: quant.F16, Bytes: raw}}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return editFile, edited
}

func TestExport(t *testing.T) {
	parent := archModel("qwen3")
	editFile, edited := smallEdit(t, parent)
	dir := t.TempDir()
	for _, c := range []struct {
		out   string
		files []string
		want  string
		args  []string
	}{
		{"new/a.gguf", []string{"new/a.gguf"}, "blk.1.ffn_down.weight  1     100.00 %", []string{"-m", parent, "--as", "lora", "--edit", editFile}},
		{"b.gguf", []string{"b.gguf"}, "blk.1.ffn_down.weight  1 ", []string{"-m", parent, "--as", "lora", "--edited", edited, "--energy", "0.99"}},
		{"peft", []string{"peft/adapter_model.safetensors", "peft/adapter_config.json"}, "model.layers.1.mlp.down_proj", []string{"-m", parent, "--as", "peft", "--edit", editFile, "--scale", "0.5"}},
		{"v.gguf", []string{"v.gguf"}, "direction.1", []string{"-m", parent, "--as", "control-vector", "--edited", edited, "--max-pairs", "2"}},
		{"Modelfile", []string{"Modelfile"}, "written", []string{"-m", edited, "--as", "modelfile", "--adapter", filepath.Join(dir, "b.gguf")}},
	} {
		out := filepath.Join(dir, filepath.FromSlash(c.out))
		args := append([]string{"export", "-o", out, "--quiet"}, c.args...)
		stdout, stderr, code := tool(t, args...)
		if code != 0 || !strings.Contains(stdout, c.want) {
			t.Errorf("%s: code %d, %q, %s; want %q", c.out, code, stdout, stderr, c.want)
		}
		for _, f := range c.files {
			if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(f))); err != nil {
				t.Error(err)
			}
		}
		refused(t, 1, "exist", args...)
		if stdout, stderr, code = tool(t, append(args, "--force", "--json")...); code != 0 || !json.Valid([]byte(stdout)) {
			t.Errorf("%s: again with --force --json: code %d, %q, %s", c.out, code, stdout, stderr)
		}
	}
}

// TestExportRefuses: documented codes, one line, nothing written.
func TestExportRefuses(t *testing.T) {
	parent := archModel("qwen3")
	editFile, edited := smallEdit(t, parent)
	out := filepath.Join(t.TempDir(), "out")
	with := func(args ...string) []string { return append([]string{"export", "-o", out, "--quiet"}, args...) }
	refused(t, 2, "--as", with("-m", parent, "--as", "nosuch", "--edit", editFile)...)
	refused(t, 2, "either --edit or --edited", with("-m", parent, "--as", "lora")...)
	refused(t, 2, "either --edit or --edited", with("-m", parent, "--as", "lora", "--edit", editFile, "--edited", edited)...)
	refused(t, 2, "-m names the edited model", with("-m", parent, "--as", "modelfile", "--edited", edited)...)
	refused(t, 2, "rank", with("-m", parent, "--as", "lora", "--edit", editFile, "--rank", "0")...)
	refused(t, 2, "rank", with("-m", parent, "--as", "lora", "--edit", editFile, "--rank", "5000")...)
	refused(t, 2, "energy", with("-m", parent, "--as", "lora", "--edit", editFile, "--energy", "1.5")...)
	refused(t, 2, "--scale", with("-m", parent, "--as", "lora", "--edited", edited, "--scale", "2")...)
	refused(t, 2, "--max-pairs", with("-m", parent, "--as", "control-vector", "--edited", edited, "--max-pairs", "0")...)
	refused(t, 2, "is the input", "export", "-m", parent, "-o", edited, "--as", "lora", "--edited", edited, "--force")
	refused(t, 1, "nothing to export", with("-m", parent, "--as", "lora", "--edited", parent)...)
	refused(t, 1, "do not belong together", with("-m", archModel("llama"), "--as", "lora", "--edit", editFile)...)
	refused(t, 1, "do not belong together", with("-m", archModel("llama"), "--as", "peft", "--edited", edited)...)
	refused(t, 1, "no adapter", with("-m", edited, "--as", "modelfile", "--adapter", parent)...)
	refused(t, 1, "malformed", with("-m", parent, "--as", "lora", "--edit", edited)...)
	prefix := filepath.Join(t.TempDir(), "set")
	if _, stderr, code := tool(t, "split", "-m", edited, "-o", prefix, "--max-tensors", "10"); code != 0 {
		t.Fatal(stderr)
	}
	refused(t, 3, "split model", with("-m", prefix+"-00001-of-00003.gguf", "--as", "modelfile")...)
	bad := hostile(t)
	refused(t, 3, "architecture", with("-m", filepath.Join(bad, "model-arch-unknown.gguf"), "--as", "peft", "--edited", edited)...)
	if _, err := os.Lstat(out); !errors.Is(err, fs.ErrNotExist) {
		t.Error("an output was written")
	}
}
