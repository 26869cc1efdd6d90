package mix

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/detox-surgery/detox-surgery/gguf"
)

// TestImportanceAsLlamaQuantize compares what is made with files of llama-imatrix, in both
// formats and with experts that saw nothing, with llama-quantize: every byte.
func TestImportanceAsLlamaQuantize(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "imatrix.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]string
	if err := json.Unmarshal(raw, &want); err != nil || len(want) < 20 {
		t.Fatalf("%d goldens, %v", len(want), err)
	}
	for key, hash := range want {
		t.Run(key, func(t *testing.T) {
			file, recipe, _ := strings.Cut(key, " ")
			im, err := OpenImportance(filepath.Join("testdata", file))
			if err != nil {
				t.Fatal(err)
			}
			r, ok := Find(recipe)
			if !ok {
				t.Fatalf("no recipe %s", recipe)
			}
			model, _, _ := strings.Cut(strings.TrimPrefix(file, "imatrix-"), ".")
			f := small(t, model)
			g := requantized(t, f, r, &Options{Importance: im}, 2)
			if hashOf(g) != hash {
				t.Error("tensors differ from llama-quantize's")
			}
			if hashOf(requantized(t, f, r, &Options{}, 2)) == hash {
				t.Error("the importance matrix changes nothing")
			}
		})
	}
}

// dat builds a file of the older format.
func dat(parts ...any) []byte {
	var b bytes.Buffer
	for _, p := range parts {
		if s, ok := p.(string); ok {
			b.WriteString(s)
		} else if err := binary.Write(&b, binary.LittleEndian, p); err != nil {
			panic(err)
		}
	}
	return b.Bytes()
}

func TestImportanceDat(t *testing.T) {
	entry := dat(int32(1), "a", int32(4), int32(2), []float32{8, 2})
	whole := append(dat(int32(1)), entry...)
	im, err := ReadImportanceDat(bytes.NewReader(whole), int64(len(whole)))
	if err != nil || len(im["a"]) != 2 || im["a"][0] != 2 || im["a"][1] != 0.5 {
		t.Errorf("%v, %v", im, err)
	}
	if _, err := ReadImportanceDat(bytes.NewReader(append(bytes.Clone(whole), 1, 2, 3)), int64(len(whole))+3); err != nil {
		t.Errorf("with something after the entries: %v", err)
	}
	for n := range whole {
		if _, err := ReadImportanceDat(bytes.NewReader(whole[:n]), int64(n)); !errors.Is(err, ErrImportance) {
			t.Errorf("the first %d bytes: %v", n, err)
		}
	}
	for name, raw := range map[string][]byte{
		"no entries":             dat(int32(0), make([]byte, 40)),
		"entries below none":     dat(int32(-1), make([]byte, 40)),
		"2^31-1 entries":         append(dat(int32(math.MaxInt32)), entry...),
		"a name of 2^31-1 bytes": dat(int32(1), int32(math.MaxInt32), make([]byte, 40)),
		"a name below none":      dat(int32(1), int32(-5), make([]byte, 40)),
		"2^31-1 values":          dat(int32(1), int32(1), "a", int32(4), int32(math.MaxInt32), []float32{8, 2, 3, 4}),
		"values below none":      dat(int32(1), int32(1), "a", int32(4), int32(-2), []float32{8, 2, 3, 4}),
		"no values":              dat(int32(1), int32(1), "a", int32(4), int32(0), []float32{8, 2, 3, 4}),
		"an entry twice":         append(append(dat(int32(2)), entry...), entry...),
		"not a number":           dat(int32(1), int32(1), "a", int32(4), int32(1), float32(math.NaN())),
		"infinite":               dat(int32(1), int32(1), "a", int32(0), int32(1), float32(math.Inf(1))),
		"text":                   []byte("This is no importance matrix of whatever format."),
	} {
		path := filepath.Join(t.TempDir(), "x.dat")
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenImportance(path); !errors.Is(err, ErrImportance) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestImportance: weights change the codes, and files that are not of llama-imatrix are refused.
func TestImportance(t *testing.T) {
	f := small(t, "llama")
	if _, err := ReadImportance(f); !errors.Is(err, ErrImportance) || !strings.Contains(err.Error(), "general.type") {
		t.Errorf("a model as importance matrix: %v", err)
	}
	q, _ := Find("Q4_1")
	name := "blk.0.ffn_up.weight"
	w := make([]float32, f.Tensor(name).Cols())
	for i := range w {
		w[i] = float32(1 + 50*(i%7))
	}
	plain := requantized(t, f, q, &Options{}, 1)
	o := &Options{Importance: Importance{name: w}}
	if weighed := requantized(t, f, q, o, 2); bytes.Equal(plain.Tensor(name).Raw(), weighed.Tensor(name).Raw()) {
		t.Error("weights change nothing")
	}
	o.Importance[name] = w[1:]
	targets, err := Plan(f, q, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Write(new(bytes.Buffer), f, q, targets, o, nil, nil); err == nil {
		t.Error("31 weights for rows of 32")
	}
}

// FuzzImportance: no bytes make either reader fail other than by an error, and no count in
// them makes more values than there are bytes.
func FuzzImportance(f *testing.F) {
	for _, name := range []string{"imatrix-mistral.dat", "imatrix-mixtral.dat", "imatrix-mistral.gguf", "imatrix-mixtral.gguf"} {
		raw, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add(dat(int32(1), int32(1), "a", int32(4), int32(2), []float32{8, 2}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		im, err := ReadImportanceDat(bytes.NewReader(raw), int64(len(raw)))
		checkImportance(t, im, err, len(raw))
		if g, err := gguf.Parse(raw); err == nil {
			im, err := ReadImportance(g)
			checkImportance(t, im, err, len(raw))
		}
	})
}

func checkImportance(t *testing.T, im Importance, err error, size int) {
	t.Helper()
	if (err == nil) != (im != nil) {
		t.Fatalf("%d entries and error %v", len(im), err)
	}
	n := 0
	for _, x := range im {
		n += len(x)
	}
	if 4*n > size {
		t.Fatalf("%d values in %d bytes", n, size)
	}
}
