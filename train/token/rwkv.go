package token

// rwkv takes the longest token that begins the rest of the text.
type rwkv struct {
	vocab *vocab
	trie  *trie
	bytes []string // what each token stands for
}

func newRWKV(v *vocab, _ Source) (engine, error) {
	e := &rwkv{vocab: v, bytes: make([]string, len(v.text))}
	list := make([]entry, 0, len(v.text))
	for id, s := range v.text {
		if e.bytes[id] = unescape(s); e.bytes[id] != "" {
			list = append(list, entry{e.bytes[id], int32(id)})
		}
	}
	e.trie = newTrie(list)
	return e, nil
}

// unescape reads \t, \n, \r and \x with two hexadecimal digits; any other character after \ stands for itself.
func unescape(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			if s[i] != '\\' {
				b = append(b, s[i])
			}
			continue
		}
		i++
		switch s[i] {
		case 't':
			b = append(b, '\t')
		case 'n':
			b = append(b, '\n')
		case 'r':
			b = append(b, '\r')
		case 'x':
			if i+2 < len(s) {
				b = append(b, hexDigit(s[i+1])<<4+hexDigit(s[i+2]))
			}
			i += 2
		default:
			b = append(b, s[i])
		}
	}
	return string(b)
}

func hexDigit(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}

func (e *rwkv) encode(dst []int32, text string, _ bool) []int32 {
	for text != "" {
		id, n := e.trie.longest(text)
		if n == 0 {
			id, n = e.vocab.unk, 1
		}
		if id >= 0 {
			dst = append(dst, id)
		}
		text = text[n:]
	}
	return dst
}

func (e *rwkv) piece(dst []byte, id int32) []byte { return append(dst, e.bytes[id]...) }
