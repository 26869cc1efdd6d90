package hf

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// mini is a tokenizer.json of bytes with two special tokens; more is put in at its end.
func mini(more string) string {
	return `{"added_tokens": [{"id": 3, "content": "<s>", "special": true}, {"id": 4, "content": "</s>", "special": true}, {"id": 5, "content": "<e>", "special": true}],
		"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
		"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}` + more + `}`
}

func mapFS(files ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		m[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return m
}

func TestSurroundings(t *testing.T) {
	const named = `"bos_token": "<s>", "eos_token": "</s>"`
	const template = `, "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}, {"SpecialToken": {"id": "<e>"}}]}`
	for _, c := range []struct {
		name string
		fs   fstest.MapFS
		full []int32 // of "ab"
		ends []int32
	}{
		{"nothing said", mapFS("tokenizer.json", mini("")), []int32{2}, []int32{4}}, // </s> is known by its name
		{"named only", mapFS("tokenizer.json", mini(""), "tokenizer_config.json", "{"+named+"}"), []int32{2}, []int32{4}},
		{"flags", mapFS("tokenizer.json", mini(""), "tokenizer_config.json", "{"+named+`, "add_bos_token": true, "add_eos_token": true}`), []int32{3, 2, 4}, []int32{4}},
		{"flags beside a post-processor", mapFS("tokenizer.json", mini(`, "post_processor": {"type": "ByteLevel"}`), "tokenizer_config.json", "{"+named+`, "add_bos_token": true}`), []int32{2}, []int32{4}},
		{"a template, ends twice", mapFS("tokenizer.json", mini(template), "tokenizer_config.json", "{"+named+`, "add_bos_token": false}`), []int32{3, 2, 5}, []int32{4, 5}},
		{"the map of special tokens", mapFS("tokenizer.json", mini(""), "special_tokens_map.json", `{"bos_token": {"content": "<s>"}}`, "tokenizer_config.json", `{"add_bos_token": true}`), []int32{3, 2}, []int32{4}},
		{"genai", mapFS("tokenizer.json", mini(""), "genai_config.json", `{"model": {"bos_token_id": 3, "eos_token_id": [4, 5], "vocab_size": 9}}`, "tokenizer_config.json", `{"add_bos_token": true}`), []int32{3, 2}, []int32{4, 5}},
		{"generation", mapFS("tokenizer.json", mini(""), "generation_config.json", `{"eos_token_id": [5, 4], "bos_token_id": null}`), []int32{2}, []int32{4, 5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tok := open(t, c.fs)
			if got := tok.Frame(tok.Encode("ab")); !slices.Equal(got, c.full) {
				t.Errorf("%v, want %v", got, c.full)
			}
			if got := tok.EOS(); !slices.Equal(got, c.ends) {
				t.Errorf("ends %v, want %v", got, c.ends)
			}
			if _, ok := c.fs["genai_config.json"]; ok && tok.Size() != 9 {
				t.Errorf("%d tokens, want those of the model", tok.Size())
			}
		})
	}
}

func TestChatTemplates(t *testing.T) {
	for name, c := range map[string]struct {
		fs   fstest.MapFS
		want string
	}{
		"a string":          {mapFS("tokenizer_config.json", `{"chat_template": "x"}`), "x"},
		"a list":            {mapFS("tokenizer_config.json", `{"chat_template": [{"name": "rag", "template": "r"}, {"name": "default", "template": "d"}]}`), "d"},
		"a list of one":     {mapFS("tokenizer_config.json", `{"chat_template": [{"name": "rag", "template": "r"}]}`), "r"},
		"a file":            {mapFS("tokenizer_config.json", `{"chat_template": "x"}`, "chat_template.jinja", "j"), "j"},
		"an older file":     {mapFS("chat_template.json", `{"chat_template": "o"}`), "o"},
		"none":              {mapFS("tokenizer_config.json", `{"chat_template": null}`), ""},
		"none by this name": {mapFS("tokenizer_config.json", `{"chat_template": [{"name": "a", "template": "r"}, {"name": "b", "template": "d"}]}`), ""},
	} {
		got, err := readConfigs(c.fs)
		if err != nil || got.chat != c.want {
			t.Errorf("%s: %q, %v, want %q", name, got.chat, err, c.want)
		}
	}
}

func TestBadFilesAreRefused(t *testing.T) {
	bpe := func(model string) fstest.MapFS {
		return mapFS("tokenizer.json", `{"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false}, "model": {"type": "BPE", `+model+`}}`)
	}
	pre := func(pre string) fstest.MapFS {
		return mapFS("tokenizer.json", `{"pre_tokenizer": `+pre+`, "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}`)
	}
	for _, c := range []struct {
		want string
		kind error
		fs   fs.FS
	}{
		{"none of tokenizer.json, vocab.json with merges.txt, vocab.txt", fs.ErrNotExist, mapFS("config.json", "{}")},
		{"tokenizer.model is not read", fs.ErrNotExist, mapFS("tokenizer.model", "x")},
		{"tokenizer.json: there is no model", nil, mapFS("tokenizer.json", "{}")},
		{"byte 1: unexpected end", nil, mapFS("tokenizer.json", "{")},
		{"tokenizer_config.json: byte", nil, mapFS("tokenizer_config.json", "[", "tokenizer.json", mini(""))},
		{`the model is of type "WordLevel"`, ErrUnsupported, mapFS("tokenizer.json", `{"model": {"type": "WordLevel"}}`)},
		{"vocab.json needs it", fs.ErrNotExist, mapFS("vocab.json", "{}")},
		{`tokenizer_class "XTokenizer"`, ErrUnsupported, mapFS("vocab.json", "{}", "tokenizer_config.json", `{"tokenizer_class": "XTokenizer"}`)},
		{"line 3: \"a\" is there twice", nil, mapFS("vocab.txt", "a\n[UNK]\na\n")},
		{"the vocabulary is empty", nil, bpe(`"vocab": {}, "merges": []`)},
		{"the vocabulary is no object", nil, bpe(`"vocab": [], "merges": []`)},
		{`token "a" has the id -1`, nil, bpe(`"vocab": {"a": -1}, "merges": []`)},
		{`token "a" has the id 100000000`, nil, bpe(`"vocab": {"a": 100000000}, "merges": []`)},
		{"both have the id 0", nil, bpe(`"vocab": {"a": 0, "b": 0}, "merges": []`)},
		{"token 0 is empty", nil, bpe(`"vocab": {"": 0}, "merges": []`)},
		{"has no merges", nil, bpe(`"vocab": {"a": 0}`)},
		{"neither strings nor pairs", nil, bpe(`"vocab": {"a": 0}, "merges": [1]`)},
		{"merge 0 has 3 parts", nil, bpe(`"vocab": {"a": 0}, "merges": [["a", "a", "a"]]`)},
		{`merge 0 is "a a", want two pieces that make a token`, nil, bpe(`"vocab": {"a": 0}, "merges": ["a a"]`)},
		{"a piece with a space in it", ErrUnsupported, bpe(`"vocab": {"a": 0}, "merges": [["a", " a"]]`)},
		{"dropout", ErrUnsupported, bpe(`"vocab": {"a": 0}, "merges": [], "dropout": 0.1`)},
		{"end_of_word_suffix", ErrUnsupported, bpe(`"vocab": {"a": 0}, "merges": [], "end_of_word_suffix": "</w>"`)},
		{`unk_token is "u", which is no token`, nil, bpe(`"vocab": {"a": 0}, "merges": [], "unk_token": "u"`)},
		{`the pre-tokenizer with the steps ["split \\w+"]`, ErrUnsupported, pre(`{"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": "\\w+"}, "behavior": "Isolated"}, {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]}`)},
		{`the pre-tokenizer "UnicodeScripts" for BPE`, ErrUnsupported, pre(`{"type": "Sequence", "pretokenizers": [{"type": "UnicodeScripts"}, {"type": "ByteLevel", "add_prefix_space": false}]}`)},
		{`the pre-tokenizer "Whitespace"`, ErrUnsupported, pre(`{"type": "Whitespace"}`)},
		{`prepend_scheme "x"`, ErrUnsupported, pre(`{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "x"}`)},
		{"more than 64 steps", nil, pre(strings.Repeat(`{"type": "Sequence", "pretokenizers": [`, 80) + strings.Repeat("]}", 80))},
		{`the normalizer "Nmt"`, ErrUnsupported, mapFS("tokenizer.json", mini(`, "normalizer": {"type": "Nmt"}`))},
		{`Replace with the expression "x+"`, ErrUnsupported, mapFS("tokenizer.json", mini(`, "normalizer": {"type": "Replace", "pattern": {"Regex": "x+"}, "content": ""}`))},
		{"is no base64", nil, mapFS("tokenizer.json", mini(`, "normalizer": {"type": "Precompiled", "precompiled_charsmap": "!"}`))},
		{`the post-processor "X"`, ErrUnsupported, mapFS("tokenizer.json", mini(`, "post_processor": {"type": "X"}`))},
		{"puts 2 tokens before", ErrUnsupported, mapFS("tokenizer.json", mini(`, "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}]}`))},
		{`adds "x", which is no token`, nil, mapFS("tokenizer.json", mini(`, "post_processor": {"type": "BertProcessing", "sep": ["x", 1], "cls": ["<s>", 3]}`))},
		{"want a token and its id", nil, mapFS("tokenizer.json", mini(`, "post_processor": {"type": "BertProcessing"}`))},
		{`the added token "a" has the id 1, and 0`, nil, mapFS("tokenizer.json", `{"added_tokens": [{"id": 1, "content": "a"}], "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false}, "model": {"vocab": {"a": 0}, "merges": []}}`)},
		{"single_word", ErrUnsupported, mapFS("tokenizer.json", `{"added_tokens": [{"id": 1, "content": "b", "single_word": true}], "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false}, "model": {"vocab": {"a": 0}, "merges": []}}`)},
		{"vocab_size 1000000", nil, mapFS("tokenizer.json", mini(""), "config.json", `{"vocab_size": 1000000}`)},
		{"entry 0 of the vocabulary", nil, mapFS("tokenizer.json", `{"model": {"type": "Unigram", "vocab": [["a"]]}}`)},
		{"unk_id is 5", nil, mapFS("tokenizer.json", `{"model": {"type": "Unigram", "unk_id": 5, "vocab": [["a", 0]]}}`)},
		{`continuing_subword_prefix "@@"`, ErrUnsupported, mapFS("tokenizer.json", `{"model": {"type": "WordPiece", "continuing_subword_prefix": "@@", "vocab": {"a": 0}}}`)},
		{"max_input_chars_per_word is 0", nil, mapFS("tokenizer.json", `{"model": {"type": "WordPiece", "max_input_chars_per_word": 0, "vocab": {"[UNK]": 0}}}`)},
	} {
		_, err := Keys(c.fs)
		if err == nil || !strings.Contains(err.Error(), c.want) || c.kind != nil && !errors.Is(err, c.kind) || c.kind == nil && errors.Is(err, ErrUnsupported) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

func TestDirNamesTheFolder(t *testing.T) {
	dir := t.TempDir()
	if _, err := Dir(dir); err == nil || !strings.Contains(err.Error(), dir) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	f, err := os.Create(filepath.Join(dir, "tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(maxFile + 1); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	if _, err := Dir(dir); err == nil || !strings.Contains(err.Error(), "has more than") {
		t.Errorf("%v", err)
	}
}

// FuzzKeys reads any files; a tokenizer that is built from them encodes, and stays inside of its vocabulary.
func FuzzKeys(f *testing.F) {
	z := trainedFiles(f)
	f.Add([]byte(mini("")), []byte(`{"bos_token": "<s>", "add_bos_token": true}`), "ab <s>", byte(0))
	f.Add([]byte(`{"normalizer": {"type": "BertNormalizer", "lowercase": true}, "pre_tokenizer": {"type": "BertPreTokenizer"}, "model": {"type": "WordPiece", "vocab": {"[UNK]": 0, "a": 1, "##b": 2}}}`), []byte(`{}`), "Ab c", byte(0))
	f.Add([]byte(`{"normalizer": {"type": "Prepend", "prepend": "▁"}, "model": {"type": "BPE", "byte_fallback": true, "fuse_unk": true, "unk_token": "u", "vocab": {"u": 0, "▁": 1, "a": 2, "▁a": 3}, "merges": [["▁", "a"]]}}`), []byte(`{}`), "a b", byte(0))
	f.Add([]byte(`{"pre_tokenizer": {"type": "Metaspace", "replacement": "▁"}, "model": {"type": "Unigram", "unk_id": 0, "vocab": [["u", 0], ["▁", -1], ["a", -2.5]]}}`), []byte(`{}`), "a b", byte(0))
	f.Add([]byte("[UNK]\n[CLS]\n[SEP]\na\n##b\n"), []byte(`{"do_lower_case": false}`), "ab c", byte(1))
	f.Add([]byte(`{"a": 0, "b": 1, "ab": 2}`), []byte(`{"tokenizer_class": "RobertaTokenizer"}`), "ab", byte(2))
	for _, name := range []string{"unigram-t5", "spm-first"} {
		raw, err := fs.ReadFile(z, name+"/tokenizer.json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, []byte(`{}`), "a  b", byte(0))
	}
	f.Fuzz(func(t *testing.T, vocab, config []byte, text string, form byte) {
		name := []string{"tokenizer.json", "vocab.txt", "vocab.json"}[form%3]
		kvs, err := Keys(fstest.MapFS{name: {Data: vocab}, "tokenizer_config.json": {Data: config}, "merges.txt": {Data: []byte("#version: 0.2\na b\n")}})
		if err != nil {
			return
		}
		tok, err := New(kvs)
		if err != nil {
			return
		}
		for _, id := range append(tok.Frame(tok.EncodeSpecial(text)), tok.Encode(text)...) {
			if id < 0 || int(id) >= tok.Size() {
				t.Fatalf("id %d of %d", id, tok.Size())
			}
		}
	})
}
