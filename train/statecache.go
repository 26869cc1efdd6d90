package train

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/detox-surgery/detox-surgery/train/model"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

// stateCache holds the residual stream that enters the lowest trained block, by
// token sequence: nothing below changes, so a sequence that returns, in a later
// epoch or because both the original and the edited model see it, starts there.
// Rows are kept in f32 as they were computed, and a row does not depend on what
// it was computed beside, so no result changes. A nil cache holds nothing.
type stateCache struct {
	lower  *model.Model // the blocks below
	from   int
	width  int
	budget int64
	bytes  int64

	kept map[string][]float32 // [tokens, width]
	step map[string][]float32 // of the current step, until it ends
	seen map[uint64]bool      // hashes of sequences that are kept when they come again
	seed maphash.Seed

	hits, misses int // tokens, in the current step
	key          []byte
	x            []float32
}

// steadyRows is the least number of rows of a pass whose results the cache takes or
// replaces: products of very few rows add in another order.
const steadyRows = 16

// seenMost bounds the number of sequences remembered as seen once.
const seenMost = 1 << 16

// newStateCache returns a cache of the input of block from, nil where there is
// nothing to skip or no budget.
func newStateCache(m, ref *model.Model, from int, budget int64) *stateCache {
	if budget <= 0 || from <= 0 || !m.SameBelow(ref, from) {
		return nil
	}
	return &stateCache{
		lower: m.Truncate(from), from: from, width: m.Config().Width, budget: budget,
		kept: map[string][]float32{}, step: map[string][]float32{}, seen: map[uint64]bool{}, seed: maphash.MakeSeed(),
	}
}

// input returns what enters the block for the packed sequences of a group, valid
// until the next call, or nil if the pass has to begin at the embedding. Unknown
// sequences are computed on tape, which it empties.
func (c *stateCache) input(tape *nn.Tape, group []item, seqs [][]int32) []float32 {
	if c == nil {
		return nil
	}
	total, missing := 0, 0
	var unknown []int
	for i, s := range seqs {
		total += len(s)
		if c.find(s) == nil && len(s) > 0 {
			unknown = append(unknown, i)
			missing += len(s)
		}
	}
	if total < steadyRows {
		return nil
	}
	if missing > 0 && missing < steadyRows {
		unknown = unknown[:0]
		for i := range seqs {
			unknown = append(unknown, i)
		}
		missing = total
	}
	c.compute(tape, group, seqs, unknown)
	c.hits, c.misses = c.hits+total-missing, c.misses+missing
	c.x = c.x[:0]
	for _, s := range seqs {
		c.x = append(c.x, c.find(s)...)
	}
	return c.x
}

// find returns the states of a sequence, nil if it is unknown.
func (c *stateCache) find(ids []int32) []float32 {
	c.key = c.key[:0]
	for _, id := range ids {
		c.key = binary.LittleEndian.AppendUint32(c.key, uint32(id))
	}
	if x := c.kept[string(c.key)]; x != nil {
		return x
	}
	return c.step[string(c.key)]
}

// compute runs the blocks below over the sequences that unknown lists.
func (c *stateCache) compute(tape *nn.Tape, group []item, seqs [][]int32, unknown []int) {
	if len(unknown) == 0 {
		return
	}
	run := make([][]int32, len(unknown))
	for i, j := range unknown {
		run[i] = seqs[j]
	}
	tape.Reset()
	h := c.lower.Forward(tape, model.NewBatch(run...), model.ForwardOptions{KeepBlocks: true, Blocks: []int{c.from - 1}})
	x := h.Blocks[c.from-1].X
	for i, j := range unknown {
		n := len(run[i]) * c.width
		if c.find(run[i]) == nil {
			c.store(string(c.key), x[:n], group[j].kind)
		}
		x = x[n:]
	}
}

// store keeps a copy of x: pairs return in every epoch; of random windows and
// contexts, those that came twice may come again.
func (c *stateCache) store(key string, x []float32, k kind) {
	own := append(make([]float32, 0, len(x)), x...)
	size := int64(4*len(x) + len(key))
	if k != kindPair {
		if h := maphash.String(c.seed, key); !c.seen[h] {
			if len(c.seen) < seenMost {
				c.seen[h] = true
			}
			c.step[key] = own
			return
		}
	}
	if c.bytes+size > c.budget {
		c.step[key] = own
		return
	}
	c.kept[key] = own
	c.bytes += size
}

// endStep forgets what only the step needed and returns its hits and misses in
// tokens.
func (c *stateCache) endStep() (hits, misses int) {
	if c == nil {
		return 0, 0
	}
	clear(c.step)
	hits, misses = c.hits, c.misses
	c.hits, c.misses = 0, 0
	return hits, misses
}
