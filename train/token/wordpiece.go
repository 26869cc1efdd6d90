package token

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// wordPiece is BERT's: words and punctuation marks, each cut from the left into the longest tokens there are.
// Tokens that begin a word are written with U+2581 before them.
type wordPiece struct {
	vocab     *vocab
	trie      *trie
	lowercase bool
	accents   bool // accents are dropped
}

func newWordPiece(v *vocab, src Source) (engine, error) {
	e := &wordPiece{vocab: v, trie: newTrie(v.entries(func(kind) bool { return true }))}
	e.lowercase = boolOr(src, keyLowercase, true)
	e.accents = boolOr(src, keyAccents, e.lowercase)
	return e, nil
}

// entries lists the tokens of the kinds wanted.
func (v *vocab) entries(want func(kind) bool) []entry {
	list := make([]entry, 0, len(v.text))
	for id, s := range v.text {
		if want(v.written[id]) {
			list = append(list, entry{s, int32(id)})
		}
	}
	return list
}

func (e *wordPiece) encode(dst []int32, text string, _ bool) []int32 {
	word := append(make([]byte, 0, 64), blank...)
	flush := func() {
		if len(word) > len(blank) {
			dst = e.word(dst, string(word))
			word = word[:len(blank)]
		}
	}
	for _, r := range text {
		if e.accents {
			r = baseRune(r)
		}
		c := runeClass(r)
		switch {
		case c&space != 0:
			flush()
			continue
		case r == 0 || r == utf8.RuneError || c&controlling != 0 || e.accents && c&mark != 0:
			continue
		}
		alone := c&punct != 0 || r < 0x7f && c&symbolic != 0 || inRanges(r, bertHan)
		if alone {
			flush()
		}
		if e.lowercase {
			r = unicode.ToLower(r)
		}
		word = utf8.AppendRune(word, r)
		if alone {
			flush()
		}
	}
	flush()
	return dst
}

// word encodes one word; if a part of it is no token, all of it is unknown.
func (e *wordPiece) word(dst []int32, w string) []int32 {
	before := len(dst)
	for w != "" {
		id, n := e.trie.longest(w)
		if n == 0 {
			dst = dst[:before]
			break
		}
		dst = append(dst, id)
		w = w[n:]
	}
	if len(dst) == before && e.vocab.unk >= 0 {
		dst = append(dst, e.vocab.unk)
	}
	return dst
}

func (e *wordPiece) piece(dst []byte, id int32) []byte {
	return append(dst, strings.ReplaceAll(e.vocab.text[id], blank, " ")...)
}

// baseRune returns the first character of the canonical decomposition.
func baseRune(r rune) rune {
	if r < 0xc0 {
		return r
	}
	if r >= 0xac00 && r <= 0xd7a3 { // Hangul syllables are taken apart by arithmetic
		return 0x1100 + (r-0xac00)/(21*28)
	}
	var b [utf8.UTFMax]byte
	d := norm.NFD.Properties(utf8.AppendRune(b[:0], r)).Decomposition()
	if d == nil {
		return r
	}
	base, _ := utf8.DecodeRune(d)
	return base
}

// bertHan are the ideographs that BERT sets apart; the block from U+2B920 should begin at U+2B820, but does not.
var bertHan = []rune{
	0x3400, 0x4dbf, 0x4e00, 0x9fff, 0xf900, 0xfaff, 0x20000, 0x2a6df, 0x2a700, 0x2b73f, 0x2b740, 0x2b81f,
	0x2b920, 0x2ceaf, 0x2f800, 0x2fa1f,
}
