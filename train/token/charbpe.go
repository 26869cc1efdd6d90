package token

import (
	"fmt"
	"slices"
	"strings"
)

// charBPE is byte-pair encoding of characters by rules, with U+2581 for the space: what a tokenizer.json has for a
// SentencePiece vocabulary. Characters that are no token are written in bytes, or unknown.
type charBPE struct {
	*bpe
	fuse     bool // neighbours that are unknown are one token
	fallback bool // what is no token is written in bytes, and there is a token for each
}

func newCharBPE(v *vocab, src Source) (wordModel, error) {
	b, err := newBPEOf(v, src, preGemma4)
	if err != nil {
		return nil, err
	}
	if len(b.extra) > 0 {
		return nil, fmt.Errorf("token: %s makes pieces that are no tokens", keyMerges)
	}
	v.addBOS = boolOr(src, keyAddBOS, false)
	e := &charBPE{bpe: b, fuse: boolOr(src, keyFuse, false), fallback: boolOr(src, keyFallback, false)}
	if !e.fallback {
		e.bytes = noBytes()
	}
	e.fallback = e.fallback && !slices.Contains(e.bytes.base[:], -1)
	return e, nil
}

func (e *charBPE) joints() *joints {
	if e.pre.whole || e.fuse && !e.fallback { // these look at the whole word
		return nil
	}
	return &e.bpe.joints
}

func (e *charBPE) word(dst []int32, w string, m *merger) []int32 {
	if e.pre.whole {
		if id, ok := e.vocab.ids[w]; ok {
			return append(dst, id)
		}
	}
	m.reset()
	m.rule = e.rule
	e.addRunes(w, m)
	m.run()
	before := len(dst)
	for i := int32(0); i >= 0; i = m.sym[i].next {
		s := &m.sym[i]
		switch {
		case s.id >= 0:
			dst = append(dst, s.id)
		case e.hasBytes(w[s.start:s.end]):
			for _, b := range []byte(w[s.start:s.end]) {
				dst = append(dst, e.bytes.base[b])
			}
		case e.vocab.unk >= 0 && !(e.fuse && len(dst) > before && dst[len(dst)-1] == e.vocab.unk):
			dst = append(dst, e.vocab.unk)
		}
	}
	return dst
}

// hasBytes reports whether there is a token for every byte of s.
func (e *charBPE) hasBytes(s string) bool {
	for _, b := range []byte(s) {
		if e.bytes.base[b] < 0 {
			return false
		}
	}
	return true
}

func (e *charBPE) piece(dst []byte, id int32) []byte {
	if b, ok := e.bytes.value[id]; ok {
		return append(dst, b)
	}
	return append(dst, strings.ReplaceAll(e.vocab.text[id], blank, " ")...)
}
