package token

import (
	"errors"
	"fmt"
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
	plain  *matcher // user-defined tokens: recognised in any text
	full   *matcher // these and the control tokens
	chat   string   // source of the chat template, "" if the file has none
}

// engine turns text free of special tokens into ids.
type engine interface {
	// encode appends the ids of text to dst.
	encode(dst []int32, text string) []int32
	// piece appends the bytes that the ordinary token id stands for.
	piece(dst []byte, id int32) []byte
}

// family builds the engine of a value of tokenizer.ggml.model.
type family struct {
	build  func(v *vocab, src Source) (engine, error)
	addBOS bool // used where the file has no add_bos_token key
	spaced bool // whether a space is put before text where the file has no add_space_prefix key
}

// families lists the values of tokenizer.ggml.model that are read.
var families = map[string]family{
	"gpt2":  {build: newBPE},
	"llama": {build: newSPM, addBOS: true, spaced: true},
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
	e, err := fam.build(v, src)
	if err != nil {
		return nil, err
	}
	t := &Tokenizer{vocab: v, engine: e}
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
	afterSpecial := true
	for _, f := range m.split(text) {
		if f.id >= 0 {
			ids = append(ids, f.id)
			afterSpecial = true
			continue
		}
		part := f.text
		if t.vocab.spacePrefix && afterSpecial {
			part = " " + part
		}
		ids = t.engine.encode(ids, part)
		afterSpecial = false
	}
	return ids
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
