package token

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// plamo is PLaMo-2's: of all ways to cut the text into tokens the one with the best sum of scores, found from the
// end. What no token covers is written in bytes.
type plamo struct {
	vocab *vocab
	trie  *trie
	cost  []int64 // of each token: its score in steps of 1e-4, negative
	bytes byteTable
}

const (
	plamoUnknown = 10_000_000 // the cost of a character without a token
	plamoInvalid = 20_000_000 // tokens of this cost and more are not used
)

func newPLaMo(v *vocab, _ Source) (engine, error) {
	if err := v.checkScores(); err != nil {
		return nil, err
	}
	e := &plamo{vocab: v, bytes: hexBytes(v), cost: make([]int64, len(v.text))}
	for b, id := range e.bytes.base {
		if id < 0 {
			return nil, fmt.Errorf("token: no token for byte %#02x", b)
		}
	}
	list := v.entries(func(k kind) bool { return k != byteToken })
	usable := list[:0]
	for _, x := range list {
		s := float64(v.score[x.id])
		c := -int64(math.Round(s * 1e4))
		if !math.IsInf(s, 0) && c < plamoInvalid {
			e.cost[x.id] = c
			usable = append(usable, x)
		}
	}
	e.trie = newTrie(usable)
	return e, nil
}

// step is the best way on from a place in the text.
type step struct {
	cost int64
	size int32
	id   int32 // -1: a character in bytes
}

func (e *plamo) encode(dst []int32, text string, _ bool) []int32 {
	text = strings.TrimPrefix(text, "\ufeff")
	best := make([]step, len(text)+1)
	starts := make([]bool, len(text)) // whether a character begins here
	for at := 0; at < len(text); at += runeLen(text[at:]) {
		starts[at] = true
	}
	var ends [][2]int32 // tokens found at a place: id and length
	for at := len(text) - 1; at >= 0; at-- {
		if !starts[at] {
			continue
		}
		ends = ends[:0]
		n := int32(0)
		for i := at; i < len(text); i++ {
			if n = e.trie.child(n, text[i]); n == 0 {
				break
			}
			if id := e.trie.id[n]; id >= 0 {
				ends = append(ends, [2]int32{id, int32(i + 1 - at)})
			}
		}
		size := int32(runeLen(text[at:]))
		now := step{cost: math.MaxInt64}
		for _, end := range slices.Backward(ends) { // of equal sums the longest token
			id, size := end[0], end[1]
			if c := best[at+int(size)].cost + e.cost[id]; c < now.cost {
				now = step{c, size, id}
			}
		}
		if c := best[at+int(size)].cost + plamoUnknown; c < now.cost {
			now = step{c, size, -1}
		}
		best[at] = now
	}
	for at := 0; at < len(text); {
		s := best[at]
		if s.id >= 0 {
			dst = append(dst, s.id)
		} else {
			for _, b := range []byte(text[at : at+int(s.size)]) {
				dst = append(dst, e.bytes.base[b])
			}
		}
		at += int(s.size)
	}
	return dst
}

func (e *plamo) piece(dst []byte, id int32) []byte {
	if b, ok := e.bytes.value[id]; ok {
		return append(dst, b)
	}
	return append(dst, e.vocab.text[id]...)
}
