package token

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxMerges bounds the number of merge rules.
const maxMerges = 1 << 24

// pair is two neighbouring pieces.
type pair struct{ left, right int32 }

// merge is the rank of a rule, lowest first, and the piece it makes.
type merge struct{ rank, id int32 }

// bpe is byte-level byte-pair encoding. Pieces are the vocabulary's tokens and, numbered after them, those that
// only merge rules know.
type bpe struct {
	vocab  *vocab
	merges map[pair]merge
	base   [256]int32 // piece of each byte, -1 if the vocabulary has none
	parts  [][2]int32 // the halves of the pieces numbered from len(vocab.text) on
	scan   []scanner  // the pre-tokenizer
	bytes  map[rune]byte
}

func newBPE(v *vocab, src Source) (engine, error) {
	pre, ok := src.String(keyPre)
	if !ok {
		pre = "default"
	}
	scan, ok := preTokenizers[pre]
	if !ok {
		return nil, fmt.Errorf("%w: %s is %q", ErrUnsupported, keyPre, pre)
	}
	rules, ok := src.Strings(keyMerges)
	if !ok {
		return nil, fmt.Errorf("token: %s is missing or not an array of strings", keyMerges)
	}
	if len(rules) > maxMerges {
		return nil, fmt.Errorf("token: %s has %d entries, want at most %d", keyMerges, len(rules), maxMerges)
	}
	e := &bpe{vocab: v, scan: scan, bytes: make(map[rune]byte, 256)}
	for b := range 256 {
		r := byteRune(byte(b))
		e.bytes[r] = byte(b)
		e.base[b] = -1
		if id, ok := v.ids[string(r)]; ok {
			e.base[b] = id
		}
	}
	return e, e.readMerges(rules)
}

func (e *bpe) readMerges(rules []string) error {
	e.merges = make(map[pair]merge, len(rules))
	extra := map[string]int32{}
	intern := func(s string) (int32, bool) {
		if id, ok := e.vocab.ids[s]; ok {
			return id, true
		}
		id, ok := extra[s]
		return id, ok
	}
	for i, rule := range rules {
		cut := -1
		if len(rule) > 1 { // a space in first place would be the left half itself
			cut = 1 + strings.IndexByte(rule[1:], ' ')
		}
		if cut < 1 || cut+1 == len(rule) {
			return fmt.Errorf("token: %s: entry %d is %q, want two pieces with a space between", keyMerges, i, rule)
		}
		l, lok := intern(rule[:cut])
		r, rok := intern(rule[cut+1:])
		if !lok || !rok {
			continue // no text can ever reach a piece that neither the vocabulary nor an earlier rule makes
		}
		whole := rule[:cut] + rule[cut+1:]
		id, ok := intern(whole)
		if !ok {
			id = int32(len(e.vocab.text) + len(e.parts))
			extra[whole] = id
			e.parts = append(e.parts, [2]int32{l, r})
		}
		if _, dup := e.merges[pair{l, r}]; !dup {
			e.merges[pair{l, r}] = merge{rank: int32(i), id: id}
		}
	}
	return nil
}

func (e *bpe) encode(dst []int32, text string) []int32 {
	m := &merger{rule: func(l, r *symbol) (float64, int32, bool) {
		rule, ok := e.merges[pair{l.id, r.id}]
		return float64(rule.rank), rule.id, ok
	}}
	words(text, e.scan, func(w string) { dst = e.word(dst, w, m) })
	return dst
}

// word encodes one word of the pre-tokenizer. Bytes that the vocabulary has no token for are dropped, as llama.cpp drops them.
func (e *bpe) word(dst []int32, w string, m *merger) []int32 {
	m.reset()
	for i := range len(w) {
		m.add(i, i+1, e.base[w[i]])
	}
	m.run()
	for i := 0; i >= 0; i = m.sym[i].next {
		dst = e.emit(dst, m.sym[i].id)
	}
	return dst
}

// emit appends a piece, taken apart into bytes if it is not in the vocabulary.
func (e *bpe) emit(dst []int32, id int32) []int32 {
	n := int32(len(e.vocab.text))
	switch {
	case id < 0:
		return dst
	case id < n:
		return append(dst, id)
	}
	half := e.parts[id-n]
	return e.emit(e.emit(dst, half[0]), half[1])
}

func (e *bpe) piece(dst []byte, id int32) []byte {
	for _, r := range e.vocab.text[id] {
		if b, ok := e.bytes[r]; ok {
			dst = append(dst, b)
		} else {
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}

// byteRune is GPT-2's printable stand-in for a byte: printable Latin-1 stays, the others move up to U+0100 in order.
func byteRune(b byte) rune {
	switch {
	case b <= ' ':
		return 0x100 + rune(b)
	case b >= 0x7f && b <= 0xa0:
		return 0x121 + rune(b-0x7f)
	case b == 0xad:
		return 0x143
	}
	return rune(b)
}
