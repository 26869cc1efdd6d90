package token

import (
	"errors"
	"maps"
	"strings"
	"unicode"

	"github.com/nikolalohinski/gonja/v2/builtins"
	"github.com/nikolalohinski/gonja/v2/exec"
)

// list is a list in a chat template. The interpreter's own lists have no item -1 if they have but one item.
type list []any

// GetItem returns the item at an index, counted from the end if it is negative.
func (l list) GetItem(key any) (*exec.Value, bool) {
	i, ok := key.(int)
	if i < 0 {
		i += len(l)
	}
	if !ok || i < 0 || i >= len(l) {
		return exec.AsValue(nil), false
	}
	return exec.AsValue(l[i]), true
}

// chatMethods are the interpreter's methods with those of strings that are not Python's replaced: its strip takes only
// spaces, its replace wants a count, and its split counts pieces for cuts.
func chatMethods() exec.Methods {
	m := builtins.Methods
	str := make(map[string]exec.Method[string], len(strNames)+len(strMethods))
	for _, name := range strNames {
		if f, ok := m.Str.Get(name); ok {
			str[name] = f
		}
	}
	maps.Copy(str, strMethods)
	m.Str = exec.NewMethodSet(str)
	return m
}

var strNames = strings.Fields(`capitalize capwords casefold center count encode endswith expandtabs find format
	format_map isalnum isalpha isascii isdecimal isdigit islower isnumeric isprintable isspace istitle isupper join
	ljust lower partition removeprefix removesuffix rfind rjust rpartition splitlines startswith swapcase title
	upper zfill`)

var strMethods = map[string]exec.Method[string]{
	"strip":  stripMethod(strings.Trim, strings.TrimFunc),
	"lstrip": stripMethod(strings.TrimLeft, strings.TrimLeftFunc),
	"rstrip": stripMethod(strings.TrimRight, strings.TrimRightFunc),
	"split":  splitMethod(strings.SplitN),
	"rsplit": splitMethod(func(s, sep string, n int) []string {
		all := strings.Split(s, sep)
		if n <= 0 || len(all) <= n {
			return all
		}
		cut := len(all) - n + 1
		return append([]string{strings.Join(all[:cut], sep)}, all[cut:]...)
	}),
	"replace": func(self string, _ *exec.Value, args *exec.VarArgs) (any, error) {
		from, ok1 := text(args, 0)
		to, ok2 := text(args, 1)
		if !ok1 || !ok2 {
			return nil, exec.ErrInvalidCall(errors.New("replace takes two strings"))
		}
		return strings.Replace(self, from, to, limit(args, 2, "count")), nil
	},
}

func stripMethod(cut func(s, set string) string, blanks func(string, func(rune) bool) string) exec.Method[string] {
	return func(self string, _ *exec.Value, args *exec.VarArgs) (any, error) {
		if set, ok := text(args, 0); ok {
			return cut(self, set), nil
		}
		return blanks(self, unicode.IsSpace), nil
	}
}

func splitMethod(split func(s, sep string, n int) []string) exec.Method[string] {
	return func(self string, _ *exec.Value, args *exec.VarArgs) (any, error) {
		n := limit(args, 1, "maxsplit")
		sep, ok := text(args, 0)
		if !ok {
			if n >= 0 {
				return nil, exec.ErrInvalidCall(errors.New("split at blanks takes no limit here"))
			}
			return items(strings.Fields(self)), nil
		}
		if sep == "" {
			return nil, exec.ErrInvalidCall(errors.New("empty separator"))
		}
		if n >= 0 {
			n++ // Python counts the cuts, Go the pieces
		}
		return items(split(self, sep, n)), nil
	}
}

func items(s []string) list {
	out := make(list, len(s))
	for i := range s {
		out[i] = s[i]
	}
	return out
}

// text returns the argument at i if it is a string.
func text(args *exec.VarArgs, i int) (string, bool) {
	if i >= len(args.Args) || !args.Args[i].IsString() {
		return "", false
	}
	return args.Args[i].String(), true
}

// limit returns the argument at i or of that name, -1 if it is not given.
func limit(args *exec.VarArgs, i int, name string) int {
	v, ok := args.KwArgs[name]
	if i < len(args.Args) {
		v, ok = args.Args[i], true
	}
	if !ok || !v.IsInteger() {
		return -1
	}
	return v.Integer()
}
