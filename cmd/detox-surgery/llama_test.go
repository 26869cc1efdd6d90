package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/detox-surgery/detox-surgery/internal/testenv"
)

// documentStart is what we put before plain text; llama.cpp leaves it to the prompt.
const documentStart = "<|endoftext|>"

// TestLlamaCppReadsTheWrittenFile: llama.cpp loads an edited file and says the same
// next word as we do after most prompts. Not after all, and not for long: it rounds
// activations to 8 bits, and a model of this size has near ties everywhere.
func TestLlamaCppReadsTheWrittenFile(t *testing.T) {
	model, packages := testenv.Model(t, testenv.SmolLM2), testenv.LlamaCpp(t)
	out := filepath.Join(t.TempDir(), "out.gguf")
	if _, stderr, code := tool(t, onlyWriting(model, out, tinyEdit(t, model), "--report", t.TempDir())...); code != 0 {
		t.Fatalf("apply: %s", stderr)
	}
	prompts := []string{"The capital of France is", "Once upon a time", "Water boils at", "My name is", "The sun rises in the", "Two plus two is"}
	marked := make([]string, len(prompts))
	for i, p := range prompts {
		marked[i] = documentStart + p
	}
	theirs := llamaCpp(t, packages, out, marked)
	same := 0
	for i, p := range prompts {
		ours, stderr, code := tool(t, "generate", "-m", out, "-p", p, "-n", "8", "--temp", "0", "--quiet")
		if code != 0 {
			t.Fatalf("generate: %s", stderr)
		}
		words, own := strings.Fields(theirs[i]), strings.Fields(strings.TrimPrefix(ours, p))
		if len(words) == 0 || len(own) == 0 {
			t.Fatalf("after %q: llama.cpp %q, we %q", p, theirs[i], ours)
		}
		t.Logf("after %q: llama.cpp %q, we %q", p, words, own)
		if words[0] == own[0] {
			same++
		}
	}
	if same < 4 {
		t.Errorf("llama.cpp says the same next word after %d of %d prompts, want 4 at least", same, len(prompts))
	}
}

func llamaCpp(t *testing.T, packages, model string, prompts []string) []string {
	t.Helper()
	var texts []string
	python(t, "llama.py", packages, model, prompts, &texts)
	if len(texts) != len(prompts) {
		t.Fatalf("llama.cpp answered %d of %d prompts", len(texts), len(prompts))
	}
	return texts
}

// python runs a script of testdata on a model and reads the last line that it prints.
func python(t *testing.T, script, packages, model string, in, out any) {
	t.Helper()
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command("python3", filepath.Join("testdata", script), packages, model)
	c.Stdin = bytes.NewReader(raw)
	c.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	raw, err = c.Output()
	if err != nil {
		t.Fatalf("llama.cpp: %v\n%s", err, stderr.String())
	}
	lines := bytes.Split(bytes.TrimSpace(raw), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], out); err != nil {
		t.Fatalf("llama.cpp printed %q", raw)
	}
}
