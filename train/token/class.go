package token

import (
	"sync"
	"unicode"
	"unicode/utf8"
)

// class is what the pre-tokenizers ask of a character: one bit for each answer. No character has class 0, which
// stands for the end of the text.
type class uint16

const (
	letter      class = 1 << iota // \p{L}
	number                        // \p{N}
	mark                          // \p{M}
	punct                         // \p{P}
	symbolic                      // \p{S}
	space                         // \s
	newline                       // \r and \n
	slash                         // /
	smallAZ                       // a to z
	largeAZ                       // A to Z
	digit09                       // 0 to 9
	han                           // the blocks of CJK ideographs
	controlling                   // \p{C} without the unassigned
	upper                         // \p{Lu} and \p{Lt}
	lower                         // \p{Ll}
	anything                      // every character
)

// tableSize is the number of characters that have an entry in the table of classes: the planes with scripts in use.
const tableSize = 0x20000

var (
	asciiClass = classesBelow(utf8.RuneSelf)
	classTable = sync.OnceValue(func() []class { return classesBelow(tableSize) })
)

// classesBelow makes a table by walking the ranges, which is a hundred times quicker than asking for each character.
func classesBelow(n rune) []class {
	t := make([]class, n)
	for i := range t {
		t[i] = anything
	}
	fill := func(lo, hi, stride rune, c class) {
		for r := lo; r <= hi && r < n; r += stride {
			t[r] |= c
		}
	}
	for _, cat := range categories {
		for _, x := range cat.table.R16 {
			fill(rune(x.Lo), rune(x.Hi), rune(x.Stride), cat.class)
		}
		for _, x := range cat.table.R32 {
			fill(rune(x.Lo), rune(x.Hi), rune(x.Stride), cat.class)
		}
	}
	for _, x := range named {
		for i := 0; i < len(x.pairs); i += 2 {
			fill(x.pairs[i], x.pairs[i+1], 1, x.class)
		}
	}
	return t
}

// categories pairs tables of the Unicode standard with the class of their members.
var categories = []struct {
	table *unicode.RangeTable
	class class
}{
	{unicode.L, letter},
	{unicode.N, number},
	{unicode.M, mark},
	{unicode.P, punct},
	{unicode.S, symbolic},
	{unicode.White_Space, space},
	{unicode.Cc, controlling},
	{unicode.Cf, controlling},
	{unicode.Co, controlling},
	{unicode.Cs, controlling},
	{unicode.Lu, upper},
	{unicode.Lt, upper},
	{unicode.Ll, lower},
}

// named pairs ranges of characters with the class of their members.
var named = []struct {
	pairs []rune
	class class
}{
	{[]rune{'\n', '\n', '\r', '\r'}, newline},
	{[]rune{'/', '/'}, slash},
	{[]rune{'a', 'z'}, smallAZ},
	{[]rune{'A', 'Z'}, largeAZ},
	{[]rune{'0', '9'}, digit09},
	{hanBlocks, han},
	// Unicode 15.1, which llama.cpp's tables have and Go's 15.0 have not.
	{[]rune{0x2ffc, 0x2fff, 0x31ef, 0x31ef}, symbolic},
	{[]rune{0x2ebf0, 0x2ee5d}, letter},
}

func findClass(r rune) class {
	c := anything
	for _, cat := range categories {
		if unicode.Is(cat.table, r) {
			c |= cat.class
		}
	}
	for _, x := range named {
		if inRanges(r, x.pairs) {
			c |= x.class
		}
	}
	return c
}

// runeClass returns the class of a character.
func runeClass(r rune) class {
	if r < tableSize {
		return classTable()[r]
	}
	return findClass(r)
}

// classAt returns the class of the first character of text and its length in bytes; 0 and 0 at the end. A byte that
// is not part of UTF-8 counts as U+FFFD, a symbol.
func classAt(text string) (class, int) {
	if text == "" {
		return 0, 0
	}
	if b := text[0]; b < utf8.RuneSelf {
		return asciiClass[b], 1
	}
	r, n := utf8.DecodeRuneInString(text)
	return runeClass(r), n
}

// set is a set of characters: those that have one of the bits of any and none of the bits of none.
type set struct{ any, none class }

// anyOf is the set of characters with one of the bits of c.
func anyOf(c class) set { return set{any: c} }

// not is the set of characters with none of the bits of c.
func not(c class) set { return set{any: anything, none: c} }

func (s set) has(c class) bool { return c&s.any != 0 && c&s.none == 0 }

// span returns the length of the longest start of text whose characters are all of the set.
func (s set) span(text string) int {
	at := 0
	for {
		c, n := classAt(text[at:])
		if !s.has(c) {
			return at
		}
		at += n
	}
}

// inRanges reports whether r is in one of the ranges, given as pairs of first and last character in ascending order.
func inRanges(r rune, pairs []rune) bool {
	lo, hi := 0, len(pairs)/2
	for lo < hi {
		mid := (lo + hi) / 2
		switch {
		case r < pairs[2*mid]:
			hi = mid
		case r > pairs[2*mid+1]:
			lo = mid + 1
		default:
			return true
		}
	}
	return false
}

// hanBlocks are the blocks of CJK ideographs and their compatibility forms, up to extension F.
var hanBlocks = []rune{
	0x3400, 0x4dbf, 0x4e00, 0x9fff, 0xf900, 0xfaff,
	0x20000, 0x2a6df, 0x2a700, 0x2b73f, 0x2b740, 0x2b81f, 0x2b820, 0x2ceaf, 0x2ceb0, 0x2ebef, 0x2f800, 0x2fa1f,
}
