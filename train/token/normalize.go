package token

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// normalizer rewrites the text between special tokens before it is cut into words.
type normalizer struct {
	apply func(text string) string
	moves func(text string) bool // what it makes of this text no longer begins it; nil if that is never so
}

// leading is a normalizer that drops characters.
func leading(apply func(string) string, drops func(rune) bool) func([]string) (normalizer, bool) {
	return func([]string) (normalizer, bool) {
		return normalizer{apply, func(s string) bool {
			r, _ := utf8.DecodeRuneInString(s)
			return s != "" && drops(r)
		}}, true
	}
}

// normalizers are the steps of detox.tokenizer.normalizers, named and defined as in the tokenizers library.
var normalizers = map[string]stepRow[normalizer]{
	"nfc":             {0, plainly(norm.NFC.String)},
	"nfd":             {0, plainly(norm.NFD.String)},
	"nfkc":            {0, plainly(norm.NFKC.String)},
	"nfkd":            {0, plainly(norm.NFKD.String)},
	"lowercase":       {0, plainly(lowercase)},
	"strip_accents":   {0, leading(func(s string) string { return dropAll(s, unicode.IsMark) }, unicode.IsMark)},
	"bert_accents":    {0, leading(func(s string) string { return dropAll(norm.NFD.String(s), isAccent) }, isAccent)},
	"bert_clean":      {0, leading(bertClean, notClean)},
	"bert_han":        {0, plainly(spaceHan)},
	"strip_left":      {0, leading(func(s string) string { return strings.TrimLeftFunc(s, unicode.IsSpace) }, unicode.IsSpace)},
	"strip_right":     {0, plainly(func(s string) string { return strings.TrimRightFunc(s, unicode.IsSpace) })},
	"space_prefix":    {0, plainly(spacePrefix)},
	"prepend":         {1, func(a []string) (normalizer, bool) { return plain(func(s string) string { return a[0] + s }), true }},
	"replace":         {2, newReplace},
	"collapse_spaces": {1, newCollapse},
	"charsmap":        {0, nil}, // its table is in another key: newNormalizers
}

// newNormalizers reads the steps of a vocabulary.
func newNormalizers(src Source) ([]normalizer, error) {
	list, ok := src.Strings(keyNormalizers)
	if !ok {
		return nil, nil
	}
	chars, err := newCharsmap(src)
	if err != nil {
		return nil, err
	}
	table := make(map[string]stepRow[normalizer], len(normalizers))
	for name, row := range normalizers {
		table[name] = row
	}
	table["charsmap"] = stepRow[normalizer]{0, plainly(chars.normalize)}
	steps, err := readSteps(keyNormalizers, table, list)
	if err != nil {
		return nil, err
	}
	for i, f := range steps {
		steps[i].apply = func(s string) string { // no step makes something of nothing
			if s == "" {
				return s
			}
			return f.apply(s)
		}
	}
	return steps, nil
}

func plain(f func(string) string) normalizer { return normalizer{apply: f} }

func plainly(f func(string) string) func([]string) (normalizer, bool) {
	return func([]string) (normalizer, bool) { return plain(f), true }
}

func newReplace(args []string) (normalizer, bool) {
	from, to := args[0], args[1]
	n := plain(func(s string) string { return strings.ReplaceAll(s, from, to) })
	if utf8.RuneCountInString(from) > 1 { // a replacement has the place of the last character that it stands for
		n.moves = func(s string) bool { return strings.HasPrefix(s, from) }
	}
	return n, from != ""
}

func newCollapse(args []string) (normalizer, bool) {
	return normalizer{collapse(args[0]), func(s string) bool { return strings.HasPrefix(s, "  ") }}, true
}

// collapse replaces runs of two spaces and more.
func collapse(to string) func(string) string {
	return func(s string) string {
		var b strings.Builder
		for s != "" {
			n := 0
			for n < len(s) && s[n] == ' ' {
				n++
			}
			switch {
			case n > 1:
				b.WriteString(to)
				s = s[n:]
				continue
			case n == 1:
				b.WriteByte(' ')
				s = s[1:]
			}
			i := strings.IndexByte(s, ' ')
			if i < 0 {
				i = len(s)
			}
			b.WriteString(s[:i])
			s = s[i:]
		}
		return b.String()
	}
}

func spacePrefix(s string) string {
	if strings.HasPrefix(s, " ") {
		return s
	}
	return " " + s
}

// lowercase maps each character by itself: there is no final sigma, and U+0130 keeps its dot.
func lowercase(s string) string {
	return strings.ReplaceAll(strings.Map(func(r rune) rune {
		if r == 0x130 {
			return r
		}
		return unicode.ToLower(r)
	}, s), "\u0130", "i\u0307")
}

func dropAll(s string, drop func(rune) bool) string {
	return strings.Map(func(r rune) rune {
		if drop(r) {
			return -1
		}
		return r
	}, s)
}

func isAccent(r rune) bool { return unicode.Is(unicode.Mn, r) }

// bertClean drops control characters and writes every blank as a space.
func bertClean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case notClean(r):
			return -1
		case unicode.IsSpace(r):
			return ' '
		}
		return r
	}, s)
}

func notClean(r rune) bool {
	if r == '\t' || r == '\n' || r == '\r' {
		return false
	}
	return r == 0 || r == utf8.RuneError || runeClass(r)&controlling != 0
}

// spaceHan puts spaces around the ideographs that BERT sets apart.
func spaceHan(s string) string {
	var b strings.Builder
	for _, r := range s {
		if inRanges(r, bertHan) {
			b.WriteByte(' ')
			b.WriteRune(r)
			b.WriteByte(' ')
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// normalize is the tokenizers library's reading of the table: a cluster of less than six bytes is replaced by what the
// shortest entry that begins it says, any other character by character.
func (m charsmap) normalize(s string) string {
	if len(m.nodes) == 0 {
		return s
	}
	var b strings.Builder
	for s != "" {
		n := clusterLen(s)
		cluster := s[:n]
		s = s[n:]
		if n < 6 {
			if out, ok := m.shortest(cluster); ok {
				b.WriteString(out)
				continue
			}
		}
		for _, r := range cluster {
			c := string(r)
			if out, ok := m.shortest(c); ok {
				c = out
			}
			b.WriteString(c)
		}
	}
	return b.String()
}

// clusterLen returns the length of the grapheme cluster that begins the text, as far as those go that are shorter
// than six bytes: a character and the marks and joiners after it, and CR LF.
func clusterLen(s string) int {
	if strings.HasPrefix(s, "\r\n") {
		return 2
	}
	n := runeLen(s)
	if runeClass(rune(s[0]))&controlling != 0 && s[0] < utf8.RuneSelf {
		return n
	}
	for n < len(s) {
		r, size := utf8.DecodeRuneInString(s[n:])
		if !unicode.Is(unicode.M, r) && r != 0x200c && r != 0x200d {
			break
		}
		n += size
	}
	return n
}
