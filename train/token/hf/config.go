package hf

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/detox-surgery/detox-surgery/internal/jsonfile"
)

// configs is what the files beside the vocabulary say.
type configs struct {
	tok   tokenizerConfig
	named map[string]string // special_tokens_map.json and tokenizer_config.json: "bos" and so on to the token's text
	gen   generation        // generation_config.json
	model modelConfig       // config.json
	genai genaiConfig       // genai_config.json
	chat  string
}

// tokenizerConfig is tokenizer_config.json.
type tokenizerConfig struct {
	Class    string                `json:"tokenizer_class"`
	AddBOS   *bool                 `json:"add_bos_token"`
	AddEOS   *bool                 `json:"add_eos_token"`
	Chat     json.RawMessage       `json:"chat_template"`
	Added    map[string]addedToken `json:"added_tokens_decoder"`
	Lower    *bool                 `json:"do_lower_case"`
	Accents  *bool                 `json:"strip_accents"`
	Han      *bool                 `json:"tokenize_chinese_chars"`
	AddSpace bool                  `json:"add_prefix_space"`
}

// generation is generation_config.json, and the part of other files with the same names.
type generation struct {
	BOS idList `json:"bos_token_id"`
	EOS idList `json:"eos_token_id"`
	Pad idList `json:"pad_token_id"`
}

type modelConfig struct {
	generation
	VocabSize int64 `json:"vocab_size"`
}

type genaiConfig struct {
	Model modelConfig `json:"model"`
}

// idList is a token id, several, or null.
type idList []int64

func (l *idList) UnmarshalJSON(raw []byte) error {
	var one *int64
	if err := json.Unmarshal(raw, &one); err == nil {
		*l = nil
		if one != nil {
			*l = idList{*one}
		}
		return nil
	}
	var more []int64
	if err := json.Unmarshal(raw, &more); err != nil {
		return err
	}
	*l = more
	return nil
}

// roles are the tokens with a part of their own, by their name in Hugging Face's files and in GGUF's keys.
var roles = []struct{ json, key string }{
	{"bos_token", "bos"}, {"eos_token", "eos"}, {"pad_token", "padding"}, {"cls_token", "cls"},
	{"sep_token", "seperator"}, {"mask_token", "mask"}, {"unk_token", "unknown"},
}

func readConfigs(fsys fs.FS) (*configs, error) {
	c := &configs{named: map[string]string{}}
	for _, x := range []struct {
		file string
		into any
	}{
		{"tokenizer_config.json", &c.tok}, {"generation_config.json", &c.gen}, {"config.json", &c.model}, {"genai_config.json", &c.genai},
	} {
		if err := jsonfile.Optional(fsys, x.file, maxConfig, x.into); err != nil {
			return nil, err
		}
	}
	for _, file := range []string{"special_tokens_map.json", "tokenizer_config.json"} { // the latter counts
		var all map[string]json.RawMessage
		if err := jsonfile.Optional(fsys, file, maxConfig, &all); err != nil {
			return nil, err
		}
		for _, r := range roles {
			if s, ok := tokenText(all[r.json]); ok {
				c.named[r.key] = s
			}
		}
	}
	return c, c.readChat(fsys)
}

// tokenText reads a token given as its text or as an object with its text.
func tokenText(raw json.RawMessage) (string, bool) {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s, s != ""
	}
	var a addedToken
	err := json.Unmarshal(raw, &a)
	return a.Content, err == nil && a.Content != ""
}

