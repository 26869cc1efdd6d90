package main

import (
	"archive/zip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestInspectONNX(t *testing.T) {
	z, err := zip.OpenReader(filepath.Join("..", "..", "onnx", "testdata", "golden.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	dir := t.TempDir()
	if err := os.CopyFS(dir, z); err != nil {
		t.Fatal(err)
	}
	types := filepath.Join(dir, "types.onnx")
	stdout, stderr, code := tool(t, "inspect", "--tensors", types)
	for _, want := range []string{"ONNX, IR version 12", "opset ai.onnx 25", "FLOAT8E4M3FN", "sub/types.data", "graph.initializer[0]", "Identity  1", "y FLOAT []"} {
		if code != 0 || !strings.Contains(stdout, want) {
			t.Errorf("code %d, no %q in %s%s", code, want, stdout, stderr)
		}
	}
	stdout, stderr, code = tool(t, "inspect", "--json", filepath.Join(dir, "control.onnx"))
	var doc struct{ Result onnxInspection }
	if err := json.Unmarshal([]byte(stdout), &doc); err != nil || code != 0 {
		t.Fatalf("code %d, %v: %s", code, err, stderr)
	}
	if r := doc.Result; r.Ops["local.Scale"] != 1 || r.Ops["MatMul"] != 4 || r.Problem != "" || r.Metadata[0].Value != "nobody" || r.Functions != 1 {
		t.Errorf("%+v", r)
	}
	// Found by its content; without its data the graph is still shown.
	plain := filepath.Join(dir, "plain")
	if err := os.Rename(types, plain); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "sub")); err != nil {
		t.Fatal(err)
	}
	if stdout, stderr, code = tool(t, "inspect", plain); code != 0 || !strings.Contains(stdout, "a file is missing") {
		t.Errorf("code %d: %s%s", code, stdout, stderr)
	}
	bad := filepath.Join(dir, "bad.onnx")
	if err := os.WriteFile(bad, []byte("no model"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code = tool(t, "inspect", bad); code != 1 || !strings.Contains(stderr, "malformed") {
		t.Errorf("code %d: %s", code, stderr)
	}
}
