package token

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// unigramWords is the unigram model on words that are normalised already.
type unigramWords struct{ *unigram }

func newUnigramWords(v *vocab, src Source) (wordModel, error) {
	scores, err := v.exactScores(src)
	if err != nil {
		return nil, err
	}
	e := &unigram{vocab: v, scores: scores, bytes: noBytes()}
	if boolOr(src, keyFallback, false) {
		e.bytes = hexBytes(v)
		e.fallback = !slices.Contains(e.bytes.base[:], -1)
	}
	e.unknown = slices.Min(scores) - 10
	// Every entry is cut out of text, even what is a special token when it stands alone; but none that was added.
	var model []entry
	for id := range scores {
		model = append(model, entry{v.text[id], int32(id)})
	}
	e.trie = newTrie(model)
	return unigramWords{e}, nil
}

// exactScores reads the scores of the model's own tokens, which come first: each a double in two parts, the high first.
func (v *vocab) exactScores(src Source) ([]float64, error) {
	parts, ok := src.Ints(keyDoubles)
	if !ok || len(parts) == 0 || len(parts)%2 != 0 || len(parts)/2 > len(v.text) {
		return nil, fmt.Errorf("token: %s is missing, or not two integers for each of at most %d tokens", keyDoubles, len(v.text))
	}
	scores := make([]float64, len(parts)/2)
	for i := range scores {
		scores[i] = math.Float64frombits(uint64(uint32(parts[2*i]))<<32 | uint64(uint32(parts[2*i+1])))
		if scores[i] != scores[i] {
			return nil, fmt.Errorf("token: %s: entry %d is not a number", keyDoubles, i)
		}
	}
	return scores, nil
}

func (e unigramWords) word(dst []int32, w string, _ *merger) []int32 { return e.segment(dst, w) }

func (e unigramWords) piece(dst []byte, id int32) []byte {
	if b, ok := e.bytes.value[id]; ok {
		return append(dst, b)
	}
	return e.unigram.piece(dst, id)
}

func (unigramWords) joints() *joints { return nil }

// wordPieceWords is WordPiece on words that are cut already. Unlike in the trie of wordPiece, tokens that begin a
// word are apart from those inside of it, so that a U+2581 in the text is nothing but a character.
type wordPieceWords struct {
	*wordPiece
	begin    *trie
	inside   *trie
	maxChars int
}

func newWordPieceWords(v *vocab, src Source) (wordModel, error) {
	e := wordPieceWords{wordPiece: &wordPiece{vocab: v}, maxChars: 100}
	if n, ok := src.Uint(keyMaxChars); ok {
		e.maxChars = int(min(n, 1<<20))
	}
	var begin, inside []entry
	for _, x := range v.entries(func(k kind) bool { return k != unused }) {
		if rest, ok := strings.CutPrefix(x.text, blank); ok && rest != "" {
			begin = append(begin, entry{rest, x.id})
		} else {
			inside = append(inside, x)
		}
	}
	e.begin, e.inside = newTrie(begin), newTrie(inside)
	return e, nil
}

func (e wordPieceWords) word(dst []int32, w string, _ *merger) []int32 {
	before := len(dst)
	from := e.begin
	if utf8.RuneCountInString(w) <= e.maxChars {
		for w != "" {
			id, n := from.longest(w)
			if n == 0 {
				break
			}
			dst = append(dst, id)
			w, from = w[n:], e.inside
		}
	}
	if w == "" {
		return dst
	}
	dst = dst[:before]
	if e.vocab.unk >= 0 {
		dst = append(dst, e.vocab.unk)
	}
	return dst
}

func (wordPieceWords) joints() *joints { return nil }
