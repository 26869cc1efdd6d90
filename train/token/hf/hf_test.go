package hf

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/detox-surgery/detox-surgery/train/token"
)

// golden is testdata/sums.json.
type golden struct {
	Pre []struct {
		PreTokenizer json.RawMessage `json:"pre_tokenizer"`
		Sums         string          `json:"sums"`
	} `json:"pre"`
	Trained map[string]struct {
		Plain   string `json:"plain"`
		Special string `json:"special"`
		Full    string `json:"full"`
	} `json:"trained"`
}

// everyID is what make.py writes when it is told to, to find a difference with.
type everyID struct {
	Pre     [][][]int32                     `json:"pre"`
	Trained map[string]map[string][][]int32 `json:"trained"`
}

func readJSONFile(tb testing.TB, path string, into any) {
	tb.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		tb.Fatalf("%s: %v", path, err)
	}
}

func readGolden(tb testing.TB) (g golden, every *everyID) {
	tb.Helper()
	readJSONFile(tb, "testdata/sums.json", &g)
	if path := os.Getenv("DETOX_TOKEN_IDS"); path != "" {
		every = &everyID{}
		readJSONFile(tb, path, every)
	}
	return g, every
}

// hardTexts are the texts that make.py encodes.
func hardTexts(tb testing.TB) []string {
	tb.Helper()
	var texts []string
	readJSONFile(tb, "../testdata/hard.json", &texts)
	var families struct{ More []string }
	readJSONFile(tb, "../testdata/families.json", &families)
	return append(texts, families.More...)
}

// sums returns the number of ids and a sum for every 50 texts, as make.py writes them.
func sums(all [][]int32) string {
	n, out := 0, ""
	for block := range slices.Chunk(all, 50) {
		var b []byte
		for _, ids := range block {
			n += len(ids)
			for _, id := range append(slices.Clone(ids), -1) {
				b = binary.LittleEndian.AppendUint32(b, uint32(id))
			}
		}
		sum := sha256.Sum256(b)
		out += fmt.Sprintf(" %x", sum[:4])
	}
	return fmt.Sprint(n) + out
}

// compare checks sums, and shows the first texts that differ if their ids are at hand.
func compare(t *testing.T, label string, texts []string, got [][]int32, want string, all [][]int32) {
	t.Helper()
	if sums(got) == want {
		return
	}
	t.Errorf("%s: %s, want %s", label, sums(got), want)
	shown := 0
	for i := range all {
		if !slices.Equal(got[i], all[i]) {
			if shown++; shown <= 4 {
				t.Errorf("%s: %q: %v, want %v", label, texts[i], got[i], all[i])
			}
		}
	}
	t.Logf("%s: %d texts differ", label, shown)
}

func trainedFiles(tb testing.TB) *zip.ReadCloser {
	tb.Helper()
	z, err := zip.OpenReader("testdata/tokenizers.zip")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = z.Close() })
	return z
}

func open(tb testing.TB, fsys fs.FS) *token.Tokenizer {
	tb.Helper()
	kvs, err := Keys(fsys)
	if err != nil {
		tb.Fatal(err)
	}
	tok, err := New(kvs)
	if err != nil {
		tb.Fatal(err)
	}
	return tok
}

// TestTrainedEqualTokenizers holds every kind of tokenizer to the ids of the tokenizers library.
func TestTrainedEqualTokenizers(t *testing.T) {
	g, every := readGolden(t)
	z, texts := trainedFiles(t), hardTexts(t)
	folders, err := fs.ReadDir(z, ".")
	if err != nil || len(folders) == 0 {
		t.Fatal(err)
	}
	seen := 0
	for _, dir := range folders {
		t.Run(dir.Name(), func(t *testing.T) {
			want, ok := g.Trained[dir.Name()]
			if !ok {
				t.Fatal("no golden sums")
			}
			seen++
			sub, err := fs.Sub(z, dir.Name())
			if err != nil {
				t.Fatal(err)
			}
			tok := open(t, sub)
			var plain, special, full [][]int32
			for _, s := range texts {
				plain = append(plain, tok.Encode(s))
				special = append(special, tok.EncodeSpecial(s))
				full = append(full, tok.Frame(tok.EncodeSpecial(s)))
			}
			all := map[string][][]int32{}
			if every != nil {
				all = every.Trained[dir.Name()]
			}
			compare(t, "plain", texts, plain, want.Plain, all["plain"])
			compare(t, "special", texts, special, want.Special, all["special"])
			compare(t, "full", texts, full, want.Full, all["full"])
			checkDecode(t, tok, dir.Name())
		})
	}
	if seen != len(g.Trained)-1 { // smollm2 has a test of its own
		t.Errorf("%d of %d tokenizers are in the archive", seen, len(g.Trained))
	}
}

