package edit

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/surgery/internal/tinymodel"
	"github.com/detox-surgery/detox-surgery/train/model"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

// gridTypes are the types with a grid and an encoder whose carriers can move,
// coarseTypes those whose carriers cannot, vectorTypes those with a codebook and no
// encoder; floatTypes hold plain floats.
var (
	gridTypes = []quant.Type{
		quant.Q4_0, quant.Q4_1, quant.Q5_0, quant.Q5_1, quant.Q8_0, quant.Q2K, quant.Q3K, quant.Q4K, quant.Q5K, quant.Q6K,
		quant.IQ4NL, quant.IQ4XS, quant.TQ1_0, quant.TQ2_0, quant.Q1_0, quant.Q2_0,
	}
	coarseTypes = []quant.Type{quant.MXFP4, quant.NVFP4}
	vectorTypes = []quant.Type{quant.IQ1S, quant.IQ1M, quant.IQ2XXS, quant.IQ2XS, quant.IQ2S, quant.IQ3XXS, quant.IQ3S}
	floatTypes  = []quant.Type{quant.F32, quant.F16, quant.BF16}
)

// carrierEdit moves the carriers of ffn_down of block 1 by about std.
func carrierEdit(m *model.Model, std float64) *Edit {
	rng := rand.New(rand.NewPCG(5, 6))
	t := m.Tensor(down1)
	g, _ := t.Type.Grid()
	n := t.Rows() * t.Cols() / g.Group
	ps := []*nn.Param{{X: randoms(rng, n, std)}}
	if g.HasMin {
		ps = append(ps, &nn.Param{X: randoms(rng, n, std)})
	}
	e := New(Meta{Arch: "llama", Method: "test", Parameters: json.RawMessage(`{"a":1}`), Tool: "1"})
	e.Parts[down1] = &Part{Rows: t.Rows(), Cols: t.Cols(), Carriers: NewCarriers(t, ps)}
	return e
}

// deltaEdit adds noise of that relative size to ffn_down of block 1 and moves a gain.
func deltaEdit(m *model.Model, rel float64) *Edit {
	rng := rand.New(rand.NewPCG(7, 8))
	t := m.Tensor(down1)
	e := New(Meta{Arch: "llama", Method: "test"})
	std := rel / math.Sqrt(tinymodel.FFN)
	e.Parts[down1] = &Part{Rows: t.Rows(), Cols: t.Cols(), Delta: randoms(rng, t.Rows()*t.Cols(), std)}
	e.Parts[norm0] = &Part{Rows: 1, Cols: tinymodel.Width, Delta: randoms(rng, tinymodel.Width, 0.01)}
	return e
}

func sequences(n, length int) [][]int32 {
	rng := rand.New(rand.NewPCG(9, 10))
	seqs := make([][]int32, n)
	for i := range seqs {
		for range length {
			seqs[i] = append(seqs[i], int32(rng.IntN(tinymodel.Vocab)))
		}
	}
	return seqs
}

// hidden is the final states of a model on some text.
func hidden(m *model.Model) []float32 {
	tp := nn.NewTape(nil, false)
	h := m.Forward(tp, model.NewBatch(sequences(2, 12)...), model.ForwardOptions{})
	return append([]float32(nil), h.Last.X...)
}

// distance is ‖a-b‖ / ‖b‖.
func distance(a, b []float32) float64 {
	var d, n float64
	for i, x := range b {
		d += float64(a[i]-x) * float64(a[i]-x)
		n += float64(x) * float64(x)
	}
	return math.Sqrt(d / n)
}

func attached(t *testing.T, m *model.Model, e *Edit) []float32 {
	t.Helper()
	before := hidden(m)
	a, err := Attach(m, e)
	if err != nil {
		t.Fatal(err)
	}
	with := hidden(m)
	a.Detach()
	if distance(hidden(m), before) != 0 {
		t.Error("Detach left something behind")
	}
	return with
}

