package token

import "unicode/utf8"

// lines isolates runs of \n and what lies between them.
func lines(text string, emit func(string)) {
	from := 0
	for at := 1; at <= len(text); at++ {
		if at == len(text) || (text[at] == '\n') != (text[from] == '\n') {
			emit(text[from:at])
			from = at
		}
	}
}

// endBlanks cuts off the blanks at the end: \s+$.
func endBlanks(text string, emit func(string)) {
	at := len(text)
	for at > 0 {
		r, n := utf8.DecodeLastRuneInString(text[:at])
		if runeClass(r)&space == 0 {
			break
		}
		at -= n
	}
	if at > 0 {
		emit(text[:at])
	}
	if at < len(text) {
		emit(text[at:])
	}
}

// powers cuts blanks that spaces has matched into runs of 512, 256 and so on, largest first, which is what
// \s{512}(?!\S)|\s{256}(?!\S)|...|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1} does in its place. No other match of that expression
// ends with a blank that is not a line break.
func powers(text string, emit func(string)) {
	if r, _ := utf8.DecodeLastRuneInString(text); runeClass(r)&(space|newline) != space {
		emit(text)
		return
	}
	left := count(text, space)
	for k := 512; left > 0; {
		if k > left {
			k /= 2
			continue
		}
		n := 0
		for range k {
			n += runeLen(text[n:])
		}
		emit(text[:n])
		text = text[n:]
		left -= k
	}
}

// thousands cuts runs of \p{N} into groups of three counted from the right. What stands before a run goes with its
// first group: llama.cpp takes the start of the group for the end of the piece before it.
func thousands(text string, emit func(string)) {
	from, at := 0, 0
	for at < len(text) {
		c, n := classAt(text[at:])
		if c&number == 0 {
			at += n
			continue
		}
		for left := count(text[at:], number); left > 0; left-- {
			_, n := classAt(text[at:])
			at += n
			if left%3 == 1 {
				emit(text[from:at])
				from = at
			}
		}
	}
	if from < at {
		emit(text[from:at])
	}
}

// asciiThousands cuts before every group of three of a run of ASCII digits, counted from the right:
// (?=(\d{3})+(?!\d)).
func asciiThousands(text string, emit func(string)) {
	from, at := 0, 0
	for at < len(text) {
		left := anyOf(digit09).span(text[at:])
		if left == 0 {
			at += runeLen(text[at:])
			continue
		}
		for ; left > 0; left-- {
			if left%3 == 0 && from < at {
				emit(text[from:at])
				from = at
			}
			at++
		}
	}
	if from < at {
		emit(text[from:at])
	}
}

// count returns how many characters of class c begin the text.
func count(text string, c class) int {
	n := 0
	for {
		d, size := classAt(text)
		if d&c == 0 {
			return n
		}
		n++
		text = text[size:]
	}
}

// sentinel matches <sentinel:[0-9]+>.
func sentinel(text string) int {
	const open = "<sentinel:"
	if len(text) < len(open) || text[:len(open)] != open {
		return 0
	}
	n := len(open) + anyOf(digit09).span(text[len(open):])
	if n == len(open) || n == len(text) || text[n] != '>' {
		return 0
	}
	return n + 1
}

// imageToken matches IMGIMG[A-I]{1,4}Z.
func imageToken(text string) int {
	const open = "IMGIMG"
	if len(text) < len(open) || text[:len(open)] != open {
		return 0
	}
	n := len(open)
	for n < len(text) && n < len(open)+4 && text[n] >= 'A' && text[n] <= 'I' {
		n++
	}
	if n == len(open) || n == len(text) || text[n] != 'Z' {
		return 0
	}
	return n + 1
}
