package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadmeSaysWhatIsSupported compares the tables of README.md with those of the code.
func TestReadmeSaysWhatIsSupported(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(raw), "<!-- formats -->\n")
	got, _, ok2 := strings.Cut(rest, "<!-- end of formats -->")
	if !ok || !ok2 {
		t.Fatal("README.md has no place for the tables")
	}
	if got != supported().String() {
		t.Error("README.md has other tables than detox-surgery formats prints")
	}
}

// TestEveryArchitectureIsTested: a small model of each is among those that
// TestLlamaCppReadsEveryArchitecture and TestArchitectures run, gemma3 apart, which is
// compared at its full size.
func TestEveryArchitectureIsTested(t *testing.T) {
	for name, file := range map[string]string{"llama (experts)": "mixtral", "qwen3moe (experts)": "qwen3moe", "gemma3": ""} {
		if file == "" {
			continue
		}
		if _, err := os.Stat(filepath.Join("..", "..", "train", "model", "testdata", "arch", file+".gguf")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, a := range supported().Architectures {
		if strings.Contains(a.Name, "(") || a.Name == "gemma3" {
			continue
		}
		if _, err := os.Stat(filepath.Join("..", "..", "train", "model", "testdata", "arch", a.Name+".gguf")); err != nil {
			t.Errorf("%s: %v", a.Name, err)
		}
	}
}
