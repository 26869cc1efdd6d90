package model

import (
	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

// sessionTokens bounds the tokens of one forward pass of a session, and with it
// the memory of its activations. Beyond some hundred rows products run no faster.
const sessionTokens = 1024

// Session keeps the keys and values of up to maxSeqs growing sequences, so that
// a new token costs one row of every product instead of the whole sequence. A
// slot is one sequence. The model's handles must not change while a session
// holds tokens.
type Session struct {
	m      *Model
	tp     *nn.Tape
	maxLen int
	// minRows is the least number of rows of a product; passes with fewer are
	// filled up with rows that nobody reads.
	minRows int
	int8    bool
	n       []int         // tokens held, by slot
	keys    [][][]float32 // by block, by slot: [capacity, kvHeads*headDim]
	values  [][][]float32
	x       []float32   // residual stream between blocks
	last    []float32   // [slots, D] final hidden states of one Extend
	logits  []float32   // [slots, V]
	scores  [][]float32 // by worker
}

// piece is a run of new tokens of one slot within a forward pass.
type piece struct {
	slot, start int     // start: tokens the slot held before
	ids         []int32 // at least one
	row         int     // its first row in the pass
	out         int     // row of Extend's result that its last token fills, -1: none
}

// NewSession makes a session on the model's pool for maxSeqs sequences of at
// most maxLen tokens. Cache memory is taken as sequences grow. maxLen decides which
// frequencies a model turns by that has others beyond its original context.
func (m *Model) NewSession(maxSeqs, maxLen int) *Session {
	s := &Session{m: m, tp: nn.NewTape(m.pool, false), maxLen: maxLen, n: make([]int, maxSeqs)}
	s.keys = make([][][]float32, m.cfg.Blocks)
	s.values = make([][][]float32, m.cfg.Blocks)
	for l := range s.keys {
		s.keys[l] = make([][]float32, maxSeqs)
		s.values[l] = make([][]float32, maxSeqs)
	}
	s.scores = make([][]float32, m.pool.Workers())
	return s
}

// SetInt8 makes the session round the inputs of products to 8 bits, see
// nn.Tape.SetInt8.
func (s *Session) SetInt8(on bool) {
	s.int8 = on
	s.tp.SetInt8(on)
}

// Len is the number of tokens that a slot holds.
func (s *Session) Len(slot int) int { return s.n[slot] }

// Reset empties a slot; its memory is kept for the next sequence.
func (s *Session) Reset(slot int) { s.n[slot] = 0 }

// Extend appends tokens to slots, tokens[i] to slots[i], and returns the logits
// that follow the last one of each: [len(slots), V], valid until the next call.
// The slots must differ and every list must have a token. Many short prompts
// share a forward pass, long ones are cut.
func (s *Session) Extend(slots []int, tokens [][]int32) []float32 {
	s.check(slots, tokens)
	c := &s.m.cfg
	n := max(len(slots), s.minRows)
	s.last = grow(s.last, n*c.Width)
	clear(s.last[len(slots)*c.Width:])
	var pass []piece
	rows := 0
	for i, ids := range tokens {
		for len(ids) > 0 {
			p := piece{slot: slots[i], start: s.n[slots[i]], ids: ids[:min(len(ids), sessionTokens)], out: -1}
			// New sequences and continued ones attend by different code, so they
			// do not share a pass: what a sequence gets would depend on the others.
			if rows > 0 && (rows+len(p.ids) > sessionTokens || (p.start == 0) != (pass[0].start == 0)) {
				s.forward(pass, rows)
				pass, rows = pass[:0], 0
			}
			p.row = rows
			ids = ids[len(p.ids):]
			if len(ids) == 0 {
				p.out = i
			}
			s.reserve(p.slot, p.start+len(ids)+len(p.ids))
			s.n[p.slot] += len(p.ids)
			pass = append(pass, p)
			rows += len(p.ids)
		}
	}
	s.forward(pass, rows)
	s.logits = grow(s.logits, n*c.Vocab)
	if !s.int8 || !simd.MatMulT8(s.m.pool, n, s.last, c.Width, s.m.headMatrix(), s.logits, c.Vocab) {
		simd.MatMulT(s.m.pool, n, s.last, c.Width, s.m.headMatrix(), 0, s.logits, c.Vocab)
	}
	s.m.capLogits(s.logits[:len(slots)*c.Vocab])
	return s.logits[:len(slots)*c.Vocab]
}

func (s *Session) check(slots []int, tokens [][]int32) {
	if len(slots) != len(tokens) {
		panic(errSlots)
	}
	seen := make([]bool, len(s.n))
	for i, slot := range slots {
		if slot < 0 || slot >= len(s.n) || seen[slot] {
			panic(errSlots)
		}
		seen[slot] = true
		if len(tokens[i]) == 0 {
			panic(errEmpty)
		}
		if s.n[slot]+len(tokens[i]) > s.maxLen {
			panic(errLength)
		}
		if s.m.arch.learnedPositions && s.n[slot]+len(tokens[i]) > s.m.cfg.Context {
			panic(errContext)
		}
		s.m.checkIDs(tokens[i])
	}
}

// reserve makes room for n tokens in a slot, with some to spare so that a
// growing sequence is seldom copied.
func (s *Session) reserve(slot, n int) {
	kv := s.m.cfg.KVHeads * s.m.cfg.HeadDim
	if len(s.keys[0][slot]) >= n*kv {
		return
	}
	n = min(n+32, s.maxLen)
	for l := range s.keys {
		for _, cache := range [][][]float32{s.keys[l], s.values[l]} {
			next := make([]float32, n*kv)
			copy(next, cache[slot][:min(len(cache[slot]), s.n[slot]*kv)])
			cache[slot] = next
		}
	}
}

// forward runs the pieces through all blocks, extends the caches and leaves the
// normed state of every piece that asks for it in s.last. The tape is reset
// between blocks, so that only one block's activations exist at a time.
func (s *Session) forward(pass []piece, rows int) {
	c := &s.m.cfg
	rows = max(rows, s.minRows)
	ids, pos := make([]int32, 0, rows), make([]int32, 0, rows)
	for _, p := range pass {
		ids = append(ids, p.ids...)
		for i := range p.ids {
			pos = append(pos, int32(p.start+i))
		}
	}
	for len(ids) < rows {
		ids, pos = append(ids, 0), append(pos, 0)
	}
	r := &run{m: s.m, tp: s.tp, pos: pos, global: s.m.rotationFor(s.maxLen)}
	r.attend = func(l int, q, k, v *nn.Value) *nn.Value { return s.attend(pass, l, q, k, v) }

	s.tp.Reset()
	s.x = grow(s.x, rows*c.Width)
	copy(s.x, s.m.embed(s.tp, ids, pos).X)
	for l := range c.Blocks {
		s.tp.Reset()
		y := s.m.arch.layer(r, l, s.tp.Const(rows, c.Width, s.x))
		copy(s.x, y.X)
	}
	s.keepLast(pass)
}

// keepLast norms the last row of the pieces that ask for it; the head reads no
// other.
func (s *Session) keepLast(pass []piece) {
	d := s.m.cfg.Width
	s.tp.Reset()
	for _, p := range pass {
		if p.out >= 0 {
			end := p.row + len(p.ids)
			y := s.m.finish(s.tp, s.tp.Const(1, d, s.x[(end-1)*d:end*d]))
			copy(s.last[p.out*d:(p.out+1)*d], y.X)
		}
	}
}

// grow returns a slice of n values, b's memory if it is large enough.
func grow(b []float32, n int) []float32 {
	if cap(b) < n {
		return make([]float32, n)
	}
	return b[:n]
}
