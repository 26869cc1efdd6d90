package onnxlm

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/detox-surgery/detox-surgery/onnx"
	"github.com/detox-surgery/detox-surgery/simd"
)

func formsDir(tb testing.TB) string {
	dir := os.Getenv("DETOX_ONNX")
	if dir == "" {
		tb.Skip("DETOX_ONNX names no folder of ONNX forms")
	}
	return dir
}

// TestForms opens every form of a model and holds it against its own graph.
func TestForms(t *testing.T) {
	paths, _ := filepath.Glob(filepath.Join(formsDir(t), "*", "model.onnx"))
	pool := simd.NewPool(2)
	defer pool.Close()
	for _, path := range paths {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			m, err := onnx.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			p, err := Open(m, nil, pool)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%+v", p.Proof)
		})
	}
}
