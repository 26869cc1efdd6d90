package token

import "unicode/utf8"

// exactSplits are the splitters of pre-tokenizers that llama.cpp simplifies, as the tokenizers library has them.
var exactSplits = map[string][]splitter{
	"tekken":         {cut(modernWord(casedWord(exactUp, exactLow, wordLead, nil), oneNumber, signPaths))},
	"gpt-4o":         {cut(modernWord(casedWord(exactUp, exactLow, wordLead, anyCaseContraction), threeNums, signPaths))},
	"falcon":         {runsOf(punctuationChar), cut(gpt2Word), digitBytes, cut(threeDigits)},
	"deepseek-coder": append(splitDeepSeekCoder[:3:3], cut(ranges(eastAsian)), cut(oneNumber)),
	"deepseek-llm": {
		cut(atMost(1, newlines)), cut(spaceLed(ranges(casedLetters))), cut(spaceLed(ranges(widePunct))), endBlanks,
		cut(ranges(eastAsian)), cut(oneNumber),
	},
}

// Letters as \p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M} and \p{Ll}\p{Lm}\p{Lo}\p{M} have them.
var (
	exactUp  = set{letter | mark, lower}
	exactLow = set{letter | mark, upper}
)

// ranges matches a run of characters of the ranges.
func ranges(pairs []rune) match {
	return func(text string) int {
		for i, r := range text {
			if !inRanges(r, pairs) {
				return i
			}
		}
		return len(text)
	}
}

func punctuationChar(text string) int {
	r, n := utf8.DecodeRuneInString(text)
	if isPunct(r) {
		return n
	}
	return 0
}

// runsOf isolates runs of what m matches.
func runsOf(m match) splitter {
	return cut(func(text string) int {
		at := 0
		for at < len(text) {
			n := m(text[at:])
			if n == 0 {
				break
			}
			at += n
		}
		return at
	})
}

// digitBytes isolates runs of the bytes whose stand-ins are numbers: a step that looks for digits behind the one that
// writes bytes takes these for such.
func digitBytes(text string, emit func(string)) {
	from := 0
	for at := 1; at <= len(text); at++ {
		if at == len(text) || isDigitByte(text[at]) != isDigitByte(text[from]) {
			emit(text[from:at])
			from = at
		}
	}
}

func isDigitByte(b byte) bool { return isNumber(byteRune(b)) }
