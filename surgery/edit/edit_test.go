package edit

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/train/model"
)

var (
	down0 = model.Role{Kind: model.FFNDown, Block: 0}
	down1 = model.Role{Kind: model.FFNDown, Block: 1}
	norm0 = model.Role{Kind: model.FFNNorm, Block: 0}
)

func randoms(rng *rand.Rand, n int, std float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64() * std)
	}
	return x
}

// fullEdit has every form.
func fullEdit() *Edit {
	rng := rand.New(rand.NewPCG(3, 4))
	e := New(Meta{
		Parent: strings.Repeat("ab", 32), Arch: "llama", Method: "repo", Parameters: json.RawMessage(`{"lr":0.001}`),
		Seeds: []uint64{1, 1<<64 - 1}, Data: map[string]string{"pairs": "ff"}, Tool: "1.0", Metrics: map[string]float64{"toxicity": 0.05},
	})
	e.Parts[down0] = &Part{
		Rows: 4, Cols: 64, Delta: randoms(rng, 4*64, 1),
		Columns:  &Columns{[]int32{0, 5, 63}, randoms(rng, 4*3, 1)},
		LowRank:  &LowRank{2, randoms(rng, 4*2, 1), randoms(rng, 2*64, 1)},
		Carriers: &Carriers{quant.Q4_1, strings.Repeat("0c", 32), randoms(rng, 4*2, 1), randoms(rng, 4*2, 1)},
	}
	e.Parts[down1] = &Part{Rows: 4, Cols: 64, Carriers: &Carriers{quant.Q8_0, strings.Repeat("0d", 32), randoms(rng, 4*2, 1), nil}}
	e.Parts[norm0] = &Part{Rows: 1, Cols: 8, Delta: randoms(rng, 8, 1)}
	return e
}

func encode(tb testing.TB, e *Edit, half bool) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := e.Encode(&b, half); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func TestEditRoundTrip(t *testing.T) {
	e := fullEdit()
	path := filepath.Join(t.TempDir(), "e.safetensors")
	if err := e.Save(path, false, false); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, e) {
		t.Errorf("got %+v\nwant %+v", got, e)
	}
	if err := e.Save(path, false, false); err == nil {
		t.Error("an existing file was replaced without force")
	}
	if !bytes.Equal(encode(t, got, false), encode(t, e, false)) {
		t.Error("the same edit gave different bytes")
	}
	half, err := Decode(encode(t, e, true))
	if err != nil {
		t.Fatal(err)
	}
	x, y := e.Parts[down0].Delta[7], half.Parts[down0].Delta[7]
	if want := quant.F16ToF32(quant.F32ToF16(x)); y != want {
		t.Errorf("f16 of %g is %g, want %g", x, y, want)
	}
}

// TestAddScale checks that e + e = 2 e in every form.
func TestAddScale(t *testing.T) {
	sum, twice := fullEdit(), fullEdit()
	if err := sum.Add(fullEdit()); err != nil {
		t.Fatal(err)
	}
	twice.Scale(2)
	if twice.Meta.Strength != 2 {
		t.Errorf("strength %g", twice.Meta.Strength)
	}
	for _, r := range sum.Roles() {
		a, b := sum.Parts[r], twice.Parts[r]
		if a.Carriers != nil && !reflect.DeepEqual(a.Carriers, b.Carriers) {
			t.Errorf("%s: carriers differ", r)
		}
		for i := range a.Rows {
			x, y := make([]float32, a.Cols), make([]float32, a.Cols)
			a.addFloats(x, i)
			b.addFloats(y, i)
			for j := range x {
				if d := x[j] - y[j]; d > 1e-5 || d < -1e-5 {
					t.Fatalf("%s row %d col %d: %g and %g", r, i, j, x[j], y[j])
				}
			}
		}
	}
	other := fullEdit()
	other.Parts[down1].Carriers.Grid = strings.Repeat("ee", 32)
	if err := sum.Add(other); err == nil {
		t.Error("carriers of two tensors were added")
	}
	other = fullEdit()
	other.Parts[norm0].Cols = 9
	if err := sum.Add(other); err == nil {
		t.Error("different shapes were added")
	}
}

func TestColumnsUnion(t *testing.T) {
	a := &Columns{[]int32{1, 4}, []float32{1, 2, 3, 4}}
	b := &Columns{[]int32{0, 4}, []float32{10, 20, 30, 40}}
	want := &Columns{[]int32{0, 1, 4}, []float32{10, 1, 22, 30, 3, 44}}
	if got := a.plus(b, 2); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// withHeader replaces the JSON of a file.
func withHeader(data []byte, change func(h map[string]any)) []byte {
	n := binary.LittleEndian.Uint64(data)
	var h map[string]any
	if err := json.Unmarshal(data[8:8+n], &h); err != nil {
		panic(err)
	}
	change(h)
	js, err := json.Marshal(h)
	if err != nil {
		panic(err)
	}
	return rawHeader(string(js), data[8+n:])
}

func rawHeader(js string, body []byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(js)))
	return append(append(b, js...), body...)
}

