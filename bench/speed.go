package bench

import (
	"fmt"
	"math/rand/v2"

	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/train/model"
)

// PrefillResult is the speed of reading a prompt.
type PrefillResult struct {
	Tokens     int     `json:"tokens"`
	Threads    int     `json:"threads"`
	Tier       string  `json:"tier"`
	Int8       bool    `json:"int8"`
	Seconds    float64 `json:"seconds"` // median of a pass
	TokensPerS float64 `json:"tokens_per_s"`
	GFLOPS     float64 `json:"gflops"`        // of the linear maps, median
	Peak       float64 `json:"peak_gflops"`   // as in GemmResult
	Share      float64 `json:"share_of_peak"` // best pass over best loop
	PeakRSS    int64   `json:"peak_rss_bytes"`
}

// Prefill times forward passes of one sequence of random tokens that end in the
// logits of its last position, as llama-bench's pp; runs passes after a first.
// rounded: activations of 8 bits, as llama.cpp has them. The register loop of the
// result is that of float32 multiply-adds all the same.
func Prefill(m *model.Model, tokens, runs int, rounded bool) (PrefillResult, error) {
	p := m.Pool()
	r := PrefillResult{Tokens: tokens, Threads: p.Workers(), Int8: rounded, Tier: simd.Active().String()}
	if tokens < 1 || runs < 1 {
		return r, fmt.Errorf("bench: %d tokens and %d runs must be positive", tokens, runs)
	}
	ids := [][]int32{randomTokens(m, tokens)}
	s := m.NewSession(1, tokens)
	s.SetInt8(rounded)
	r.Peak = simd.PeakFMAOn(p, simd.Active())
	median, best := timeRuns(runs, func() {
		s.Reset(0)
		s.Extend([]int{0}, ids)
	})
	r.Seconds, r.TokensPerS = median, float64(tokens)/median
	flop := prefillFlop(m, tokens)
	r.GFLOPS = flop / median / 1e9
	r.Share = share(flop/best/1e9, r.Peak)
	r.PeakRSS = PeakRSS()
	return r, nil
}

// GenerateResult is the speed of writing. A token reads all weights once, so the
// bandwidth of memory bounds it.
type GenerateResult struct {
	Tokens        int     `json:"tokens"`
	Threads       int     `json:"threads"`
	Tier          string  `json:"tier"`
	Int8          bool    `json:"int8"`
	Seconds       float64 `json:"seconds"` // median of a sequence
	TokensPerS    float64 `json:"tokens_per_s"`
	BytesPerToken int64   `json:"bytes_per_token"`    // of weights
	Read          float64 `json:"peak_read_gb_per_s"` // what as many threads read from memory
	Share         float64 `json:"share_of_peak_read"` // best sequence
	PeakRSS       int64   `json:"peak_rss_bytes"`
}

// readBytes is the buffer whose reading gives the bandwidth of memory: larger
// than any cache of the machines that this is for.
const readBytes = 256 << 20

// Generate times sequences of so many random tokens that are read one by one,
// each with its logits, as llama-bench's tg; runs sequences after a first.
// rounded is as in Prefill.
func Generate(m *model.Model, tokens, runs int, rounded bool) (GenerateResult, error) {
	p := m.Pool()
	r := GenerateResult{Tokens: tokens, Threads: p.Workers(), Int8: rounded, Tier: simd.Active().String(), BytesPerToken: tokenBytes(m)}
	if tokens < 1 || runs < 1 {
		return r, fmt.Errorf("bench: %d tokens and %d runs must be positive", tokens, runs)
	}
	ids := randomTokens(m, tokens)
	s := m.NewSession(1, tokens)
	s.SetInt8(rounded)
	slot, one := []int{0}, make([][]int32, 1)
	median, best := timeRuns(runs, func() {
		s.Reset(0)
		for i := range ids {
			one[0] = ids[i : i+1]
			s.Extend(slot, one)
		}
	})
	r.Seconds, r.TokensPerS = median, float64(tokens)/median
	r.PeakRSS = PeakRSS()
	r.Read = simd.PeakRead(p, readBytes)
	r.Share = share(float64(r.BytesPerToken)*float64(tokens)/best/1e9, r.Read)
	return r, nil
}

// randomTokens draws tokens, the same ones for the same model.
func randomTokens(m *model.Model, n int) []int32 {
	r := rand.New(rand.NewPCG(1, 2))
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32(r.IntN(m.Config().Vocab))
	}
	return ids
}

// prefillFlop counts the operations of the linear maps: those of the blocks for
// every token and the head for the last.
func prefillFlop(m *model.Model, tokens int) float64 {
	head := m.Head()
	flop := 2 * float64(head.Rows()) * float64(head.Cols())
	for _, r := range m.Roles() {
		if r.Kind.PerBlock() && r.Kind.IsMatrix() {
			w := m.Matrix(r)
			flop += 2 * float64(w.Rows()) * float64(w.Cols()) * float64(tokens)
		}
	}
	return flop
}

// tokenBytes is the size of the tensors that a pass reads whole: all but an
// embedding that is not also the head.
func tokenBytes(m *model.Model) (n int64) {
	for _, r := range m.Roles() {
		if r.Kind == model.TokenEmbd && !m.Tied() {
			continue
		}
		n += int64(len(m.Tensor(r).Raw()))
	}
	return n
}
