package token

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// denseVocab is the vocabulary of testdata/pretoken.py: every two bytes are a token, the rules in a scrambled order.
func denseVocab(pre string) keys {
	var unit, words []string
	rawForm := preTokenizers[pre].form != byteLevel
	if rawForm {
		unit = append(strings.Split("abcxyzstmdrevlABCXYZ0123456789.,!\u2581\n", ""), "é", "世", "界", "😀")
		words = []string{"\n\n\n", "hello", "\u2581the"}
	} else {
		for b := range 256 {
			unit = append(unit, string(byteRune(byte(b))))
		}
		words = []string{"Ġthe", "hello", "ä¸ĸçķĮ", "ĊĊĊ", "123", "ĠĠĠ", "ABC", "12345"}
	}
	n := len(unit)
	tokens := append([]string{"<unk>", "<s>", "</s>"}, unit...)
	kinds := []kind{unknown, control, control}
	more := func(k kind) {
		for len(kinds) < len(tokens) {
			kinds = append(kinds, k)
		}
	}
	more(normal)
	factor := 40503
	if rawForm {
		factor = 1009
		for b := range 256 {
			tokens = append(tokens, fmt.Sprintf("<0x%02X>", b))
		}
		more(byteToken)
	}
	var merges []string
	for i := range n * n {
		j := i * factor % (n * n)
		a, b := unit[j/n], unit[j%n]
		merges = append(merges, a+" "+b)
		if !slices.Contains(words, a+b) {
			tokens = append(tokens, a+b)
		}
	}
	tokens = append(tokens, words...)
	more(normal)
	tokens, kinds = append(tokens, "<extra>", "<|im_end|>"), append(kinds, userDefined, control)
	types := make([]int32, len(kinds))
	for i, k := range kinds {
		types[i] = int32(k)
	}
	model := "gpt2"
	if pre == "whitespace" {
		model = pre
	}
	return keys{
		keyModel: model, keyPre: pre, keyTokens: tokens, keyTypes: types, keyMerges: merges,
		keyBOS: uint64(1), keyEOS: uint64(2),
	}
}

var (
	denseOnce  sync.Once
	denseBytes *Tokenizer
)

// denseTokenizer has the dense vocabulary; those of bytes share all but the pre-tokenizer, which is quicker.
func denseTokenizer(tb testing.TB, pre string) *Tokenizer {
	tb.Helper()
	row := preTokenizers[pre]
	if row.form != byteLevel {
		return mustNew(tb, denseVocab(pre))
	}
	denseOnce.Do(func() { denseBytes = mustNew(tb, denseVocab("llama3")) })
	tok, e := *denseBytes, *denseBytes.engine.(*bpe)
	e.pre, e.sessions = row, newSessions()
	if !row.whole {
		e.whole = nil
	}
	tok.engine = &e
	return &tok
}

func hardTexts(tb testing.TB) []string {
	tb.Helper()
	raw, err := os.ReadFile("testdata/hard.json")
	if err != nil {
		tb.Fatal(err)
	}
	var texts []string
	if err := json.Unmarshal(raw, &texts); err != nil {
		tb.Fatal(err)
	}
	return texts
}

// textsPerSum is the number of texts that share a sum in the golden files.
const textsPerSum = 50

// sums returns the number of ids and, for each textsPerSum texts, a sum of them, as the scripts in testdata write them.
func sums(all [][]int32) string {
	n, out := 0, ""
	for block := range slices.Chunk(all, textsPerSum) {
		var b []byte
		for _, ids := range block {
			n += len(ids)
			for _, id := range append(ids, -1) {
				b = binary.LittleEndian.AppendUint32(b, uint32(id))
			}
		}
		sum := sha256.Sum256(b)
		out += fmt.Sprintf(" %x", sum[:4])
	}
	return fmt.Sprint(n) + out
}

// unlisted are names that llama.cpp does not know.
var unlisted = []string{"gpt2"}

func TestPreTokenizersEqualLlama(t *testing.T) {
	texts := hardTexts(t)
	golden := map[string]string{}
	for _, line := range readLines(t, "testdata/pretoken.txt") {
		name, rest, _ := strings.Cut(line, " ")
		golden[name] = rest
	}
	for _, name := range slices.Sorted(maps.Keys(preTokenizers)) {
		if golden[name] == "" && !slices.Contains(unlisted, name) {
			t.Errorf("%s has no golden line", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(golden)) {
		if _, ok := preTokenizers[name]; !ok {
			t.Errorf("%s is not in the table", name)
			continue
		}
		tok := denseTokenizer(t, name)
		var all [][]int32
		for _, s := range texts {
			all = append(all, tok.Encode(s))
		}
		if got := sums(all); got != golden[name] {
			t.Errorf("%s: %s, want %s", name, got, golden[name])
		}
	}
}
