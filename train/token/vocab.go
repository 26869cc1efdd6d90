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
	keySep         = "tokenizer.ggml.seperator_token_id" // spelled so in the format
	keyAddBOS      = "tokenizer.ggml.add_bos_token"
	keyAddEOS      = "tokenizer.ggml.add_eos_token"
	keySpacePrefix = "tokenizer.ggml.add_space_prefix"
	keyMergeSpaces = "tokenizer.ggml.remove_extra_whitespaces"
	keyCharsmap    = "tokenizer.ggml.precompiled_charsmap"
	keyLowercase   = "tokenizer.ggml.normalizer.lowercase"
	keyAccents     = "tokenizer.ggml.normalizer.strip_accents"
	keyChat        = "tokenizer.chat_template"
	keyName        = "general.name"
	keyArch        = "general.architecture"
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
var endKeys = []string{
	keyEOS, "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id",
	"tokenizer.ggml.fim_pad_token_id", "tokenizer.ggml.fim_rep_token_id", "tokenizer.ggml.fim_sep_token_id",
}

// endNames are tokens that end generation wherever they occur in a vocabulary, whatever type the file gives them
// (llama.cpp's list, with the separators of repository files, after which a text is over as well).
var endNames = []string{
	"<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>", "<end_of_turn>",
	"<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "<|end_of_text|>",
	"<end_of_utterance>", "<eos>", "<turn|>", "<|tool_response>", "<｜end▁of▁sentence｜>", "[e~[",
	"<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]",
	"<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>", "<|file_sep|>",
}

// controlNames are tokens that fill in the middle of a text: control tokens whatever type the file gives them.
var controlNames = []string{
	"<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", "<｜fim▁begin｜>", "<PRE>", "▁<PRE>", "<|code_prefix|>", "<|prefix|>",
	"<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>", "<｜fim▁hole｜>", "<SUF>", "▁<SUF>", "<|code_suffix|>", "<|suffix|>",
	"<|fim_middle|>", "<fim-middle>", "<fim_middle>", "<｜fim▁end｜>", "<MID>", "▁<MID>", "<|code_middle|>", "<|middle|>",
}

// shownNames are tokens that stand in answers: they structure them, as in GPT-OSS.
var shownNames = []string{"<|channel|>", "<|message|>", "<|start|>", "<|constrain|>"}

// notEnds lists tokens that are no end beside all the others named, and what they are instead.
var notEnds = []struct {
	name   string
	kind   kind
	beside []string
}{
	{"<|end|>", userDefined, []string{"<|return|>", "<|call|>"}},
	{"<|end|>", userDefined, []string{"<|return|>", "<|calls|>"}},
	{"<|end|>", userDefined, []string{"<|flush|>", "<|call|>"}},
	{"<|end|>", userDefined, []string{"<|flush|>", "<|calls|>"}},
	{"</s>", normal, []string{"<|tool_response>"}},
	{"</s>", normal, []string{"<|plamo:eos|>"}},
}

// specials are the ids of tokens with a part of their own, -1 for none.
type specials struct{ bos, eos, unk, sep int32 }

// vocab is the table of tokens with the special ones among them.
type vocab struct {
	text    []string
	kind    []kind
	written []kind    // as the file has it
	score   []float32 // nil if the file has none
	ids     map[string]int32
	specials
	ends        []int32
	strip       map[int32]strip // special tokens that take the blanks beside them
	exact       bool            // ids are to be those of a tokenizer.json
	addBOS      bool
	addEOS      bool
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
	v := &vocab{text: slices.Clone(text), ids: make(map[string]int32, len(text)), exact: boolOr(src, keyExact, false)}
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
	if err := v.readScores(src); err != nil {
		return nil, err
	}
	v.addBOS = boolOr(src, keyAddBOS, fam.addBOS)
	v.addEOS = boolOr(src, keyAddEOS, fam.addEOS)
	if fam.usesPrefix {
		v.spacePrefix = boolOr(src, keySpacePrefix, fam.spaced)
	}
	if v.exact {
		fam.defaults = specials{-1, -1, -1, -1}
	}
	return v, v.readSpecials(src, fam.defaults)
}

