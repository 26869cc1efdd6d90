package token

import "strings"

// chooseName is the function that stands for an inline if after rewriting; no template uses this name.
const chooseName = "choose_of_inline_if"

// rewriteInlineIf makes (a if c else b), and the same among the arguments of a call or the items of a list, a call of
// a function with c, a and b: the interpreter knows an inline if at the top of an expression only. Unlike the original, a call
// works out both branches; a branch that fails is an error then, even if it is not the one chosen.
func rewriteInlineIf(source string) string {
	var b strings.Builder
	for source != "" {
		at := strings.IndexByte(source, '{')
		if at < 0 || at+1 == len(source) {
			break
		}
		b.WriteString(source[:at])
		source = source[at:]
		end := tagEnd(source)
		switch source[1] {
		case '#':
			b.WriteString(source[:end])
		case '{', '%':
			b.WriteString(rewriteBrackets(source[:end]))
		default:
			end = 1
			b.WriteString(source[:1])
		}
		source = source[end:]
	}
	return b.String() + source
}

// tagEnd returns the length of the tag or comment that source begins with; all of it if it does not end.
func tagEnd(source string) int {
	if len(source) < 2 {
		return len(source)
	}
	end := map[byte]string{'{': "}}", '%': "%}", '#': "#}"}[source[1]]
	for at := 2; at < len(source); {
		if end != "#}" {
			if n := quoted(source[at:]); n > 0 {
				at += n
				continue
			}
		}
		if strings.HasPrefix(source[at:], end) {
			return at + 2
		}
		at++
	}
	return len(source)
}

// quoted returns the length of the string literal at the start of s, 0 if there is none.
func quoted(s string) int {
	if s == "" || s[0] != '\'' && s[0] != '"' {
		return 0
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			return i + 1
		}
	}
	return len(s)
}

// rewriteBrackets rewrites what stands between round and square brackets of an expression, innermost first.
func rewriteBrackets(s string) string {
	out, starts := make([]byte, 0, len(s)), []int(nil)
	for at := 0; at < len(s); {
		if n := quoted(s[at:]); n > 0 {
			out = append(out, s[at:at+n]...)
			at += n
			continue
		}
		c := s[at]
		at++
		switch {
		case c == '(' || c == '[':
			out = append(out, c)
			starts = append(starts, len(out))
			continue
		case (c == ')' || c == ']') && len(starts) > 0:
			from := starts[len(starts)-1]
			starts = starts[:len(starts)-1]
			out = append(out[:from], rewriteItems(string(out[from:]))...)
		}
		out = append(out, c)
	}
	return string(out)
}

// rewriteItems rewrites each of the items between commas.
func rewriteItems(s string) string {
	if !strings.Contains(s, "if") {
		return s
	}
	var items []string
	from := 0
	topLevel(s, func(at int) bool {
		if s[at] == ',' {
			items = append(items, choose(s[from:at]))
			from = at + 1
		}
		return false
	})
	return strings.Join(append(items, choose(s[from:])), ",")
}

// topLevel calls visit with each place of s outside of brackets and strings until it returns true.
func topLevel(s string, visit func(at int) bool) {
	depth := 0
	for at := 0; at < len(s); {
		if n := quoted(s[at:]); n > 0 {
			at += n
			continue
		}
		switch s[at] {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		default:
			if depth == 0 && visit(at) {
				return
			}
		}
		at++
	}
}

// choose rewrites one expression: a if c else b, with a name and = before it if it is a keyword argument.
func choose(s string) string {
	then := keyword(s, 0, "if")
	if then < 0 {
		return s
	}
	name, value := "", s[:then]
	if eq := strings.IndexByte(value, '='); eq > 0 && isName(strings.TrimSpace(value[:eq])) && eq+1 < len(value) && value[eq+1] != '=' {
		name, value = value[:eq+1], value[eq+1:]
	}
	condition, other := s[then+2:], "''"
	if e := keyword(s, then+2, "else"); e >= 0 {
		condition, other = s[then+2:e], choose(s[e+4:])
	}
	return name + chooseName + "((" + condition + "),(" + value + "),(" + other + "))"
}

// keyword finds a word at the top level of s, from a place on; -1 if it is not there.
func keyword(s string, from int, word string) int {
	found := -1
	topLevel(s, func(at int) bool {
		if at < from || !strings.HasPrefix(s[at:], word) || at > 0 && isWordByte(s[at-1]) {
			return false
		}
		if end := at + len(word); end < len(s) && isWordByte(s[end]) {
			return false
		}
		found = at
		return true
	})
	return found
}

func isName(s string) bool {
	for i := range len(s) {
		if !isWordByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func isWordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}
