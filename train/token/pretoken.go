package token

import (
	"unicode"
	"unicode/utf8"
)

// scanner returns how many bytes of text its first word takes, at least 1; text is not empty.
type scanner func(text string) int

// preTokenizers lists the values of tokenizer.ggml.pre that are read. Each scanner cuts further what the one before
// it left, seeing nothing outside of it, as llama.cpp applies its expressions one after another.
var preTokenizers = map[string][]scanner{
	"default":    {punctuation, gpt2Word, numbers, threeDigits},
	"gpt-2":      gpt2,
	"gpt2":       gpt2,
	"phi-2":      gpt2,
	"mpt":        gpt2,
	"olmo":       gpt2,
	"jais":       gpt2,
	"exaone4":    gpt2,
	"smollm":     smollm,
	"starcoder":  smollm,
	"refact":     smollm,
	"command-r":  smollm,
	"codeshell":  smollm,
	"exaone":     smollm,
	"minerva-7b": smollm,
}

var (
	gpt2   = []scanner{gpt2Word}
	smollm = []scanner{singleNumber, gpt2Word}
)

// words cuts text by all scanners in turn and hands every word to emit.
func words(text string, scan []scanner, emit func(string)) {
	if len(scan) == 0 {
		emit(text)
		return
	}
	for text != "" {
		n := scan[0](text)
		words(text[:n], scan[1:], emit)
		text = text[n:]
	}
}

// class is what the pre-tokenizers ask of a character.
type class uint8

const (
	none   class = iota // the end of the text
	letter              // \p{L}
	number              // \p{N}
	space               // \s
	other
)

// classOf returns the class of the first character of text and its length in bytes. Bytes that are not UTF-8 are "other".
func classOf(text string) (class, int) {
	if text == "" {
		return none, 0
	}
	r, n := utf8.DecodeRuneInString(text)
	switch {
	case unicode.IsLetter(r):
		return letter, n
	case unicode.IsNumber(r):
		return number, n
	case unicode.IsSpace(r):
		return space, n
	}
	return other, n
}

// run returns the length of the longest start of text whose characters are all of class c.
func run(text string, c class) int {
	at := 0
	for {
		d, n := classOf(text[at:])
		if d != c {
			return at
		}
		at += n
	}
}

// gpt2Word scans 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
func gpt2Word(text string) int {
	if n := contraction(text); n > 0 {
		return n
	}
	lead := 0
	if text[0] == ' ' {
		lead = 1
	}
	c, _ := classOf(text[lead:])
	if c == letter || c == number || c == other {
		return lead + run(text[lead:], c)
	}
	n := run(text, space)
	if n == len(text) {
		return n
	}
	// More text follows: the last blank belongs to it, unless it is the only one.
	_, last := utf8.DecodeLastRuneInString(text[:n])
	if n > last {
		return n - last
	}
	return n
}

// contraction returns the length of an English ending like 's or 've at the start of text, 0 if there is none.
func contraction(text string) int {
	if text[0] != '\'' || len(text) < 2 {
		return 0
	}
	switch text[1] {
	case 's', 't', 'm', 'd':
		return 2
	}
	if len(text) >= 3 {
		switch text[1:3] {
		case "re", "ve", "ll":
			return 3
		}
	}
	return 0
}

// singleNumber cuts out every \p{N}.
func singleNumber(text string) int {
	return cut(text, func(s string) int {
		c, n := classOf(s)
		if c != number {
			return 0
		}
		return n
	})
}

// numbers cuts out \p{N}+.
func numbers(text string) int {
	return cut(text, func(s string) int { return run(s, number) })
}

// threeDigits cuts out [0-9][0-9][0-9].
func threeDigits(text string) int {
	return cut(text, func(s string) int {
		if len(s) < 3 || !digit(s[0]) || !digit(s[1]) || !digit(s[2]) {
			return 0
		}
		return 3
	})
}

func digit(b byte) bool { return b >= '0' && b <= '9' }

// punctuation cuts out [\p{P}\$\+<=>\^~\|]+.
func punctuation(text string) int {
	return cut(text, func(s string) int {
		for i, r := range s {
			if !isPunctuation(r) {
				return i
			}
		}
		return len(s)
	})
}

func isPunctuation(r rune) bool {
	switch r {
	case '$', '+', '<', '=', '>', '^', '~', '|':
		return true
	}
	return unicode.IsPunct(r)
}

// cut returns the length of the match at the start of text, or of what stands before the first match.
func cut(text string, match func(string) int) int {
	if n := match(text); n > 0 {
		return n
	}
	for i := range text {
		if i > 0 && match(text[i:]) > 0 {
			return i
		}
	}
	return len(text)
}