func boolOr(src Source, key string, otherwise bool) bool {
	if b, ok := src.Bool(key); ok {
		return b
	}
	return otherwise
}

func (v *vocab) readScores(src Source) error {
	s, ok := src.Floats(keyScores)
	if !ok {
		whole, ok := src.Ints(keyScores)
		if !ok {
			return nil
		}
		for _, x := range whole {
			s = append(s, float32(x))
		}
	}
	if len(s) < len(v.text) {
		return fmt.Errorf("token: %s has %d entries for %d tokens", keyScores, len(s), len(v.text))
	}
	v.score = s
	return nil
}

// checkScores is for vocabularies that cannot do without scores.
func (v *vocab) checkScores() error {
	if v.score == nil {
		return fmt.Errorf("token: %s is missing or not an array of floats", keyScores)
	}
	for i, s := range v.score {
		if s != s {
			return fmt.Errorf("token: %s: entry %d is not a number", keyScores, i)
		}
	}
	return nil
}

func (v *vocab) readKinds(src Source) error {
	v.kind = make([]kind, len(v.text))
	types, ok := src.Ints(keyTypes)
	if !ok {
		for i := range v.kind {
			v.kind[i] = normal
		}
		v.written = slices.Clone(v.kind)
		return nil
	}
	if len(types) < len(v.text) {
		return fmt.Errorf("token: %s has %d entries for %d tokens", keyTypes, len(types), len(v.text))
	}
	for i := range v.kind {
		v.kind[i] = kind(types[i])
	}
	v.written = slices.Clone(v.kind)
	return nil
}

func (v *vocab) readSpecials(src Source, defaults specials) error {
	v.specials = defaults
	for _, x := range []struct {
		key string
		id  *int32
	}{{keyBOS, &v.bos}, {keyEOS, &v.eos}, {keyUnknown, &v.unk}, {keySep, &v.sep}} {
		id, err := v.special(src, x.key)
		if err != nil {
			return err
		}
		if id >= 0 {
			*x.id = id
		} else if int(*x.id) >= len(v.text) {
			*x.id = -1
		}
	}
	if v.eos >= 0 {
		v.ends = append(v.ends, v.eos)
	}
	for _, key := range endKeys {
		id, err := v.special(src, key)
		if err != nil {
			return err
		}
		if id >= 0 {
			v.ends = append(v.ends, id)
		}
	}
	v.applyNames()
	return nil
}

// applyNames gives tokens that are known by their name the part they have.
func (v *vocab) applyNames() {
	for _, name := range controlNames {
		v.setKind(name, control)
	}
	for _, name := range endNames {
		if v.setKind(name, control) {
			v.ends = append(v.ends, v.ids[name])
		}
	}
	for _, name := range shownNames {
		v.setKind(name, userDefined)
	}
	slices.Sort(v.ends)
	v.ends = slices.Compact(v.ends)
	for _, x := range notEnds {
		if v.isEnd(x.name) && v.isEnd(x.beside[0]) && (len(x.beside) == 1 || v.isEnd(x.beside[1])) {
			v.setKind(x.name, x.kind)
			id := v.ids[x.name]
			v.ends = slices.DeleteFunc(v.ends, func(e int32) bool { return e == id })
		}
	}
}

func (v *vocab) isEnd(name string) bool {
	id, ok := v.ids[name]
	return ok && slices.Contains(v.ends, id)
}

// setKind reports whether there is a token of that name. In a vocabulary that comes from a tokenizer.json it keeps its
// type, and counts only if it is a control token already: </s> can be a piece of HTML.
func (v *vocab) setKind(name string, k kind) bool {
	id, ok := v.ids[name]
	if v.exact {
		return ok && v.kind[id] == control
	}
	if ok {
		v.kind[id] = k
	}
	return ok
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
