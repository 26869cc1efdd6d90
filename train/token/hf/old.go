package hf

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/detox-surgery/detox-surgery/internal/jsonfile"
)

// oldClasses gives the pre-tokenizer that a tokenizer_class has in its program, for files that do not write it down.
var oldClasses = map[string]struct {
	regex      string // "" is that of GPT-2
	normalizer string
	bracketed  bool // between <s> and </s>
}{
	"":                    {},
	"GPT2Tokenizer":       {},
	"CodeGenTokenizer":    {},
	"GPTNeoXTokenizer":    {},
	"Qwen2Tokenizer":      {regex: qwen2, normalizer: "NFC"},
	"RobertaTokenizer":    {bracketed: true},
	"LongformerTokenizer": {bracketed: true},
	"BartTokenizer":       {bracketed: true},
}

// readMergeFiles reads vocab.json with merges.txt, by making a tokenizer.json of them.
func readMergeFiles(fsys fs.FS, vocab []byte, c *configs) (*tokenizer, error) {
	class := strings.TrimSuffix(c.tok.Class, "Fast")
	row, ok := oldClasses[class]
	if !ok {
		return nil, fmt.Errorf("%w: tokenizer_class %q without a tokenizer.json", ErrUnsupported, c.tok.Class)
	}
	raw, err := jsonfile.Bytes(fsys, "merges.txt", maxFile)
	if err != nil {
		return nil, fmt.Errorf("vocab.json needs it: %w", err)
	}
	merges := []string{}
	for i, line := range strings.Split(string(raw), "\n") {
		line = strings.TrimSuffix(line, "\r")
		if line == "" || i == 0 && strings.HasPrefix(line, "#version") {
			continue
		}
		merges = append(merges, line)
	}
	f := jsonFile{Model: &modelJSON{Vocab: vocab}}
	if f.Model.Merges, err = json.Marshal(merges); err != nil {
		return nil, err
	}
	bytes := component{Type: "ByteLevel", AddPrefixSpace: &c.tok.AddSpace}
	f.PreTokenizer = &bytes
	if row.regex != "" {
		no := false
		bytes.UseRegex = &no
		f.PreTokenizer = &component{Type: "Sequence", Pretokenizers: []component{
			{Type: "Split", Pattern: &pattern{Regex: &row.regex}, Behavior: "Isolated"}, bytes,
		}}
	}
	if row.normalizer != "" {
		f.Normalizer = &component{Type: row.normalizer}
	}
	t := &tokenizer{byText: map[string]int32{}}
	if err := t.readBPE(&f); err != nil {
		return nil, err
	}
	if err := t.readNormalizer(f.Normalizer); err != nil {
		return nil, err
	}
	if row.bracketed {
		t.before, t.after = []string{c.namedOr("cls", "<s>")}, []string{c.namedOr("seperator", "</s>")}
	}
	return t, t.addOld(fsys, c)
}

// readWordList reads vocab.txt, a token of WordPiece on each line.
func readWordList(fsys fs.FS, raw []byte, c *configs) (*tokenizer, error) {
	vocab := map[string]int{}
	lines := strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
	for i, line := range lines {
		line = strings.TrimSuffix(line, "\r")
		if _, dup := vocab[line]; dup {
			return nil, fmt.Errorf("line %d: %q is there twice", i+1, line)
		}
		vocab[line] = i
	}
	unk := c.namedOr("unknown", "[UNK]")
	f := jsonFile{Model: &modelJSON{UnkToken: &unk}, PreTokenizer: &component{Type: "BertPreTokenizer"}}
	var err error
	if f.Model.Vocab, err = json.Marshal(vocab); err != nil {
		return nil, err
	}
	t := &tokenizer{byText: map[string]int32{}}
	if err := t.readWordPiece(&f); err != nil {
		return nil, err
	}
	if err := t.readNormalizer(&component{
		Type: "BertNormalizer", CleanText: true, Han: or(c.tok.Han, true), StripAccents: c.tok.Accents, Lowercase: or(c.tok.Lower, true),
	}); err != nil {
		return nil, err
	}
	t.before, t.after = []string{c.namedOr("cls", "[CLS]")}, []string{c.namedOr("seperator", "[SEP]")}
	return t, t.addOld(fsys, c)
}

func (c *configs) namedOr(key, otherwise string) string {
	if s, ok := c.named[key]; ok {
		return s
	}
	return otherwise
}

// addOld reads the added tokens of tokenizer_config.json and added_tokens.json; the tokens with a part of their own
// are special even if they stand in neither.
func (t *tokenizer) addOld(fsys fs.FS, c *configs) error {
	var list []addedToken
	for id, a := range c.tok.Added {
		n, err := strconv.ParseInt(id, 10, 32)
		if err != nil {
			return fmt.Errorf("tokenizer_config.json: added_tokens_decoder has the id %q", id)
		}
		a.ID = n
		list = append(list, a)
	}
	var more map[string]int64
	if err := jsonfile.Optional(fsys, "added_tokens.json", maxConfig, &more); err != nil {
		return err
	}
	has := func(s string) bool {
		return slices.ContainsFunc(list, func(a addedToken) bool { return a.Content == s })
	}
	special := slices.Collect(maps.Values(c.named))
	for text, id := range more {
		if !has(text) {
			list = append(list, addedToken{ID: id, Content: text, Special: slices.Contains(special, text)})
		}
	}
	for _, text := range append(special, t.defaultSpecials()...) {
		if id, ok := t.byText[text]; ok && !has(text) {
			list = append(list, addedToken{ID: int64(id), Content: text, Special: true})
		}
	}
	slices.SortFunc(list, func(a, b addedToken) int { return int(a.ID - b.ID) })
	return t.addTokens(list)
}

// defaultSpecials are the special tokens that the programs for these files have without being told.
func (t *tokenizer) defaultSpecials() []string {
	if t.model == "bert" {
		return []string{"[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"}
	}
	if len(t.before) > 0 {
		return []string{"<s>", "</s>", "<unk>", "<pad>", "<mask>"}
	}
	return []string{"<|endoftext|>"}
}
