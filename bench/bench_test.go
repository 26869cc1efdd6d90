package bench_test

import (
	"testing"

	"github.com/detox-surgery/detox-surgery/bench"
	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/internal/testenv"
	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/train/model"
)

func TestTrainStep(t *testing.T) {
	f, err := gguf.Open(testenv.Model(t, testenv.SmolLM2))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := model.Open(f)
	if err != nil {
		t.Fatal(err)
	}
	m = m.Truncate(2)
	pool := simd.NewPool(2)
	defer pool.Close()
	m.SetPool(pool)
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