// TestWriteCarriers checks for every editable type that the written file computes
// what the float edit computes, up to the rounding of carriers to f16, and that
// nothing but carriers changed.
func TestWriteCarriers(t *testing.T) {
	for _, typ := range slices.Concat(gridTypes, vectorTypes) {
		t.Run(typ.String(), func(t *testing.T) {
			m := tinymodel.Open(t, tinymodel.Config{Type: typ, Seed: 1})
			e := carrierEdit(m, 0.05)
			want, before := attached(t, m, e), hidden(m)
			out := filepath.Join(t.TempDir(), "out.gguf")
			res, err := Write(m, e, out, Options{})
			if err != nil {
				t.Fatal(err)
			}
			w := tinymodel.OpenPath(t, out)
			moved, off := distance(want, before), distance(hidden(w), want)
			if moved < 1e-3 || off > 0.03*moved {
				t.Errorf("the edit moves the output by %g, the file is %g from it", moved, off)
			}
			r := res.Tensors[0]
			if r.Codes != 0 || r.Scales < 0.9 || math.Abs(r.Survived-1) > 0.02 || r.FunctionalError > 0.03 || r.Method != "carriers" {
				t.Errorf("%+v", r)
			}
			untouched(t, m.File(), w.File(), m.Tensor(down1).Name)
		})
	}
}

// untouched checks that all tensors but the named ones have the same bytes.
func untouched(t *testing.T, a, b *gguf.File, except ...string) {
	t.Helper()
	for _, x := range a.Tensors {
		y := b.Tensor(x.Name)
		if strings.Contains(strings.Join(except, " "), x.Name) {
			if y.Type == x.Type && bytes.Equal(x.Raw(), y.Raw()) {
				t.Errorf("%s did not change", x.Name)
			}
		} else if y == nil || y.Type != x.Type || !bytes.Equal(x.Raw(), y.Raw()) {
			t.Errorf("%s changed", x.Name)
		}
	}
}

func TestWriteFloats(t *testing.T) {
	for _, typ := range floatTypes {
		t.Run(typ.String(), func(t *testing.T) {
			m := tinymodel.Open(t, tinymodel.Config{Type: typ, Seed: 2})
			e := deltaEdit(m, 0.05)
			want, before := attached(t, m, e), hidden(m)
			out := filepath.Join(t.TempDir(), "out.gguf")
			if _, err := Write(m, e, out, Options{}); err != nil {
				t.Fatal(err)
			}
			w := tinymodel.OpenPath(t, out)
			if moved, off := distance(want, before), distance(hidden(w), want); moved < 1e-3 || off > 0.1*moved {
				t.Errorf("the edit moves the output by %g, the file is %g from it", moved, off)
			}
			untouched(t, m.File(), w.File(), m.Tensor(down1).Name, m.Tensor(norm0).Name)
		})
	}
}

// TestEditedType checks that a higher type keeps a small edit that the file's own
// type loses.
func TestEditedType(t *testing.T) {
	m := tinymodel.Open(t, tinymodel.Config{Type: quant.Q4_1, Seed: 2})
	e := deltaEdit(m, 0.03)
	delete(e.Parts, norm0)
	for _, c := range []struct {
		to       quant.Type
		min, max float64
	}{{quant.F32, 0, 0.3}, {quant.Q8_0, 0.9, 1.1}, {quant.F16, 0.99, 1.01}} {
		res, err := Write(m, e, filepath.Join(t.TempDir(), "o"), Options{Rounding: Nearest, EditedType: c.to})
		if err != nil {
			t.Fatal(err)
		}
		if s := res.Tensors[0].Survived; s < c.min || s > c.max {
			t.Errorf("as %s %g of the edit survived", res.Tensors[0].Type, s)
		}
		if typ := tinymodel.OpenPath(t, res.Out).Tensor(down1).Type; c.to != quant.F32 && typ != c.to {
			t.Errorf("written as %s, want %s", typ, c.to)
		}
	}
}

