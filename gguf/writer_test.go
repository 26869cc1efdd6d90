package gguf

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/internal/testenv"
)

// example is a small file with every kind of value and two tensors, F32 and
// Q8_0; trailing bytes follow the second.
func example(tb testing.TB) *File {
	tb.Helper()
	for _, h := range hostile(tb) {
		if h.File == "ok-every-type.gguf" {
			f, err := Parse(append(slices.Clone(h.data), "tail"...))
			if err != nil {
				tb.Fatal(err)
			}
			return f
		}
	}
	tb.Fatal("no such file in the catalogue")
	return nil
}

func rewrite(tb testing.TB, f *File, e Edits) (*File, []byte) {
	tb.Helper()
	var out bytes.Buffer
	n, err := f.WriteTo(&out, e)
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
	return g, out.Bytes()
}

func TestSetKeys(t *testing.T) {
	f := example(t)
	e := Edits{Set: []KV{
		{"t.str", ValueOf("a longer string than there was")},
		{"detox.version", ValueOf("1")},
		{"a.f32", ValueOf([]float32{1, 2, 3})},
		{"detox.tags", ValueOf([]string{"x", ""})},
		{"detox.none", ValueOf([]int32{})},
	}}
	g, _ := rewrite(t, f, e)
	if len(g.KV) != len(f.KV)+3 {
		t.Errorf("%d keys, want %d", len(g.KV), len(f.KV)+3)
	}
	for i, kv := range f.KV {
		if g.KV[i].Key != kv.Key {
			t.Fatalf("key %d is %s, was %s", i, g.KV[i].Key, kv.Key)
		}
		if kv.Key != "t.str" && kv.Key != "a.f32" && !g.KV[i].Value.Equal(kv.Value) {
			t.Errorf("%s changed", kv.Key)
		}
	}
	for _, kv := range e.Set {
		if got, _ := g.Get(kv.Key); !reflect.DeepEqual(got, kv.Value.Any()) {
			t.Errorf("%s = %v", kv.Key, got)
		}
	}
	sameTensors(t, f, g, nil)
	if !bytes.Equal(g.Bytes()[g.DataOffset:], f.Bytes()[f.DataOffset:]) {
		t.Error("tensor data, padding or trailing bytes changed")
	}
	if g.DataOffset%int64(g.Alignment) != 0 {
		t.Errorf("data starts at %d", g.DataOffset)
	}
	back, _ := rewrite(t, g, Edits{Set: []KV{{"t.str", f.KV[f.keys["t.str"]].Value}}})
	if s, _ := back.String("t.str"); s != "h\u00e9llo \u2603" {
		t.Errorf("set back: %q", s)
	}
}

func sameTensors(tb testing.TB, f, g *File, except map[string]Replacement) {
	tb.Helper()
	if len(f.Tensors) != len(g.Tensors) {
		tb.Fatalf("%d tensors, were %d", len(g.Tensors), len(f.Tensors))
	}
	for i, a := range f.Tensors {
		b := g.Tensors[i]
		if a.Name != b.Name || !slices.Equal(a.Dims, b.Dims) {
			tb.Errorf("tensor %d is %s %v, was %s %v", i, b.Name, b.Dims, a.Name, a.Dims)
		}
		typ, raw := a.Type, a.Raw()
		if r, ok := except[a.Name]; ok {
			typ, raw = r.Type, r.Bytes
		}
		if b.Type != typ || !bytes.Equal(b.Raw(), raw) {
			tb.Errorf("tensor %s has other data", a.Name)
		}
	}
}

// TestSameValueSameBytes: a header of unchanged length keeps even odd padding.
func TestSameValueSameBytes(t *testing.T) {
	for _, h := range hostile(t) {
		if h.File != "ok-nonzero-padding.gguf" {
			continue
		}
		f, err := Parse(h.data)
		if err != nil {
			t.Fatal(err)
		}
		if _, out := rewrite(t, f, Edits{Set: f.KV}); !bytes.Equal(out, h.data) {
			t.Error("setting every key to its own value changed bytes")
		}
		return
	}
	t.Fatal("no such file in the catalogue")
}

func TestReplaceInPlace(t *testing.T) {
	f := example(t)
	w := f.Tensor("b.weight")
	r := map[string]Replacement{"b.weight": {Type: w.Type, Bytes: bytes.Repeat([]byte{7}, int(w.Size))}}
	g, out := rewrite(t, f, Edits{Data: r})
	sameTensors(t, f, g, r)
	for i, b := range out {
		inside := int64(i) >= w.Offset && int64(i) < w.Offset+w.Size
		if !inside && b != f.Bytes()[i] {
			t.Fatalf("byte %d outside the tensor changed", i)
		}
	}
	if len(out) != len(f.Bytes()) {
		t.Errorf("%d bytes, were %d", len(out), len(f.Bytes()))
	}
}

