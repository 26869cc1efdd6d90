package token

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

// replaceInvalid writes U+FFFD for each byte that is not UTF-8.
func replaceInvalid(s string) string { return string([]rune(s)) }

// FuzzTokenizers encodes any text with every pre-tokenizer and every family.
func FuzzTokenizers(f *testing.F) {
	for i, s := range hardTexts(f) {
		if i%7 == 0 {
			f.Add(s)
		}
	}
	f.Add("a\xffb\xe4\xb8 '\xf0\x9f\x98")
	names := slices.Sorted(maps.Keys(preTokenizers))
	var dense []*Tokenizer
	for _, name := range names {
		dense = append(dense, denseTokenizer(f, name))
	}
	var others []*Tokenizer
	for _, fam := range readFamilies(f).Families {
		others = append(others, mustNew(f, typed(fam.Keys)))
	}
	f.Fuzz(func(t *testing.T, s string) {
		for i, tok := range dense {
			checkWords(t, names[i], s)
			ids := tok.EncodeSpecial(s)
			for _, id := range ids {
				if id < 0 || int(id) >= tok.Size() {
					t.Fatalf("%s: id %d", names[i], id)
				}
			}
			if back := tok.Decode(tok.Encode(s)); back != s && preTokenizers[names[i]].form == byteLevel {
				t.Errorf("%s: %q comes back as %q", names[i], s, back)
			}
		}
		for _, tok := range others {
			for _, id := range append(tok.EncodeSpecial(s), tok.Encode(s)...) {
				if id < 0 || int(id) >= tok.Size() {
					t.Fatalf("id %d", id)
				}
			}
		}
	})
}

// checkWords checks that words join to the text, and that invalid bytes are cut as U+FFFD is.
func checkWords(t *testing.T, name, s string) {
	t.Helper()
	if s == "" {
		return
	}
	var words, clean []string
	chain(preTokenizers[name].split, func(w string) { words = append(words, w) })(s)
	if got := strings.Join(words, ""); got != s {
		t.Errorf("%s: the words of %q join to %q", name, s, got)
	}
	if slices.Contains(words, "") {
		t.Errorf("%s: %q has an empty word", name, s)
	}
	if utf8.ValidString(s) {
		return
	}
	chain(preTokenizers[name].split, func(w string) { clean = append(clean, w) })(replaceInvalid(s))
	for i := range words {
		words[i] = replaceInvalid(words[i])
	}
	if !slices.Equal(words, clean) {
		t.Errorf("%s: %q: words %q, with U+FFFD %q", name, s, words, clean)
	}
}

// TestInvalidTextIsCutLikeReplaced is the part of the fuzz test that says what llama.cpp does: it puts U+FFFD for a
// byte that is not UTF-8. Here the byte stays, so that decoding gives the text back.
func TestInvalidTextIsCutLikeReplaced(t *testing.T) {
	for _, s := range []string{"\xff", "a\xffb", " \xff x", "\xe4\xb8 1\xff2", "'\xff's\xf0\x9f", "\n\xff\n", "ab\xc3", "\x80\x80 \x80"} {
		for name := range preTokenizers {
			checkWords(t, name, s)
		}
	}
}

// TestEncodingAtOnce lets several goroutines share tokenizers, which remember words.
func TestEncodingAtOnce(t *testing.T) {
	texts := hardTexts(t)
	for name, tok := range map[string]*Tokenizer{"gpt-2": denseTokenizer(t, "gpt-2"), "spm": mustNew(t, tinySPM())} {
		var want [][]int32
		for _, s := range texts {
			want = append(want, tok.Encode(s))
		}
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				for i, s := range texts {
					if got := tok.Encode(s); !slices.Equal(got, want[i]) {
						t.Errorf("%s: %q: %v, want %v", name, s, got, want[i])
					}
				}
			})
		}
		wait.Wait()
	}
}
