package data

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/detox-surgery/detox-surgery/internal/testenv"
	"github.com/detox-surgery/detox-surgery/train/token"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadPairs(t *testing.T) {
	path := write(t, "p.jsonl", "\ufeff"+`{"prompt": "a", "chosen": " b", "rejected": " c"}

{"prompt": "", "neutral": " é", "toxic": " d", "context": "x\ny"}`+"\r\n")
	got, err := ReadPairs(path)
	if err != nil {
		t.Fatal(err)
	}
	want := []Pair{{Prompt: "a", Chosen: " b", Rejected: " c"}, {Chosen: " é", Rejected: " d", Context: "x\ny"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	var b bytes.Buffer
	if err := WritePairs(&b, got); err != nil {
		t.Fatal(err)
	}
	back, err := ParsePairs(&b, "memory")
	if err != nil || !slices.Equal(back, want) {
		t.Errorf("written and read again: %+v, %v", back, err)
	}
}

func TestReadSharedPairs(t *testing.T) {
	pairs, err := ReadPairs(testenv.Data(t, "paradetox/pairs.jsonl"))
	if err != nil || len(pairs) != 1349 {
		t.Errorf("%d pairs, %v; want 1349", len(pairs), err)
	}
	prompts, err := ReadPrompts(testenv.Data(t, "paradetox/primed-prompts.jsonl"))
	if err != nil || len(prompts) < 100 {
		t.Errorf("%d prompts, %v", len(prompts), err)
	}
	rows, err := ReadTSV(testenv.Data(t, "paradetox/dev.tsv"), "neutral1", "toxic")
	if err != nil || len(rows) != 1154 || len(rows[0]) != 2 || !strings.HasPrefix(rows[0][1], "the garbage") {
		t.Errorf("%d rows, %v; want 1154", len(rows), err)
	}
}

func TestBrokenLines(t *testing.T) {
	good := `{"prompt":"a","chosen":"b","rejected":"c"}` + "\n"
	for _, c := range []struct {
		name, text string
		line       int
		want       string
	}{
		{"cut off", good + `{"prompt": "a", "cho`, 2, "unexpected end"},
		{"not an object", good + good + "[1]\n", 3, "cannot unmarshal"},
		{"no prompt", `{"chosen":"b","rejected":"c"}`, 1, `no "prompt"`},
		{"no chosen", good + "\n" + `{"prompt":"a","rejected":"c"}`, 3, `no "chosen"`},
		{"blank rejected", `{"prompt":"a","chosen":"b","rejected":"  "}`, 1, `no "rejected"`},
		{"number", `{"prompt":1,"chosen":"b","rejected":"c"}`, 1, "number"},
		{"endless line", strings.Repeat("x", maxLine+1), 1, "bytes"},
	} {
		path := write(t, "bad.jsonl", c.text)
		pairs, err := ReadPairs(path)
		var le *LineError
		if !errors.As(err, &le) || pairs != nil {
			t.Errorf("%s: %d pairs, error %v", c.name, len(pairs), err)
			continue
		}
		if le.Line != c.line || le.Path != path || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want line %d and %q", c.name, err, c.line, c.want)
		}
	}
	for name, read := range map[string]func(string) error{
		"pairs":       func(p string) error { _, err := ReadPairs(p); return err },
		"prompts":     func(p string) error { _, err := ReadPrompts(p); return err },
		"tsv":         func(p string) error { _, err := ReadTSV(p); return err },
		"lines":       func(p string) error { _, err := ReadLines(p); return err },
		"fingerprint": func(p string) error { _, err := Fingerprint(p); return err },
	} {
		if err := read(filepath.Join(t.TempDir(), "absent")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s of an absent file: %v", name, err)
		}
		if name == "lines" || name == "fingerprint" {
			continue
		}
		if err := read(write(t, "empty.jsonl", "")); err == nil {
			t.Errorf("%s of an empty file: no error", name)
		}
	}
}

func TestReadPrompts(t *testing.T) {
	got, err := ReadPrompts(write(t, "p.txt", "one\n\n two \n"))
	if err != nil || !slices.Equal(got, []string{"one", " two "}) {
		t.Errorf("txt: %q, %v", got, err)
	}
	got, err = ReadPrompts(write(t, "p.jsonl", `{"prompt":"a\nb"}`+"\n"))
	if err != nil || !slices.Equal(got, []string{"a\nb"}) {
		t.Errorf("jsonl: %q, %v", got, err)
	}
	if _, err = ReadPrompts(write(t, "p.jsonl", `{"prompt":"a"}`+"\n"+`{"text":"a"}`)); err == nil || !strings.Contains(err.Error(), "p.jsonl:2: ") {
		t.Errorf("line without prompt: %v", err)
	}
}

func TestReadTSV(t *testing.T) {
	path := write(t, "t.tsv", "a\tb\tc\n1\t2\t3\n\n4\t\t6\n")
	rows, err := ReadTSV(path, "c", "a")
	if err != nil || !reflect.DeepEqual(rows, [][]string{{"3", "1"}, {"6", "4"}}) {
		t.Errorf("%q, %v", rows, err)
	}
	if _, err := ReadTSV(path, "d"); err == nil || !strings.Contains(err.Error(), `t.tsv:1: no column "d"`) {
		t.Errorf("absent column: %v", err)
	}
	if _, err := ReadTSV(write(t, "u.tsv", "a\tb\n1\n"), "a"); err == nil || !strings.Contains(err.Error(), "u.tsv:2: 1 columns") {
		t.Errorf("short row: %v", err)
	}
}

func TestLinesAndFingerprint(t *testing.T) {
	path := write(t, "l", "abc\n \nd")
	lines, err := ReadLines(path)
	if err != nil || !slices.Equal(lines, []string{"abc", "d"}) {
		t.Errorf("%q, %v", lines, err)
	}
	sum, err := Fingerprint(write(t, "f", "abc"))
	if err != nil || sum != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Errorf("%s, %v", sum, err)
	}
}