func TestReplaceType(t *testing.T) {
	f := example(t)
	for _, r := range []map[string]Replacement{
		{"a": {Type: quant.F16, Bytes: bytes.Repeat([]byte{1}, 16)}},
		{"b.weight": {Type: quant.F32, Bytes: bytes.Repeat([]byte{2}, 256)}},
		{"b.weight": {Type: quant.Q4_0, Bytes: bytes.Repeat([]byte{3}, 36)}},
		{"a": {Type: quant.F64, Bytes: bytes.Repeat([]byte{4}, 64)}, "b.weight": {Type: quant.Q5_1, Bytes: bytes.Repeat([]byte{5}, 48)}},
	} {
		g, out := rewrite(t, f, Edits{Data: r, Set: []KV{{"k", ValueOf(true)}}})
		sameTensors(t, f, g, r)
		if !bytes.HasSuffix(out, []byte("tail")) {
			t.Error("trailing bytes are gone")
		}
		last := g.Tensors[len(g.Tensors)-1]
		if want := padded(last.Offset+last.Size, 32) + 4; int64(len(out)) != want {
			t.Errorf("%d bytes, want %d", len(out), want)
		}
	}
}

func TestBadEdits(t *testing.T) {
	f := example(t)
	q := func(n int) []byte { return make([]byte, n) }
	for name, e := range map[string]Edits{
		"empty key":       {Set: []KV{{"", ValueOf(true)}}},
		"NUL in key":      {Set: []KV{{"a\x00", ValueOf(true)}}},
		"key not UTF-8":   {Set: []KV{{"\xff", ValueOf(true)}}},
		"key twice":       {Set: []KV{{"x", ValueOf(true)}, {"x", ValueOf(true)}}},
		"no value":        {Set: []KV{{"x", Value{}}}},
		"alignment":       {Set: []KV{{alignKey, ValueOf(uint32(64))}}},
		"unknown tensor":  {Data: map[string]Replacement{"zzz": {Type: quant.F32, Bytes: q(32)}}},
		"unknown type":    {Data: map[string]Replacement{"a": {Type: 4, Bytes: q(32)}}},
		"too short":       {Data: map[string]Replacement{"a": {Type: quant.F32, Bytes: q(28)}}},
		"not whole block": {Data: map[string]Replacement{"a": {Type: quant.Q8_0, Bytes: q(34)}}},
	} {
		if n, err := f.WriteTo(io.Discard, e); err == nil || n != 0 {
			t.Errorf("%s: %d bytes written, error %v", name, n, err)
		}
	}
}

// failing accepts n bytes.
type failing struct{ n int }

var errFull = errors.New("no space left")

func (w *failing) Write(b []byte) (int, error) {
	if len(b) > w.n {
		n := w.n
		w.n = 0
		return n, errFull
	}
	w.n -= len(b)
	return len(b), nil
}

func TestWriteToFailingWriter(t *testing.T) {
	f := example(t)
	for n := range len(f.Bytes()) {
		got, err := f.WriteTo(&failing{n}, Edits{})
		if !errors.Is(err, errFull) || got != int64(n) {
			t.Fatalf("writer that takes %d bytes: %d, %v", n, got, err)
		}
	}
}

func TestValues(t *testing.T) {
	for _, x := range []any{
		true, uint8(1), int8(-1), uint16(2), int16(-2), uint32(3), int32(-3), uint64(4), int64(-4), float32(.5), 2.5, "s",
		[]bool{true, false},
		[]uint8{1},
		[]int8{-1},
		[]uint16{2},
		[]int16{-2},
		[]uint32{3},
		[]int32{-3},
		[]uint64{4},
		[]int64{-4},
		[]float32{.5},
		[]float64{2.5},
		[]string{"", "é"},
	} {
		f := example(t)
		g, _ := rewrite(t, f, Edits{Set: []KV{{"v", ValueOf(x)}}})
		if got, ok := g.Get("v"); !ok || !reflect.DeepEqual(got, x) {
			t.Errorf("%T: wrote %v, read %v", x, x, got)
		}
	}
}

