package gguf

import (
	"testing"

	"github.com/detox-surgery/detox-surgery/internal/testenv"
)

func TestOpenModels(t *testing.T) {
	for _, name := range []string{testenv.SmolLM2, testenv.Gemma3} {
		t.Run(name, func(t *testing.T) {
			f, err := Open(testenv.Model(t, name))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			for _, w := range f.Tensors {
				dst := make([]float32, w.Rows()*w.Cols())
				w.DequantRows(dst, w.Cols(), 0, w.Rows())
				var s float64
				for _, x := range dst {
					s += float64(x) * float64(x)
				}
				if !(s > 0 && s < 1e9) {
					t.Errorf("%s %v %v: sum of squares %g", w.Name, w.Type, w.Dims, s)
				}
			}
			if toks, ok := f.Strings("tokenizer.ggml.tokens"); !ok || len(toks) < 1000 {
				t.Errorf("tokens: %d", len(toks))
			}
		})
	}
}