// TestRoundings compares the roundings of a change far below a step on
// correlated activations: aware must beat grid and nearest by far.
func TestRoundings(t *testing.T) {
	cal := Calibration{down1: correlated(tinymodel.FFN)}
	for _, typ := range gridTypes {
		t.Run(typ.String(), func(t *testing.T) {
			m := tinymodel.Open(t, tinymodel.Config{Type: typ, Seed: 3})
			e := deltaEdit(m, 0.02)
			errs := map[Rounding]float64{}
			for _, r := range Roundings() {
				res, err := Write(m, e, filepath.Join(t.TempDir(), "o"), Options{Rounding: r, Calibration: cal})
				if err != nil {
					t.Fatal(err)
				}
				errs[r] = res.Tensors[1].FunctionalError
				if !res.Tensors[1].Calibrated || res.Tensors[1].Role != "blk.1.ffn_down" {
					t.Errorf("%+v", res.Tensors[1])
				}
			}
			t.Logf("functional error: %v", errs)
			floor := min(errs[OnGrid], errs[Nearest])
			limit := 0.75 * floor
			few := typ == quant.Q2K || typ == quant.TQ1_0 || typ == quant.TQ2_0 || typ == quant.Q1_0 || typ == quant.Q2_0
			if few { // a code is many times the edit
				limit = 0.96 * floor
			}
			if errs[Aware] > limit || errs[Auto] != errs[Aware] {
				t.Errorf("functional error %v", errs)
			}
			// Scales alone cannot reach further than the groups they move, but
			// always part of the way; aware tries both and joins them.
			if errs[Codes] >= floor && !few && typ != quant.Q3K || errs[Refit] >= 0.99 || errs[Aware] > 1.001*min(errs[Codes], errs[Refit]) {
				t.Errorf("functional error %v", errs)
			}
		})
	}
}

// TestSmallEdit writes a random edit of half a percent in every type with a grid,
// by encoding blocks anew and by aware rounding, and looks at the layer's output on
// correlated activations: how much of the edit's effect is there, and how much else.
func TestSmallEdit(t *testing.T) {
	cal := Calibration{down1: correlated(tinymodel.FFN)}
	for _, typ := range slices.Concat(gridTypes, coarseTypes, vectorTypes) {
		t.Run(typ.String(), func(t *testing.T) {
			m := tinymodel.Open(t, tinymodel.Config{Type: typ, Seed: 12})
			e := deltaEdit(m, 0.005)
			delete(e.Parts, norm0)
			dir := t.TempDir()
			nearest, near := effect(t, m, e, cal, Nearest, filepath.Join(dir, "n"))
			aware, far := effect(t, m, e, cal, Aware, filepath.Join(dir, "a"))
			t.Logf("nearest: share %.3f, error %.3f; aware: share %.3f, error %.3f", nearest, near, aware, far)
			if far > 1 || far > near || aware < 0 {
				t.Errorf("nearest: share %g, error %g; aware: share %g, error %g", nearest, near, aware, far)
			}
			if slices.Contains(gridTypes, typ) && (far > 0.98 || aware < 0.03) {
				t.Errorf("aware rounding lost the edit: share %g, error %g", aware, far)
			}
		})
	}
}

// TestVectorRoundings: an edit of the size of the weights, for which vectors of the
// codebook must be exchanged, reaches the file by every rounding but Nearest.
func TestVectorRoundings(t *testing.T) {
	cal := Calibration{down1: correlated(tinymodel.FFN)}
	for _, typ := range vectorTypes {
		m := tinymodel.Open(t, tinymodel.Config{Type: typ, Seed: 13})
		e := deltaEdit(m, 1)
		delete(e.Parts, norm0)
		errs := map[Rounding]float64{}
		for _, r := range []Rounding{OnGrid, Codes, Aware} {
			res, err := Write(m, e, filepath.Join(t.TempDir(), "o"), Options{Rounding: r, Calibration: cal})
			if err != nil {
				t.Fatal(err)
			}
			errs[r] = res.Tensors[0].FunctionalError
			if res.Tensors[0].Codes < 0.1 {
				t.Errorf("%v by %s: %+v", typ, r, res.Tensors[0])
			}
		}
		t.Logf("%v: functional error %v", typ, errs)
		if errs[OnGrid] > 0.8 || errs[Codes] > errs[OnGrid] || errs[Aware] > errs[Codes] {
			t.Errorf("%v: functional error %v", typ, errs)
		}
	}
}

