package eval

import (
	"crypto/sha256"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
)

//go:embed data/words.txt
var wordFile string

// wordList calls a text toxic when it contains a listed word.
type wordList struct {
	whole  map[string]bool
	prefix []string // "stem*"
	suffix []string // "*stem"
	name   string
}

var loadWords = sync.OnceValue(func() *wordList { return parseWords(wordFile) })

// WordList is the embedded word-list judge: 1 for a text with a listed word, else 0.
// It misses every insult without a swear word and knows no context.
func WordList() Judge { return loadWords() }

// parseWords reads one entry a line; lines that start with "# " are comments.
func parseWords(file string) *wordList {
	sum := sha256.Sum256([]byte(file))
	l := &wordList{whole: map[string]bool{}, name: fmt.Sprintf("words-%x", sum[:4])}
	for line := range strings.Lines(file) {
		w := strings.TrimSpace(line)
		switch {
		case w == "" || strings.HasPrefix(w, "# "):
		case strings.HasPrefix(w, "*"):
			l.suffix = append(l.suffix, w[1:])
		case strings.HasSuffix(w, "*"):
			l.prefix = append(l.prefix, w[:len(w)-1])
		default:
			l.whole[w] = true
		}
	}
	return l
}

// Name implements Judge.
func (l *wordList) Name() string { return l.name }

// Toxic implements Judge.
func (l *wordList) Toxic(text string) float64 {
	if slices.ContainsFunc(splitWords(text), l.has) {
		return 1
	}
	return 0
}

func (l *wordList) has(word string) bool {
	if l.whole[word] {
		return true
	}
	for _, p := range l.prefix {
		if strings.HasPrefix(word, p) {
			return true
		}
	}
	for _, s := range l.suffix {
		if strings.HasSuffix(word, s) {
			return true
		}
	}
	return false
}

// MaskWords replaces the inner letters of listed words by "•", for display.
func MaskWords(text string) string {
	l := loadWords()
	var out strings.Builder
	for text != "" {
		end := strings.IndexFunc(text, isSpace)
		if end == 0 {
			end = len(text) - len(strings.TrimLeftFunc(text, isSpace))
			out.WriteString(text[:end])
			text = text[end:]
			continue
		}
		if end < 0 {
			end = len(text)
		}
		out.WriteString(maskWord(l, text[:end]))
		text = text[end:]
	}
	return out.String()
}

// maskWord keeps the first letter and everything that is not a letter.
func maskWord(l *wordList, token string) string {
	parts := splitWords(token)
	if len(parts) == 0 || !l.hasPart(parts[0]) {
		return token
	}
	var out strings.Builder
	first := true
	for _, r := range token {
		switch {
		case isOuter(r), first:
			out.WriteRune(r)
			first = first && isOuter(r)
		default:
			out.WriteRune('•')
		}
	}
	return out.String()
}

// hasPart looks at hyphenated pieces too.
func (l *wordList) hasPart(word string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(word, isOuter), l.has) || l.has(word)
}
