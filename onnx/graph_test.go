package onnx

import (
	"path/filepath"
	"reflect"
	"testing"
)

// TestParts: what the index knows of the parts that only few models have.
func TestParts(t *testing.T) {
	dir, _ := golden(t)
	m := opened(t, filepath.Join(dir, "control.onnx"))
	g := m.Graph
	if len(g.Sparse) != 1 || !reflect.DeepEqual(g.Sparse[0].Dims, []int64{6}) || g.Sparse[0].Indices == nil {
		t.Errorf("sparse initializers %+v", g.Sparse)
	}
	if want := []Annotation{{"w", []Prop{{"SCALE_TENSOR", "one"}}}}; !reflect.DeepEqual(g.Annotations, want) {
		t.Errorf("annotations %+v", g.Annotations)
	}
	x := g.Inputs[0].Type
	if x.Kind != TensorKind || x.Elem != Float || !reflect.DeepEqual(x.Shape, []Dim{{-1, "batch"}, {2, ""}}) {
		t.Errorf("input type %+v", x)
	}
	if n := g.Inputs[2].Type; n.HasShape || n.Elem != Int64 {
		t.Errorf("input type %+v", n)
	}
	every := g.Nodes[7]
	if want := []Prop{{"pkg.torch.onnx.name_scopes", "model.layers.0.mlp.down_proj"}}; !reflect.DeepEqual(every.Metadata(), want) {
		t.Errorf("node metadata %+v", every.Metadata())
	}
	v, err := every.Attr("tp").Value()
	if tp, ok := v.(*ValueType); err != nil || !ok || tp.Kind != SequenceKind || tp.Of.Elem != Float16 || len(tp.Of.Shape) != 2 {
		t.Errorf("type attribute %+v, %v", v, err)
	}
	if i, err := every.Int("i", 0); i != -3 || err != nil {
		t.Errorf("i = %d, %v", i, err)
	}
	if i, err := every.Int("absent", 7); i != 7 || err != nil {
		t.Errorf("absent = %d, %v", i, err)
	}
	if i, err := every.Int("zero", 7); i != 0 || err != nil {
		t.Errorf("zero = %d, %v", i, err)
	}
	if _, err := every.Int("f", 0); err == nil {
		t.Error("a float was read as an integer")
	}
	f := m.Functions[0]
	if f.Domain != "local" || !reflect.DeepEqual(f.Attributes, []string{"alpha"}) || f.Body.Nodes[0].Attrs[0].Ref != "alpha" || f.Defaults[0].Name != "beta" {
		t.Errorf("function %+v", f)
	}
	if tr := m.Training[0]; tr.Algorithm == nil || !reflect.DeepEqual(tr.Updates, []Prop{{"w2", "w2_new"}}) {
		t.Errorf("training %+v", tr)
	}
}

// TestUses: weights that several nodes read, also from inside sub-graphs.
func TestUses(t *testing.T) {
	dir, _ := golden(t)
	m := opened(t, filepath.Join(dir, "control.onnx"))
	x := NewIndex(m)
	ops := func(name string) (out []string) {
		for _, u := range x.Uses(m.Graph.Initializer(name)) {
			out = append(out, u.Node.Op+" in "+u.Graph.Name)
		}
		return out
	}
	want := map[string][]string{
		"w":   {"Gather in main", "Transpose in main", "MatMul in then", "MatMul in else", "MatMul in then", "MatMul in then"},
		"w2":  {"Mul in inner", "Mul in inner", "Add in body", "Identity in step"},
		"one": {"Clip in main"},
		"s0":  {"Scan in main"},
	}
	for name, uses := range want {
		got := ops(name)
		if len(got) != len(uses) {
			t.Errorf("%s is used by %v, want %v", name, got, uses)
			continue
		}
		count := map[string]int{}
		for i := range got {
			count[got[i]]++
			count[uses[i]]--
		}
		for k, n := range count {
			if n != 0 {
				t.Errorf("%s: %s %+d times", name, k, n)
			}
		}
	}
	if v := x.Value(m.Graph, "w2"); v.Input == nil || v.Tensor == nil {
		t.Errorf("w2 is input and initializer, got %+v", v)
	}
	v := x.Value(m.Graph, "y")
	if v == nil || v.Node.Op != "Scale" || len(v.Uses) != 1 || v.Uses[0].Node.Op != "Every" {
		t.Errorf("y: %+v", v)
	}
	if v := x.Value(m.Graph, "z"); !v.Result {
		t.Error("z is an output")
	}
}
