package token

import (
	"cmp"
	"slices"
)

// matcher finds special tokens in text.
type matcher struct {
	ids  map[string]int32
	lens [256][]int // by first byte: lengths in bytes of the special tokens that begin with it, ascending
}

// fragment is a stretch of text, or a special token if id >= 0.
type fragment struct {
	text string
	id   int32
}

// found is an occurrence of a special token in a text.
type found struct {
	at, n int
	id    int32
}

func newMatcher(v *vocab, want func(kind) bool) *matcher {
	m := &matcher{ids: map[string]int32{}}
	for i, s := range v.text {
		if want(v.kind[i]) {
			m.ids[s] = int32(i)
			m.lens[s[0]] = append(m.lens[s[0]], len(s))
		}
	}
	for b := range m.lens {
		slices.Sort(m.lens[b])
		m.lens[b] = slices.Compact(m.lens[b])
	}
	return m
}

// split cuts text at special tokens. Longer tokens are cut out first, wherever they stand, and among equals the
// leftmost, which is llama.cpp's order.
func (m *matcher) split(text string) []fragment {
	hits := m.find(text)
	if len(hits) == 0 {
		if text == "" {
			return nil
		}
		return []fragment{{text: text, id: -1}}
	}
	hits = keepDisjoint(hits, len(text))
	var out []fragment
	at := 0
	for _, h := range hits {
		if h.at > at {
			out = append(out, fragment{text: text[at:h.at], id: -1})
		}
		out = append(out, fragment{id: h.id})
		at = h.at + h.n
	}
	if at < len(text) {
		out = append(out, fragment{text: text[at:], id: -1})
	}
	return out
}

// find lists every occurrence of every special token.
func (m *matcher) find(text string) []found {
	var hits []found
	for i := range len(text) {
		for _, n := range m.lens[text[i]] {
			if i+n > len(text) {
				break
			}
			if id, ok := m.ids[text[i:i+n]]; ok {
				hits = append(hits, found{i, n, id})
			}
		}
	}
	return hits
}

// keepDisjoint drops occurrences that overlap one of higher priority and returns the rest from left to right.
func keepDisjoint(hits []found, size int) []found {
	slices.SortFunc(hits, func(a, b found) int {
		return cmp.Or(b.n-a.n, int(a.id-b.id), a.at-b.at)
	})
	taken := make([]bool, size)
	kept := hits[:0]
	for _, h := range hits {
		// What was taken before is at least as long, so an overlap covers one of the ends.
		if taken[h.at] || taken[h.at+h.n-1] {
			continue
		}
		for i := h.at; i < h.at+h.n; i++ {
			taken[i] = true
		}
		kept = append(kept, h)
	}
	slices.SortFunc(kept, func(a, b found) int { return a.at - b.at })
	return kept
}
