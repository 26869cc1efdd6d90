package hf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/internal/jsonfile"
	"github.com/detox-surgery/detox-surgery/train/token"
)

// Limits on what is read. The largest tokenizer.json in use has about 35 MB and 260,000 tokens.
const (
	maxFile   = 256 << 20
	maxConfig = 16 << 20 // the other files
	maxHoles  = 1 << 16  // ids that no token has
	maxSteps  = 64       // of a normalizer or pre-tokenizer
)

// ErrUnsupported is wrapped by errors for tokenizers that use what this package does not read.
var ErrUnsupported = token.ErrUnsupported

// Open returns the tokenizer of the files in a folder.
func Open(dir string) (*token.Tokenizer, error) {
	kvs, err := Dir(dir)
	if err != nil {
		return nil, err
	}
	return New(kvs)
}

// New builds a tokenizer from keys.
func New(kvs []gguf.KV) (*token.Tokenizer, error) { return token.New(gguf.NewFile("", kvs, nil)) }

// Dir returns the keys of the tokenizer whose files are in a folder. The error says which file lacks or is wrong, and
// wraps fs.ErrNotExist if there is no tokenizer at all and ErrUnsupported for one that is not read.
func Dir(dir string) ([]gguf.KV, error) {
	kvs, err := Keys(os.DirFS(dir))
	if err != nil {
		return nil, fmt.Errorf("tokenizer in %s: %w", dir, err)
	}
	return kvs, nil
}

// Keys is Dir for any file system.
func Keys(fsys fs.FS) ([]gguf.KV, error) {
	c, err := readConfigs(fsys)
	if err != nil {
		return nil, err
	}
	t, err := readTokenizer(fsys, c)
	if err != nil {
		return nil, err
	}
	if err := t.fill(c.size()); err != nil {
		return nil, err
	}
	if err := t.specials(c); err != nil {
		return nil, err
	}
	return t.keys(c.chat), nil
}

// readTokenizer reads the first of the forms that is there.
func readTokenizer(fsys fs.FS, c *configs) (*tokenizer, error) {
	for _, form := range []struct {
		file string
		read func(fs.FS, []byte, *configs) (*tokenizer, error)
	}{{"tokenizer.json", readJSON}, {"vocab.json", readMergeFiles}, {"vocab.txt", readWordList}} {
		raw, err := jsonfile.Bytes(fsys, form.file, maxFile)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		t, err := form.read(fsys, raw, c)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", form.file, err)
		}
		return t, nil
	}
	err := fmt.Errorf("none of tokenizer.json, vocab.json with merges.txt, vocab.txt: %w", fs.ErrNotExist)
	if _, e := fs.Stat(fsys, "tokenizer.model"); e == nil {
		err = fmt.Errorf("%w (tokenizer.model is not read: transformers' AutoTokenizer.save_pretrained writes tokenizer.json from it)", err)
	}
	return nil, err
}

// keys writes what is known of the tokenizer, in the order of llama.cpp's converter.
func (t *tokenizer) keys(chat string) []gguf.KV {
	var kvs []gguf.KV
	put := func(key string, x any) { kvs = append(kvs, gguf.KV{Key: key, Value: gguf.ValueOf(x)}) }
	put("tokenizer.ggml.model", t.model)
	if t.pre != "" {
		put("tokenizer.ggml.pre", t.pre)
	}
	put("tokenizer.ggml.tokens", t.text)
	put("tokenizer.ggml.token_type", t.kind)
	if t.score != nil {
		put("tokenizer.ggml.scores", t.score)
	}
	if t.merges != nil {
		put("tokenizer.ggml.merges", t.merges)
	}
	if t.charsmap != nil {
		put("tokenizer.ggml.precompiled_charsmap", t.charsmap)
	}
	for _, x := range t.ids {
		put("tokenizer.ggml."+x.name+"_token_id", uint32(x.id))
	}
	for _, x := range t.flags {
		put(x.key, x.on)
	}
	if t.steps != nil && t.model != "bert" {
		put("tokenizer.ggml.add_space_prefix", t.spaced)
	}
	if chat != "" {
		put("tokenizer.chat_template", chat)
	}
	put("detox.tokenizer.exact", true)
	if t.normalizers != nil {
		put("detox.tokenizer.normalizers", t.normalizers)
	}
	if t.steps != nil {
		put("detox.tokenizer.pretokenizers", t.steps)
	}
	if t.doubles != nil {
		put("detox.tokenizer.scores", t.doubles)
	}
	if t.maxChars > 0 {
		put("detox.tokenizer.max_chars", uint32(t.maxChars))
	}
	if t.lstrip != nil {
		put("detox.tokenizer.lstrip", t.lstrip)
	}
	if t.rstrip != nil {
		put("detox.tokenizer.rstrip", t.rstrip)
	}
	return kvs
}
