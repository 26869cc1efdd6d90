package onnx

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/detox-surgery/detox-surgery/internal/testenv"
)

// goldenModel is what the onnx package for Python reads in a model of golden.zip.
type goldenModel struct {
	Tensors []struct {
		Path, Name, Type string
		Dims             []int64
		Values           struct {
			Floats, Ints, Strings []string
			Complex               [][2]string
		}
	}
	Nodes []struct {
		Path, Op, Domain, Name string
		Inputs, Outputs        []string
		Attrs                  [][3]any
	}
	Graphs []struct {
		Path, Name      string
		Inputs, Outputs []string
	}
	Fields    [][5]any
	Opsets    [][2]any
	Metadata  [][2]string
	Functions []string
}

// golden unpacks golden.zip to a folder.
func golden(tb testing.TB) (dir string, models map[string]*goldenModel) {
	tb.Helper()
	dir = tb.TempDir()
	for name, b := range testenv.Zip(tb, "testdata/golden.zip") {
		put(tb, filepath.Join(dir, name), b)
	}
	var index struct{ Models map[string]*goldenModel }
	if err := json.Unmarshal(get(tb, filepath.Join(dir, "index.json")), &index); err != nil {
		tb.Fatal(err)
	}
	if len(index.Models) != 2 {
		tb.Fatalf("%d models in golden.zip", len(index.Models))
	}
	return dir, index.Models
}

func put(tb testing.TB, path string, b []byte) {
	tb.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		tb.Fatal(err)
	}
}

func get(tb testing.TB, path string) []byte {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func opened(tb testing.TB, path string) *Model {
	tb.Helper()
	m, err := Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := m.Close(); err != nil {
			tb.Error(err)
		}
	})
	return m
}

// TestGolden compares what is read with what the onnx package reads.
func TestGolden(t *testing.T) {
	dir, models := golden(t)
	for name, want := range models {
		t.Run(name, func(t *testing.T) {
			m := opened(t, filepath.Join(dir, name))
			checkFields(t, m, want)
			checkTensors(t, m, want)
			checkGraphs(t, m, want)
			if err := m.Check(); err != nil {
				t.Error(err)
			}
			var out bytes.Buffer
			if n, err := m.WriteTo(&out, Edits{}); err != nil || n != m.Size() || !bytes.Equal(out.Bytes(), m.Bytes()) {
				t.Errorf("written again: %d bytes, error %v, not the input", n, err)
			}
		})
	}
}

// checkFields compares the place of every field of the file.
func checkFields(t *testing.T, m *Model, want *goldenModel) {
	t.Helper()
	i := 0
	m.Walk(func(f Field) {
		got := [5]any{f.Path, float64(f.Tag), float64(f.Value), float64(f.Content.Start), float64(f.Content.End)}
		if i >= len(want.Fields) || got != want.Fields[i] {
			t.Fatalf("field %d is %v, want %v", i, got, want.Fields[min(i, len(want.Fields)-1)])
		}
		i++
	})
	if i != len(want.Fields) {
		t.Errorf("%d fields, want %d", i, len(want.Fields))
	}
}

func checkTensors(t *testing.T, m *Model, want *goldenModel) {
	t.Helper()
	byPath := map[string]*Tensor{}
	places := m.Places()
	for i, x := range m.Tensors {
		byPath[x.Where()] = x
		if places[i] != x.Where() {
			t.Errorf("tensor %d at %s and at %s", i, places[i], x.Where())
		}
	}
	if len(byPath) != len(want.Tensors) || len(m.Tensors) != len(want.Tensors) {
		t.Errorf("%d tensors at %d places, want %d", len(m.Tensors), len(byPath), len(want.Tensors))
	}
	for _, w := range want.Tensors {
		x := byPath[w.Path]
		if x == nil {
			t.Errorf("no tensor at %s", w.Path)
			continue
		}
		if x.Name != w.Name || x.Type.String() != w.Type || fmt.Sprint(x.Dims) != fmt.Sprint(w.Dims) {
			t.Errorf("%s is %s %v %v, want %s %s %v", w.Path, x.Name, x.Type, x.Dims, w.Name, w.Type, w.Dims)
		}
		v := w.Values
		sameList(t, w.Path, x.Type.IsFloat(), v.Floats, floatBits(x.Float64s))
		sameList(t, w.Path, x.Type.IsInteger(), v.Ints, integers(x))
		sameList(t, w.Path, x.Type == String, v.Strings, x.Strings)
		var parts []string
		for _, c := range v.Complex {
			parts = append(parts, c[:]...)
		}
		sameList(t, w.Path, x.Type == Complex64 || x.Type == Complex128, parts, complexParts(x))
	}
}

