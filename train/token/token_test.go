package token

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func mustNew(tb testing.TB, k keys) *Tokenizer {
	tb.Helper()
	tok, err := New(k)
	if err != nil {
		tb.Fatal(err)
	}
	return tok
}

func texts(tok *Tokenizer, ids []int32) []string {
	var s []string
	for _, id := range ids {
		s = append(s, tok.Text(id))
	}
	return s
}

func TestBPEMerges(t *testing.T) {
	tok := mustNew(t, tinyBPE())
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{"hello", []string{"hello"}},
		{"hello hello", []string{"hello", "Ġhello"}},
		{"hell", []string{"hell"}},
		{"helo", []string{"he", "l", "o"}},
		{"lll", []string{"ll", "l"}}, // the leftmost of equal rank first
		{"llll", []string{"ll", "ll"}},
		{" w", []string{"Ġw"}},
		{"xy", []string{"x", "y"}}, // the merged piece is not a token
		{"é", []string{"Ã©"}},
		{"a<extra>b", []string{"a", "<extra>", "b"}},
		{"<|im_end|>", []string{"<", "|", "i", "m", "_", "e", "n", "d", "|", ">"}},
	} {
		if got := texts(tok, tok.Encode(c.text)); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
	if got := tok.EncodeSpecial("h<|im_end|><|endoftext|>"); !slices.Equal(got[1:], []int32{1, 0}) {
		t.Errorf("special tokens: %v", got)
	}
}

func TestSPMMerges(t *testing.T) {
	tok := mustNew(t, tinySPM())
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{"b", []string{blank, "b"}},
		{"abc", []string{blank, "abc"}}, // "ab" (-4) beats "▁a" (-6)
		{"bc", []string{blank, "bc"}},
		{"a", []string{blank + "a"}},
		{"z", []string{blank, "<0x7A>"}},
		{"é\xff", []string{blank, "é", "<0xFF>"}},
		{"b\n\nb", []string{blank, "b", "\n\n", blank, "b"}},
	} {
		if got := texts(tok, tok.Encode(c.text)); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
	bare := mustNew(t, tinySPM().with(keySpacePrefix, false))
	if got := texts(bare, bare.Encode("abc")); !slices.Equal(got, []string{"abc"}) {
		t.Errorf("without prefix: %q", got)
	}
	if got := tok.Decode(tok.Encode(" a b")); got != " a b" {
		t.Errorf("decoded %q", got)
	}
	if got := tok.Decode([]int32{-1, 1, 99999, 2}); got != "" {
		t.Errorf("ids that stand for no text decode to %q", got)
	}
}

func TestWords(t *testing.T) {
	for _, c := range []struct {
		pre, text string
		want      string // words joined by |
	}{
		{"gpt-2", "Hello world", "Hello| world"},
		{"gpt-2", "it's  12 x", "it|'s| | 12| x"},
		{"gpt-2", "a \n\n b  ", "a| \n\n| b|  "},
		{"gpt-2", "a\nb", "a|\n|b"},
		{"gpt-2", "we'll've 'S", "we|'ll|'ve| '|S"},
		{"gpt-2", "2\u00b2x\u00e9!?", "2\u00b2|x\u00e9|!?"},
		{"gpt-2", "'", "'"},
		{"smollm", " 12  3a", " |1|2|  |3|a"},
		{"smollm", "it's 5", "it|'s| |5"},
		{"jais-2", "x" + strings.Repeat(" ", 8), "x|        "},
		{"jais-2", strings.Repeat(" ", 7) + "y", "    |  | y"},
		{"jais-2", "  \n   y", "  \n|  | y"},
		{"llama3", "ab 1234\n\n c'LL", "ab| |123|4|\n\n| c|'LL"},
		{"qwen2", "12 !?\n\nx", "1|2| !?\n\n|x"},
		{"tekken", "ABCdef GHI", "ABCdef| GHI"},
		{"gpt-4o", "It's ABC'd", "It's| ABC'd"},
		{"afmoe", "a1234567", "a|1|234|567"},
		{"superbpe", "1234567", "1|234|567"},
		{"bloom", "hi, you", "hi|,| you"},
		{"gemma4", "a b\n\nc", "a b|\n\n|c"},
		{"default", "$5.99, 12345!", "$|5|.|99|,| |123|45|!"},
	} {
		var got []string
		chain(preTokenizers[c.pre].split, func(w string) { got = append(got, w) })(c.text)
		if s := strings.Join(got, "|"); s != c.want {
			t.Errorf("%s: %q, want %q", c.pre, s, c.want)
		}
	}
}

func TestSplitPrefersLongTokens(t *testing.T) {
	v := &vocab{text: []string{"ab", "abc", "bcd"}, kind: []kind{userDefined, userDefined, userDefined}}
	m := newMatcher(v, func(kind) bool { return true })
	for _, c := range []struct {
		text string
		want []fragment
	}{
		{"", nil},
		{"xy", []fragment{{"xy", -1}}},
		{"abcd", []fragment{{"", 1}, {"d", -1}}},
		{"abxab", []fragment{{"", 0}, {"x", -1}, {"", 0}}},
		{"xabcbcd", []fragment{{"x", -1}, {"", 1}, {"", 2}}},
	} {
		if got := m.split(c.text); !slices.Equal(got, c.want) {
			t.Errorf("%q: %v, want %v", c.text, got, c.want)
		}
	}
}

