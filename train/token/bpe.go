package token

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxMerges bounds the number of merge rules.
const maxMerges = 1 << 24

// pair is two neighbouring pieces, packed so that the map of rules hashes it as one number.
type pair uint64

func pairOf(left, right int32) pair { return pair(uint32(left))<<32 | pair(uint32(right)) }

// merge is the rank of a rule, lowest first, and the piece it makes.
type merge struct{ rank, id int32 }

// bpe is byte-pair encoding. Pieces are the vocabulary's tokens and, numbered after them, those that only merge
// rules know.
type bpe struct {
	vocab  *vocab
	pre    preTokenizer
	merges map[pair]merge
	extra  map[string]int32 // pieces that are not tokens
	bytes  byteTable
	whole  map[string]int32 // by bytes: the tokens that are looked up before merging, if any are
	lines  bool             // runs of line breaks are looked up
	joints joints           // of vocabularies that write the space as U+2581

	sessions *sessions
}

func newBPE(v *vocab, src Source) (engine, error) {
	name, ok := src.String(keyPre)
	if !ok {
		name = "default"
	}
	return newBPEOf(v, src, name)
}

func newGemma4(v *vocab, src Source) (engine, error) { return newBPEOf(v, src, preGemma4) }

func newBPEOf(v *vocab, src Source, name string) (*bpe, error) {
	pre, ok := preTokenizers[name]
	if !ok {
		return nil, fmt.Errorf("%w: %s is %q", ErrUnsupported, keyPre, name)
	}
	rules, ok := src.Strings(keyMerges)
	if !ok && name != "kimi-k2" { // its files may do without
		return nil, fmt.Errorf("token: %s is missing or not an array of strings", keyMerges)
	}
	if len(rules) > maxMerges {
		return nil, fmt.Errorf("token: %s has %d entries, want at most %d", keyMerges, len(rules), maxMerges)
	}
	if _, ok := src.Bool(keyAddBOS); !ok {
		v.addBOS = pre.addBOS
	}
	v.addBOS = v.addBOS || alwaysBOS[name]
	pre.whole = boolOr(src, keyWhole, pre.whole)
	if split, ok := exactSplits[name]; ok && v.exact {
		pre.split = split
	}
	e := &bpe{vocab: v, pre: pre, lines: newlineTokens[name], sessions: newSessions()}
	if pre.form == byteLevel {
		e.bytes = standInBytes(v)
	} else {
		e.bytes = hexBytes(v)
	}
	if pre.whole {
		e.whole = e.byBytes()
	}
	return e, e.readMerges(rules)
}

// byBytes maps the bytes that a token stands for to its id. Tokens written with characters that stand for no byte
// are left out: no text is ever written so.
func (e *bpe) byBytes() map[string]int32 {
	whole := make(map[string]int32, len(e.vocab.text))
	var b []byte
	for id, s := range e.vocab.text {
		b = b[:0]
		for _, r := range s {
			v, ok := standIn(r)
			if !ok {
				b = nil
				break
			}
			b = append(b, v)
		}
		if b != nil {
			whole[string(b)] = int32(id)
		}
	}
	return whole
}

// intern returns the number of a piece, and gives it one if it is new.
func (e *bpe) intern(s string) int32 {
	if id, ok := e.vocab.ids[s]; ok {
		return id
	}
	id, ok := e.extra[s]
	if !ok {
		id = int32(len(e.vocab.text) + len(e.extra))
		e.extra[s] = id
	}
	return id
}

func (e *bpe) readMerges(rules []string) error {
	e.merges = make(map[pair]merge, len(rules))
	e.extra = map[string]int32{}
	if e.pre.form == byteLevel {
		for b := range e.bytes.base { // a byte that is no token can still be half of a piece
			e.bytes.base[b] = e.intern(string(byteRune(byte(b))))
		}
	}
	for i, rule := range rules {
		cut := -1
		if len(rule) > 1 { // a space in first place would be the left half itself
			cut = 1 + strings.IndexByte(rule[1:], ' ')
		}
		if cut < 1 || cut+1 == len(rule) {
			return fmt.Errorf("token: %s: entry %d is %q, want two pieces with a space between", keyMerges, i, rule)
		}
		key := pairOf(e.intern(rule[:cut]), e.intern(rule[cut+1:]))
		if _, dup := e.merges[key]; !dup {
			e.merges[key] = merge{rank: int32(i), id: e.intern(rule[:cut] + rule[cut+1:])}
		}
	}
	if e.pre.form == blankMark {
		e.joints = newJoints(e.vocab.ids, e.extra)
	}
	return nil
}

func (e *bpe) encode(dst []int32, text string, _ bool) []int32 {
	s := e.sessions.get()
	defer e.sessions.put(s)
	s.m.rule = e.rule
	word := func(w string) { dst = s.word(dst, w, e) }
	split := chain(e.pre.split, word)
	if e.pre.form == blankMark {
		text = strings.ReplaceAll(text, " ", blank)
		split = chain(append(slices.Clip(e.pre.split), e.joints.split), word)
	}
	split(text)
	return dst
}

func (e *bpe) rule(l, r *symbol) (float32, int32, bool) {
	rule, ok := e.merges[pairOf(l.id, r.id)]
	return float32(rule.rank), rule.id, ok
}

// word encodes one word of the pre-tokenizer.
func (e *bpe) word(dst []int32, w string, m *merger) []int32 {
	if id, ok := e.whole[w]; ok {
		return append(dst, id)
	}
	if e.lines && w[0] == '\n' {
		if id, ok := e.vocab.ids[w]; ok {
			return append(dst, id)
		}
	}
	m.reset()
	if e.pre.form == byteLevel {
		for i := range len(w) {
			m.add(i, i+1, e.bytes.base[w[i]])
		}
	} else {
		e.addRunes(w, m)
	}
	m.run()
	for i := int32(0); i >= 0; i = m.sym[i].next {
		dst = e.emit(dst, w, &m.sym[i])
	}
	return dst
}

// addRunes makes each character a symbol. A byte that is not UTF-8 is one of its own.
func (e *bpe) addRunes(w string, m *merger) {
	for at := 0; at < len(w); {
		n := runeLen(w[at:])
		id, ok := e.vocab.ids[w[at:at+n]]
		if !ok {
			if id, ok = e.extra[w[at:at+n]]; !ok {
				id = -1
			}
		}
		m.add(at, at+n, id)
		at += n
	}
}

// emit appends a piece, taken apart into bytes if it is not a token. Bytes that the vocabulary has no token for are
// dropped, as llama.cpp drops them. (It also drops those of such a piece that are not ASCII.)
func (e *bpe) emit(dst []int32, w string, s *symbol) []int32 {
	n := int32(len(e.vocab.text))
	if s.id >= 0 && s.id < n {
		return append(dst, s.id)
	}
	for i := s.start; i < s.end; i++ {
		if id := e.bytes.base[w[i]]; id >= 0 && id < n {
			dst = append(dst, id)
		}
	}
	return dst
}

func (e *bpe) piece(dst []byte, id int32) []byte {
	if b, ok := e.bytes.value[id]; ok {
		return append(dst, b)
	}
	switch e.pre.form {
	case blankMark:
		return append(dst, strings.ReplaceAll(e.vocab.text[id], blank, " ")...)
	case plainText:
		return append(dst, e.vocab.text[id]...)
	case byteLevel:
	}
	for _, r := range e.vocab.text[id] {
		if b, ok := standIn(r); ok {
			dst = append(dst, b)
		} else {
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}
