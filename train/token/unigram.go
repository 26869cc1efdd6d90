package token

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// unigram is SentencePiece's unigram model: of all ways to cut the text into tokens the one with the best sum of
// scores. Text is normalised first.
type unigram struct {
	vocab   *vocab
	trie    *trie
	user    *trie // user-defined tokens, which normalising leaves alone
	chars   charsmap
	merge   bool // runs of spaces become one
	unknown float64
	bytes   byteTable

	scores   []float64 // in full, nil for those of vocab
	fallback bool      // what is unknown is written in bytes
}

func newUnigram(v *vocab, src Source) (engine, error) {
	if err := v.checkScores(); err != nil {
		return nil, err
	}
	e := &unigram{vocab: v, bytes: hexBytes(v), merge: boolOr(src, keyMergeSpaces, false)}
	lowest := float32(math.MaxFloat32)
	for id, k := range v.written {
		if k == normal {
			lowest = min(lowest, v.score[id])
		}
	}
	e.unknown = float64(lowest - 10)
	e.trie = newTrie(v.entries(func(k kind) bool { return k == normal || k == userDefined || k == unused }))
	e.user = newTrie(v.entries(func(k kind) bool { return k == userDefined }))
	var err error
	e.chars, err = newCharsmap(src)
	return e, err
}

// cutting is the best way to cut what lies before a place in the text: its last token and where that begins.
type cutting struct {
	score float64
	from  int32
	id    int32
}

func (e *unigram) encode(dst []int32, text string, _ bool) []int32 {
	return e.segment(dst, e.normalize(text))
}

// segment cuts text that is normalised.
func (e *unigram) segment(dst []int32, text string) []int32 {
	if text == "" {
		return dst
	}
	best := make([]cutting, len(text)+1)
	for i := range best {
		best[i] = cutting{-math.MaxFloat64, 0, e.vocab.unk}
	}
	best[0].score = 0
	for at := 0; at < len(text); {
		size := min(charLen(text[at]), len(text)-at)
		if !e.extend(best, text, at, size) {
			if s := best[at].score + e.unknown; s > best[at+size].score {
				best[at+size] = cutting{s, int32(at), e.vocab.unk}
			}
		}
		at += size
	}
	begin := len(dst)
	unknown := false
	for at := len(text); at > 0; at = int(best[at].from) {
		id := best[at].id
		switch {
		case id < 0: // unknown, and there is no token for that
		case id == e.vocab.unk && e.fallback && text[best[at].from:at] != e.vocab.text[id]:
			dst = e.backwards(dst, text[best[at].from:at])
		case !(unknown && id == e.vocab.unk): // neighbours that are unknown are one token
			dst = append(dst, id)
		}
		unknown = id == e.vocab.unk
	}
	slices.Reverse(dst[begin:])
	return dst
}

// backwards appends the bytes of s, last first.
func (e *unigram) backwards(dst []int32, s string) []int32 {
	for _, b := range slices.Backward([]byte(s)) {
		dst = append(dst, e.bytes.base[b])
	}
	return dst
}

// extend tries every token that begins at a place, and reports whether one is exactly its character.
func (e *unigram) extend(best []cutting, text string, at, size int) bool {
	single := false
	n := int32(0)
	for i := at; i < len(text); i++ {
		if n = e.trie.child(n, text[i]); n == 0 {
			break
		}
		id := e.trie.id[n]
		if id < 0 {
			continue
		}
		single = single || i+1-at == size
		s := best[at].score
		if e.scores != nil {
			s += e.scores[id]
		} else if e.vocab.written[id] != userDefined {
			s += float64(e.vocab.score[id])
		}
		if s > best[i+1].score {
			best[i+1] = cutting{s, int32(at), id}
		}
	}
	return single
}

// normalize replaces characters as the table of the file says and writes spaces as U+2581, one before each word.
func (e *unigram) normalize(text string) string {
	var b strings.Builder
	b.Grow(len(text) + len(text)/2)
	begun, inWord := false, false
	for text != "" {
		out, n := e.prefix(text)
		text = text[n:]
		for i := range len(out) {
			if out[i] == ' ' {
				inWord = false
				if !e.merge {
					b.WriteString(blank)
				}
				continue
			}
			if !inWord {
				inWord = true
				if e.vocab.spacePrefix && !begun || e.merge {
					b.WriteString(blank)
					begun = true
				}
			}
			b.WriteByte(out[i])
		}
	}
	return b.String()
}

// prefix normalises the start of text and returns how many bytes it has used.
func (e *unigram) prefix(text string) (string, int) {
	if n := e.user.depth(text); n > 0 { // as in llama.cpp, the beginning of a user-defined token is enough
		return text[:n], n
	}
	if out, n := e.chars.longest(text); n > 0 {
		return out, n
	}
	if r, n := utf8.DecodeRuneInString(text); r != utf8.RuneError || n > 1 {
		return text[:n], n
	}
	return "\ufffd", 1
}

func (e *unigram) piece(dst []byte, id int32) []byte {
	if b, ok := e.bytes.value[id]; ok && e.vocab.written[id] == byteToken {
		return append(dst, b)
	}
	return append(dst, strings.ReplaceAll(e.vocab.text[id], blank, " ")...)
}
