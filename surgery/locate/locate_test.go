package locate

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/surgery/internal/tinymodel"
	"github.com/detox-surgery/detox-surgery/train/data"
	"github.com/detox-surgery/detox-surgery/train/model"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

// The planted circuit: token bad is what rejected continuations consist of, and
// neuron 77 of block 1, which is on where bad is the input, writes bad's
// direction into the stream.
const (
	bad     = 13
	planted = 77
	scale   = 6
)

func plant(name string, rows int, w []float32) {
	if rows == 0 {
		return
	}
	at := func(r int) []float32 { return w[r*len(w)/rows : (r+1)*len(w)/rows] }
	switch name {
	case "token_embd.weight":
		clear(at(bad))
		at(bad)[5] = 16 // the whole of the normalised state
	case "blk.1.ffn_gate.weight", "blk.1.ffn_up.weight":
		clear(at(planted))
		at(planted)[5] = 0.4
	case "blk.1.ffn_down.weight":
		for r := range rows {
			at(r)[planted] = 0
		}
		at(5)[planted] = scale
	}
}

func tiny(t *testing.T, typ quant.Type) *model.Model {
	t.Helper()
	return tinymodel.Open(t, tinymodel.Config{Type: typ, Seed: 21, Change: plant})
}

// examples continue random prompts that end in bad: with bad again, or not.
func examples(n int) []Example {
	rng := rand.New(rand.NewPCG(1, 2))
	out := make([]Example, n)
	word := func() int32 { return int32(rng.IntN(bad)) }
	for i := range out {
		prompt := []int32{word(), word(), word(), bad}
		clean, foul := slices.Clone(prompt), slices.Clone(prompt)
		for range 2 + rng.IntN(4) {
			clean = append(clean, word())
		}
		for range 2 + rng.IntN(4) {
			foul = append(foul, bad)
		}
		out[i] = Example{data.Sequence{IDs: clean, Cont: 4}, data.Sequence{IDs: foul, Cont: 4}}
	}
	return out
}

// TestPlanted: the planted neuron ranks first in every method, in every type, in
// both halves.
func TestPlanted(t *testing.T) {
	for _, typ := range []quant.Type{quant.F32, quant.Q8_0, quant.Q4K} {
		m := tiny(t, typ)
		for _, method := range Methods {
			r, err := Run(context.Background(), m, examples(24), Options{Method: method.Name, Tokens: 64})
			if err != nil {
				t.Fatal(err)
			}
			if n := r.Neurons[0]; n.String() != "blk.1.ffn:77" || n.Score <= 0 {
				t.Errorf("%s %s: first is %v with %g", method.Name, typ, n, n.Score)
			}
			all := tinymodel.Blocks * tinymodel.FFN
			if len(r.Neurons) != all || math.Abs(r.Share(all)-1) > 1e-9 || r.Share(1) <= r.Share(2)-r.Share(1) || r.Share(1) < 0.01 {
				t.Errorf("%s %s: %d neurons, shares %g, %g, %g", method.Name, typ, len(r.Neurons), r.Share(1), r.Share(2), r.Share(all))
			}
			if r.Stability.Spearman < 0.3 || r.Stability.Spearman > 1 || r.Stability.Jaccard[10] <= 0 {
				t.Errorf("%s %s: stability %+v", method.Name, typ, r.Stability)
			}
		}
	}
}

// quality is Q, from logits computed the plain way.
func quality(m *model.Model, ex []Example) float64 {
	var q float64
	side := func(s data.Sequence) float64 {
		tp := nn.NewTape(nil, false)
		h := m.Forward(tp, model.NewBatch(s.IDs), model.ForwardOptions{})
		logits := m.LogitsRows(tp, h.Last)
		var sum float64
		for i := s.Cont; i < len(s.IDs); i++ {
			row := logits.X[(i-1)*logits.D : i*logits.D]
			var z float64
			for _, x := range row {
				z += math.Exp(float64(x))
			}
			sum += float64(row[s.IDs[i]]) - math.Log(z)
		}
		return sum / float64(len(s.IDs)-s.Cont)
	}
	for _, e := range ex {
		q += side(e.Rejected) - side(e.Chosen)
	}
	return q / float64(len(ex))
}

// scaled is a matrix with one column multiplied.
type scaled struct {
	simd.Matrix
	col int
	by  float32
}

