package token

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// preSteps are the steps of detox.tokenizer.pretokenizers, as the pre-tokenizers of the tokenizers library that have
// no name of llama.cpp's.
var preSteps = map[string]stepRow[preStep]{
	"whitespace_split": {0, func([]string) (preStep, bool) { return fieldsStep, true }},
	"bert":             {0, func([]string) (preStep, bool) { return bertStep, true }},
	"punctuation":      {0, func([]string) (preStep, bool) { return isolating(isPunct, false), true }},
	"digits":           {1, newDigits},
	"metaspace":        {2, newMetaspace},
	"after_spaces":     {0, func([]string) (preStep, bool) { return afterSpaces, true }},
}

// fieldsStep cuts at blanks and drops them.
func fieldsStep(p part, emit func(part)) {
	from := 0
	flush := func(at int) {
		if from < at {
			emit(part{p.text[from:at], p.begins && from == 0})
		}
	}
	for i, r := range p.text {
		if unicode.Is(unicode.White_Space, r) {
			flush(i)
			from = i + utf8.RuneLen(r)
		}
	}
	flush(len(p.text))
}

// isolating makes a part of each character of a set, or of each run of them.
func isolating(in func(rune) bool, runs bool) preStep {
	return func(p part, emit func(part)) {
		from, inside := 0, false
		for at := 0; at < len(p.text); {
			r, n := utf8.DecodeRuneInString(p.text[at:])
			is := in(r)
			if from < at && (is != inside || is && !runs) {
				emit(part{p.text[from:at], p.begins && from == 0})
				from = at
			}
			inside = is
			at += n
		}
		if from < len(p.text) {
			emit(part{p.text[from:], p.begins && from == 0})
		}
	}
}

func isPunct(r rune) bool {
	c := runeClass(r)
	return c&punct != 0 || r < utf8.RuneSelf && c&symbolic != 0
}

func isNumber(r rune) bool { return runeClass(r)&number != 0 }

var isolatePunct = isolating(isPunct, false)

// bertStep cuts into words and single punctuation marks.
func bertStep(p part, emit func(part)) {
	fieldsStep(p, func(p part) { isolatePunct(p, emit) })
}

func newDigits(args []string) (preStep, bool) {
	return isolating(isNumber, args[0] == "runs"), args[0] == "runs" || args[0] == "single"
}

// newMetaspace writes spaces as U+2581 and puts one before the text: always, at its beginning ("first") or never.
// With "split" each begins a part.
func newMetaspace(args []string) (preStep, bool) {
	scheme, split := args[0], args[1] == "split"
	ok := scheme == "always" || scheme == "first" || scheme == "never"
	return func(p part, emit func(part)) {
		text := strings.ReplaceAll(p.text, " ", blank)
		if (scheme == "always" || scheme == "first" && p.begins) && !strings.HasPrefix(text, blank) {
			text = blank + text
		}
		for from := 0; from < len(text); {
			at := len(text)
			if split {
				_, first := utf8.DecodeRuneInString(text[from:])
				if i := strings.Index(text[from+first:], blank); i >= 0 {
					at = from + first + i
				}
			}
			emit(part{text[from:at], p.begins && from == 0})
			from = at
		}
	}, ok && (split || args[1] == "whole")
}

// afterSpaces cuts behind each space.
func afterSpaces(p part, emit func(part)) {
	for from := 0; from < len(p.text); {
		at := len(p.text)
		if i := strings.IndexByte(p.text[from:], ' '); i >= 0 {
			at = from + i + 1
		}
		emit(part{p.text[from:at], p.begins && from == 0})
		from = at
	}
}