// effect is the projection of what writing did to the layer's output on what the
// edit does there, and the functional error. A type without encoder, which Nearest
// must refuse, counts as left alone.
func effect(t *testing.T, m *model.Model, e *Edit, cal Calibration, r Rounding, out string) (share, functional float64) {
	t.Helper()
	w, h := m.Tensor(down1), cal[down1]
	res, err := Write(m, e, out, Options{Rounding: r, Calibration: cal})
	if r == Nearest && !w.Type.CanEncode() {
		if !errors.Is(err, model.ErrUnsupported) {
			t.Errorf("%v written by %s: %v", w.Type, r, err)
		}
		return 0, 1
	}
	if err != nil {
		t.Fatal(err)
	}
	n := w.Rows() * w.Cols()
	got, old, y := make([]float32, n), make([]float32, n), make([]float32, n)
	tinymodel.OpenPath(t, out).Tensor(down1).DequantRows(got, w.Cols(), 0, w.Rows())
	w.DequantRows(old, w.Cols(), 0, w.Rows())
	for i, x := range old {
		got[i] -= x
	}
	d := e.Parts[down1].Delta
	simd.Gemm(nil, false, false, w.Rows(), h.N, h.N, d, h.N, h.H, h.N, 0, y, h.N)
	return dot(got, y) / dot(d, y), res.Tensors[0].FunctionalError
}

// correlated is the H of activations with few strong directions.
func correlated(n int) *Hessian {
	rng := rand.New(rand.NewPCG(11, 12))
	const t, rank = 600, 24
	basis := randoms(rng, rank*n, 1)
	x := randoms(rng, t*n, 0.1)
	simd.Gemm(nil, false, false, t, n, rank, randoms(rng, t*rank, 1), rank, basis, n, 1, x, n)
	h := NewHessian(n)
	h.Add(nil, t, x)
	return h
}

// TestCurvature checks the factor U Uᵀ = H.
func TestCurvature(t *testing.T) {
	const n = 64
	c := newCurvature(correlated(n))
	if c == nil {
		t.Fatal("no factor")
	}
	for i := range n {
		for j := range n {
			var s float64
			for k := range n {
				s += float64(c.u[i*n+k]) * float64(c.u[j*n+k])
			}
			if math.Abs(s-float64(c.h[i*n+j])) > 1e-4*float64(c.h[i*n+i]+c.h[j*n+j]) {
				t.Fatalf("H[%d,%d] is %g, U Uᵀ %g", i, j, c.h[i*n+j], s)
			}
			if j < i && c.u[i*n+j] != 0 {
				t.Fatalf("U[%d,%d] is %g", i, j, c.u[i*n+j])
			}
		}
	}
}

// TestStrengthZero: an edit of strength 0 changes no tensor, under any rounding.
func TestStrengthZero(t *testing.T) {
	for _, typ := range []quant.Type{quant.Q4_1, quant.Q4K, quant.Q6K, quant.F16} {
		m := tinymodel.Open(t, tinymodel.Config{Type: typ, Seed: 4})
		e := deltaEdit(m, 0.1)
		if typ != quant.F16 {
			if err := e.Add(carrierEdit(m, 0.1)); err != nil {
				t.Fatal(err)
			}
		}
		e.Scale(0)
		out := filepath.Join(t.TempDir(), "o")
		res, err := Write(m, e, out, Options{EditedType: quant.F16})
		if err != nil || len(res.Tensors) != 0 {
			t.Fatalf("%+v, %v", res, err)
		}
		untouched(t, m.File(), tinymodel.OpenPath(t, out).File())
	}
}

