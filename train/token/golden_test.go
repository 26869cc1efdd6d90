package token

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/internal/testenv"
)

// models maps the names of golden files to model files.
var models = map[string]string{"smollm2": testenv.SmolLM2, "gemma3": testenv.Gemma3}

func open(tb testing.TB, name string) *Tokenizer {
	tb.Helper()
	f, err := gguf.Open(testenv.Model(tb, models[name]))
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

func readLines(t *testing.T, path string) []string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var lines []string
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		lines = append(lines, s.Text())
	}
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
	return lines
}

// corpus returns the lines that testdata/golden.py encodes.
func corpus(t *testing.T, name string) []string {
	t.Helper()
	var lines []string
	if name == "wikitext" {
		for _, l := range readLines(t, testenv.Data(t, "wikitext-2/test.txt")) {
			if strings.TrimSpace(l) != "" && len(lines) < 1000 {
				lines = append(lines, l)
			}
		}
		return lines
	}
	for _, row := range readLines(t, testenv.Data(t, "paradetox/pairs.tsv"))[1:501] {
		lines = append(lines, strings.Split(row, "\t")[:2]...)
	}
	return lines
}

func lineHash(ids []int32) string {
	var b []byte
	for _, id := range ids {
		b = binary.LittleEndian.AppendUint32(b, uint32(id))
	}
	sum := sha256.Sum256(b)
	return fmt.Sprintf("%d %x", len(ids), sum[:4])
}

func TestEqualsLlamaOnCorpora(t *testing.T) {
	for name := range models {
		for _, c := range []string{"wikitext", "paradetox"} {
			t.Run(name+"/"+c, func(t *testing.T) {
				tok := open(t, name)
				want := readLines(t, "testdata/"+name+"."+c+".txt")
				lines := corpus(t, c)
				if len(want) != 1000 || len(lines) != len(want) {
					t.Fatalf("%d golden lines for %d lines of text, want 1000 of each", len(want), len(lines))
				}
				bad := 0
				for i, line := range lines {
					ids := tok.Encode(line)
					if got := lineHash(ids); got != want[i] {
						if bad++; bad <= 5 {
							t.Errorf("line %d: %s, want %s: %q", i+1, got, want[i], line)
						}
					}
					if back := tok.Decode(ids); back != line {
						t.Errorf("line %d decodes to %q, want %q", i+1, back, line)
					}
				}
				if bad > 0 {
					t.Errorf("%d of %d lines differ", bad, len(lines))
				}
			})
		}
	}
}

// chatCase is a conversation as a template renders it.
type chatCase struct {
	Template string    `json:"template"`
	Messages []Message `json:"messages"`
	Prompt   bool      `json:"prompt"`
	Text     string    `json:"text"`
}

func (c chatCase) check(t *testing.T, tok *Tokenizer) {
	t.Helper()
	got, err := tok.RenderChat(c.Messages, c.Prompt)
	if err != nil {
		t.Fatal(err)
	}
	if got != c.Text {
		t.Errorf("rendered %q, want %q", got, c.Text)
	}
}

type edgeFile struct {
	Ends []int32 `json:"ends"`
	Edge []struct {
		Text    string  `json:"text"`
		Plain   []int32 `json:"plain"`
		Special []int32 `json:"special"`
	} `json:"edge"`
	Chat []chatCase `json:"chat"`
}

func readEdge(t *testing.T, name string) edgeFile {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name + ".edge.json")
	if err != nil {
		t.Fatal(err)
	}
	var e edgeFile
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEqualsLlamaOnAwkwardTexts(t *testing.T) {
	for name := range models {
		t.Run(name, func(t *testing.T) {
			tok, golden := open(t, name), readEdge(t, name)
			if got := tok.EOS(); !slices.Equal(got, golden.Ends) {
				t.Errorf("end tokens %v, want %v", got, golden.Ends)
			}
			for _, e := range golden.Edge {
				if got := tok.Encode(e.Text); !slices.Equal(got, e.Plain) {
					t.Errorf("%q: plain %v, want %v", e.Text, got, e.Plain)
				}
				if got := tok.EncodeSpecial(e.Text); !slices.Equal(got, e.Special) {
					t.Errorf("%q: special %v, want %v", e.Text, got, e.Special)
				}
			}
		})
	}
}

func TestChatEqualsJinja2(t *testing.T) {
	tok, golden := open(t, "smollm2"), readEdge(t, "smollm2")
	if len(golden.Chat) == 0 {
		t.Fatal("no golden chats")
	}
	for _, c := range golden.Chat {
		c.check(t, tok)
	}
}

func TestOtherTemplatesEqualJinja2(t *testing.T) {
	raw, err := os.ReadFile("testdata/templates.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []chatCase
	if err := json.Unmarshal(raw, &cases); err != nil || len(cases) == 0 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, c := range cases {
		c.check(t, mustNew(t, tinyBPE().with(keyChat, c.Template)))
	}
}

func TestModelTokens(t *testing.T) {
	smol, gemma := open(t, "smollm2"), open(t, "gemma3")
	if smol.Size() != 49152 || gemma.Size() != 262144 {
		t.Errorf("sizes %d and %d", smol.Size(), gemma.Size())
	}
	if smol.AddBOS() || !gemma.AddBOS() {
		t.Errorf("AddBOS is %v and %v, want false and true", smol.AddBOS(), gemma.AddBOS())
	}
	if got := smol.TextStart(); !slices.Equal(got, []int32{0}) {
		t.Errorf("SmolLM2 text starts with %v, want <|endoftext|>", got)
	}
	if got := gemma.TextStart(); !slices.Equal(got, []int32{2}) {
		t.Errorf("Gemma text starts with %v, want <bos>", got)
	}
	if _, err := gemma.RenderChat([]Message{{"user", "hi"}}, true); !errors.Is(err, ErrNoTemplate) {
		t.Errorf("chat of a file without template: %v", err)
	}
	if got := smol.Decode(smol.EncodeSpecial("<|im_start|>user\nhi<|im_end|>")); got != "user\nhi" {
		t.Errorf("decoded %q: control tokens should vanish", got)
	}
}

// TestLongText encodes 1.2 MB at once, as perplexity does.
func TestLongText(t *testing.T) {
	raw, err := os.ReadFile(testenv.Data(t, "wikitext-2/test.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for name := range models {
		tok := open(t, name)
		start := time.Now()
		ids := tok.Encode(string(raw))
		took := time.Since(start)
		t.Logf("%s: %d tokens in %v", name, len(ids), took)
		if tok.Decode(ids) != string(raw) {
			t.Errorf("%s: the text does not come back", name)
		}
		if took > 20*time.Second { // 1 s on an idle machine; quadratic work would take minutes
			t.Errorf("%s: encoding took %v", name, took)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	text := strings.Repeat("The quick brown fox jumps over the lazy dog, again and again. ", 200)
	for name := range models {
		b.Run(name, func(b *testing.B) {
			tok := open(b, name)
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				tok.Encode(text)
			}
		})
	}
}
