package token

import (
	"strings"
	"sync"
	"unicode/utf8"
)

// session holds the buffers of an encoding, and the ids of words that it has met: most words of a text are old ones.
type session struct {
	m    merger
	seen map[string]stretch
	ids  []int32
}

// stretch is a part of session.ids.
type stretch struct{ from, to int32 }

// Bounds of what a session remembers.
const (
	maxSeen     = 1 << 15 // words
	maxSeenWord = 40      // bytes of a word
)

// wordEncoder is an engine that encodes word by word.
type wordEncoder interface {
	word(dst []int32, w string, m *merger) []int32
}

// word appends the ids of a word, which must not depend on what stands around it.
func (s *session) word(dst []int32, w string, e wordEncoder) []int32 {
	if len(w) > maxSeenWord {
		return e.word(dst, w, &s.m)
	}
	if x, ok := s.seen[w]; ok {
		return append(dst, s.ids[x.from:x.to]...)
	}
	begin := len(dst)
	dst = e.word(dst, w, &s.m)
	if len(s.seen) == maxSeen {
		clear(s.seen)
		s.ids = s.ids[:0]
	}
	from := int32(len(s.ids))
	s.ids = append(s.ids, dst[begin:]...)
	s.seen[strings.Clone(w)] = stretch{from, int32(len(s.ids))}
	return dst
}

// sessions keeps sessions between encodings, so that several can run at once and each finds one that knows words.
type sessions struct{ pool sync.Pool }

func newSessions() *sessions {
	return &sessions{sync.Pool{New: func() any { return &session{seen: map[string]stretch{}} }}}
}

func (p *sessions) get() *session { return p.pool.Get().(*session) }

func (p *sessions) put(s *session) {
	s.m.rule = nil // it may hold on to the text
	p.pool.Put(s)
}

// joints says before which U+2581 a text can be cut without changing its ids: no piece has this character and the one
// before it side by side, so that nothing ever merges across.
type joints struct{ before map[rune]bool }

// newJoints collects the characters that stand before a U+2581 in a piece.
func newJoints(pieces ...map[string]int32) joints {
	j := joints{map[rune]bool{}}
	for _, set := range pieces {
		for s := range set {
			for at := 1; at < len(s); at++ {
				if i := strings.Index(s[at:], blank); i >= 0 {
					at += i
					r, _ := utf8.DecodeLastRuneInString(s[:at])
					j.before[r] = true
				} else {
					break
				}
			}
		}
	}
	return j
}

func (j joints) split(text string, emit func(string)) {
	from := 0
	for at := 1; at < len(text); {
		i := strings.Index(text[at:], blank)
		if i < 0 {
			break
		}
		at += i
		if r, _ := utf8.DecodeLastRuneInString(text[:at]); !j.before[r] {
			emit(text[from:at])
			from = at
		}
		at += len(blank)
	}
	if from < len(text) {
		emit(text[from:])
	}
}