// letters is a vocabulary of single bytes, for text of a to z.
type letters struct{ bos bool }

func (letters) String(key string) (string, bool) {
	s, ok := map[string]string{"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "gpt-2"}[key]
	return s, ok
}

func (letters) Strings(key string) ([]string, bool) {
	switch key {
	case "tokenizer.ggml.tokens":
		return append([]string{"<|endoftext|>"}, strings.Split("abcdefghijklmnopqrstuvwxyz", "")...), true
	case "tokenizer.ggml.merges":
		return nil, true
	}
	return nil, false
}
func (letters) Floats(string) ([]float32, bool)   { return nil, false }
func (letters) Ints(string) ([]int32, bool)       { return nil, false }
func (letters) Uint(string) (uint64, bool)        { return 0, false }
func (l letters) Bool(string) (value, found bool) { return l.bos, false }

func TestEncodePair(t *testing.T) {
	tok, err := token.New(letters{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		prompt, cont string
		max          int
		want         Sequence
	}{
		{"ab", "cd", 0, Sequence{[]int32{0, 1, 2, 3, 4}, 3}},
		{"ab", "cd", 4, Sequence{[]int32{0, 1, 2, 3}, 3}},
		{"ab", "cd", 2, Sequence{[]int32{0, 1}, 2}},
		{"", "c", 9, Sequence{[]int32{0, 3}, 1}},
	} {
		if got := EncodePair(tok, c.prompt, c.cont, c.max); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q + %q: %v, want %v", c.prompt, c.cont, got, c.want)
		}
	}
}

func TestShuffle(t *testing.T) {
	order := func(seed uint64) []int {
		s := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
		Shuffle(s, seed)
		return s
	}
	a, b, c := order(1), order(1), order(2)
	if !slices.Equal(a, b) || slices.Equal(a, c) {
		t.Errorf("seed 1: %v and %v; seed 2: %v", a, b, c)
	}
	if want := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}; !slices.Equal(slices.Sorted(slices.Values(a)), want) {
		t.Errorf("%v is no permutation", a)
	}
}

func TestBatches(t *testing.T) {
	for _, c := range []struct {
		lengths       []int
		items, tokens int
		want          [][]int
	}{
		{nil, 2, 10, nil},
		{[]int{5, 1, 3, 1}, 2, 0, [][]int{{1, 3}, {2, 0}}},
		{[]int{5, 1, 3, 1}, 0, 5, [][]int{{1, 3, 2}, {0}}},
		{[]int{9, 2, 2}, 0, 4, [][]int{{1, 2}, {0}}},
		{[]int{1, 2}, 0, 0, [][]int{{0, 1}}},
	} {
		if got := Batches(c.lengths, c.items, c.tokens); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v at %d items, %d tokens: %v, want %v", c.lengths, c.items, c.tokens, got, c.want)
		}
	}
}
