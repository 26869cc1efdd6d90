package model

import (
	"fmt"

	"github.com/detox-surgery/detox-surgery/simd"
)

// GenOptions says how Generate continues prompts.
type GenOptions struct {
	MaxNew int     // new tokens at most
	Sample bool    // draw; otherwise the most probable token is taken
	TopP   float64 // draw from the most probable tokens whose mass reaches it; 0: 1
	Temp   float64 // temperature; 0: 1
	Seed   uint64
	Batch  int     // sequences at once; 0: 64. Results do not depend on it.
	Stop   []int32 // tokens that end a sequence; nil: the tokenizer's
	// Int8 rounds the inputs of products to 8 bits, which is several times as fast
	// and moves logits by a few hundredths of their spread.
	Int8 bool
	// First is the number of the first prompt in draws, so that a part of a list
	// continues as it would within the whole.
	First    int
	Progress func(done, total int) // called with prompts finished; may be nil
}

// defaultBatch is the number of sequences that decode together: enough rows for
// products to run near full speed.
const defaultBatch = 64

// tileRows is more rows than simd multiplies by dot products, which sum in
// another order than its tiles do. Lists of prompts never have fewer, so that
// sequences get the same bits whether or not others have ended; a single prompt
// takes the faster way. Products of 8-bit rows do not depend on other rows.
const tileRows = 5

// allInt8 tells whether every matrix of the model has 8-bit products.
func (m *Model) allInt8() bool {
	if m.cfg.Experts > 0 {
		return false
	}
	for l := range m.block {
		for i := range m.block[l] {
			if w := m.block[l][i].matrix; w != nil && !simd.HasInt8(w) {
				return false
			}
		}
	}
	return simd.HasInt8(m.headMatrix())
}

// Generate continues every prompt, each a list of at least one token, and
// returns the new tokens without the one that ended the sequence. The draw for a
// token depends on the seed, the number of its prompt and its number in the
// continuation only. A model that learned its positions reads the end of a prompt
// that is longer than its context, and stops where that is full.
func Generate(m *Model, prompts [][]int32, o GenOptions) [][]int32 {
	out := make([][]int32, len(prompts))
	if o.MaxNew <= 0 || len(prompts) == 0 {
		return out
	}
	if o.Batch <= 0 {
		o.Batch = defaultBatch
	}
	if o.Stop == nil && m.tok != nil {
		o.Stop = m.tok.EOS()
	}
	prompts = m.fitting(prompts)
	longest := 0
	for _, p := range prompts {
		longest = max(longest, len(p))
	}
	o.Batch = min(o.Batch, len(prompts))
	g := &generator{
		s: m.NewSession(o.Batch, longest+o.MaxNew), o: &o, vocab: m.cfg.Vocab, stop: make(map[int32]bool),
		pick: newPicker(m.pool, m.cfg.Vocab, &o),
	}
	g.s.SetInt8(o.Int8)
	if len(prompts) > 1 && !(o.Int8 && m.allInt8()) {
		g.s.minRows = tileRows
	}
	for _, id := range o.Stop {
		g.stop[id] = true
	}
	for at := 0; at < len(prompts); at += o.Batch {
		end := min(at+o.Batch, len(prompts))
		g.group(prompts[at:end], out[at:end], at)
		if o.Progress != nil {
			o.Progress(end, len(prompts))
		}
	}
	return out
}

// MaxLen is the number of positions that the model learned; 0: it rotates, and there
// is no end.
func (m *Model) MaxLen() int {
	if m.arch.learnedPositions {
		return m.cfg.Context
	}
	return 0
}

// NeedLen is an error that is ErrUnsupported where sequences of n tokens are too long.
func (m *Model) NeedLen(n int) error {
	if most := m.MaxLen(); most > 0 && n > most {
		return unsupported(fmt.Sprintf("model: it learned %d positions; sequences of %d tokens are needed", most, n))
	}
	return nil
}

// fitting cuts prompts to their last MaxLen tokens.
func (m *Model) fitting(prompts [][]int32) [][]int32 {
	most := m.MaxLen()
	if most == 0 {
		return prompts
	}
	out := make([][]int32, len(prompts))
	for i, p := range prompts {
		out[i] = p[max(0, len(p)-most):]
	}
	return out
}

// generator continues groups of prompts that fit one session.
type generator struct {
	s     *Session
	o     *GenOptions
	vocab int
	stop  map[int32]bool
	pick  *picker
}

// group continues prompts, the first of which has number first. Slot i holds
// prompt i; sequences that ended leave the pass.
func (g *generator) group(prompts, out [][]int32, first int) {
	slots := make([]int, len(prompts))
	tokens := make([][]int32, len(prompts))
	for i, p := range prompts {
		g.s.Reset(i)
		slots[i], tokens[i] = i, p
	}
	next := make([]int32, len(prompts))
	for step := range g.o.MaxNew {
		logits := g.s.Extend(slots, tokens)
		g.pick.run(next[:len(slots)], logits, slots, g.o.First+first, step)
		n := 0
		for i, slot := range slots {
			if g.stop[next[i]] {
				continue
			}
			out[slot] = append(out[slot], next[i])
			if most := g.s.m.MaxLen(); most > 0 && g.s.Len(slot) >= most {
				continue
			}
			slots[n], tokens[n] = slot, out[slot][len(out[slot])-1:]
			n++
		}
		slots, tokens = slots[:n], tokens[:n]
		if n == 0 {
			return
		}
	}
}
