package model

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

// archGolden is what testdata/make_arch.py writes.
type archGolden struct {
	IDs     []int32     `json:"ids"`
	At      []int       `json:"at"`
	Entries []int       `json:"entries"`
	Loss    float64     `json:"loss"`
	Logits  [][]float64 `json:"logits"`
	Grad    []struct {
		Norm    float64      `json:"norm"`
		Entries [][3]float64 `json:"entries"`
	} `json:"grad"`
}

// archFiles are the models of testdata/arch by name; mistral is one of llama.
func archFiles(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", "arch", "*.gguf"))
	if err != nil || len(names) == 0 {
		t.Fatal("no files in testdata/arch: ", err)
	}
	return names
}

func openArch(t *testing.T, file string) (*Model, *archGolden) {
	t.Helper()
	f, err := gguf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	m, err := Open(f)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(file[:len(file)-len("gguf")] + "json")
	if err != nil {
		t.Fatal(err)
	}
	g := new(archGolden)
	if err := json.Unmarshal(raw, g); err != nil {
		t.Fatal(err)
	}
	return m, g
}

// TestArchitectures compares every architecture with PyTorch on a small random model
// that llama.cpp's converter wrote: logits, loss and gradients; and generation, which
// has a forward pass of its own, with the forward pass.
func TestArchitectures(t *testing.T) {
	seen := map[string]bool{}
	for _, file := range archFiles(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			m, g := openArch(t, file)
			seen[m.Config().Arch] = true
			seen[m.Config().Arch+" with experts"] = m.Config().Experts > 0
			checkLogits(t, m, g)
			checkSession(t, m, g)
			checkGradients(t, m, g)
		})
	}
	for _, a := range architectures {
		if name := a.name; a.experts {
			seen[name] = seen[name+" with experts"]
		}
		if !seen[a.name] && a != &gemma3 { // compared at full size
			t.Errorf("no model of %s in testdata/arch", a.name)
		}
	}
}

func checkLogits(t *testing.T, m *Model, g *archGolden) {
	tp := nn.NewTape(nil, false)
	y := m.LogitsRows(tp, m.Forward(tp, NewBatch(g.IDs), ForwardOptions{}).Last)
	worst, scale := 0.0, 0.0
	for i, row := range g.At {
		for j, v := range g.Entries {
			worst = max(worst, math.Abs(float64(y.X[row*y.D+v])-g.Logits[i][j]))
			scale = max(scale, math.Abs(g.Logits[i][j]))
		}
	}
	t.Logf("logits: largest difference %.2g of values up to %.3g", worst, scale)
	if !(worst <= 1e-4) {
		t.Errorf("logits differ by %g", worst)
	}
}

// checkSession reads the tokens in three parts, the last one token long.
func checkSession(t *testing.T, m *Model, g *archGolden) {
	n := len(g.IDs)
	s := m.NewSession(1, n)
	s.Extend([]int{0}, [][]int32{g.IDs[:n/2]})
	s.Extend([]int{0}, [][]int32{g.IDs[n/2 : n-1]})
	y := s.Extend([]int{0}, [][]int32{g.IDs[n-1:]})
	last := g.Logits[len(g.At)-1]
	for j, v := range g.Entries {
		if d := math.Abs(float64(y[v]) - last[j]); !(d <= 1e-4) {
			t.Fatalf("session: logit %d differs by %g", v, d)
		}
	}
}

func checkGradients(t *testing.T, m *Model, g *archGolden) {
	var ws []*nn.Dense
	for l := range m.Config().Blocks {
		r := m.FFNDown(l)
		w := m.Original(r)
		d := nn.NewDense(r.String(), w.Rows(), w.Cols())
		w.DequantRows(d.Params()[0].X, w.Cols(), 0, w.Rows())
		m.SetMatrix(r, d)
		ws = append(ws, d)
	}
	pool := simd.NewPool(2)
	defer pool.Close()
	tp := nn.NewTape(pool, true)
	targets, weight := make([]int32, len(g.IDs)), make([]float32, len(g.IDs))
	for i := range targets[:len(targets)-1] {
		targets[i], weight[i] = g.IDs[i+1], 1/float32(len(targets)-1)
	}
	targets[len(targets)-1] = -1
	// A budget of one byte makes every block run again in Backward.
	loss := nn.CrossEntropy(tp, m.Forward(tp, NewBatch(g.IDs), ForwardOptions{ActivationBudget: 1}).Last, m.Head(), targets, weight)
	tp.Backward()
	if !(math.Abs(loss-g.Loss) <= 1e-4*g.Loss) {
		t.Errorf("loss %.6f, want %.6f", loss, g.Loss)
	}
	worst := 0.0
	for l, d := range ws {
		grad, want := d.Params()[0].G, &g.Grad[l]
		worst = max(worst, math.Abs(norm(grad)-want.Norm)/want.Norm)
		for _, e := range want.Entries {
			got := float64(grad[int(e[0])*d.Cols()+int(e[1])])
			worst = max(worst, math.Abs(got-e[2])/(want.Norm/math.Sqrt(float64(len(grad)))))
		}
	}
	t.Logf("gradients: largest difference %.2g", worst)
	if !(worst <= 1e-3) {
		t.Errorf("gradients differ by %g", worst)
	}
}

func norm(x []float32) float64 {
	var sum float64
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}
