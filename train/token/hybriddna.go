package token

import "strings"

// kmerMark ends the entries of k-mers, so that they differ from tokens of the same letters. It is not part of the text.
const kmerMark = "\ue000"

// kmerSize is the number of letters of a k-mer.
const kmerSize = 6

// hybridDNA is BPE with sequences between <dna> and </dna> in k-mers.
type hybridDNA struct {
	*bpe
	begin, end, oov int32
}

func newHybridDNA(v *vocab, src Source) (engine, error) {
	e, err := newBPE(v, src)
	if err != nil {
		return nil, err
	}
	begin, ok1 := v.ids["<dna>"]
	end, ok2 := v.ids["</dna>"]
	oov, ok3 := v.ids["<oov>"]
	if !ok1 || !ok2 || !ok3 {
		return e, nil
	}
	return hybridDNA{e.(*bpe), begin, end, oov}, nil
}

func (e hybridDNA) encode(dst []int32, text string, _ bool) []int32 {
	for text != "" {
		plain, rest, ok := strings.Cut(text, "<dna>")
		if plain != "" {
			dst = e.bpe.encode(dst, plain, false)
		}
		if !ok {
			break
		}
		letters, after, closed := strings.Cut(rest, "</dna>")
		dst = e.kmers(append(dst, e.begin), letters)
		if !closed {
			break
		}
		dst = append(dst, e.end)
		text = after
	}
	return dst
}

// kmers encodes a sequence; the last k-mer is filled up with A.
func (e hybridDNA) kmers(dst []int32, letters string) []int32 {
	upper := []byte(letters)
	for i, c := range upper {
		if c >= 'a' && c <= 'z' {
			upper[i] = c - 'a' + 'A'
		}
	}
	for len(upper) > 0 {
		n := min(kmerSize, len(upper))
		id, ok := e.vocab.ids[string(upper[:n])+strings.Repeat("A", kmerSize-n)+kmerMark]
		if !ok {
			id = e.oov
		}
		dst = append(dst, id)
		upper = upper[n:]
	}
	return dst
}

func (e hybridDNA) piece(dst []byte, id int32) []byte {
	if s := e.vocab.text[id]; id > e.oov && len(s) > len(kmerMark) && strings.HasSuffix(s, kmerMark) {
		return append(dst, s[:len(s)-len(kmerMark)]...)
	}
	return e.bpe.piece(dst, id)
}
