package token

import (
	"slices"
	"unicode/utf8"
)

// A pre-tokenizer is a chain of splitters; each cuts further what the one before it left, seeing nothing outside of
// it, as llama.cpp applies its expressions one after another.

// splitter hands the pieces of text, which is not empty, to emit from left to right. Together they are the text.
type splitter func(text string, emit func(string))

// match returns the length of a match at the start of text, 0 if there is none; text is not empty.
type match func(text string) int

// chain returns the splitter that applies all of s in turn. emit is bound once, so that no piece costs an allocation.
func chain(s []splitter, emit func(string)) func(string) {
	for _, split := range slices.Backward(s) {
		next := emit
		emit = func(text string) { split(text, next) }
	}
	return emit
}

// cut is the splitter that isolates the matches; what lies between two of them is a piece too.
func cut(m match) splitter {
	return func(text string, emit func(string)) {
		from, at := 0, 0 // text[from:at] belongs to no match
		for at < len(text) {
			n := m(text[at:])
			if n == 0 {
				at += runeLen(text[at:])
				continue
			}
			if from < at {
				emit(text[from:at])
			}
			emit(text[at : at+n])
			at += n
			from = at
		}
		if from < at {
			emit(text[from:at])
		}
	}
}

func runeLen(text string) int {
	if text[0] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRuneInString(text)
	return n
}

// first tries the alternatives in order, as an expression does.
func first(alternatives ...match) match {
	return func(text string) int {
		for _, m := range alternatives {
			if n := m(text); n > 0 {
				return n
			}
		}
		return 0
	}
}

// run matches [s]+.
func run(s set) match { return s.span }

// atMost matches [s]{1,n}.
func atMost(n int, s set) match {
	return func(text string) int {
		at := 0
		for range n {
			c, size := classAt(text[at:])
			if !s.has(c) {
				break
			}
			at += size
		}
		return at
	}
}

// led matches [lead]? before the body.
func led(lead set, body match) match {
	return func(text string) int {
		if c, n := classAt(text); lead.has(c) && n < len(text) {
			if m := body(text[n:]); m > 0 {
				return n + m
			}
		}
		return body(text)
	}
}

// blankLed matches the body with one U+0020 before it or none.
func blankLed(body match) match {
	return func(text string) int {
		if text[0] == ' ' {
			if len(text) == 1 {
				return 0
			}
			if n := body(text[1:]); n > 0 {
				return 1 + n
			}
			return 0
		}
		return body(text)
	}
}

// tailed matches the body and as many characters of tail after it as there are.
func tailed(body match, tail set) match {
	return func(text string) int {
		n := body(text)
		if n == 0 {
			return 0
		}
		return n + tail.span(text[n:])
	}
}

// optional matches the body and, where it matches, what follows.
func optional(body, follow match) match {
	return func(text string) int {
		n := body(text)
		if n == 0 || n == len(text) {
			return n
		}
		return n + follow(text[n:])
	}
}

// contraction matches 's|'t|'re|'ve|'m|'ll|'d.
func contraction(text string) int { return ending(text, 0) }

// anyCaseContraction is contraction in letters of either case.
func anyCaseContraction(text string) int { return ending(text, 'a'-'A') }

// ending matches English endings; the bits of fold are ignored in letters.
func ending(text string, fold byte) int {
	if text[0] != '\'' || len(text) < 2 {
		return 0
	}
	a := text[1] | fold
	switch a {
	case 's', 't', 'm', 'd':
		return 2
	}
	if len(text) < 3 {
		return 0
	}
	b := text[2] | fold
	if (a == 'r' || a == 'v') && b == 'e' || a == 'l' && b == 'l' {
		return 3
	}
	return 0
}

// spaces matches \s+(?!\S)|\s+: blanks before a word leave the last of them to the word, unless it is the only one.
func spaces(text string) int {
	at, last := 0, 0
	for {
		c, n := classAt(text[at:])
		if c&space == 0 {
			if c == 0 || last == 0 {
				return at
			}
			return last
		}
		last = at
		at += n
	}
}

// toNewline matches \s*[\r\n]+: blanks up to the last line break among them.
func toNewline(text string) int {
	at, end := 0, 0
	for {
		c, n := classAt(text[at:])
		if c&space == 0 {
			return end
		}
		at += n
		if c&newline != 0 {
			end = at
		}
	}
}

// caseWord matches U*L+|U+L*, where U is a letter other than a to z, and L one other than A to Z; extra is let into
// both. Greedy matching gives U all it can take and hands back the least that L needs.
func caseWord(extra class, lead set, follow match) match {
	return casedWord(set{letter | extra, smallAZ}, set{letter | extra, largeAZ}, lead, follow)
}

func casedWord(up, low, lead set, follow match) match {
	lower := func(text string) int {
		at, both := 0, 0
		for {
			c, n := classAt(text[at:])
			switch {
			case up.has(c):
				at += n
				if low.has(c) {
					both = at
				}
				continue
			case low.has(c):
				return at + low.span(text[at:])
			}
			return both
		}
	}
	upper := func(text string) int {
		n := up.span(text)
		if n == 0 {
			return 0
		}
		return n + low.span(text[n:])
	}
	body := first(led(lead, lower), led(lead, upper))
	if follow == nil {
		return body
	}
	return optional(body, follow)
}

// phrase matches (?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+: words with single blanks between them.
func phrase(text string) int {
	at := 0
	for {
		next := at
		if at > 0 && at < len(text) && text[at] == ' ' {
			next++
		}
		c, n := classAt(text[next:])
		if c&letter == 0 {
			return at
		}
		at = next + n
		at += anyOf(mark).span(text[at:])
	}
}

// word matches the word of ASCII letters after a mark of ASCII punctuation.
func punctuatedWord(text string) int {
	c := asciiClassOf(text[0])
	if c&(punct|symbolic) == 0 {
		return 0
	}
	if n := anyOf(smallAZ | largeAZ).span(text[1:]); n > 0 {
		return 1 + n
	}
	return 0
}

func asciiClassOf(b byte) class {
	if b >= utf8.RuneSelf {
		return 0
	}
	return asciiClass[b]
}

// inAny matches a run of characters of the ranges. Blanks beyond ASCII are in no range, as they are for llama.cpp.
func inAny(pairs []rune) match {
	return func(text string) int {
		at := 0
		for at < len(text) {
			r, n := utf8.DecodeRuneInString(text[at:])
			if !inRanges(r, pairs) || r >= utf8.RuneSelf && runeClass(r)&space != 0 {
				break
			}
			at += n
		}
		return at
	}
}

// literal matches exactly one of the strings, tried in order.
func literal(options ...string) match {
	return func(text string) int {
		for _, s := range options {
			if len(text) >= len(s) && text[:len(s)] == s {
				return len(s)
			}
		}
		return 0
	}
}

// threeDigits matches [0-9][0-9][0-9].
func threeDigits(text string) int {
	if len(text) < 3 || anyOf(digit09).span(text[:3]) < 3 {
		return 0
	}
	return 3
}
