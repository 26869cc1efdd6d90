package token

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ErrUnsupported is wrapped by errors for vocabularies of a kind that this package does not read, and for chat
// templates that use more of the language than gonja has, such as an inline if in parentheses.
var ErrUnsupported = errors.New("token: unsupported")

// Source is a set of typed metadata keys; *gguf.File is one. The second result is false if the key is absent or has another type.
type Source interface {
	String(key string) (string, bool)
	Strings(key string) ([]string, bool)
	Floats(key string) ([]float32, bool)
	Ints(key string) ([]int32, bool)
	Uint(key string) (uint64, bool)
	Bool(key string) (bool, bool)
}

// Message is one turn of a conversation.
type Message struct {
	Role    string `json:"role"` // "system", "user" or "assistant"
	Content string `json:"content"`
}

// Tokenizer encodes and decodes text. It is safe for concurrent use.
type Tokenizer struct {
	vocab  *vocab
	engine engine
	frame  frame
	steps  []normalizer // what text between special tokens passes first; nil for vocabularies of llama.cpp
	plain  *matcher     // user-defined tokens: recognised in any text
	full   *matcher     // these and the control tokens
	chat   string       // source of the chat template, "" if the file has none
}

// engine turns text free of special tokens into ids.
type engine interface {
	// encode appends the ids of text to dst; begins says whether nothing stands before it, not even a special token.
	encode(dst []int32, text string, begins bool) []int32
	// piece appends the bytes that the ordinary token id stands for.
	piece(dst []byte, id int32) []byte
}

// family builds the engine of a value of tokenizer.ggml.model.
type family struct {
	build      func(v *vocab, src Source) (engine, error)
	defaults   specials // used where the file has no keys for them
	addBOS     bool     // used where the file has no add_bos_token key
	addEOS     bool     // and no add_eos_token key
	usesPrefix bool     // whether a space can be put before text
	spaced     bool     // whether it is where the file has no add_space_prefix key
	frame      frame
}

// frame says which tokens stand around a text of its own.
type frame uint8

const (
	asFlagged frame = iota // BOS and EOS as the flags say
	bracketed              // always [CLS] and [SEP]
	bare                   // none
)

// families lists the values of tokenizer.ggml.model that are read.
var families = map[string]family{
	"gpt2":       {build: newBPE, defaults: specials{-1, -1, -1, -1}},
	"gemma4":     {build: newGemma4, defaults: specials{-1, -1, -1, -1}},
	"hybriddna":  {build: newHybridDNA, defaults: specials{-1, -1, -1, -1}},
	"whitespace": {build: newWhitespace, defaults: specials{-1, -1, -1, -1}},
	"llama":      {build: newSPM, defaults: specials{1, 2, -1, -1}, addBOS: true, usesPrefix: true, spaced: true},
	"bert":       {build: newWordPiece, defaults: specials{101, -1, 100, 102}, addBOS: true, frame: bracketed},
	"t5":         {build: newUnigram, defaults: specials{-1, 1, 2, -1}, addEOS: true, usesPrefix: true},
	"rwkv":       {build: newRWKV, defaults: specials{-1, -1, -1, -1}, frame: bare},
	"plamo2":     {build: newPLaMo, defaults: specials{1, 2, 0, -1}, frame: bare},
}

// New reads the vocabulary, the special tokens and the chat template from a model's metadata.
func New(src Source) (*Tokenizer, error) {
	name, ok := src.String(keyModel)
	if !ok {
		return nil, fmt.Errorf("token: %s is missing or not a string", keyModel)
	}
	fam, ok := families[name]
	if !ok {
		return nil, fmt.Errorf("%w: %s is %q", ErrUnsupported, keyModel, name)
	}
	v, err := newVocab(src, fam)
	if err != nil {
		return nil, err
	}
	if v.exact {
		if fam, err = fam.exactly(name, src); err != nil {
			return nil, err
		}
	}
	e, err := fam.build(v, src)
	if err != nil {
		return nil, err
	}
	if err := v.readStrips(src); err != nil {
		return nil, err
	}
	t := &Tokenizer{vocab: v, engine: e, frame: fam.frame}
	if t.steps, err = newNormalizers(src); err != nil {
		return nil, err
	}
	t.plain = newMatcher(v, func(k kind) bool { return k == userDefined })
	t.full = newMatcher(v, func(k kind) bool { return k == userDefined || k == control || k == unknown })
	t.chat, _ = src.String(keyChat)
	return t, nil
}

