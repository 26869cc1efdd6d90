package export

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/surgery/edit"
	"github.com/detox-surgery/detox-surgery/train/data"
	"github.com/detox-surgery/detox-surgery/train/model"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

const testRank = 2 // of every change that moved makes

func archFile(name string) string {
	return filepath.Join("..", "..", "train", "model", "testdata", "arch", name+".gguf")
}

func openGGUF(t *testing.T, path string) *gguf.File {
	t.Helper()
	f, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// moved writes a copy of a model whose matrices that pick chooses have a product of rank
// testRank added, in F32, and opens it.
func moved(t *testing.T, f *gguf.File, pick func(name string) bool) *gguf.File {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 4))
	e := gguf.Edits{Data: map[string]gguf.Replacement{}}
	for _, ts := range f.Tensors {
		if len(ts.Dims) < 2 || !pick(ts.Name) {
			continue
		}
		w := make([]float32, ts.Rows()*ts.Cols())
		ts.DequantRows(w, ts.Cols(), 0, ts.Rows())
		for e := range newChange(ts, ts, ts).Experts {
			n := ts.Rows() / newChange(ts, ts, ts).Experts
			addProduct(rng, w[e*n*ts.Cols():(e+1)*n*ts.Cols()], n, ts.Cols())
		}
		raw := make([]byte, 4*len(w))
		quant.F32.Encode(raw, w)
		e.Data[ts.Name] = gguf.Replacement{Type: quant.F32, Bytes: raw}
	}
	path := filepath.Join(t.TempDir(), "edited.gguf")
	if err := gguf.WriteFile(path, false, func(w io.Writer) error { _, err := f.WriteTo(w, e); return err }); err != nil {
		t.Fatal(err)
	}
	return openGGUF(t, path)
}

func addProduct(rng *rand.Rand, w []float32, n, k int) {
	for range testRank {
		u, v := make([]float32, n), make([]float32, k)
		for i := range u {
			u[i] = float32(rng.NormFloat64() * 0.3)
		}
		for i := range v {
			v[i] = float32(rng.NormFloat64() * 0.3)
		}
		for i := range w {
			w[i] += u[i/k] * v[i%k]
		}
	}
}

func everything(name string) bool { return !strings.HasPrefix(name, "rope_") }

func export(t *testing.T, form string, in *Input, out string) *Result {
	t.Helper()
	f, ok := Find(form)
	if !ok {
		t.Fatalf("no form %s", form)
	}
	if in.Rank.Max == 0 {
		in.Rank.Max = 8
	}
	r, err := Write(context.Background(), f, in, out)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func decoded(t *gguf.Tensor) []float32 {
	w := make([]float32, t.Rows()*t.Cols())
	t.DequantRows(w, t.Cols(), 0, t.Rows())
	return w
}

// product adds scale B A to w [n, k], a [r, k], b [n, r].
func product(w, a, b []float32, r int, scale float64) {
	k := len(a) / r
	for i := range w {
		var s float64
		for j := range r {
			s += float64(b[i/k*r+j]) * float64(a[j*k+i%k])
		}
		w[i] += float32(scale * s)
	}
}

func largest(a, b []float32) (d float64) {
	for i := range a {
		d = max(d, math.Abs(float64(a[i])-float64(b[i])))
	}
	return d
}

// TestLoRAIsTheChange: parent plus product is the edited file, for every architecture,
// experts and embeddings among them.
func TestLoRAIsTheChange(t *testing.T) {
	files, _ := filepath.Glob(archFile("*"))
	if len(files) < 10 {
		t.Fatal("no models")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			parent := openGGUF(t, file)
			edited := moved(t, parent, everything)
			out := filepath.Join(t.TempDir(), "lora.gguf")
			r := export(t, "lora", &Input{Parent: parent, Edited: edited}, out)
			ad := openGGUF(t, out)
			alpha, _ := ad.Float("adapter.lora.alpha")
			if kind, _ := ad.String("general.type"); kind != "adapter" || alpha != testRank {
				t.Errorf("general.type %q, alpha %g", kind, alpha)
			}
			for _, x := range r.Tensors {
				a, b, p, q := ad.Tensor(x.Name+".lora_a"), ad.Tensor(x.Name+".lora_b"), parent.Tensor(x.Name), edited.Tensor(x.Name)
				if x.Rank != testRank || x.Energy < 1-1e-5 {
					t.Errorf("%s: rank %d, energy %g", x.Name, x.Rank, x.Energy)
				}
				fa, fb, rank := decoded(a), decoded(b), x.Rank
				if x.Name == tokenEmbd {
					fa, fb = transposed(fb, b.Rows(), rank), fa
				}
				w := decoded(p)
				e := newChange(p, p, p).Experts
				for i := range e {
					product(w[i*len(w)/e:(i+1)*len(w)/e], fa[i*len(fa)/e:(i+1)*len(fa)/e], fb[i*len(fb)/e:(i+1)*len(fb)/e], rank, alpha/float64(rank))
				}
				if d := largest(w, decoded(q)); d > 2e-5 {
					t.Errorf("%s: off by %g", x.Name, d)
				}
			}
			if got := len(r.Tensors) + len(r.Left); got != len(matrices(parent)) {
				t.Errorf("%d tensors written and %d left out of %d", len(r.Tensors), len(r.Left), len(matrices(parent)))
			}
		})
	}
}