// sameList compares the values of a tensor read in one way, which must be refused
// where the type has no such values.
func sameList(t *testing.T, where string, applies bool, want []string, read func() ([]string, error)) {
	t.Helper()
	got, err := read()
	if !applies {
		if err == nil {
			t.Errorf("%s: read as what it is not", where)
		}
		return
	}
	if err != nil || len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %v, want %v (%v)", where, got, want, err)
	}
}

func bitsOf(f float64) string {
	if math.IsNaN(f) {
		return "nan"
	}
	return fmt.Sprintf("%016x", math.Float64bits(f))
}

func floatBits(read func() ([]float64, error)) func() ([]string, error) {
	return func() (out []string, err error) {
		list, err := read()
		for _, f := range list {
			out = append(out, bitsOf(f))
		}
		return out, err
	}
}

func complexParts(x *Tensor) func() ([]string, error) {
	return func() (out []string, err error) {
		list, err := x.Complexes()
		for _, c := range list {
			out = append(out, bitsOf(real(c)), bitsOf(imag(c)))
		}
		return out, err
	}
}

func integers(x *Tensor) func() ([]string, error) {
	return func() (out []string, err error) {
		if x.Type == Uint64 {
			list, err := x.Uints()
			for _, v := range list {
				out = append(out, strconv.FormatUint(v, 10))
			}
			return out, err
		}
		list, err := x.Ints()
		for _, v := range list {
			out = append(out, strconv.FormatInt(v, 10))
		}
		return out, err
	}
}

func checkGraphs(t *testing.T, m *Model, want *goldenModel) {
	t.Helper()
	names := func(list []*ValueInfo) []string {
		out := []string{}
		for _, v := range list {
			out = append(out, v.Name)
		}
		return out
	}
	nodes, graphs := map[string]*Node{}, map[string]*Graph{}
	m.Graphs(func(g *Graph) {
		graphs[m.where(g.Span)] = g
		for _, n := range g.Nodes {
			nodes[m.where(n.Span)] = n
		}
	})
	for _, w := range want.Graphs {
		g := graphs[w.Path]
		if g == nil || g.Name != w.Name || !reflect.DeepEqual(names(g.Inputs), w.Inputs) || !reflect.DeepEqual(names(g.Outputs), w.Outputs) {
			t.Errorf("graph %s: %+v, want %+v", w.Path, g, w)
		}
	}
	if len(nodes) != len(want.Nodes) {
		t.Errorf("%d nodes, want %d", len(nodes), len(want.Nodes))
	}
	for _, w := range want.Nodes {
		n := nodes[w.Path]
		if n == nil || n.Op != w.Op || n.Domain != w.Domain || n.Name != w.Name || strings.Join(n.Inputs, "|") != strings.Join(w.Inputs, "|") ||
			strings.Join(n.Outputs, "|") != strings.Join(w.Outputs, "|") || len(n.Attrs) != len(w.Attrs) {
			t.Errorf("node %s: %+v, want %+v", w.Path, n, w)
			continue
		}
		for i, a := range w.Attrs {
			checkAttr(t, n.Attrs[i], a)
		}
	}
	if len(m.Opsets) != len(want.Opsets) || len(m.Functions) != len(want.Functions) || len(m.Metadata) != len(want.Metadata) {
		t.Errorf("%d opsets, %d functions, %d keys", len(m.Opsets), len(m.Functions), len(m.Metadata))
	}
	for _, o := range want.Opsets {
		if float64(m.Opset(o[0].(string))) != o[1] {
			t.Errorf("opset %v is %d, want %v", o[0], m.Opset(o[0].(string)), o[1])
		}
	}
	for _, p := range want.Metadata {
		if v, ok := m.Meta(p[0]); !ok || v != p[1] {
			t.Errorf("metadata %s is %q, want %q", p[0], v, p[1])
		}
	}
}

func checkAttr(t *testing.T, a *Attr, want [3]any) {
	t.Helper()
	v, err := a.Value()
	if a.Name != want[0] || float64(a.Type) != want[1] || err != nil {
		t.Errorf("attribute %s of type %d, want %v (%v)", a.Name, a.Type, want, err)
	}
	if want[2] == nil {
		return
	}
	var got []any
	switch v := v.(type) {
	case float32:
		got = []any{bitsOf(float64(v))}
	case []float32:
		for _, f := range v {
			got = append(got, bitsOf(float64(f)))
		}
	case int64:
		got = []any{fmt.Sprint(v)}
	case []int64:
		for _, i := range v {
			got = append(got, fmt.Sprint(i))
		}
	case string:
		got = []any{v}
	case []string:
		for _, s := range v {
			got = append(got, s)
		}
	}
	if !reflect.DeepEqual(got, want[2]) {
		t.Errorf("attribute %s is %v, want %v", a.Name, got, want[2])
	}
}
