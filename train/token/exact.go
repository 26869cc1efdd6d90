package token

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Keys of this project. They stand beside those of llama.cpp, which takes no notice of them, in the metadata made
// from a tokenizer.json (package hf), and say what llama.cpp's keys have no words for.
const (
	keyExact       = "detox.tokenizer.exact"         // bool: the ids are those of the tokenizers library
	keyNormalizers = "detox.tokenizer.normalizers"   // strings: steps, each with its arguments; see normalizers
	keySteps       = "detox.tokenizer.pretokenizers" // strings: likewise; see preSteps. Absent: tokenizer.ggml.pre
	keyWhole       = "detox.tokenizer.ignore_merges" // bool: a word that is a token is not merged
	keyFuse        = "detox.tokenizer.fuse_unk"      // bool: neighbours that are unknown are one token
	keyFallback    = "detox.tokenizer.byte_fallback" // bool: what is no token is written in bytes
	keyDoubles     = "detox.tokenizer.scores"        // ints: scores of unigram in full, the high half first
	keyMaxChars    = "detox.tokenizer.max_chars"     // uint: characters of a word of WordPiece
	keyLeftStrip   = "detox.tokenizer.lstrip"        // ints: tokens that take the blanks before them
	keyRightStrip  = "detox.tokenizer.rstrip"        // and after them
)

// exactModels build what turns one word into ids, by tokenizer.ggml.model.
var exactModels = map[string]func(v *vocab, src Source) (wordModel, error){
	"llama": newCharBPE,
	"t5":    newUnigramWords,
	"bert":  newWordPieceWords,
}

// wordModel is the part of an engine behind the pre-tokenizer.
type wordModel interface {
	wordEncoder
	piece(dst []byte, id int32) []byte
	joints() *joints // where a word can be cut without a change; nil if it cannot
}

// exactly returns the family for a vocabulary whose keys say what the tokenizers library does.
func (fam family) exactly(model string, src Source) (family, error) {
	fam.frame = asFlagged
	list, ok := src.Strings(keySteps)
	if !ok {
		return fam, nil
	}
	build, ok := exactModels[model]
	if !ok {
		return fam, fmt.Errorf("%w: %s for %s %q", ErrUnsupported, keySteps, keyModel, model)
	}
	steps, err := readSteps(keySteps, preSteps, list)
	if err != nil {
		return fam, err
	}
	fam.build = func(v *vocab, src Source) (engine, error) {
		m, err := build(v, src)
		if err != nil {
			return nil, err
		}
		return &pipeline{model: m, steps: steps, joints: m.joints(), sessions: newSessions()}, nil
	}
	return fam, nil
}

// part is a stretch of text between two cuts.
type part struct {
	text   string // not empty
	begins bool   // nothing stands before it
}

// preStep cuts a part further; what it leaves out is dropped.
type preStep func(p part, emit func(part))

// pipeline is an engine as tokenizer.json describes it: pre-tokenizers one after another, then a model for each word.
type pipeline struct {
	model    wordModel
	steps    []preStep
	joints   *joints
	sessions *sessions
}

func (e *pipeline) encode(dst []int32, text string, begins bool) []int32 {
	s := e.sessions.get()
	defer e.sessions.put(s)
	word := func(w string) { dst = s.word(dst, w, e.model) }
	emit := func(p part) { word(p.text) }
	if e.joints != nil {
		emit = func(p part) { e.joints.split(p.text, word) }
	}
	for _, step := range slices.Backward(e.steps) {
		next := emit
		emit = func(p part) { step(p, next) }
	}
	emit(part{text, begins})
	return dst
}

func (e *pipeline) piece(dst []byte, id int32) []byte { return e.model.piece(dst, id) }

// stepRow is a row of a table of steps: how many arguments follow its name in the list of a key, and what it does.
type stepRow[T any] struct {
	args  int
	build func(args []string) (T, bool) // false if the arguments are none it knows
}

func readSteps[T any](key string, table map[string]stepRow[T], list []string) ([]T, error) {
	var out []T
	for len(list) > 0 {
		row, ok := table[list[0]]
		if !ok || len(list) <= row.args {
			return nil, fmt.Errorf("%w: %s has a step %q", ErrUnsupported, key, list[0])
		}
		f, ok := row.build(list[1 : 1+row.args])
		if !ok {
			return nil, fmt.Errorf("%w: %s has a step %q", ErrUnsupported, key, list[:1+row.args])
		}
		out, list = append(out, f), list[1+row.args:]
	}
	return out, nil
}

// readExactStrips reads the tokens that strip blanks from the keys that name them.
func (v *vocab) readExactStrips(src Source) error {
	v.strip = map[int32]strip{}
	for _, side := range []struct {
		key string
		set func(*strip)
	}{{keyLeftStrip, func(s *strip) { s.left = true }}, {keyRightStrip, func(s *strip) { s.right = true }}} {
		ids, _ := src.Ints(side.key)
		for _, id := range ids {
			if id < 0 || int(id) >= len(v.text) {
				return fmt.Errorf("token: %s names token %d of %d", side.key, id, len(v.text))
			}
			s := v.strip[id]
			side.set(&s)
			v.strip[id] = s
		}
	}
	return nil
}

// splitLeft cuts text at special tokens from left to right, the longest of those that begin together. A token in the
// blanks that the one before it has taken still counts, and text goes on behind it.
func (m *matcher) splitLeft(text string) []fragment {
	var out []fragment
	from := 0
	for at := 0; at < len(text); {
		id, n := m.longest(text[at:])
		if n == 0 {
			at++
			continue
		}
		start, stop := at, at+n
		s := m.trim[id]
		if s.left {
			start = max(from, len(strings.TrimRightFunc(text[:start], unicode.IsSpace)))
		}
		if s.right {
			stop = len(text) - len(strings.TrimLeftFunc(text[stop:], unicode.IsSpace))
		}
		if from < start {
			out = append(out, fragment{text: text[from:start], id: -1})
		}
		out = append(out, fragment{id: id})
		from, at = stop, at+n
	}
	if from < len(text) {
		out = append(out, fragment{text: text[from:], id: -1})
	}
	return out
}

// longest returns the longest special token that begins the text, and its length; 0 if there is none.
func (m *matcher) longest(text string) (int32, int) {
	for _, n := range slices.Backward(m.lens[text[0]]) {
		if n <= len(text) {
			if id, ok := m.ids[text[:n]]; ok {
				return id, n
			}
		}
	}
	return 0, 0
}