// readChat takes the first chat template of chat_template.jinja, tokenizer_config.json and chat_template.json, which
// is the order of transformers.
func (c *configs) readChat(fsys fs.FS) error {
	raw, err := jsonfile.Bytes(fsys, "chat_template.jinja", maxConfig)
	if err == nil {
		c.chat = string(raw)
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if c.chat = chatOf(c.tok.Chat); c.chat != "" {
		return nil
	}
	var old struct {
		Chat json.RawMessage `json:"chat_template"`
	}
	err = jsonfile.Optional(fsys, "chat_template.json", maxConfig, &old)
	c.chat = chatOf(old.Chat)
	return err
}

// chatOf reads a template, or the one called default among several.
func chatOf(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var list []struct{ Name, Template string }
	if json.Unmarshal(raw, &list) != nil {
		return ""
	}
	for _, x := range list {
		if x.Name == "default" || len(list) == 1 {
			return x.Template
		}
	}
	return ""
}

// size is the number of rows that the model has for tokens, 0 if no file says so.
func (c *configs) size() int64 { return max(c.model.VocabSize, c.genai.Model.VocabSize) }

// specials finds the ids of the tokens with a part of their own, and what stands around a text.
func (t *tokenizer) specials(c *configs) error {
	ids := map[string]int32{}
	for _, r := range roles {
		if id, ok := t.byText[c.named[r.key]]; ok {
			ids[r.key] = id
		}
	}
	if t.unk != "" {
		id, ok := t.byText[t.unk]
		if !ok {
			return fmt.Errorf("unk_token is %q, which is no token", t.unk)
		}
		ids["unknown"] = id
	}
	for _, x := range []struct {
		key   string
		lists []idList
	}{
		{"bos", []idList{c.gen.BOS, c.genai.Model.BOS, c.model.BOS}},
		{"padding", []idList{c.gen.Pad, c.genai.Model.Pad, c.model.Pad}},
	} {
		if _, ok := ids[x.key]; ok {
			continue
		}
		for _, list := range x.lists {
			if id, ok := t.valid(list); ok {
				ids[x.key] = id
				break
			}
		}
	}
	if err := t.surround(ids, c); err != nil {
		return err
	}
	t.ends(ids, c)
	for _, name := range []string{"bos", "eos", "eot", "eom", "unknown", "seperator", "padding", "cls", "mask"} {
		if id, ok := ids[name]; ok {
			t.ids = append(t.ids, namedID{name, id})
		}
	}
	return nil
}

// valid returns the first id of the list that a token has.
func (t *tokenizer) valid(list idList) (int32, bool) {
	for _, id := range list {
		if id >= 0 && id < int64(len(t.text)) {
			return int32(id), true
		}
	}
	return 0, false
}

// surround sets what stands before and after a text: what the post-processor says or, where there is none, the flags
// of the configuration. (transformers 5 heeds these flags nowhere, llama.cpp's converter where this does.)
func (t *tokenizer) surround(ids map[string]int32, c *configs) error {
	for _, side := range []struct {
		tokens []string
		key    string
		named  *bool
		flag   string
	}{
		{t.before, "bos", c.tok.AddBOS, "tokenizer.ggml.add_bos_token"},
		{t.after, "eos", c.tok.AddEOS, "tokenizer.ggml.add_eos_token"},
	} {
		_, known := ids[side.key]
		add := or(side.named, false) && known && !t.framed
		if len(side.tokens) > 0 {
			id, ok := t.byText[side.tokens[0]]
			if !ok {
				return fmt.Errorf("the post-processor adds %q, which is no token", side.tokens[0])
			}
			if old := ids[side.key]; known && old != id && side.key == "eos" {
				ids["eot"] = old // generation still ends there
			}
			ids[side.key], add = id, true
		}
		t.flags = append(t.flags, flag{side.flag, add})
	}
	if _, ok := ids["seperator"]; !ok && len(t.after) > 0 {
		ids["seperator"] = ids["eos"]
	}
	return nil
}

// ends gives the tokens that end generation the three names that there are for them.
func (t *tokenizer) ends(ids map[string]int32, c *configs) {
	free := []string{"eos", "eot", "eom"}
	var have []int32
	for _, name := range free {
		if id, ok := ids[name]; ok {
			have = append(have, id)
		}
	}
	for _, list := range []idList{c.gen.EOS, c.genai.Model.EOS, c.model.EOS} {
		for _, id := range list {
			if id < 0 || id >= int64(len(t.text)) || slices.Contains(have, int32(id)) {
				continue
			}
			for _, name := range free {
				if _, taken := ids[name]; !taken {
					ids[name] = int32(id)
					have = append(have, int32(id))
					break
				}
			}
		}
	}
}