func TestHostileEdits(t *testing.T) {
	good := encode(t, fullEdit(), false)
	if _, err := Decode(good); err != nil {
		t.Fatal(err)
	}
	body := good[8+binary.LittleEndian.Uint64(good):]
	tensor := func(name, field string, v any) []byte {
		return withHeader(good, func(h map[string]any) { h[name].(map[string]any)[field] = v })
	}
	meta := func(key string, v any) []byte {
		return withHeader(good, func(h map[string]any) { h["__metadata__"].(map[string]any)[key] = v })
	}
	const delta, index = "blk.0.ffn_down.delta", "blk.0.ffn_down.index"
	flip := func(at int, b ...byte) []byte {
		c := bytes.Clone(good)
		copy(c[at:], b)
		return c
	}
	cases := map[string][]byte{
		"empty":                 {},
		"short":                 good[:7],
		"header past the end":   flip(0, 255, 255, 255),
		"header of 2^63":        flip(0, 0, 0, 0, 0, 0, 0, 0, 128),
		"cut data":              good[:len(good)-1],
		"more data":             append(bytes.Clone(good), 0),
		"no JSON":               rawHeader("not json", body),
		"JSON array":            rawHeader("[]", body),
		"text after":            rawHeader("{} {}", nil),
		"repeated name":         rawHeader(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, make([]byte, 8)),
		"unclosed":              rawHeader(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}`, make([]byte, 4)),
		"no metadata":           withHeader(good, func(h map[string]any) { delete(h, "__metadata__") }),
		"metadata not strings":  withHeader(good, func(h map[string]any) { h["__metadata__"] = map[string]any{"a": 1} }),
		"later version":         meta("detox.version", "2"),
		"version 0":             meta("detox.version", "0"),
		"seeds not a list":      meta("detox.seeds", "{}"),
		"parts not JSON":        meta("detox.parts", "x"),
		"unknown role":          meta("detox.parts", `{"blk.0.nothing":{"shape":[1,1]}}`),
		"part without tensors":  meta("detox.parts", `{"blk.7.ffn_down":{"shape":[1,1]}}`),
		"no parts":              meta("detox.parts", `{}`),
		"unknown dtype":         tensor(delta, "dtype", "F64"),
		"negative dimension":    tensor(delta, "shape", []int{-4, -64}),
		"zero dimension":        tensor(delta, "shape", []int{0, 64}),
		"overflowing shape":     tensor(delta, "shape", []int64{1 << 40, 1 << 40}),
		"other shape":           tensor(delta, "shape", []int{64, 4}),
		"too many dimensions":   tensor(delta, "shape", []int{1, 1, 1, 4, 64}),
		"shape against bytes":   tensor(delta, "shape", []int{4, 63}),
		"overlap":               tensor(delta, "data_offsets", []int{4, 1028}),
		"end before start":      tensor(delta, "data_offsets", []int{1028, 4}),
		"negative offset":       tensor(delta, "data_offsets", []int{-1024, 0}),
		"huge offset":           tensor(delta, "data_offsets", []int64{1 << 62, 1<<62 + 1024}),
		"index as floats":       tensor(index, "dtype", "F32"),
		"carriers of no type":   bytes.Replace(good, []byte(`\"type\":\"Q4_1\"`), []byte(`\"type\":\"Q8_1\"`), 1),
		"carriers, other type":  bytes.Replace(good, []byte(`\"type\":\"Q4_1\"`), []byte(`\"type\":\"Q6_K\"`), 1),
		"carriers without mins": bytes.Replace(good, []byte(`\"type\":\"Q8_0\"`), []byte(`\"type\":\"Q5_1\"`), 1),
	}
	h, _, err := parseSafetensors(good)
	if err != nil {
		t.Fatal(err)
	}
	start := len(good) - len(body)
	for _, a := range h {
		n := 4 * int(elements(a.Shape))
		switch a.Name {
		case index:
			cases["columns out of order"] = flip(start, 9)
			cases["column out of range"] = flip(start+8, 200)
		case delta:
			cases["not finite"] = flip(start, 0, 0, 0x80, 0x7f)
		}
		start += n
	}
	for name, data := range cases {
		e, err := Decode(data)
		if err == nil {
			t.Errorf("%s: read as %v", name, e.Roles())
			continue
		}
		if !errors.Is(err, ErrFormat) || strings.Contains(err.Error(), "\n") || len(err.Error()) > 300 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Load(t.TempDir()); err == nil {
		t.Error("a folder was read")
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(f, fullEdit(), false))
	f.Add(encode(f, fullEdit(), true))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := Decode(data)
		if err != nil {
			return
		}
		again, err := Decode(encode(t, e, false))
		if err != nil || len(again.Parts) != len(e.Parts) {
			t.Errorf("written again: %v", err)
		}
	})
}
