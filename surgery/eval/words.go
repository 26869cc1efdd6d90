package eval

import (
	"strings"
	"unicode"
)

// splitWords lower-cases a text and cuts it at white space. ParaDetox sets
// punctuation off by spaces on its toxic side only, so punctuation around words is
// dropped and "it 's" is joined to "it's": otherwise a judge learns the typography
// of the data set. Signs inside a word stay, they mask letters.
func splitWords(text string) []string {
	var words []string
	for w := range strings.FieldsSeq(strings.ToLower(text)) {
		suffix := len(words) > 0 && isClitic(w)
		w = strings.TrimFunc(w, isOuter)
		w = strings.Map(dropQuotes, w)
		switch {
		case w == "":
		case suffix:
			words[len(words)-1] += w
		default:
			words = append(words, w)
		}
	}
	return words
}

// isClitic tells whether a token was split off the word before it ("'s", "n't").
func isClitic(w string) bool {
	switch strings.ReplaceAll(w, "’", "'") {
	case "'s", "'m", "'d", "'re", "'ve", "'ll", "n't":
		return true
	}
	return false
}

// isOuter holds for what does not belong to a word at its ends. Signs that stand for
// letters in masked words do belong to it.
func isOuter(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("*$@#", r)
}

func isSpace(r rune) bool { return unicode.IsSpace(r) }

func dropQuotes(r rune) rune {
	switch r {
	case '\'', '’', '`', '"':
		return -1
	}
	return r
}

// FNV-1a with a final mix, because only the low bits are used.
const (
	hashSeed uint32 = 2166136261
	charSeed uint32 = 2166136261 ^ 0x9e3779b9
)

func hashByte(h uint32, b byte) uint32 { return (h ^ uint32(b)) * 16777619 }

func hashString(h uint32, s string) uint32 {
	for i := range len(s) {
		h = hashByte(h, s[i])
	}
	return h ^ h>>15
}