// TestRoundingKeepsZeroRows: rows that an edit leaves alone keep their bytes even
// in a tensor that is rounded.
func TestRoundingKeepsZeroRows(t *testing.T) {
	cal := Calibration{down1: correlated(tinymodel.FFN)}
	for _, typ := range gridTypes {
		m := tinymodel.Open(t, tinymodel.Config{Type: typ, Seed: 5})
		e := deltaEdit(m, 0.5)
		p := e.Parts[down1]
		clear(p.Delta[p.Cols:])
		for _, r := range Roundings() {
			out := filepath.Join(t.TempDir(), "o")
			if _, err := Write(m, e, out, Options{Rounding: r, Calibration: cal}); err != nil {
				t.Fatal(err)
			}
			size := typ.RowBytes(p.Cols)
			a, b := m.Tensor(down1).Raw(), tinymodel.OpenPath(t, out).Tensor(down1).Raw()
			if !bytes.Equal(a[size:], b[size:]) || bytes.Equal(a[:size], b[:size]) {
				t.Errorf("%s %s: rows without a change changed, or the row with one did not", typ, r)
			}
		}
	}
}

// TestTied edits the embedding of a model without a head of its own.
func TestTied(t *testing.T) {
	m := tinymodel.Open(t, tinymodel.Config{Type: quant.Q8_0, Seed: 6})
	embd := model.Role{Kind: model.TokenEmbd}
	e := New(Meta{})
	x := randoms(rand.New(rand.NewPCG(1, 1)), tinymodel.Width*tinymodel.Vocab, 0.2)
	e.Parts[embd] = &Part{Rows: tinymodel.Vocab, Cols: tinymodel.Width, Delta: x}
	cal := Calibrate(m, sequences(4, 40), e.Roles())
	if cal[embd] == nil || cal[embd].Rows != 160 {
		t.Fatalf("calibration %v", cal)
	}
	res, err := Write(m, e, filepath.Join(t.TempDir(), "o"), Options{Calibration: cal})
	if err != nil || len(res.Tensors) != 1 || !res.Tensors[0].Tied {
		t.Fatalf("%+v, %v", res, err)
	}
	if r := res.Tensors[0]; r.Survived < 0.8 || !r.Calibrated {
		t.Errorf("%+v", r)
	}
}

func TestCalibrate(t *testing.T) {
	m := tinymodel.Open(t, tinymodel.Config{Type: quant.F32, Seed: 6, Untied: true})
	q1, head := model.Role{Kind: model.AttnQ, Block: 1}, model.Role{Kind: model.Output}
	up := model.Role{Kind: model.FFNUp}
	seqs := sequences(20, 33)
	cal := Calibrate(m, seqs, []model.Role{down0, q1, head, up})
	if cal[up] != nil || cal[q1] == nil || cal[head] == nil || len(cal) != 3 {
		t.Fatalf("roles of %v", len(cal))
	}
	var want float64
	tp := nn.NewTape(nil, false)
	h := m.Forward(tp, model.NewBatch(seqs...), model.ForwardOptions{KeepActs: true})
	for i := range h.Acts[0].T {
		want += float64(h.Acts[0].X[i*tinymodel.FFN+3]) * float64(h.Acts[0].X[i*tinymodel.FFN+7])
	}
	if got := float64(cal[down0].H[3*tinymodel.FFN+7]); math.Abs(got-want) > 1e-4*math.Abs(want) || cal[down0].Rows != 660 {
		t.Errorf("H[3,7] is %g, want %g, of %d activations", got, want, cal[down0].Rows)
	}
}

// TestDeterminism: the same bytes for any number of workers.
func TestDeterminism(t *testing.T) {
	var first []byte
	for _, workers := range []int{1, 3} {
		m := tinymodel.Open(t, tinymodel.Config{Type: quant.Q4_1, Seed: 7})
		p := simd.NewPool(workers)
		m.SetPool(p)
		e := deltaEdit(m, 0.1)
		out := filepath.Join(t.TempDir(), "o")
		if _, err := Write(m, e, out, Options{Calibration: Calibrate(m, sequences(8, 50), e.Roles())}); err != nil {
			t.Fatal(err)
		}
		p.Close()
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = data
		} else if !bytes.Equal(first, data) {
			t.Error("the bytes depend on the number of workers")
		}
	}
}

