package onnxlm

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/internal/testenv"
	"github.com/detox-surgery/detox-surgery/onnx"
	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/train/model"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

// goldens are the forms of testdata/forms.zip with onnxruntime's logits.
type goldens struct {
	dir    string
	ids    []int32
	logits map[string][]float32
}

func loadGoldens(tb testing.TB) *goldens {
	tb.Helper()
	g := &goldens{dir: tb.TempDir(), logits: map[string][]float32{}}
	for name, b := range testenv.Zip(tb, filepath.Join("testdata", "forms.zip")) {
		var err error
		form := path.Dir(name)
		switch path.Base(name) {
		case "ids.json":
			err = json.Unmarshal(b, &g.ids)
		case "logits.f32":
			x := make([]float32, len(b)/4)
			err = binary.Read(bytes.NewReader(b), binary.LittleEndian, x)
			g.logits[form] = x
		default:
			if err = os.MkdirAll(filepath.Join(g.dir, form), 0o700); err == nil {
				err = os.WriteFile(filepath.Join(g.dir, form, "model.onnx"), b, 0o600)
			}
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	return g
}

func (g *goldens) open(tb testing.TB, file string) *Patient {
	tb.Helper()
	m, err := onnx.Open(file)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = m.Close() })
	p, err := Open(m, nil, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// rounded reports whether onnxruntime rounds activations of a form in its own way, so
// that its logits are near those of the model but not the same.
func rounded(form string) bool {
	return strings.HasPrefix(form, "int8_dyn") || strings.HasPrefix(form, "int8_static") || form == "int4_sym" || strings.HasPrefix(form, "genai_int4")
}

// TestGoldens holds the runtime and the model that is found against onnxruntime.
func TestGoldens(t *testing.T) {
	g := loadGoldens(t)
	for form, want := range g.logits {
		t.Run(form, func(t *testing.T) {
			p := g.open(t, filepath.Join(g.dir, form, "model.onnx"))
			run, err := newRunner(p.ONNX, nil)
			if err != nil {
				t.Fatal(err)
			}
			in, err := newGraph(p.ONNX, run).inputs(g.ids, 16)
			if err != nil {
				t.Fatal(err)
			}
			out, err := run(in, []string{"logits"})
			if err != nil {
				t.Fatal(err)
			}
			tol := 1e-4
			switch {
			case strings.Contains(form, "f16"):
				tol = 2e-2
			case rounded(form):
				tol = 0.3
			case form != "f32" && !strings.HasPrefix(form, "f32") && form != "genai_f32":
				tol = 2e-3
			}
			if d := furthest(out["logits"].F, want); d > tol {
				t.Errorf("the runtime's logits are up to %g from onnxruntime's", d)
			}
			m, err := p.Model()
			if err != nil {
				t.Fatal(err)
			}
			ours := logits(m, g.ids)
			if form == "int8_static" {
				tol = 1.5 // its activations are calibrated on four sequences
			}
			if d := furthest(ours, want); d > tol {
				t.Errorf("the model's logits are up to %g from onnxruntime's", d)
			}
		})
	}
}

func logits(m *model.Model, ids []int32) []float32 {
	tp := nn.NewTape(nil, false)
	h := m.Forward(tp, model.NewBatch(ids), model.ForwardOptions{})
	return m.LogitsRows(tp, h.Last).X
}

func furthest(a, b []float32) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	var d float64
	for i := range a {
		d = max(d, math.Abs(float64(a[i])-float64(b[i])))
	}
	return d
}

// TestPayloads edits ffn_down in memory, writes it into the file, opens that and finds
// the same weights; everything else keeps its bytes.
func TestPayloads(t *testing.T) {
	g := loadGoldens(t)
	for form := range g.logits {
		t.Run(form, func(t *testing.T) {
			p := g.open(t, filepath.Join(g.dir, form, "model.onnx"))
			name := model.Role{Kind: model.FFNDown}.TensorName()
			old := p.File.Tensor(name)
			if !p.Writable(name) {
				t.Fatalf("%s cannot be written", name)
			}
			raw := moved(old)
			data, err := p.Payloads(map[string][]byte{name: raw})
			if err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(t.TempDir(), "out.onnx")
			if _, err := p.ONNX.WriteFile(out, false, onnx.Edits{Data: data}); err != nil {
				t.Fatal(err)
			}
			q := g.open(t, out)
			for _, u := range q.File.Tensors {
				want := p.File.Tensor(u.Name).Raw()
				if u.Name == name {
					want = raw
				}
				if !bytes.Equal(u.Raw(), want) {
					t.Errorf("%s is not what was written", u.Name)
				}
			}
		})
	}
}

// moved is a tensor with some weights changed as its type allows.
func moved(t *gguf.Tensor) []byte {
	raw := bytes.Clone(t.Raw())
	grid, ok := t.Type.Grid()
	if !ok {
		x := make([]float32, t.Rows()*t.Cols())
		t.DequantRows(x, t.Cols(), 0, t.Rows())
		for i := range x {
			x[i] += 0.25
		}
		t.Type.Encode(raw, x)
		return raw
	}
	codes := make([]int16, t.Cols())
	t.Type.Codes(codes, raw)
	for i := range codes {
		codes[i] = min(codes[i]+1, int16(grid.MaxCode))
	}
	t.Type.SetCodes(raw, codes)
	d := make([]float32, t.Cols()/grid.Group)
	t.Type.Carriers(d, nil, raw)
	for i := range d {
		d[i] *= 1.5
	}
	t.Type.SetCarriers(raw[:t.Type.RowBytes(t.Cols())], d, nil)
	return raw
}

// TestRefused holds graphs that are no decoder, or that compute something else than
// their structure says, to a clear refusal.
func TestRefused(t *testing.T) {
	g := loadGoldens(t)
	m, err := onnx.Open(filepath.Join(g.dir, "f32_op23", "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for _, n := range m.Graph.Nodes {
		if n.Op == "Sigmoid" {
			n.Op = "Tanh" // x tanh(x) is no GELU
			break
		}
	}
	if _, err := Open(m, nil, simd.NewPool(1)); err == nil || !strings.Contains(err.Error(), "something else") {
		t.Errorf("another activation gave %v", err)
	}
	m.Graph.Nodes = m.Graph.Nodes[:len(m.Graph.Nodes)-1]
	if _, err := Open(m, nil, nil); err == nil {
		t.Error("a graph without its last node was opened")
	}
}
