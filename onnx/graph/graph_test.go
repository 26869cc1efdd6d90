package graph

import (
	"archive/zip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/detox-surgery/detox-surgery/internal/testenv"
	"github.com/detox-surgery/detox-surgery/onnx"
)

func opened(t *testing.T, path string) *onnx.Model {
	t.Helper()
	m, err := onnx.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// compare holds the topology of every graph of a model against the nodes and
// the index of package onnx.
func compare(t *testing.T, m *onnx.Model) {
	t.Helper()
	x := onnx.NewIndex(m)
	m.Graphs(func(src *onnx.Graph) {
		g, err := New(src)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range src.Nodes {
			for k, out := range n.Outputs {
				v := g.Value(out)
				if out == "" {
					continue
				}
				if v.Node != n || v.Output != k || len(v.Reads) != len(n.Inputs) {
					t.Fatalf("%s: %+v", out, v)
				}
				for i, in := range n.Inputs {
					if r := v.Reads[i]; r != g.Value(in) || r != nil && !g.HasEdgeFromTo(r.ID(), v.ID()) {
						t.Errorf("%s reads %v as input %d, want %s", out, r, i, in)
					}
				}
			}
		}
		order, err := g.Order()
		if err != nil || len(order) != len(g.Values) {
			t.Fatalf("%d of %d values in order: %v", len(order), len(g.Values), err)
		}
		for _, v := range g.Values {
			known := x.Value(src, v.Name)
			if known == nil || known.Graph == src && (known.Node != v.Node || known.Tensor != v.Tensor || known.Input != nil != v.Input) {
				t.Errorf("%s: %+v, the index has %+v", v.Name, v, known)
			}
		}
	})
}

func TestGolden(t *testing.T) {
	z, err := zip.OpenReader(filepath.Join("..", "testdata", "golden.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = z.Close() }()
	dir := t.TempDir()
	if err := os.CopyFS(dir, z); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"types.onnx", "control.onnx"} {
		compare(t, opened(t, filepath.Join(dir, name)))
	}
	g, err := New(opened(t, filepath.Join(dir, "control.onnx")).Graph)
	if err != nil {
		t.Fatal(err)
	}
	clip := g.Value("c")
	if len(clip.Reads) != 3 || clip.Reads[1] != nil || clip.Reads[2].Tensor == nil || clip.Node.Op != "Clip" {
		t.Errorf("Clip with an input left out: %+v", clip)
	}
	if w := g.Value("w"); len(w.Made) != 2 || g.From(w.ID()).Len() != 2 {
		t.Errorf("shared weights: %+v", w)
	}
}

func TestReal(t *testing.T) {
	for _, path := range testenv.ONNX(t) {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) { compare(t, opened(t, path)) })
	}
}

// TestOdd: graphs that onnx-go or gonum would trip over.
func TestOdd(t *testing.T) {
	str := func(b []byte, field protowire.Number, s string) []byte {
		return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
	}
	parse := func(nodes ...string) *onnx.Graph { // "in in > out out"
		var body []byte
		for _, n := range nodes {
			ins, outs, _ := strings.Cut(n, ">")
			var node []byte
			for s := range strings.FieldsSeq(ins) {
				node = str(node, 1, strings.Trim(s, "-"))
			}
			for s := range strings.FieldsSeq(outs) {
				node = str(node, 2, strings.Trim(s, "-"))
			}
			body = str(body, 1, string(node))
		}
		m, err := onnx.Parse(str([]byte{8, 8}, 7, string(body)))
		if err != nil {
			t.Fatal(err)
		}
		return m.Graph
	}
	g, err := New(parse("x x > y", "> k", "y - k > - z", "z >", "\xff > \x00"))
	if err != nil {
		t.Fatal(err)
	}
	if y, x := g.Value("y"), g.Value("x"); len(y.Reads) != 2 || y.Reads[0] != x || y.Reads[1] != x || len(x.Made) != 2 || g.From(x.ID()).Len() != 1 {
		t.Errorf("Mul(x, x): %+v", y)
	}
	if z := g.Value("z"); z.Output != 1 || len(z.Reads) != 3 || z.Reads[1] != nil {
		t.Errorf("outputs left out: %+v", z)
	}
	if k := g.Value("k"); k.Reads != nil || k.Node == nil {
		t.Errorf("a node without inputs: %+v", k)
	}
	if g, err := New(parse()); err != nil || len(g.Values) != 0 {
		t.Errorf("empty graph: %v", err)
	}
	for _, bad := range [][]string{{"x > x"}, {"x > y", "x > y"}} {
		if _, err := New(parse(bad...)); err == nil {
			t.Errorf("%v was accepted", bad)
		}
	}
	g, err = New(parse("a > b", "b > a"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Order(); err == nil {
		t.Error("a circle was put in order")
	}
}
