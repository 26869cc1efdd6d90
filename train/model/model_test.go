package model_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/detox-surgery/detox-surgery/internal/testenv"
	"github.com/detox-surgery/detox-surgery/internal/testmodel"
	"github.com/detox-surgery/detox-surgery/train/model"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

// files are the real models that the goldens in testdata were made from.
var files = map[string]string{"smollm2": testenv.SmolLM2, "gemma3": testenv.Gemma3}

func open(tb testing.TB, name string) *model.Model {
	tb.Helper()
	return testmodel.Open(tb, files[name], runtime.GOMAXPROCS(0))
}

func golden(t *testing.T, name string, into any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}

// logitsGolden is testdata/logits-*.json; make_goldens.py describes it.
type logitsGolden struct {
	Entries []int
	Prompts []struct {
		IDs, Top1 []int32
		At        []int
		Top       [][]int
		TopV      [][]float64
		Vals      [][]float64
	}
}

// tolerance is what logits may differ by from PyTorch's.
const tolerance = 2e-3

func TestLogitsEqualPyTorch(t *testing.T) {
	for name := range files {
		t.Run(name, func(t *testing.T) {
			m := open(t, name)
			var g logitsGolden
			golden(t, "logits-"+name+".json", &g)
			worst := 0.0
			for i, p := range g.Prompts {
				y := logits(m, p.IDs)
				for at, want := range p.Top1 {
					if got := argmax(y[at]); got != want {
						t.Errorf("prompt %d position %d: most probable token %d, PyTorch says %d", i, at, got, want)
					}
				}
				for j, at := range p.At {
					for k, id := range p.Top[j] {
						worst = max(worst, math.Abs(float64(y[at][id])-p.TopV[j][k]))
					}
					for k, id := range g.Entries {
						worst = max(worst, math.Abs(float64(y[at][id])-p.Vals[j][k]))
					}
				}
			}
			t.Logf("largest difference of logits %.2g", worst)
			if !(worst <= tolerance) {
				t.Errorf("logits differ from PyTorch's by %.3g", worst)
			}
		})
	}
}

// logits returns all logits of one sequence, by position.
func logits(m *model.Model, ids []int32) [][]float32 {
	return logitsOn(nn.NewTape(m.Pool(), false), m, ids)
}

func logitsOn(tp *nn.Tape, m *model.Model, ids []int32) [][]float32 {
	h := m.Forward(tp, model.NewBatch(ids), model.ForwardOptions{}).Last
	var out [][]float32
	const rows = 64 // V is large: a few positions at a time
	for lo := 0; lo < h.T; lo += rows {
		n := min(rows, h.T-lo)
		part := tp.Const(n, h.D, h.X[lo*h.D:(lo+n)*h.D])
		mark := tp.Mark()
		y := m.LogitsRows(tp, part)
		for i := range n {
			out = append(out, slices.Clone(y.X[i*y.D:(i+1)*y.D]))
		}
		tp.ReleaseSince(mark)
	}
	return out
}

func argmax(x []float32) int32 {
	best := 0
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return int32(best)
}