// Encode returns the ids of plain text. Control tokens written out in it are ordinary text, and no BOS is added.
func (t *Tokenizer) Encode(text string) []int32 { return t.encode(text, t.plain) }

// EncodeSpecial returns the ids of text in which the names of special tokens stand for these tokens, as in a rendered chat.
func (t *Tokenizer) EncodeSpecial(text string) []int32 { return t.encode(text, t.full) }

func (t *Tokenizer) encode(text string, m *matcher) []int32 {
	ids := make([]int32, 0, len(text)/3+4)
	for i, f := range m.split(text) {
		if f.id >= 0 {
			ids = append(ids, f.id)
			continue
		}
		begins := i == 0
		for _, step := range t.steps {
			begins = begins && (step.moves == nil || !step.moves(f.text))
			f.text = step.apply(f.text)
		}
		if f.text != "" {
			ids = t.engine.encode(ids, f.text, begins)
		}
	}
	return ids
}

// Frame returns ids between the tokens that the vocabulary puts around a text of its own: BOS and EOS where it says
// so, [CLS] and [SEP] for WordPiece.
func (t *Tokenizer) Frame(ids []int32) []int32 {
	before, after := int32(-1), int32(-1)
	switch t.frame {
	case bracketed:
		before, after = t.vocab.bos, t.vocab.sep
	case asFlagged:
		if t.vocab.addBOS {
			before = t.vocab.bos
		}
		if t.vocab.addEOS {
			after = t.vocab.eos
		}
	case bare:
	}
	out := make([]int32, 0, len(ids)+2)
	if before >= 0 {
		out = append(out, before)
	}
	out = append(out, ids...)
	if after >= 0 {
		out = append(out, after)
	}
	return out
}

// Decode returns the text of ids; control tokens and ids outside the vocabulary stand for nothing.
// Where encoding put a space before the text, the leading space is taken away again.
func (t *Tokenizer) Decode(ids []int32) string {
	var b []byte
	for _, id := range ids {
		b = t.appendPiece(b, id)
	}
	s := string(b)
	if t.vocab.spacePrefix {
		s = strings.TrimPrefix(s, " ")
	}
	return s
}

// Piece returns the text of one token as it stands inside a longer text, with its leading space; "" for control tokens.
func (t *Tokenizer) Piece(id int32) string { return string(t.appendPiece(nil, id)) }

func (t *Tokenizer) appendPiece(b []byte, id int32) []byte {
	if id < 0 || int(id) >= len(t.vocab.text) {
		return b
	}
	switch t.vocab.kind[id] {
	case control, unknown, unused:
		return b
	case userDefined:
		return append(b, t.vocab.text[id]...)
	case undefined, normal, byteToken:
	}
	return t.engine.piece(b, id)
}

// Size returns the number of tokens.
func (t *Tokenizer) Size() int { return len(t.vocab.text) }

// Text returns the entry of the vocabulary as the file writes it, for messages and reports.
func (t *Tokenizer) Text(id int32) string { return t.vocab.text[id] }

// ID returns the token whose entry in the vocabulary is exactly text.
func (t *Tokenizer) ID(text string) (int32, bool) {
	id, ok := t.vocab.ids[text]
	return id, ok
}

// BOS returns the token that begins a sequence, if the vocabulary names one.
func (t *Tokenizer) BOS() (int32, bool) { return t.vocab.bos, t.vocab.bos >= 0 }

// AddBOS reports whether text is to begin with the BOS token.
func (t *Tokenizer) AddBOS() bool { return t.vocab.addBOS && t.vocab.bos >= 0 }

// EOS returns the tokens that end generation, ascending: the file's eos, eot and eom and those known by their name.
func (t *Tokenizer) EOS() []int32 { return append([]int32(nil), t.vocab.ends...) }

// TextStart returns the tokens that open plain text: BOS if the file adds one, else the document separator
// of GPT-2 vocabularies if it is a token, else none.
func (t *Tokenizer) TextStart() []int32 {
	if t.AddBOS() {
		return []int32{t.vocab.bos}
	}
	if id, ok := t.vocab.ids["<|endoftext|>"]; ok {
		return []int32{id}
	}
	return nil
}

// Families lists the values of tokenizer.ggml.model that New reads, in order.
func Families() []string { return slices.Sorted(maps.Keys(families)) }

// PreTokenizers lists the values of tokenizer.ggml.pre that New reads, in order.
func PreTokenizers() []string { return slices.Sorted(maps.Keys(preTokenizers)) }