func TestBadVocabularies(t *testing.T) {
	bpe, spm := tinyBPE(), tinySPM()
	tokens := spm[keyTokens].([]string)
	scores := spm[keyScores].([]float32)
	nan := slices.Clone(scores)
	nan[7] = float32(math.NaN())
	for _, c := range []struct {
		name string
		src  keys
		want string
	}{
		{"empty", keys{}, keyModel},
		{"model not a string", bpe.with(keyModel, uint64(1)), keyModel},
		{"tokens missing", bpe.with(keyTokens, nil), keyTokens},
		{"tokens not strings", bpe.with(keyTokens, []int32{1, 2}), "not an array of strings"},
		{"no tokens", bpe.with(keyTokens, []string{}), "0 entries"},
		{"twice the same", bpe.with(keyTokens, []string{"a", "b", "a"}), "entries 0 and 2"},
		{"types too few", bpe.with(keyTypes, []int32{1}), keyTypes},
		{"merges missing", bpe.with(keyMerges, nil), keyMerges},
		{"merge of one piece", bpe.with(keyMerges, []string{"h e", "hello"}), "entry 1"},
		{"merge without right half", bpe.with(keyMerges, []string{"h "}), "entry 0"},
		{"empty merge", bpe.with(keyMerges, []string{""}), "entry 0"},
		{"eos out of range", bpe.with(keyEOS, uint64(1<<31)), keyEOS},
		{"bos out of range", spm.with(keyBOS, uint64(len(tokens))), keyBOS},
		{"unknown out of range", spm.with(keyUnknown, uint64(1<<63)), keyUnknown},
		{"scores missing", spm.with(keyScores, nil), keyScores},
		{"scores too few", spm.with(keyScores, scores[:9]), keyScores},
		{"score not a number", spm.with(keyScores, nan), "entry 7"},
		{"no bytes and no unknown", spm.with(keyTokens, []string{"a"}).with(keyUnknown, nil).with(keyBOS, nil).with(keyEOS, nil), "byte 0x0"},
	} {
		tok, err := New(c.src)
		if err == nil || tok != nil {
			t.Errorf("%s: accepted", c.name)
			continue
		}
		if !strings.HasPrefix(err.Error(), "token: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %q does not name %q", c.name, err, c.want)
		}
	}
	for _, src := range []keys{bpe.with(keyModel, "test"), bpe.with(keyPre, "from-mars")} {
		if _, err := New(src); !errors.Is(err, ErrUnsupported) {
			t.Errorf("error %v, want ErrUnsupported", err)
		}
	}
}

func TestEmptyTokensGetNames(t *testing.T) {
	tokens := slices.Clone(tinyBPE()[keyTokens].([]string))
	tokens[5], tokens[6] = "", ""
	tok := mustNew(t, tinyBPE().with(keyTokens, tokens))
	if tok.Text(5) == tok.Text(6) {
		t.Errorf("both empty tokens are called %q", tok.Text(5))
	}
}

func TestChatErrors(t *testing.T) {
	msgs := []Message{{"user", "hi"}}
	for _, c := range []struct{ tpl, want string }{
		{"{% for m in messages %}", "chat template"},
		{"{{ raise_exception('roles must alternate') }}", "roles must alternate"},
		{"{% include '/etc/hostname' %}", "chat template"},
		{"{{ messages[7]['role']['x']() }}", "chat template"},
	} {
		tok := mustNew(t, tinyBPE().with(keyChat, c.tpl))
		got, err := tok.RenderChat(msgs, true)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: rendered %q, error %v, want one with %q", c.tpl, got, err, c.want)
		}
		if strings.Contains(err.Error(), "{%") {
			t.Errorf("%s: the error %v quotes the template", c.tpl, err)
		}
	}
	tok := mustNew(t, tinyBPE().with(keyChat, "{{ bos_token }}{% if add_generation_prompt %}\n  {{ messages[0]['content'] | trim }}\n{% endif %}{{ eos_token }}"))
	got, err := tok.RenderChat([]Message{{"user", " hi "}}, true)
	if err != nil || got != "<|endoftext|>  hi\n<|im_end|>" {
		t.Errorf("rendered %q, %v", got, err)
	}
}

func FuzzRoundTrip(f *testing.F) {
	bpe, spm := mustNew(f, tinyBPE()), mustNew(f, tinySPM())
	for _, s := range []string{"", " ", "hello  world\n\n12", "é\xff\xc3", "<|im_end|>", "abcab", blank, "\xe2\x96"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := bpe.Decode(bpe.Encode(s)); got != s {
			t.Errorf("BPE: %q comes back as %q", s, got)
		}
		// SentencePiece writes a space as U+2581, so that this character itself comes back as a space; and it puts
		// a space before text that follows a special token.
		want := strings.ReplaceAll(s, blank, " ")
		if strings.Contains(s, "\n\n") || !utf8.ValidString(s) {
			return
		}
		if got := spm.Decode(spm.Encode(s)); got != want {
			t.Errorf("SentencePiece: %q comes back as %q, want %q", s, got, want)
		}
		for _, id := range append(bpe.EncodeSpecial(s), spm.EncodeSpecial(s)...) {
			if id < 0 || int(id) >= max(bpe.Size(), spm.Size()) {
				t.Errorf("id %d out of range", id)
			}
		}
	})
}
