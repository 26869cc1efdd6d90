package onnx

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// tensorNamed finds a tensor anywhere in a model.
func tensorNamed(tb testing.TB, m *Model, name string) *Tensor {
	tb.Helper()
	for _, t := range m.Tensors {
		if t.Name == name {
			return t
		}
	}
	tb.Fatalf("no tensor %s", name)
	return nil
}

func rawOf(tb testing.TB, t *Tensor) []byte {
	tb.Helper()
	raw, err := t.Raw()
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// inverted is other elements for a tensor: every bit of a whole element flipped.
func inverted(tb testing.TB, t *Tensor) []byte {
	tb.Helper()
	out := bytes.Clone(rawOf(tb, t))
	if t.Type == Bool {
		for i := range out {
			out[i] ^= 1
		}
		return out
	}
	for i := range out {
		out[i] = ^out[i]
	}
	if spare := int64(len(out))*8 - t.Len()*int64(t.Type.Bits()); spare > 0 {
		out[len(out)-1] &= 0xff >> spare
	}
	return out
}

func rewrite(tb testing.TB, m *Model, e Edits) *Model {
	tb.Helper()
	var out bytes.Buffer
	n, err := m.WriteTo(&out, e)
	if err != nil {
		tb.Fatal(err)
	}
	if n != int64(out.Len()) {
		tb.Fatalf("%d bytes reported, %d written", n, out.Len())
	}
	g, err := Parse(out.Bytes())
	if err != nil {
		tb.Fatal(err)
	}
	return g
}

// samePaths compares the fields of two models by path: only those in edited may
// have other values. Enclosing messages are compared by their fields.
func samePaths(tb testing.TB, a, b *Model, edited func(path string) bool) {
	tb.Helper()
	list := func(m *Model) (out [][2]string) {
		s := m.rescan(modelMsg, Span{0, m.Size()})
		leaves(&s, func(path string, content []byte) {
			if edited(path) {
				content = nil
			}
			out = append(out, [2]string{path, string(content)})
		})
		return out
	}
	x, y := list(a), list(b)
	if len(x) != len(y) {
		tb.Fatalf("%d fields, were %d", len(y), len(x))
	}
	for i := range x {
		if x[i] != y[i] {
			tb.Fatalf("field %d is %.200q, was %.200q", i, y[i], x[i])
		}
	}
}

// leaves visits the fields that are no messages, tag and length included.
func leaves(s *scanner, visit func(path string, field []byte)) {
	for s.next() {
		if s.def != nil && s.def.kind == sub {
			c := s.sub()
			leaves(&c, visit)
			continue
		}
		visit(pathString(s.p.path), s.p.b[s.tag:s.end])
	}
}

// TestEditStored gives each tensor of the golden models other elements, one at a
// time, and finds them there and nothing else changed.
func TestEditStored(t *testing.T) {
	dir, models := golden(t)
	for name := range models {
		m := opened(t, filepath.Join(dir, name))
		for _, x := range m.Tensors {
			if x.Storage == External || x.Storage == NoData || x.Type == String {
				continue
			}
			want := inverted(t, x)
			g := rewrite(t, m, Edits{Data: map[*Tensor][]byte{x: want}})
			where := x.Where()
			var y *Tensor
			for _, z := range g.Tensors {
				if z.Where() == where {
					y = z
				}
			}
			if y == nil || y.Storage != x.Storage || !bytes.Equal(rawOf(t, y), want) {
				t.Errorf("%s %s: elements are not those given", name, where)
			}
			samePaths(t, m, g, func(path string) bool {
				return strings.HasPrefix(path, where+".") && strings.Contains(path[len(where):], "_data")
			})
			back := rewrite(t, g, Edits{Data: map[*Tensor][]byte{y: rawOf(t, x)}})
			if x.Storage == RawData && !bytes.Equal(back.Bytes(), m.Bytes()) {
				t.Errorf("%s %s: the old elements do not give the old file", name, where)
			}
			same := rewrite(t, m, Edits{Data: map[*Tensor][]byte{x: bytes.Clone(rawOf(t, x))}})
			if !bytes.Equal(same.Bytes(), m.Bytes()) {
				t.Errorf("%s %s: equal elements changed the file", name, where)
			}
		}
	}
}

// TestEditKeepsForm: a typed value that stays keeps its odd encoding, and the
// lengths around a run that grows are right.
func TestEditKeepsForm(t *testing.T) {
	dir, _ := golden(t)
	m := opened(t, filepath.Join(dir, "types.onnx"))
	long := tensorNamed(t, m, "long.INT8") // 1 in three bytes, -3 and -1
	raw := rawOf(t, long)
	if !bytes.Equal(raw, []byte{1, 0xfd, 0xff}) {
		t.Fatalf("elements % x", raw)
	}
	g := rewrite(t, m, Edits{Data: map[*Tensor][]byte{long: {1, 0xfd, 5}}})
	if got := rawOf(t, tensorNamed(t, g, "long.INT8")); !bytes.Equal(got, []byte{1, 0xfd, 5}) {
		t.Errorf("elements % x", got)
	}
	if g.Size() != m.Size()-4 || !bytes.Contains(g.Bytes(), []byte{0x81, 0x80, 0}) {
		t.Errorf("%d bytes, were %d: only the last value should shrink", g.Size(), m.Size())
	}
}

func TestMetadata(t *testing.T) {
	dir, _ := golden(t)
	m := opened(t, filepath.Join(dir, "control.onnx"))
	e := Edits{Metadata: []Prop{{"detox.tool", "a longer value"}, {"author", "somebody else"}, {"empty", "filled"}, {"detox.none", ""}}}
	g := rewrite(t, m, e)
	for _, p := range e.Metadata {
		if v, ok := g.Meta(p.Key); !ok || v != p.Value {
			t.Errorf("%s is %q", p.Key, v)
		}
	}
	if len(g.Metadata) != len(m.Metadata)+2 || g.Metadata[0].Key != "author" {
		t.Errorf("metadata %v", g.Metadata)
	}
	back := rewrite(t, g, Edits{Metadata: []Prop{{"author", "nobody"}, {"empty", ""}}})
	if !bytes.HasPrefix(back.Bytes(), m.Bytes()) {
		t.Error("set back, the file does not begin with the old one")
	}
	for _, bad := range [][]Prop{{{"", "x"}}, {{"a", "\xff"}}, {{"\xff", "a"}}, {{"a", "1"}, {"a", "2"}}} {
		if n, err := m.WriteTo(&bytes.Buffer{}, Edits{Metadata: bad}); err == nil || n != 0 {
			t.Errorf("%q was accepted", bad)
		}
	}
	// An entry without a value field gets one.
	odd := model(t, sub1(14, text(1, "k")))
	if v, ok := rewrite(t, odd, Edits{Metadata: []Prop{{"k", "v"}}}).Meta("k"); !ok || v != "v" {
		t.Errorf("value %q", v)
	}
}

func TestEditRefused(t *testing.T) {
	dir, _ := golden(t)
	m, other := opened(t, filepath.Join(dir, "types.onnx")), opened(t, filepath.Join(dir, "control.onnx"))
	for name, data := range map[string]map[*Tensor][]byte{
		"other model": {tensorNamed(t, other, "w"): make([]byte, 16)},
		"nil":         {nil: nil},
		"size":        {tensorNamed(t, m, "raw.FLOAT"): make([]byte, 4)},
		"string":      {tensorNamed(t, m, "strings"): make([]byte, 4)},
		"external":    {tensorNamed(t, m, "file.FLOAT"): bytes.Repeat([]byte{1}, 20)},
	} {
		if n, err := m.WriteTo(&bytes.Buffer{}, Edits{Data: data}); err == nil || n != 0 || !strings.HasPrefix(err.Error(), "onnx: edit: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// checkChanges makes the parent's file of the written one by the changes alone.
func checkChanges(t *testing.T, f WrittenFile) {
	t.Helper()
	if f.Kept {
		return
	}
	parent, written := get(t, f.Parent), get(t, f.Path)
	var back []byte
	old, pos := int64(0), int64(0)
	for _, c := range f.Changes {
		if c.Old.Start-old != c.New.Start-pos || c.Old.Start < old {
			t.Fatalf("%s: changes %v do not follow one another", f.Path, f.Changes)
		}
		back = append(append(back, written[pos:c.New.Start]...), parent[c.Old.Start:c.Old.End]...)
		old, pos = c.Old.End, c.New.End
	}
	if back = append(back, written[pos:]...); !bytes.Equal(back, parent) || int64(len(written)) != f.Size {
		t.Errorf("%s: the changes do not describe the difference", f.Path)
	}
}

func TestWriteFile(t *testing.T) {
	dir, _ := golden(t)
	m := opened(t, filepath.Join(dir, "types.onnx"))
	x, y := tensorNamed(t, m, "file.FLOAT16"), tensorNamed(t, m, "raw.DOUBLE")
	e := Edits{Data: map[*Tensor][]byte{x: inverted(t, x), y: inverted(t, y)}, Metadata: []Prop{{"detox.tool", "test"}}}
	before := map[string][]byte{"types.onnx": get(t, m.Path()), "sub/types.data": get(t, m.Files[0].Path)}
	out := t.TempDir()
	for _, c := range []struct {
		path, location string
		force          bool
	}{
		{filepath.Join(out, "types.onnx"), "sub/types.data", false},
		{filepath.Join(out, "types.onnx"), "sub/types.data", true},
		{filepath.Join(out, "b.onnx"), "sub/b.onnx.types.data", false}, // types.data is taken
		{filepath.Join(out, "b.onnx"), "sub/types.data", true},         // and overwritten when asked to
		{filepath.Join(dir, "c.onnx"), "sub/c.onnx.types.data", true},  // the parent's is never
		{filepath.Join(dir, "d.onnx"), "sub/d.onnx.types.data", false},
	} {
		w, err := m.WriteFile(c.path, c.force, e)
		if err != nil {
			t.Fatal(err)
		}
		if len(w.Files) != 2 || w.Files[0].Path != c.path || w.Files[1].Location != c.location || w.Files[1].Kept {
			t.Errorf("written %+v", w.Files)
		}
		for _, f := range w.Files {
			checkChanges(t, f)
		}
		g := opened(t, c.path)
		for i, a := range m.Tensors {
			b := g.Tensors[i]
			want := e.Data[a]
			if a.Type == String {
				continue
			}
			if want == nil {
				want = rawOf(t, a)
			}
			if !bytes.Equal(rawOf(t, b), want) || a.Storage == External && b.External.Offset != a.External.Offset {
				t.Errorf("%s: %s has other elements", c.path, a.Name)
			}
		}
	}
	for name, b := range before {
		if !bytes.Equal(get(t, filepath.Join(dir, name)), b) {
			t.Errorf("the parent's %s was changed", name)
		}
	}
	for _, d := range []string{out, dir, filepath.Join(out, "sub"), filepath.Join(dir, "sub")} {
		if left, _ := filepath.Glob(filepath.Join(d, ".*.tmp")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

// TestWriteFileKeeps: external data that is not edited is not written again beside
// its model, and is copied elsewhere.
func TestWriteFileKeeps(t *testing.T) {
	dir, _ := golden(t)
	m := opened(t, filepath.Join(dir, "types.onnx"))
	w, err := m.WriteFile(filepath.Join(dir, "e.onnx"), false, Edits{})
	if err != nil || !w.Files[1].Kept {
		t.Fatalf("%+v, %v", w, err)
	}
	if w, err = m.WriteFile(filepath.Join(t.TempDir(), "e.onnx"), false, Edits{}); err != nil {
		t.Fatal(err)
	}
	for _, f := range w.Files {
		if f.Kept || !bytes.Equal(get(t, f.Path), get(t, f.Parent)) || len(f.Changes) > 0 {
			t.Errorf("not a copy: %+v", f)
		}
	}
}

func TestWriteFileRefuses(t *testing.T) {
	dir, _ := golden(t)
	m := opened(t, filepath.Join(dir, "types.onnx"))
	if _, err := m.WriteFile(m.Path(), true, Edits{}); err == nil {
		t.Error("the input was overwritten")
	}
	if _, err := m.WriteFile(m.Files[0].Path, true, Edits{}); err == nil {
		t.Error("the input's data was overwritten")
	}
	out := filepath.Join(t.TempDir(), "x.onnx")
	put(t, out, []byte("old"))
	if _, err := m.WriteFile(out, false, Edits{}); !errors.Is(err, fs.ErrExist) || string(get(t, out)) != "old" {
		t.Errorf("existing output: %v", err)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(out), "sub")); err == nil {
		t.Error("a refused output left a folder")
	}
	g, err := OpenGraph(m.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = g.Close() }()
	if _, err := g.WriteFile(filepath.Join(t.TempDir(), "x.onnx"), false, Edits{}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("without data: %v", err)
	}
	if _, err := tensorNamed(t, g, "file.FLOAT").Raw(); !errors.Is(err, ErrUnsupported) {
		t.Errorf("without data: %v", err)
	}
}

// TestSharedBytes: two tensors in the same bytes of a file are edited together.
func TestSharedBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.onnx")
	put(t, filepath.Join(filepath.Dir(path), "d"), make([]byte, 16))
	at := func(name string, offset, n int) []byte {
		return sub1(5, num(1, uint64(n)), num(2, uint64(Uint8)), text(8, name), num(14, 1), entry(13, "location", "d"), entry(13, "offset", fmt.Sprint(offset)))
	}
	put(t, path, modelBytes(graphField(at("a", 0, 8), at("b", 0, 8), at("c", 6, 4), at("d", 10, 6))))
	m := opened(t, path)
	x := m.Tensors
	eight, other := bytes.Repeat([]byte{7}, 8), bytes.Repeat([]byte{8}, 8)
	for _, c := range []struct {
		data map[*Tensor][]byte
		ok   bool
	}{
		{map[*Tensor][]byte{x[0]: eight}, false},
		{map[*Tensor][]byte{x[0]: eight, x[1]: eight}, false}, // c overlaps
		{map[*Tensor][]byte{x[0]: eight, x[1]: other, x[2]: eight[:4]}, false},
		{map[*Tensor][]byte{x[2]: eight[:4]}, false},
		{map[*Tensor][]byte{x[3]: eight[:6]}, true},
	} {
		if _, err := m.plan(Edits{Data: c.data}); (err == nil) != c.ok {
			t.Errorf("%v: %v", c.data, err)
		}
	}
}

// Builders of models by hand.

func sub1(number protowire.Number, parts ...[]byte) []byte {
	return appendText(nil, number, string(bytes.Join(parts, nil)))
}

func text(number protowire.Number, s string) []byte { return appendText(nil, number, s) }

func num(number protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.VarintType), v)
}

func entry(number protowire.Number, key, value string) []byte {
	return sub1(number, text(1, key), text(2, value))
}

func graphField(parts ...[]byte) []byte { return sub1(7, parts...) }

// modelBytes is a model of these parts; without a graph among them it has an empty
// one.
func modelBytes(parts ...[]byte) []byte {
	b := append(num(1, 8), bytes.Join(parts, nil)...)
	for _, p := range parts {
		if len(p) > 0 && p[0] == 7<<3|2 {
			return b
		}
	}
	return append(b, graphField()...)
}

func model(tb testing.TB, parts ...[]byte) *Model {
	tb.Helper()
	m, err := Parse(modelBytes(parts...))
	if err != nil {
		tb.Fatal(err)
	}
	return m
}
