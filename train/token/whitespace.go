package token

import (
	"strings"
	"unicode"
)

// whitespace is BPE on words between blanks, which stand for nothing.
type whitespace struct {
	*bpe
	lowercase bool
}

func newWhitespace(v *vocab, src Source) (engine, error) {
	name, ok := src.String(keyPre)
	if !ok {
		name = "default"
	}
	e, err := newBPEOf(v, src, name)
	if err != nil {
		return nil, err
	}
	return whitespace{e, boolOr(src, keyLowercase, name != "whitespace")}, nil
}

func (e whitespace) encode(dst []int32, text string, _ bool) []int32 {
	for _, w := range strings.FieldsFunc(text, unicode.IsSpace) {
		if e.lowercase {
			w = strings.Map(unicode.ToLower, w)
		}
		dst = e.bpe.encode(dst, w, false)
	}
	return dst
}