func matrices(f *gguf.File) (names []string) {
	for _, ts := range f.Tensors {
		if len(ts.Dims) > 1 && everything(ts.Name) {
			names = append(names, ts.Name)
		}
	}
	return names
}

// TestRanksDiffer: with the rank chosen by energy tensors have different ones, and the
// one alpha of the file still scales all of them by 1.
func TestRanksDiffer(t *testing.T) {
	parent := openGGUF(t, archFile("qwen2"))
	once := moved(t, parent, func(n string) bool { return strings.Contains(n, "ffn") })
	twice := moved(t, once, func(n string) bool { return strings.Contains(n, "blk.1.ffn_down") })
	out := filepath.Join(t.TempDir(), "lora.gguf")
	r := export(t, "lora", &Input{Parent: parent, Edited: twice, Rank: Rank{Max: 16, Energy: 0.9999999}}, out)
	ad := openGGUF(t, out)
	alpha, _ := ad.Float("adapter.lora.alpha")
	ranks := map[int]bool{}
	for _, x := range r.Tensors {
		ranks[x.Rank] = true
		w := decoded(parent.Tensor(x.Name))
		product(w, decoded(ad.Tensor(x.Name+".lora_a")), decoded(ad.Tensor(x.Name+".lora_b")), x.Rank, alpha/float64(x.Rank))
		if d := largest(w, decoded(twice.Tensor(x.Name))); d > 1e-3 {
			t.Errorf("%s: off by %g", x.Name, d)
		}
	}
	if len(ranks) < 2 {
		t.Errorf("ranks %v", ranks)
	}
}

// randomEdit changes a gain and a matrix.
func randomEdit(m *model.Model) *edit.Edit {
	e := edit.New(edit.Meta{})
	rng := rand.New(rand.NewPCG(1, 1))
	for _, r := range []model.Role{{Kind: model.FFNDown, Block: 1}, {Kind: model.FFNNorm, Block: 1}} {
		t := m.Tensor(r)
		p := &edit.Part{Rows: t.Rows(), Cols: t.Cols(), Delta: make([]float32, t.Rows()*t.Cols())}
		for i := range p.Delta {
			p.Delta[i] = float32(rng.NormFloat64() * 0.1)
		}
		e.Parts[r] = p
	}
	return e
}

// TestFromAnEditFile: the float edit is what counts; a gain is left out and said so.
func TestFromAnEditFile(t *testing.T) {
	parent := openGGUF(t, archFile("llama"))
	m, err := model.Open(parent)
	if err != nil {
		t.Fatal(err)
	}
	e := randomEdit(m)
	out := filepath.Join(t.TempDir(), "lora.gguf")
	r := export(t, "lora", &Input{Parent: parent, Edit: e, Rank: Rank{Max: 64}}, out)
	if len(r.Tensors) != 1 || len(r.Left) != 1 || r.Left[0].Name != "blk.1.ffn_norm.weight" {
		t.Fatalf("%+v", r)
	}
	ad := openGGUF(t, out)
	name := "blk.1.ffn_down.weight"
	w := make([]float32, parent.Tensor(name).Rows()*parent.Tensor(name).Cols())
	product(w, decoded(ad.Tensor(name+".lora_a")), decoded(ad.Tensor(name+".lora_b")), r.Tensors[0].Rank, 1)
	if d := largest(w, e.Parts[model.Role{Kind: model.FFNDown, Block: 1}].Delta); d > 1e-5 || r.Tensors[0].Rank != 32 {
		t.Errorf("off by %g at rank %d", d, r.Tensors[0].Rank)
	}
	if m.Matrix(model.Role{Kind: model.FFNDown, Block: 1}) == nil {
		t.Error("the model lost a matrix")
	}
}