// checkDecode checks that a text without anything to normalise comes back.
func checkDecode(t *testing.T, tok *token.Tokenizer, name string) {
	t.Helper()
	const text = "the word is a test"
	want := text
	if strings.HasPrefix(name, "bert") || name == "gpt2-prefix" { // the mark of a word's beginning cannot be told from a space
		want = " " + text
	}
	if strings.HasPrefix(name, "bpe-") { // trained on little: some letters are unknown
		return
	}
	if got := tok.Decode(tok.Encode(text)); got != want {
		t.Errorf("%q comes back as %q", text, got)
	}
	keeps := slices.Contains([]string{"spm-gemma", "spm-prepend", "gpt2", "llama3", "qwen2", "roberta"}, name)
	if got := tok.Decode(tok.Encode(" " + text)); keeps && got != " "+text {
		t.Errorf("%q with a space before it comes back as %q", text, got)
	}
}

// denseJSON is the tokenizer.json of make.py's dense vocabulary: every two bytes are a token.
func denseJSON(tb testing.TB, pre json.RawMessage) fstest.MapFS {
	tb.Helper()
	var unit []string
	next := rune(256)
	for b := range rune(256) {
		r := b
		if !(b >= 33 && b < 127 || b >= 161 && b < 173 || b >= 174) {
			r = next
			next++
		}
		unit = append(unit, string(r))
	}
	vocab := map[string]int{}
	for i, s := range unit {
		vocab[s] = i
	}
	merges := make([][2]string, 0, 256*256)
	for i := range 256 * 256 {
		j := i * 40503 % (256 * 256)
		m := [2]string{unit[j/256], unit[j%256]}
		merges = append(merges, m)
		vocab[m[0]+m[1]] = len(vocab)
	}
	raw, err := json.Marshal(map[string]any{
		"pre_tokenizer": pre, "model": map[string]any{"type": "BPE", "vocab": vocab, "merges": merges},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return fstest.MapFS{"tokenizer.json": {Data: raw}}
}

// TestPreTokenizersEqualTokenizers holds each row of the table of pre-tokenizers to the tokenizers library.
func TestPreTokenizersEqualTokenizers(t *testing.T) {
	g, every := readGolden(t)
	texts := hardTexts(t)
	seen := map[int]bool{}
	for i, row := range g.Pre {
		var c component
		if err := json.Unmarshal(row.PreTokenizer, &c); err != nil {
			t.Fatal(err)
		}
		at := rowOf(t, &c)
		seen[at] = true
		t.Run(fmt.Sprintf("%d-%s", i, byteLevel[at].name), func(t *testing.T) {
			tok := open(t, denseJSON(t, row.PreTokenizer))
			var got [][]int32
			for _, s := range texts {
				got = append(got, tok.Encode(s))
			}
			var all [][]int32
			if every != nil {
				all = every.Pre[i]
			}
			compare(t, byteLevel[at].name, texts, got, row.Sums, all)
		})
	}
	for i, row := range byteLevel {
		if !seen[i] {
			t.Errorf("row %d of the table, %s, has no golden sums", i, row.name)
		}
	}
}

func rowOf(t *testing.T, c *component) int {
	t.Helper()
	steps, err := stepsOf(c)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range byteLevel {
		if slices.Equal(row.steps, steps) {
			return i
		}
	}
	t.Fatalf("no row for %q", steps)
	return 0
}

// TestNamesAreKnown checks that the names in the table are those of pre-tokenizers that there are.
func TestNamesAreKnown(t *testing.T) {
	for _, row := range byteLevel {
		if !slices.Contains(token.PreTokenizers(), row.name) {
			t.Errorf("%q is no pre-tokenizer", row.name)
		}
	}
}