func TestGetters(t *testing.T) {
	f := example(t)
	if u, ok := f.Uint("t.u64"); !ok || u != 1<<64-1 {
		t.Errorf("u64 %d %v", u, ok)
	}
	if _, ok := f.Uint("t.i8"); ok {
		t.Error("a negative number was read as Uint")
	}
	if x, ok := f.Float("t.f64"); !ok || x != -2.25 {
		t.Errorf("f64 %g %v", x, ok)
	}
	if x, ok := f.Float("t.u8"); !ok || x != 255 {
		t.Errorf("u8 as float %g %v", x, ok)
	}
	if b, ok := f.Bool("t.bool"); !ok || !b {
		t.Errorf("bool %v %v", b, ok)
	}
	if s, ok := f.Strings("a.str"); !ok || !slices.Equal(s, []string{"", "x", "yz"}) {
		t.Errorf("strings %q %v", s, ok)
	}
	if x, ok := f.Ints("a.i64"); !ok || !slices.Equal(x, []int32{-5}) {
		t.Errorf("ints %v %v", x, ok)
	}
	if x, ok := f.Floats("a.f32"); !ok || !slices.Equal(x, []float32{.5, -.5}) {
		t.Errorf("floats %v %v", x, ok)
	}
	for _, key := range []string{"nosuch", "t.u8", "a.none"} {
		if s, ok := f.String(key); ok {
			t.Errorf("%s read as string %q", key, s)
		}
	}
	if _, ok := narrow([]int64{1 << 31}); ok {
		t.Error("2^31 was narrowed")
	}
	if x, ok := narrow([]int64{-1 << 31}); !ok || x[0] != -1<<31 {
		t.Error("-2^31 was not narrowed")
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out.gguf")
	put := func(s string, err error) func(io.Writer) error {
		return func(w io.Writer) error {
			_, e := io.WriteString(w, s)
			return errors.Join(e, err)
		}
	}
	expect := func(want string) {
		t.Helper()
		b, err := os.ReadFile(path)
		if want == "" && errors.Is(err, fs.ErrNotExist) {
			b, err = nil, nil
		}
		entries, _ := os.ReadDir(dir)
		if err != nil || string(b) != want || len(entries) > 1 {
			t.Fatalf("file holds %q (%v), want %q; %d files in the folder", b, err, want, len(entries))
		}
	}
	if err := WriteFile(path, false, put("half", errFull)); !errors.Is(err, errFull) {
		t.Fatal(err)
	}
	expect("")
	if err := WriteFile(path, false, put("one", nil)); err != nil {
		t.Fatal(err)
	}
	expect("one")
	if err := WriteFile(path, false, put("two", nil)); !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	expect("one")
	if err := WriteFile(path, true, put("half", errFull)); !errors.Is(err, errFull) {
		t.Fatal(err)
	}
	expect("one")
	func() {
		defer func() { _ = recover() }()
		_ = WriteFile(path, true, func(io.Writer) error { panic("writer gives up") })
	}()
	expect("one")
	if err := WriteFile(path, true, put("three", nil)); err != nil {
		t.Fatal(err)
	}
	expect("three")
	if err := WriteFile(filepath.Join(dir, "no", "out"), false, put("x", nil)); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if err := WriteFile(dir, true, put("x", nil)); err == nil {
		t.Fatal("a folder was overwritten")
	}
}

// TestWriteFileRace: a file that appears while the output is written is kept.
func TestWriteFileRace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.gguf")
	err := WriteFile(path, false, func(w io.Writer) error {
		return os.WriteFile(path, []byte("theirs"), 0o600)
	})
	if b, _ := os.ReadFile(path); !errors.Is(err, fs.ErrExist) || string(b) != "theirs" {
		t.Fatalf("%v, file holds %q", err, b)
	}
}

// TestRealModels: a real file unedited is itself; with keys and one tensor
// edited, all other tensors keep their bytes.
func TestRealModels(t *testing.T) {
	for _, name := range []string{testenv.SmolLM2, testenv.Gemma3} {
		t.Run(name, func(t *testing.T) {
			f, err := Open(testenv.Model(t, name))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			h := sha256.New()
			if _, err := f.WriteTo(h, Edits{}); err != nil {
				t.Fatal(err)
			}
			if want := sha256.Sum256(f.Bytes()); !bytes.Equal(h.Sum(nil), want[:]) {
				t.Error("written unedited, the file has another sha256")
			}
			w := f.Tensor("blk.0.ffn_down.weight")
			dst := make([]float32, w.Rows()*w.Cols())
			w.DequantRows(dst, w.Cols(), 0, w.Rows())
			r := Replacement{Type: quant.F16, Bytes: make([]byte, 2*len(dst))}
			quant.F16.Encode(r.Bytes, dst)
			e := Edits{Set: []KV{{"detox.test", ValueOf("x")}}, Data: map[string]Replacement{w.Name: r}}
			path := filepath.Join(t.TempDir(), "out.gguf")
			if err := WriteFile(path, false, func(out io.Writer) error { _, err := f.WriteTo(out, e); return err }); err != nil {
				t.Fatal(err)
			}
			g, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			sameTensors(t, f, g, e.Data)
		})
	}
}
