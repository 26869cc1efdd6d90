package token

import "unicode/utf8"

// unigramWords is the unigram model on words that are normalised already.
type unigramWords struct{ *unigram }

func newUnigramWords(v *vocab, src Source) (wordModel, error) {
	if err := v.checkScores(); err != nil {
		return nil, err
	}
	e := &unigram{vocab: v, bytes: hexBytes(v), fallback: true}
	lowest := v.score[0]
	for _, s := range v.score {
		lowest = min(lowest, s)
	}
	e.unknown = float64(lowest) - 10
	// Every entry is cut out of text, even what is a special token when it stands alone.
	e.trie = newTrie(v.entries(func(k kind) bool { return k != unused && k != unknown }))
	for _, id := range e.bytes.base {
		e.fallback = e.fallback && id >= 0 && v.written[id] == byteToken
	}
	return unigramWords{e}, nil
}

func (e unigramWords) word(dst []int32, w string, _ *merger) []int32 { return e.segment(dst, w) }

func (unigramWords) joints() *joints { return nil }

// wordPieceWords is WordPiece on words that are cut already.
type wordPieceWords struct {
	*wordPiece
	maxChars int
}

func newWordPieceWords(v *vocab, src Source) (wordModel, error) {
	e := wordPieceWords{&wordPiece{vocab: v, trie: newTrie(v.entries(func(kind) bool { return true }))}, 100}
	if n, ok := src.Uint(keyMaxChars); ok {
		e.maxChars = int(min(n, 1<<20))
	}
	return e, nil
}

func (e wordPieceWords) word(dst []int32, w string, _ *merger) []int32 {
	if utf8.RuneCountInString(w) > e.maxChars {
		if e.vocab.unk >= 0 {
			dst = append(dst, e.vocab.unk)
		}
		return dst
	}
	return e.wordPiece.word(dst, blank+w)
}

func (wordPieceWords) joints() *joints { return nil }
