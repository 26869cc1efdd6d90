package eval_test

import (
	"math"
	"strings"

	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/surgery/eval"
)

// letters is a tokenizer whose tokens are bytes; 1 is BOS.
type letters struct{ addBOS bool }

func (letters) Encode(text string) []int32 {
	var ids []int32
	for _, b := range []byte(text) {
		ids = append(ids, int32(b))
	}
	return ids
}

func (letters) Decode(ids []int32) string {
	var s strings.Builder
	for _, id := range ids {
		s.WriteByte(byte(id))
	}
	return s.String()
}

func (l letters) TextStart() []int32 {
	if l.addBOS {
		return []int32{1}
	}
	return nil
}
func (letters) BOS() (int32, bool) { return 1, true }
func (l letters) AddBOS() bool     { return l.addBOS }

// toy gives each token a probability that depends on the token alone, and remembers
// what it was asked.
type toy struct {
	letters
	prob  func(id int32) float64
	reply func(prompt string) string
	seqs  [][]int32
	from  []int
}

func (m *toy) Tokens() eval.Tokens { return m.letters }

func (m *toy) LogProbs(seqs [][]int32, from []int) [][]float64 {
	m.seqs, m.from = append(m.seqs, seqs...), append(m.from, from...)
	out := make([][]float64, len(seqs))
	for i, s := range seqs {
		for _, id := range s[from[i]:] {
			out[i] = append(out[i], math.Log(m.prob(id)))
		}
	}
	return out
}

func (m *toy) Generate(prompts [][]int32, o eval.GenOptions) [][]int32 {
	out := make([][]int32, len(prompts))
	for i, p := range prompts {
		ids := m.Encode(m.reply(m.Decode(p)))
		out[i] = ids[:min(len(ids), o.MaxNew)]
	}
	return out
}

// unigram has one state whatever it reads: the head's first column is its logits.
type unigram struct {
	letters
	logits []float32
}

func (m unigram) Tokens() eval.Tokens { return m.letters }
func (m unigram) Pool() *simd.Pool    { return nil }
func (m unigram) Head() simd.Matrix   { return &simd.Dense{N: len(m.logits), K: 1, Data: m.logits} }
func (m unigram) Hidden(seqs [][]int32) []float32 {
	var h []float32
	for _, s := range seqs {
		for range s {
			h = append(h, 1)
		}
	}
	return h
}
