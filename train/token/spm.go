package token

import (
	"fmt"
	"strings"
)

// blank stands for the space in SentencePiece vocabularies.
const blank = "\u2581"

// spm is SentencePiece's BPE: of all neighbours that make a token, the pair with the best score is merged first.
type spm struct {
	vocab    *vocab
	bytes    byteTable
	joints   joints
	sessions *sessions
}

func newSPM(v *vocab, _ Source) (engine, error) {
	if err := v.checkScores(); err != nil {
		return nil, err
	}
	e := &spm{vocab: v, bytes: hexBytes(v), joints: newJoints(v.ids), sessions: newSessions()}
	for b, id := range e.bytes.base {
		if id >= 0 {
			continue
		}
		var ok bool
		if id, ok = v.ids[string([]byte{byte(b)})]; !ok {
			id = v.unk
		}
		if id < 0 {
			return nil, fmt.Errorf("token: no token for byte %#02x, and no %s", b, keyUnknown)
		}
		e.bytes.base[b] = id
	}
	return e, nil
}

func (e *spm) encode(dst []int32, text string, _ bool) []int32 {
	if e.vocab.spacePrefix {
		text = " " + text
	}
	s := e.sessions.get()
	defer e.sessions.put(s)
	e.joints.split(strings.ReplaceAll(text, " ", blank), func(w string) { dst = s.word(dst, w, e) })
	return dst
}

func (e *spm) word(dst []int32, text string, m *merger) []int32 {
	m.reset()
	m.rule = func(l, r *symbol) (float32, int32, bool) {
		id, ok := e.vocab.ids[text[l.start:r.end]]
		if !ok {
			return 0, 0, false
		}
		return -e.vocab.score[id], id, true
	}
	for at := 0; at < len(text); {
		n := min(charLen(text[at]), len(text)-at)
		id, ok := e.vocab.ids[text[at:at+n]]
		if !ok {
			id = -1
		}
		m.add(at, at+n, id)
		at += n
	}
	m.run()
	for i := int32(0); i >= 0; i = m.sym[i].next {
		s := &m.sym[i]
		if s.id >= 0 {
			dst = append(dst, s.id)
			continue
		}
		for _, b := range []byte(text[s.start:s.end]) {
			dst = append(dst, e.bytes.base[b])
		}
	}
	return dst
}

func (e *spm) piece(dst []byte, id int32) []byte {
	if b, ok := e.bytes.value[id]; ok {
		return append(dst, b)
	}
	return append(dst, strings.ReplaceAll(e.vocab.text[id], blank, " ")...)
}

// charLen is the length of a UTF-8 sequence by its first byte; stray continuation bytes count as one.
func charLen(b byte) int {
	switch {
	case b >= 0xf0:
		return 4
	case b >= 0xe0:
		return 3
	case b >= 0xc0:
		return 2
	}
	return 1
}
