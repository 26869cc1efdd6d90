package eval

import (
	"fmt"
	"os"
	"strings"
)

// Lengths, in words, of the pieces that ReadProse cuts: those of a continuation.
const minPiece, maxPiece = 6, 24

// unspace undoes the marks and spaces that WikiText puts around punctuation.
var unspace = strings.NewReplacer(" @-@ ", "-", " @,@ ", ",", " @.@ ", ".", " ,", ",", " .", ".", " ;", ";", " :", ":",
	" 's", "'s", " n't", "n't", "( ", "(", " )", ")", " \" ", " \"", "<unk>", "it")

// ReadProse reads a text file and cuts its lines into pieces of 6 to 24 words,
// the lengths one after the other so that every length is met equally often. Titles
// (lines between equal signs) and lines below 6 words are left out.
func ReadProse(path string) ([]string, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("eval: prose: %w", err)
	}
	var out []string
	n := minPiece
	for line := range strings.Lines(string(raw)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "=") {
			continue
		}
		words := strings.Fields(unspace.Replace(line))
		for len(words) >= minPiece {
			k := min(n, len(words))
			out = append(out, strings.Join(words[:k], " "))
			words = words[k:]
			if n++; n > maxPiece {
				n = minPiece
			}
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("eval: prose: %s has no line of %d words", path, minPiece)
	}
	return out, nil
}
