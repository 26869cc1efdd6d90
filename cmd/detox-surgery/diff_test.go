package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// diffJSON runs diff --json and returns its result.
func diffJSON(t *testing.T, args ...string) map[string]any {
	t.Helper()
	stdout, stderr, code := tool(t, append([]string{"diff", "--json"}, args...)...)
	if code != 4 || stderr != "" {
		t.Fatalf("diff: code %d, %s", code, stderr)
	}
	var doc struct{ Result map[string]any }
	if err := json.Unmarshal([]byte(stdout), &doc); err != nil {
		t.Fatalf("%v in %s", err, stdout)
	}
	return doc.Result
}

// alike compares decoded JSON, numbers to a relative 1e-6 and null as an empty list.
func alike(t *testing.T, path string, got, want any) {
	t.Helper()
	switch want := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			t.Errorf("%s: %v, want %v", path, got, want)
			return
		}
		for k, w := range want {
			alike(t, path+"."+k, g[k], w)
		}
	case []any:
		g, _ := got.([]any)
		if len(g) != len(want) {
			t.Errorf("%s: %d elements, want %d", path, len(g), len(want))
			return
		}
		for i, w := range want {
			alike(t, path, g[i], w)
		}
	case float64:
		if g, ok := got.(float64); !ok || math.Abs(g-want) > 1e-6*math.Abs(want) {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	default:
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}

// TestDiffMeasures compares every measure with those of gguf-py and numpy
// (testdata/make_diff.py).
func TestDiffMeasures(t *testing.T) {
	dir := unzip(t, filepath.Join("testdata", "diff.zip"))
	raw, err := os.ReadFile(filepath.Join(dir, "want.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]any
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	if n := len(want["tensors"].([]any)); n < 9 {
		t.Fatalf("only %d tensors are to differ", n)
	}
	alike(t, "result", diffJSON(t, "--rows", "3", filepath.Join(dir, "a.gguf"), filepath.Join(dir, "b.gguf")), want)
}

func TestDiffPrints(t *testing.T) {
	dir := unzip(t, filepath.Join("testdata", "diff.zip"))
	a, b := filepath.Join(dir, "a.gguf"), filepath.Join(dir, "b.gguf")
	stdout, stderr, code := tool(t, "diff", a, b, "--rows", "1")
	if code != 4 || stderr != "" {
		t.Fatalf("code %d, %s", code, stderr)
	}
	lines := map[string]bool{}
	for line := range strings.Lines(stdout) {
		lines[strings.Join(strings.Fields(line), " ")] = true
	}
	for _, want := range []string{
		"key ~ general.name", "only A gone.weight", "only B new.weight",
		"blk.0.ffn_gate.weight F32 [8 4] -> [16 4] - - - - - - -",
		"tensor vector index change of its norm of the tensor's change",
		"11 tensors differ, 1 identical, 3 keys differ",
	} {
		if !lines[want] {
			t.Errorf("no line %q in\n%s", want, stdout)
		}
	}
	if n := strings.Count(stdout, "  value "); n != 2 {
		t.Errorf("%d value vectors, want one of each ffn_down:\n%s", n, stdout)
	}
	if !strings.Contains(stdout, " of expert ") {
		t.Errorf("no expert is named:\n%s", stdout)
	}
	if stdout, _, _ = tool(t, "diff", a, b); strings.Contains(stdout, "of its norm") {
		t.Error("rows are listed unasked")
	}
}

// TestDiffSets: any file of a split set stands for the whole model.
func TestDiffSets(t *testing.T) {
	whole := filepath.Join("..", "..", "train", "model", "testdata", "arch", "llama.gguf")
	dir := t.TempDir()
	for prefix, n := range map[string]string{"x": "8", "y": "20"} {
		if _, stderr, code := tool(t, "split", "-m", whole, "-o", filepath.Join(dir, prefix), "--max-tensors", n); code != 0 {
			t.Fatal(stderr)
		}
	}
	x := filepath.Join(dir, "x-00003-of-00004.gguf")
	for _, args := range [][]string{{whole, x}, {x, whole}, {x, filepath.Join(dir, "y-00001-of-00002.gguf")}} {
		if stdout, stderr, code := tool(t, "diff", args[0], args[1]); code != 0 || !strings.Contains(stdout, "30 identical, 0 keys differ") {
			t.Errorf("%v: code %d, %s%s", args, code, stdout, stderr)
		}
	}
	raw, err := os.ReadFile(x)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)-64] ^= 1 // in the last tensor of this file
	if err := os.WriteFile(x, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	r := diffJSON(t, whole, filepath.Join(dir, "x-00001-of-00004.gguf"))
	if tensors, _ := r["tensors"].([]any); len(tensors) != 1 || r["tensors_identical"] != 29.0 {
		t.Errorf("%v differ, want one of them", r["tensors"])
	}
	if err := os.Remove(x); err != nil {
		t.Fatal(err)
	}
	refused(t, 1, "x-00003-of-00004.gguf", "diff", whole, filepath.Join(dir, "x-00001-of-00004.gguf"))
}

func TestDiffRefuses(t *testing.T) {
	whole := filepath.Join("..", "..", "train", "model", "testdata", "arch", "llama.gguf")
	refused(t, 2, "two files, not 1", "diff", whole)
	refused(t, 2, "--rows must not be negative", "diff", "--rows", "-1", whole, whole)
	refused(t, 1, "no such model file", "diff", whole, "nosuch.gguf")
}

// TestNumberOfChange: a weight that becomes or stops being a NaN has changed, and an
// infinity that stays has not.
func TestNumberOfChange(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		x, y float32
		want float64
	}{{nan, nan, 0}, {inf, inf, 0}, {1, nan, math.Inf(1)}, {nan, 1, math.Inf(1)}, {inf, -inf, math.Inf(1)}, {1, -1, 2}} {
		if got := change(c.x, c.y); got != c.want {
			t.Errorf("%g to %g: %g, want %g", c.x, c.y, got, c.want)
		}
	}
	for x, want := range map[number]string{number(math.Inf(1)): "null", 0.5: "0.5"} {
		if b, err := json.Marshal(x); err != nil || string(b) != want {
			t.Errorf("%g: %s, %v", float64(x), b, err)
		}
	}
}