func TestProvenance(t *testing.T) {
	m := tinymodel.Open(t, tinymodel.Config{Type: quant.Q4_1, Seed: 8})
	e := carrierEdit(m, 0.05)
	res, err := Write(m, e, filepath.Join(t.TempDir(), "o"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := tinymodel.OpenPath(t, res.Out).File()
	for key, want := range map[string]string{
		"detox.method": "test", "detox.parameters": `{"a":1}`, "detox.parent_sha256": hashBytes(m.File().Bytes()),
		"detox.edit_sha256": res.Edit, "general.name": "tiny",
	} {
		if got, _ := f.String(key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if sum := hashBytes(f.Bytes()); sum != res.Written || res.Size != f.Size() {
		t.Errorf("written %s of %d bytes, reported %s of %d", sum, f.Size(), res.Written, res.Size)
	}
}

func TestRefusals(t *testing.T) {
	path := tinymodel.Write(t, tinymodel.Config{Type: quant.Q4_1, Seed: 9})
	m := tinymodel.OpenPath(t, path)
	e := carrierEdit(m, 0.05)
	dir := t.TempDir()
	soft, hard := filepath.Join(dir, "soft"), filepath.Join(dir, "hard")
	if err := errors.Join(os.Symlink(path, soft), os.Link(path, hard)); err != nil {
		t.Fatal(err)
	}
	before := hashBytes(m.File().Bytes())
	for _, out := range []string{path, soft, hard} {
		if _, err := Write(m, e, out, Options{Force: true}); !errors.Is(err, ErrSameFile) {
			t.Errorf("%s: %v", out, err)
		}
		if _, err := Write(m, e, filepath.Join(dir, "x"), Options{Force: true, Undo: out}); !errors.Is(err, ErrSameFile) {
			t.Errorf("undo to %s: %v", out, err)
		}
	}
	other := tinymodel.Open(t, tinymodel.Config{Type: quant.Q4_1, Seed: 10})
	if _, err := Attach(other, e); !errors.Is(err, ErrMismatch) {
		t.Errorf("carriers of another model: %v", err)
	}
	wrong := deltaEdit(m, 0.1)
	wrong.Parts[norm0].Cols++
	if _, err := Write(m, wrong, filepath.Join(dir, "x"), Options{}); !errors.Is(err, ErrMismatch) {
		t.Errorf("wrong shape: %v", err)
	}
	arch := deltaEdit(m, 0.1)
	arch.Meta.Arch = "gemma3"
	if _, err := Write(m, arch, filepath.Join(dir, "x"), Options{}); !errors.Is(err, ErrMismatch) {
		t.Errorf("wrong architecture: %v", err)
	}
	if _, err := Write(m, e, filepath.Join(dir, "x"), Options{Rounding: "up"}); err == nil {
		t.Error("unknown rounding accepted")
	}
	if _, err := Write(m, deltaEdit(m, 0.1), filepath.Join(dir, "x"), Options{EditedType: quant.IQ2XXS}); !errors.Is(err, model.ErrUnsupported) {
		t.Errorf("type without encoder: %v", err)
	}
	taken := filepath.Join(dir, "taken")
	if err := os.WriteFile(taken, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(m, e, taken, Options{}); err == nil {
		t.Error("an existing output was replaced without force")
	}
	if err := os.WriteFile(filepath.Join(dir, "x.undo"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(m, e, filepath.Join(dir, "x"), Options{}); !errors.Is(err, os.ErrExist) {
		t.Errorf("an existing undo file: %v", err)
	}
	if _, err := Write(m, e, filepath.Join(dir, "y"), Options{Undo: filepath.Join(dir, "none", "y.undo")}); err == nil {
		t.Error("an undo file in no folder was written")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 4 {
		t.Errorf("files left behind: %v %v", left, err)
	}
	if hashBytes(m.File().Bytes()) != before {
		t.Error("the parent changed")
	}
}