// TestRefusals: bad input gives a known error and writes nothing.
func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	parent := openGGUF(t, archFile("llama"))
	edited := moved(t, parent, everything)
	other := openGGUF(t, archFile("qwen2"))
	for name, c := range map[string]struct {
		form string
		in   Input
		want error
	}{
		"same file":          {"lora", Input{Parent: parent, Edited: parent, Rank: Rank{Max: 4}}, ErrNothing},
		"other model":        {"lora", Input{Parent: parent, Edited: other, Rank: Rank{Max: 4}}, edit.ErrMismatch},
		"rank 0":             {"lora", Input{Parent: parent, Edited: edited}, ErrOption},
		"energy 2":           {"peft", Input{Parent: parent, Edited: edited, Rank: Rank{Max: 4, Energy: 2}}, ErrOption},
		"energy NaN":         {"peft", Input{Parent: parent, Edited: edited, Rank: Rank{Max: 4, Energy: math.NaN()}}, ErrOption},
		"no pairs":           {"control-vector", Input{Parent: parent, Edited: edited}, ErrOption},
		"no change of state": {"control-vector", Input{Parent: parent, Edited: parent, Pairs: somePairs}, ErrNothing},
		"line break":         {"modelfile", Input{Parent: parent, Model: "a\nb"}, ErrOption},
	} {
		f, _ := Find(c.form)
		out := filepath.Join(dir, "out")
		if _, err := Write(context.Background(), f, &c.in, out); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: left behind %v (%v)", name, left, err)
		}
	}
	out := filepath.Join(dir, "taken")
	if err := os.WriteFile(out, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, _ := Find("lora")
	if _, err := Write(context.Background(), f, &Input{Parent: parent, Edited: edited, Rank: Rank{Max: 2}}, out); !errors.Is(err, fs.ErrExist) {
		t.Errorf("existing output: %v", err)
	}
}

var somePairs = []data.Pair{
	{Prompt: "The weather", Chosen: " is fine today.", Rejected: " is awful today."},
	{Prompt: "My friend", Chosen: " came to the house.", Rejected: " left the house."},
}

// TestVector: the direction of block 1, the first that has one, is the mean difference
// of the streams.
func TestVector(t *testing.T) {
	parent := openGGUF(t, archFile("qwen2"))
	m, err := model.Open(parent)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range []string{"blk.0.", "blk.1."} {
		edited := moved(t, parent, func(n string) bool { return strings.HasPrefix(n, block+"ffn_down") })
		out := filepath.Join(t.TempDir(), "cv.gguf")
		r := export(t, "control-vector", &Input{Parent: parent, Edited: edited, Pairs: somePairs}, out)
		cv := openGGUF(t, out)
		hint, _ := cv.String("controlvector.model_hint")
		if n, ok := cv.Get("controlvector.layer_count"); !ok || n != int32(1) || hint != "qwen2" || len(r.Tensors) != 1 {
			t.Errorf("layer_count %v, hint %q", n, hint)
		}
		em, err := model.Open(edited)
		if err != nil {
			t.Fatal(err)
		}
		want := plainDifference(t, m, em)
		if d := largest(decoded(cv.Tensor("direction.1")), want); d > 1e-5 {
			t.Errorf("%s: direction.1 is off by %g", block, d)
		}
	}
}

// plainDifference is the mean difference of what leaves block 1 over all tokens but the
// first of each text. Nothing is added before it, since block 0 has no direction.
func plainDifference(t *testing.T, parent, edited *model.Model) []float32 {
	t.Helper()
	sum := make([]float64, parent.Config().Width)
	n := 0.0
	for _, p := range somePairs {
		for _, text := range []string{p.Chosen, p.Rejected} {
			ids := data.EncodePair(parent.Tokenizer(), p.Prompt, text, 0).IDs
			a, b := stream(parent, ids), stream(edited, ids)
			for i := len(sum); i < len(a); i++ {
				sum[i%len(sum)] += float64(b[i]) - float64(a[i])
			}
			n += float64(len(ids) - 1)
		}
	}
	out := make([]float32, len(sum))
	for i, x := range sum {
		out[i] = float32(x / n)
	}
	return out
}

func TestModelfile(t *testing.T) {
	dir := t.TempDir()
	parent := openGGUF(t, archFile("llama"))
	path := filepath.Join(dir, "model with space.gguf")
	set := gguf.Edits{Set: []gguf.KV{kv("general.sampling.temp", float32(0.2)), kv("general.sampling.top_k", int32(20))}}
	if err := gguf.WriteFile(path, false, func(w io.Writer) error { _, err := parent.WriteTo(w, set); return err }); err != nil {
		t.Fatal(err)
	}
	f := openGGUF(t, path)
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "sub", "Modelfile")
	export(t, "modelfile", &Input{Parent: f, Model: path, Adapter: filepath.Join(dir, "sub", "a.gguf")}, out)
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	want := "FROM ../model with space.gguf\nADAPTER ./a.gguf\nPARAMETER temperature 0.2\nPARAMETER top_k 20\nPARAMETER stop \"</s>\"\n"
	if string(got) != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if quoted(`a"b`) != `"""a"b"""` {
		t.Error("a quote in a stop text is not quoted")
	}
}

// stream is what leaves block 1.
func stream(m *model.Model, ids []int32) []float32 {
	h := m.Forward(nn.NewTape(nil, false), model.NewBatch(ids), model.ForwardOptions{KeepBlocks: true})
	return slices.Clone(h.Blocks[1].X)
}
