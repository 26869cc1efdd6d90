package token

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/internal/testenv"
)

func openFile(tb testing.TB, path string) *Tokenizer {
	tb.Helper()
	f, err := gguf.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	tok, err := New(f)
	if err != nil {
		tb.Fatal(err)
	}
	return tok
}

// TestVectors runs llama.cpp's own test vectors: texts with the ids that the model's original tokenizer gives.
func TestVectors(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testenv.Vocabs(t), "*.gguf.inp"))
	if err != nil || len(files) < 10 {
		t.Fatalf("%d vectors, %v", len(files), err)
	}
	for _, inp := range files {
		path := strings.TrimSuffix(inp, ".inp")
		t.Run(filepath.Base(path), func(t *testing.T) {
			tok := openFile(t, path)
			raw, err := os.ReadFile(inp)
			if err != nil {
				t.Fatal(err)
			}
			out, err := os.ReadFile(path + ".out")
			if err != nil {
				t.Fatal(err)
			}
			texts := strings.Split(string(raw), "\n__ggml_vocab_test__\n")
			lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
			if len(texts) < len(lines) {
				t.Fatalf("%d texts for %d lines of ids", len(texts), len(lines))
			}
			for i, line := range lines {
				var want []int32
				for f := range strings.FieldsSeq(line) {
					id, err := strconv.Atoi(f)
					if err != nil {
						t.Fatal(err)
					}
					want = append(want, int32(id))
				}
				if got := tok.Encode(texts[i]); !slices.Equal(got, want) {
					t.Errorf("%q: %v, want %v", texts[i], got, want)
				}
			}
		})
	}
}

// TestVocabsEqualLlama encodes the hard texts with every vocabulary of llama.cpp's own tests.
func TestVocabsEqualLlama(t *testing.T) {
	dir := testenv.Vocabs(t)
	texts := append(hardTexts(t), readFamilies(t).More...)
	for _, line := range readLines(t, "testdata/vocabs.txt") {
		f := strings.Split(line, "|")
		t.Run(f[0], func(t *testing.T) {
			tok := openFile(t, filepath.Join(dir, f[0]))
			var plain, full [][]int32
			for _, s := range texts {
				plain, full = append(plain, tok.Encode(s)), append(full, tok.Frame(tok.EncodeSpecial(s)))
			}
			if got := sums(plain); got != f[1] {
				t.Errorf("plain: %s, want %s", got, f[1])
			}
			if got := sums(full); got != f[2] {
				t.Errorf("full: %s, want %s", got, f[2])
			}
			if got := strings.Trim(fmt.Sprint(tok.EOS()), "[]"); got != f[3] {
				t.Errorf("ends %s, want %s", got, f[3])
			}
		})
	}
}
