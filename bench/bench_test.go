package bench_test

import (
	"slices"
	"testing"

	"github.com/detox-surgery/detox-surgery/bench"
	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/internal/testenv"
	"github.com/detox-surgery/detox-surgery/internal/testmodel"
)

func TestTrainStep(t *testing.T) {
	m := testmodel.Open(t, testenv.SmolLM2, 2).Truncate(2)
	var losses []float64
	for _, micro := range []int{1024, 32} {
		r, err := bench.TrainStep(m, bench.TrainStepConfig{Batch: 3, Seq: 16, Trainable: "ffn_down", Steps: 1, MaxTokens: micro})
		if err != nil {
			t.Fatal(err)
		}
		if r.Params != 2*576*1536 || !(r.TokensPerS > 0) || !(r.Loss > 0) {
			t.Errorf("%+v", r)
		}
		losses = append(losses, r.Loss)
	}
	if d := losses[0]/losses[1] - 1; d > 1e-4 || d < -1e-4 {
		t.Errorf("the split into micro-batches changes the loss: %v", losses)
	}
	r, err := bench.TrainStep(m, bench.TrainStepConfig{Batch: 3, Seq: 16, Trainable: "ffn_down", Steps: 1, MaxTokens: 1024, Budget: 1})
	if err != nil || r.Loss != losses[0] {
		t.Errorf("with blocks computed again the loss is %v, not %v (%v)", r.Loss, losses[0], err)
	}
	if _, err := bench.TrainStep(m, bench.TrainStepConfig{Batch: 1, Seq: 8, Trainable: "ffn_down", Steps: 1, Precision: "half"}); err == nil {
		t.Error("unknown precision was accepted")
	}
	if _, err := bench.TrainStep(m, bench.TrainStepConfig{Batch: 1, Seq: 8, Trainable: "none", Steps: 1}); err == nil {
		t.Error("unknown trainable was accepted")
	}
}

func TestGemm(t *testing.T) {
	r := bench.Gemm(nil, 128)
	if !(r.GFLOPS > 0) || r.Threads != 1 || r.Share < 0 || r.Share > 1.2 {
		t.Errorf("%+v", r)
	}
}

func TestMaps(t *testing.T) {
	for _, typ := range []quant.Type{quant.Q4_1, quant.Q2K} { // with and without an encoder
		rows, err := bench.Maps(nil, typ, 8, 64, 256)
		if err != nil || len(rows) != 2 {
			t.Fatalf("%v: %v, %+v", typ, err, rows)
		}
		for _, r := range rows {
			if !(r.GFLOPS > 0) || r.Threads != 1 || r.Share < 0 || r.Share > 1.2 {
				t.Errorf("%+v", r)
			}
		}
	}
	for _, bad := range [][3]int{{0, 8, 256}, {8, 0, 256}, {8, 8, 100}} {
		if _, err := bench.Maps(nil, quant.Q4K, bad[0], bad[1], bad[2]); err == nil {
			t.Errorf("%v was accepted", bad)
		}
	}
}

func TestQuant(t *testing.T) {
	types := bench.QuantTypes()
	if !slices.Contains(types, quant.Q6K) || slices.Contains(types, quant.F32) || slices.Contains(types, quant.I8) {
		t.Errorf("types: %v", types)
	}
	for _, typ := range []quant.Type{quant.Q4_1, quant.Q2K} {
		r := bench.Quant(typ)
		if !(r.Decode > 0) || (r.Encode > 0) != typ.CanEncode() || r.DecodeShare < 0 || r.DecodeShare > 1.2 {
			t.Errorf("%+v", r)
		}
	}
}

func TestSpeed(t *testing.T) {
	m := testmodel.Open(t, testenv.SmolLM2, 2).Truncate(2)
	p, err := bench.Prefill(m, 16, 1, false)
	if err != nil || !(p.TokensPerS > 0) || p.Share < 0 || p.Share > 1.2 {
		t.Errorf("%v: %+v", err, p)
	}
	// Two blocks and the tied head, at 20 bytes for 32 weights or more.
	g, err := bench.Generate(m, 2, 1, true)
	least := int64(2 * (2*576*576 + 2*192*576 + 3*1536*576) * 20 / 32)
	if err != nil || !(g.TokensPerS > 0) || !(g.Read > 0) || g.BytesPerToken < least+49152*576*20/32 {
		t.Errorf("%v: %+v", err, g)
	}
	if _, err := bench.Prefill(m, 0, 1, true); err == nil {
		t.Error("a prompt of no tokens was accepted")
	}
	if _, err := bench.Generate(m, 1, 0, false); err == nil {
		t.Error("no run was accepted")
	}
}

func TestPeak(t *testing.T) {
	r := bench.Peak(nil)
	if len(r.Read) != 4 || !(r.Read[0].Rate > 0) || r.Threads != 1 {
		t.Errorf("%+v", r)
	}
}
