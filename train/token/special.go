package token

import (
	"cmp"
	"slices"
	"strings"
)

// matcher finds special tokens in text.
type matcher struct {
	ids  map[string]int32
	left bool // cut as the tokenizers library does
	trim map[int32]strip
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
	m := &matcher{ids: map[string]int32{}, trim: v.strip, left: v.exact}
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
	if m.left {
		return m.splitLeft(text)
	}
	hits := m.find(text)
	if len(hits) == 0 {
		if text == "" {
			return nil
		}
		return []fragment{{text: text, id: -1}}
	}
	hits, taken := m.keepDisjoint(hits, text)
	var out []fragment
	rest := func(from, to int) { // the bytes at its ends that a special token has taken are dropped
		for from < to && taken[from] {
			from++
		}
		for from < to && taken[to-1] {
			to--
		}
		if from < to {
			out = append(out, fragment{text: text[from:to], id: -1})
		}
	}
	at := 0
	for _, h := range hits {
		rest(at, h.at)
		out = append(out, fragment{id: h.id})
		at = h.at + h.n
	}
	rest(at, len(text))
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

// keepDisjoint drops occurrences that overlap one of higher priority and returns the rest from left to right, with
// the bytes that they and the blanks they strip cover.
func (m *matcher) keepDisjoint(hits []found, text string) ([]found, []bool) {
	slices.SortFunc(hits, func(a, b found) int {
		return cmp.Or(b.n-a.n, int(a.id-b.id), a.at-b.at)
	})
	taken := make([]bool, len(text))
	kept := hits[:0]
	for _, h := range hits {
		// What was taken before is at least as long, so an overlap covers one of the ends; but stripped blanks may
		// lie anywhere.
		if taken[h.at] || taken[h.at+h.n-1] || len(m.trim) > 0 && slices.Contains(taken[h.at:h.at+h.n], true) {
			continue
		}
		for i := h.at; i < h.at+h.n; i++ {
			taken[i] = true
		}
		s := m.trim[h.id]
		for i := h.at - 1; s.left && i >= 0 && !taken[i] && isBlank(text[i]); i-- {
			taken[i] = true
		}
		for i := h.at + h.n; s.right && i < len(text) && !taken[i] && isBlank(text[i]); i++ {
			taken[i] = true
		}
		kept = append(kept, h)
	}
	slices.SortFunc(kept, func(a, b found) int { return a.at - b.at })
	return kept, taken
}

func isBlank(b byte) bool { return b == ' ' || b >= '\t' && b <= '\r' }

// strip says on which sides of a special token blanks are dropped.
type strip struct{ left, right bool }

// readStrips finds the tokens that strip blanks. GGUF files do not say so: like llama.cpp, this goes by the names of
// models.
func (v *vocab) readStrips(src Source) error {
	if v.exact {
		return v.readExactStrips(src)
	}
	pre, _ := src.String(keyPre)
	arch, _ := src.String(keyArch)
	name, _ := src.String(keyName)
	name = strings.ToLower(name)
	v.strip = map[int32]strip{}
	switch {
	case containsAny(pre, "jina-v2-de", "jina-v2-es", "jina-v2-code") || containsAny(arch, "nomic-bert-moe", "jina-bert-v3"):
		v.stripLeft("<mask>")
	case containsAny(name, "phi-3", "phi3"):
		for id, k := range v.kind {
			if k == control || k == userDefined || k == unknown {
				v.strip[int32(id)] = strip{right: true}
			}
		}
		for _, s := range []string{"<unk>", "<s>", "<|endoftext|>"} {
			if id, ok := v.ids[s]; ok {
				delete(v.strip, id)
			}
		}
	case containsAny(name, "modern-bert"):
		v.stripLeft("[MASK]")
	}
	return nil
}

func (v *vocab) stripLeft(name string) {
	if id, ok := v.ids[name]; ok {
		v.strip[id] = strip{left: true}
	}
}

func containsAny(s string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(s, p) })
}