func (s scaled) DequantRows(dst []float32, ld, r0, r1 int) {
	s.Matrix.DequantRows(dst, ld, r0, r1)
	for r := range r1 - r0 {
		dst[r*ld+s.col] *= s.by
	}
}

// TestAttributionIsTheDerivative compares scores with finite differences: scaling
// a neuron by 1+h changes Q by h times its score.
func TestAttributionIsTheDerivative(t *testing.T) {
	m := tinymodel.Open(t, tinymodel.Config{Type: quant.F32, Seed: 22})
	ex := examples(6)
	r, err := Run(context.Background(), m, ex, Options{})
	if err != nil {
		t.Fatal(err)
	}
	const h = 0.05
	for _, n := range []Neuron{r.Neurons[0], r.Neurons[1], r.Neurons[9], r.Neurons[60]} {
		role := model.Role{Kind: model.FFNDown, Block: n.Block}
		w := m.Matrix(role)
		var q [2]float64
		for i, by := range []float32{1 - h, 1 + h} {
			m.SetMatrix(role, scaled{w, n.Index, by})
			q[i] = quality(m, ex)
		}
		m.SetMatrix(role, w)
		if got := (q[1] - q[0]) / (2 * h); math.Abs(got-n.Score) > 0.02*math.Abs(n.Score)+1e-5 {
			t.Errorf("%v: score %g, difference %g", n, n.Score, got)
		}
	}
}

// TestSameForAnyCut: batching and workers do not change the ranking, and the
// model gets its handles back.
func TestSameForAnyCut(t *testing.T) {
	m := tiny(t, quant.Q8_0)
	w := m.Matrix(m.FFNDown(0))
	for _, method := range Methods {
		var first *Result
		for _, workers := range []int{1, 3} {
			p := simd.NewPool(workers)
			m.SetPool(p)
			r, err := Run(context.Background(), m, examples(10), Options{Method: method.Name, Tokens: 40})
			p.Close()
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = r
			} else if !reflect.DeepEqual(first, r) {
				t.Errorf("%s: the scores depend on the number of workers", method.Name)
			}
		}
		m.SetPool(nil)
		whole, err := Run(context.Background(), m, examples(10), Options{Method: method.Name, Tokens: 4000})
		if err != nil {
			t.Fatal(err)
		}
		if d := math.Abs(whole.Total - first.Total); d > 1e-3*first.Total || whole.Neurons[0].Index != first.Neurons[0].Index {
			t.Errorf("%s: total %g in one batch, %g in many", method.Name, whole.Total, first.Total)
		}
	}
	if m.Matrix(m.FFNDown(0)) != w {
		t.Error("a handle was left in the model")
	}
}

func TestRefusals(t *testing.T) {
	m := tiny(t, quant.F32)
	if _, err := Run(context.Background(), m, nil, Options{}); !errors.Is(err, ErrNoExamples) {
		t.Errorf("no examples: %v", err)
	}
	if _, err := Run(context.Background(), m, examples(2), Options{Method: "x"}); err == nil || !strings.Contains(err.Error(), `"x"`) {
		t.Errorf("unknown method: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, m, examples(2), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, ok := m.Matrix(m.FFNDown(0)).(*probe); ok {
		t.Error("a probe was left in the model")
	}
}

func TestStatistics(t *testing.T) {
	a := [][]float64{{1, -5, 3}, {0, 2, 4}}
	if s := compare(a, a); math.Abs(s.Spearman-1) > 1e-12 {
		t.Errorf("spearman of equal scores %g", s.Spearman)
	}
	if s := compare(a, [][]float64{{-1, 5, -3}, {0, -2, -4}}); math.Abs(s.Spearman+1) > 1e-12 {
		t.Errorf("spearman of opposite scores %g", s.Spearman)
	}
	if s := compare(a, [][]float64{{7, 7, 7}, {7, 7, 7}}); s.Spearman != 0 {
		t.Errorf("spearman with a constant %g", s.Spearman)
	}
	if got := ranks([]float64{3, 1, 3, 0}); !slices.Equal(got, []float64{2.5, 1, 2.5, 0}) {
		t.Errorf("ranks %v", got)
	}
	if got := jaccard([]int{1, 2, 3}, []int{3, 4, 1}); got != 0.5 {
		t.Errorf("jaccard %g", got)
	}
	if got := bySize(flat(a)); !slices.Equal(got, []int{1, 5, 2, 4, 0, 3}) {
		t.Errorf("by size %v", got)
	}
}
