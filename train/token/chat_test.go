package token

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/detox-surgery/detox-surgery/internal/testenv"
)

// differing lists the templates of llama.cpp that do not give what jinja2 gives, with the reason. A template that no
// longer differs must be taken off the list.
var differing = map[string]string{
	"ByteDance-Seed-OSS.jinja":                            "a dict with numbers as keys: gonja has none",
	"Cohere2MoE.jinja":                                    "an inline if in another one's else, in a set: gonja cannot parse it",
	"NVIDIA-Nemotron-Nano-v2.jinja":                       "a method of an expression in parentheses: gonja cannot call it",
	"CohereForAI-c4ai-command-r-plus-tool_use.jinja":      "jinja2 refuses to go through tools when there are none, gonja does nothing",
	"NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use.jinja": "jinja2 refuses to go through tools when there are none, gonja does nothing",
	"NousResearch-Hermes-3-Llama-3.1-8B-tool_use.jinja":   "jinja2 refuses to go through tools when there are none, gonja does nothing",
	"fireworks-ai-llama-3-firefunction-v2.jinja":          "jinja2 refuses to convert functions, which are undefined, gonja writes null",
}

// TestTemplatesOfLlama renders the templates of llama.cpp's folder models/templates.
func TestTemplatesOfLlama(t *testing.T) {
	raw, err := os.ReadFile("testdata/chats.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Chats     [][]Message
		Templates map[string][]string
	}
	if err := json.Unmarshal(raw, &golden); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(testenv.Vocabs(t), "templates")
	for name := range differing {
		if golden.Templates[name] == nil {
			t.Errorf("%s is on the list of differing templates, but there is none of that name", name)
		}
	}
	equal := 0
	for _, name := range slices.Sorted(maps.Keys(golden.Templates)) {
		source, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		tok := mustNew(t, tinyBPE().with(keyChat, string(source)))
		var wrong []string
		for i, want := range golden.Templates[name] {
			text, err := tok.RenderChat(golden.Chats[i/2], i%2 == 1)
			sum := sha256.Sum256([]byte(text))
			switch got := fmt.Sprintf("%x", sum[:4]); {
			case want == "" && err == nil:
				wrong = append(wrong, fmt.Sprintf("%d: rendered %.60q, want an error", i, text))
			case want != "" && err != nil:
				wrong = append(wrong, fmt.Sprintf("%d: %v", i, err))
			case want != "" && got != want:
				wrong = append(wrong, fmt.Sprintf("%d: %s, want %s", i, got, want))
			}
		}
		switch reason, listed := differing[name]; {
		case listed && len(wrong) == 0:
			t.Errorf("%s no longer differs (%s)", name, reason)
		case !listed && len(wrong) > 0:
			t.Errorf("%s: %.500s", name, strings.Join(wrong, "; "))
		case !listed:
			equal++
		}
	}
	t.Logf("%d of %d templates equal jinja2", equal, len(golden.Templates))
}

func TestStringMethodsEqualPython(t *testing.T) {
	for expr, want := range map[string]string{
		`' \n a b\t '.strip() ~ '|'`:                  "a b|",
		`'\n\n a'.lstrip('\n') ~ '|'`:                 " a|",
		`'xxaxx'.rstrip('x')`:                         "xxa",
		`'xyaxy'.strip('yx')`:                         "a",
		`'a-b-c'.split('-', 1)[1]`:                    "b-c",
		`'a-b-c'.split('-', maxsplit=1)[1]`:           "b-c",
		`'a-b-c'.split('-')[-1]`:                      "c",
		`'a'.split('-')[-1].strip()`:                  "a",
		`'a-b-c'.rsplit('-', 1)[0]`:                   "a-b",
		`' a  b\n'.split() | join('+')`:               "a+b",
		`'aXbXc'.replace('X', '')`:                    "abc",
		`'aXbXc'.replace('X', 'y', 1)`:                "aybXc",
		`messages[-1].role`:                           "user",
		`messages[-2] is none`:                        "True",
		`('a' if true else 'b') + 'c'`:                "ac",
		`('a' if false else 'b' if true else 'c')`:    "b",
		`['x', 'y' if 1 > 2 else 'z'] | join`:         "xz",
		`('a' if false) ~ '|'`:                        "|",
		`'(a if b else c)' + ("if" if true else '(')`: "(a if b else c)if",
	} {
		tok := mustNew(t, tinyBPE().with(keyChat, "{{ "+expr+" }}"))
		got, err := tok.RenderChat([]Message{{"user", "hi"}}, false)
		if err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", expr, got, err, want)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{
		"", "{{", "{% if %}", "{% for m in messages %}{{ m.content | trim }}{% endfor %}", "{{ ('a' if b else 'c') }}",
		"{# x", "{{ 'a'.split('', 1) }}", "{% set ns = namespace(a=[1,2]) %}{{ ns.a[-1] }}", "{{ messages[-1]['role'] * 3 }}",
		"{% macro f(x) %}{{ x }}{% endmacro %}{{ f(1 if messages else 2) }}", "{{ \"\\\" }}", "{{ a['b' if c else }}",
	} {
		f.Add(s, "hi", true)
	}
	base := mustNew(f, tinyBPE())
	f.Fuzz(func(t *testing.T, source, content string, prompt bool) {
		if len(source) > 200 || strings.Contains(source, "range") || strings.Contains(source, "*") || strings.Contains(source, "macro") {
			return // a template can take all time and memory: RenderChat does not bound it
		}
		tok := *base
		tok.chat = source
		text, err := tok.RenderChat([]Message{{"system", "be"}, {"user", content}}, prompt)
		if err != nil && text != "" {
			t.Errorf("%q with error %v", text, err)
		}
		if out := rewriteInlineIf(source); !strings.Contains(source, "if") && out != source {
			t.Errorf("%q became %q", source, out)
		}
	})
}
