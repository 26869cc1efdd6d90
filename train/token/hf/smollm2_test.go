package hf

import (
	"bufio"
	"encoding/json"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/internal/testenv"
	"github.com/detox-surgery/detox-surgery/train/token"
)

// byteLevelOnly is the pre-tokenizer that transformers gives the tokenizer of this GGUF when it reads one: it does not
// know that each digit is a word.
var byteLevelOnly = component{Type: "ByteLevel", AddPrefixSpace: new(bool)}

// smolLM is the pre-tokenizer that the model was made with.
var smolLM = component{Type: "Sequence", Pretokenizers: []component{{Type: "Digits", Individual: true}, byteLevelOnly}}

// fromGGUF writes the tokenizer.json of the GGUF's tokenizer.
func fromGGUF(t *testing.T, f *gguf.File, pre component) fstest.MapFS {
	t.Helper()
	texts, _ := f.Strings("tokenizer.ggml.tokens")
	types, _ := f.Ints("tokenizer.ggml.token_type")
	merges, _ := f.Strings("tokenizer.ggml.merges")
	vocab := map[string]int{}
	var added []addedToken
	for i, s := range texts {
		vocab[s] = i
		if types[i] == control {
			added = append(added, addedToken{ID: int64(i), Content: s, Special: true})
		}
	}
	raw, err := json.Marshal(map[string]any{
		"added_tokens":  added,
		"pre_tokenizer": pre,
		"model":         map[string]any{"type": "BPE", "vocab": vocab, "merges": merges},
	})
	if err != nil {
		t.Fatal(err)
	}
	config := `{"bos_token": "<|im_start|>", "eos_token": {"content": "<|im_end|>"}, "add_bos_token": false,
		"chat_template": [{"name": "tools", "template": "no"}, {"name": "default", "template": "yes"}]}`
	return fstest.MapFS{"tokenizer.json": {Data: raw}, "tokenizer_config.json": {Data: []byte(config)}}
}

func smolLM2(t *testing.T) (*gguf.File, *token.Tokenizer) {
	t.Helper()
	f, err := gguf.Open(testenv.Model(t, testenv.SmolLM2))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	tok, err := token.New(f)
	if err != nil {
		t.Fatal(err)
	}
	return f, tok
}

// TestSmolLM2EqualsTokenizers holds a whole tokenizer.json to the ids of the tokenizers library.
func TestSmolLM2EqualsTokenizers(t *testing.T) {
	f, _ := smolLM2(t)
	tok := open(t, fromGGUF(t, f, byteLevelOnly))
	g, every := readGolden(t)
	texts, want := hardTexts(t), g.Trained["smollm2"]
	var plain, full [][]int32
	for _, s := range texts {
		plain, full = append(plain, tok.Encode(s)), append(full, tok.Frame(tok.EncodeSpecial(s)))
	}
	all := map[string][][]int32{}
	if every != nil {
		all = every.Trained["smollm2"]
	}
	compare(t, "plain", texts, plain, want.Plain, all["plain"])
	compare(t, "full", texts, full, want.Full, all["full"])
	if got := tok.EOS(); !slices.Contains(got, 2) {
		t.Errorf("ends %v", got)
	}
	if s, err := tok.RenderChat(nil, false); err != nil || s != "yes" {
		t.Errorf("chat %q, %v", s, err)
	}
}

// TestSmolLM2EqualsItsGGUF compares the GGUF's own tokenizer with that of tokenizer.json, also as it lies beside an
// ONNX export where there is one, on real text.
func TestSmolLM2EqualsItsGGUF(t *testing.T) {
	f, own := smolLM2(t)
	made := open(t, fromGGUF(t, f, smolLM))
	var export *token.Tokenizer
	dir := filepath.Join(filepath.Dir(f.Path()), "onnx", "hf")
	if _, err := os.Stat(dir); err == nil {
		if export, err = Open(dir); err != nil {
			t.Fatal(err)
		}
		if !export.HasChat() || !slices.Equal(export.EOS(), own.EOS()) || export.AddBOS() != own.AddBOS() {
			t.Errorf("chat %v, ends %v and %v, add BOS %v and %v", export.HasChat(), export.EOS(), own.EOS(), export.AddBOS(), own.AddBOS())
		}
	}
	for _, data := range []string{"wikitext-2/test.txt", "paradetox/pairs.tsv", "tweets/tweets.jsonl", "piqa/dev.jsonl", "blimp/blimp-dev.jsonl"} {
		lines, apart := 0, 0
		for line := range linesOf(t, data) {
			lines++
			want := own.EncodeSpecial(line)
			if got := made.EncodeSpecial(line); !slices.Equal(got, want) {
				t.Fatalf("%s line %d: %v, want %v", data, lines, got, want)
			}
			if export == nil || slices.Equal(export.EncodeSpecial(line), want) {
				continue
			}
			if !strings.ContainsFunc(line, unicode.IsNumber) {
				t.Fatalf("%s line %d: the export gives other ids: %q", data, lines, line)
			}
			apart++
		}
		t.Logf("%s: %d lines; %d with numbers differ in the export, which lacks the step that sets digits apart", data, lines, apart)
	}
}

func linesOf(t *testing.T, data string) iter.Seq[string] {
	t.Helper()
	in, err := os.Open(testenv.Data(t, data))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close() })
	s := bufio.NewScanner(in)
	s.Buffer(nil, 1<<20)
	return func(yield func(string) bool) {
		for s.Scan() && yield(s.Text()) {
			continue
		}
	}
}
