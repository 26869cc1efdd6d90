package token

import (
	"fmt"
	"slices"
	"strconv"
)

// Metadata keys of GGUF files.
const (
	keyModel       = "tokenizer.ggml.model"
	keyPre         = "tokenizer.ggml.pre"
	keyTokens      = "tokenizer.ggml.tokens"
	keyTypes       = "tokenizer.ggml.token_type"
	keyScores      = "tokenizer.ggml.scores"
	keyMerges      = "tokenizer.ggml.merges"
	keyBOS         = "tokenizer.ggml.bos_token_id"
	keyEOS         = "tokenizer.ggml.eos_token_id"
	keyUnknown     = "tokenizer.ggml.unknown_token_id"
	keyAddBOS      = "tokenizer.ggml.add_bos_token"
	keySpacePrefix = "tokenizer.ggml.add_space_prefix"
	keyChat        = "tokenizer.chat_template"
)

// maxVocab bounds the size of a vocabulary; the largest in use hold about 260,000 tokens.
const maxVocab = 1 << 24

// kind is the type of a token, numbered as in tokenizer.ggml.token_type.
type kind int32

const (
	undefined kind = iota
	normal
	unknown
	control
	userDefined
	unused
	byteToken
)

// endKeys hold token ids that end generation.
var endKeys = []string{keyEOS, "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"}

// endNames are tokens that end generation wherever they occur in a vocabulary, whatever type the file gives them
// (llama.cpp's list, with the separators of repository files, after which a text is over as well).
var endNames = []string{
	"<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>", "<end_of_turn>",
	"<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "<|end_of_text|>",
	"<end_of_utterance>", "<eos>", "<turn|>", "<|tool_response>", "<｜end▁of▁sentence｜>", "[e~[",
	"<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]",
	"<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>", "<|file_sep|>",
}

// vocab is the table of tokens with the special ones among them.
type vocab struct {
	text        []string
	kind        []kind
	score       []float32 // nil if the file has none
	ids         map[string]int32
	bos         int32 // -1 if absent, like the next two
	eos, unk    int32
	ends        []int32
	addBOS      bool
	spacePrefix bool
}

func newVocab(src Source, fam family) (*vocab, error) {
	text, ok := src.Strings(keyTokens)
	if !ok {
		return nil, fmt.Errorf("token: %s is missing or not an array of strings", keyTokens)
	}
	if len(text) == 0 || len(text) > maxVocab {
		return nil, fmt.Errorf("token: %s has %d entries, want 1 to %d", keyTokens, len(text), maxVocab)
	}
	v := &vocab{text: slices.Clone(text), ids: make(map[string]int32, len(text))}
	for i, s := range v.text {
		if s == "" { // a hole in the vocabulary: it needs a name of its own
			s = "[EMPTY_" + strconv.Itoa(i) + "]"
			v.text[i] = s
		}
		if j, dup := v.ids[s]; dup {
			return nil, fmt.Errorf("token: %s: entries %d and %d are both %q", keyTokens, j, i, s)
		}
		v.ids[s] = int32(i)
	}
	if err := v.readKinds(src); err != nil {
		return nil, err
	}
	if s, ok := src.Floats(keyScores); ok {
		if len(s) < len(text) {
			return nil, fmt.Errorf("token: %s has %d entries for %d tokens", keyScores, len(s), len(text))
		}
		v.score = s
	}
	v.addBOS, v.spacePrefix = fam.addBOS, fam.spaced
	if b, ok := src.Bool(keyAddBOS); ok {
		v.addBOS = b
	}
	if b, ok := src.Bool(keySpacePrefix); ok {
		v.spacePrefix = b
	}
	return v, v.readSpecials(src)
}

func (v *vocab) readKinds(src Source) error {
	v.kind = make([]kind, len(v.text))
	types, ok := src.Ints(keyTypes)
	if !ok {
		for i := range v.kind {
			v.kind[i] = normal
		}
		return nil
	}
	if len(types) < len(v.text) {
		return fmt.Errorf("token: %s has %d entries for %d tokens", keyTypes, len(types), len(v.text))
	}
	for i := range v.kind {
		v.kind[i] = kind(types[i])
	}
	return nil
}

func (v *vocab) readSpecials(src Source) error {
	var err error
	if v.bos, err = v.special(src, keyBOS); err != nil {
		return err
	}
	if v.unk, err = v.special(src, keyUnknown); err != nil {
		return err
	}
	for _, key := range endKeys {
		id, err := v.special(src, key)
		if err != nil {
			return err
		}
		if id >= 0 {
			v.ends = append(v.ends, id)
		}
		if key == keyEOS {
			v.eos = id
		}
	}
	for _, name := range endNames {
		if id, ok := v.ids[name]; ok {
			v.ends = append(v.ends, id)
			v.kind[id] = control
		}
	}
	slices.Sort(v.ends)
	v.ends = slices.Compact(v.ends)
	return nil
}

// special reads a key that holds a token id; -1 if it is absent.
func (v *vocab) special(src Source, key string) (int32, error) {
	id, ok := src.Uint(key)
	if !ok {
		return -1, nil
	}
	if id >= uint64(len(v.text)) {
		return -1, fmt.Errorf("token: %s is %d, but there are %d tokens", key, id, len(v.text))
	}
	return int32(id), nil
}
