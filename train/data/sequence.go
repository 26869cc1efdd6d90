package data

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"github.com/detox-surgery/detox-surgery/train/token"
)

// Sequence is a prompt and its continuation as tokens.
type Sequence struct {
	IDs  []int32
	Cont int // index of the first token of the continuation; len(IDs) if all of it was cut off
}

// EncodePair encodes a prompt and a continuation, each by itself so that the prompt's tokens do not depend on what
// follows, after the tokens that open a text. The result is cut to maxLen tokens; maxLen <= 0 means no limit.
func EncodePair(tok *token.Tokenizer, prompt, cont string, maxLen int) Sequence {
	ids := tok.TextStart()
	ids = append(ids, tok.Encode(prompt)...)
	n := len(ids)
	ids = append(ids, tok.Encode(cont)...)
	if maxLen > 0 && len(ids) > maxLen {
		ids = ids[:maxLen]
	}
	return Sequence{IDs: ids, Cont: min(n, len(ids))}
}

// Shuffle permutes items; the same seed gives the same order.
func Shuffle[T any](items []T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0x6465746f78))
	r.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
}

// Batches groups the indices of lengths into batches of at most maxItems items and maxTokens tokens, items of
// similar length together; an item longer than maxTokens makes a batch by itself. Limits <= 0 do not apply.
// Within a batch, and over the batches, lengths ascend, and equal lengths keep their order.
func Batches(lengths []int, maxItems, maxTokens int) [][]int {
	order := make([]int, len(lengths))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(lengths[a], lengths[b]) })
	var out [][]int
	var batch []int
	tokens := 0
	for _, i := range order {
		full := maxItems > 0 && len(batch) >= maxItems || maxTokens > 0 && tokens+lengths[i] > maxTokens
		if full && len(batch) > 0 {
			out = append(out, batch)
			batch, tokens = nil, 0
		}
		batch = append(batch, i)
		tokens += lengths[i]
	}
	if len(batch) > 0 {
		out = append(out, batch)
	}
	return out
}
