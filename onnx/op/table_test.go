package op

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/detox-surgery/detox-surgery/onnx"
)

// TestVersions holds the table against the versions of ONNX's registry: a row has all
// of them from its first to the last opset that is known.
func TestVersions(t *testing.T) {
	b, err := os.ReadFile("testdata/versions.json")
	if err != nil {
		t.Fatal(err)
	}
	var registry map[string][]int64
	if err := json.Unmarshal(b, &registry); err != nil {
		t.Fatal(err)
	}
	for _, r := range Rows() {
		if r.Domain != "" {
			continue
		}
		all, ok := registry[r.Name]
		if !ok {
			if r.Name != "SimplifiedLayerNormalization" { // onnxruntime's, in ONNX's domain
				t.Errorf("%s is not in the registry", r.Name)
			}
			continue
		}
		all = slices.DeleteFunc(all, func(v int64) bool { return v < r.Since[0] || v > newest[""] })
		if !slices.Equal(all, r.Since) {
			t.Errorf("%s has versions %v, the registry %v", r.Name, r.Since, all)
		}
	}
}

func TestBiasSoftmax(t *testing.T) {
	out := runNode(t, &Row{run: biasSoftmax}, []*Value{Floats([]int{2, 2}, []float32{1, 0, 0, 2}), Floats([]int{1, 2}, []float32{0, 1})})
	e3 := float32(math.Exp(3) / (1 + math.Exp(3)))
	near(t, out[0].F, []float32{0.5, 0.5, 1 - e3, e3})
}

// TestPackedHeads holds packed inputs, which onnxruntime has on GPUs alone, against
// separate ones.
func TestPackedHeads(t *testing.T) {
	const b, s, h, d = 2, 3, 2, 4
	r := rand.New(rand.NewPCG(1, 2))
	one := make([]float32, b*s*h*3*d)
	var qkv [3][]float32
	for i := range one {
		one[i] = r.Float32() - 0.5
		part := i / d % 3
		qkv[part] = append(qkv[part], one[i])
	}
	var pair []float32
	for i := 0; i < len(qkv[1]); i += d {
		pair = append(append(pair, qkv[1][i:i+d]...), qkv[2][i:i+d]...)
	}
	var in [3]*Value
	for i, x := range qkv {
		in[i] = Floats([]int{b, s, h * d}, x)
	}
	row := &Row{run: multiHeadAttention}
	want := runNode(t, row, in[:], "num_heads")
	near(t, runNode(t, row, []*Value{Floats([]int{b, s, h, 3, d}, one)}, "num_heads")[0].F, want[0].F)
	near(t, runNode(t, row, []*Value{in[0], Floats([]int{b, s, h, 2, d}, pair)}, "num_heads")[0].F, want[0].F)
}

// TestFault wants a fault of a kernel as an error that fuzzing recognizes.
func TestFault(t *testing.T) {
	p := &Program{o: Options{MaxMemory: 1 << 20, MaxSteps: 10}}
	f := &frame{run: p.newRun(), plan: &plan{}}
	row := &Row{run: func(c *call) []*Value { return one(c.in[7]) }}
	_, err := f.execute(&step{node: &onnx.Node{Op: "Broken", Name: "n"}, row: row})
	if !errors.Is(err, errInternal) || !strings.Contains(err.Error(), "Broken") || !strings.Contains(err.Error(), "internal error") {
		t.Errorf("%v", err)
	}
}

func near(t *testing.T, got, want []float32) {
	t.Helper()
	if !slices.EqualFunc(got, want, func(a, b float32) bool { return math.Abs(float64(a-b)) < 1e-6 }) {
		t.Errorf("%v, want %v", got, want)
	}
}

// runNode runs a kernel on a node that has the attributes twos, with the value 2.
func runNode(t *testing.T, row *Row, in []*Value, twos ...string) []*Value {
	t.Helper()
	p := &Program{o: Options{MaxMemory: 1 << 20, MaxSteps: 10}}
	n := &onnx.Node{Op: "test"}
	for _, name := range twos {
		n.Attrs = append(n.Attrs, intAttr(t, name, 2))
	}
	f := &frame{run: p.newRun(), plan: &plan{}, values: map[string]*Value{}}
	for i, v := range in {
		name := string(rune('a' + i))
		n.Inputs, f.values[name] = append(n.Inputs, name), v
	}
	out, err := f.execute(&step{node: n, row: row})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// intAttr makes an attribute by way of a model's bytes.
func intAttr(t *testing.T, name string, value byte) *onnx.Attr {
	t.Helper()
	field := func(tag byte, b ...byte) []byte { return append([]byte{tag, byte(len(b))}, b...) }
	attr := append(field(0x0a, []byte(name)...), 0x18, value, 0xa0, 0x01, 2)
	node := field(0x2a, attr...)
	m, err := onnx.Parse(append([]byte{0x08, 10}, field(0x3a, field(0x0a, node...)...)...))
	if err != nil {
		t.Fatal(err)
	}
	return m.Graph.Nodes[0].Attrs[0]
}
