package main

import (
	"encoding/json"
	"testing"

	"github.com/detox-surgery/detox-surgery/bench"
	"github.com/detox-surgery/detox-surgery/internal/testenv"
	"github.com/detox-surgery/detox-surgery/simd"
)

// benchJSON runs a measurement and reads its result.
func benchJSON(t *testing.T, into any, args ...string) {
	t.Helper()
	out, stderr, code := tool(t, append([]string{"bench"}, args...)...)
	if code != 0 {
		t.Fatalf("bench %v: exit code %d: %s", args, code, stderr)
	}
	doc := struct{ Result any }{into}
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatalf("bench %v: %v: %s", args, err, out)
	}
}

func TestBenchKernels(t *testing.T) {
	tiers := simd.Tiers()
	top := tiers[len(tiers)-1].String()
	var gemm []bench.GemmResult
	benchJSON(t, &gemm, "gemm", "--size", "32,48", "-t", "2", "--tier", top, "--json")
	if len(gemm) != 2 || gemm[1].Size != 48 || gemm[1].Tier != top || gemm[1].Threads != 2 || !(gemm[1].GFLOPS > 0) {
		t.Errorf("gemm: %+v", gemm)
	}
	var maps []bench.MapResult
	benchJSON(t, &maps, "maps", "--type", "q4_k", "--tokens", "8", "--size", "256", "-t", "1", "--json", "--tier", "generic")
	if len(maps) != 2 || maps[1].Pass != "backward" || maps[1].Type != "Q4_K" || maps[1].Share != 0 || !(maps[1].GFLOPS > 0) {
		t.Errorf("maps: %+v", maps)
	}
	var quants []bench.QuantResult
	benchJSON(t, &quants, "quant", "--type", "q4_1,bf16", "--json")
	if len(quants) != 2 || quants[1].Type != "BF16" || !(quants[0].Encode > 0) {
		t.Errorf("quant: %+v", quants)
	}
}

func TestBenchModel(t *testing.T) {
	model := testenv.Model(t, testenv.SmolLM2)
	var p bench.PrefillResult
	benchJSON(t, &p, "prefill", "-m", model, "-n", "4", "--runs", "1", "--json")
	if p.Tokens != 4 || !(p.TokensPerS > 0) {
		t.Errorf("prefill: %+v", p)
	}
	var g bench.GenerateResult
	benchJSON(t, &g, "generate", "-m", model, "-n", "2", "--runs", "1", "-t", "1", "--json")
	if g.Tokens != 2 || g.Threads != 1 || !(g.Share > 0) {
		t.Errorf("generate: %+v", g)
	}
}

func TestBenchRefuses(t *testing.T) {
	refused(t, 2, "no tier", "bench", "gemm", "--tier", "sse9")
	refused(t, 2, "size", "bench", "gemm", "--size", "0")
	refused(t, 2, "threads", "bench", "gemm", "-t", "-1")
	refused(t, 2, "no block type", "bench", "quant", "--type", "q9_9")
	refused(t, 2, "inputs", "bench", "maps", "--type", "q4_k", "--size", "48")
	refused(t, 2, "name a measurement", "bench")
}
