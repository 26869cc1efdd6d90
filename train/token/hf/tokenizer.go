package hf

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"strconv"

	"github.com/detox-surgery/detox-surgery/internal/jsonfile"
)

// Types of tokens, numbered as in tokenizer.ggml.token_type.
const (
	normal      int32 = 1
	control     int32 = 3
	userDefined int32 = 4
	unused      int32 = 5
	byteToken   int32 = 6
)

// tokenizer is what the keys are made of.
type tokenizer struct {
	model, pre  string // tokenizer.ggml.model and .pre
	text        []string
	kind        []int32 // 0 where no token is
	byText      map[string]int32
	score       []float32
	doubles     []int32 // scores in full, the high half of each first
	merges      []string
	charsmap    []uint8
	normalizers []string
	steps       []string
	maxChars    int
	spaced      bool // a space is put before text, and taken away when it is decoded
	lstrip      []int32
	rstrip      []int32
	framed      bool     // there is a post-processor, so that these two are all that stands around a text
	before      []string // tokens that stand before a text of its own
	after       []string
	unk         string // of the model
	ids         []namedID
	flags       []flag
}

// namedID is a token with a part of its own, "bos" or another name that stands in tokenizer.ggml.*_token_id.
type namedID struct {
	name string
	id   int32
}

type flag struct {
	key string
	on  bool
}

// addedToken is an entry of added_tokens, and of added_tokens_decoder, where the id is the key.
type addedToken struct {
	ID         int64  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Special    bool   `json:"special"`
}

// jsonFile is tokenizer.json.
type jsonFile struct {
	Added         []addedToken `json:"added_tokens"`
	Normalizer    *component   `json:"normalizer"`
	PreTokenizer  *component   `json:"pre_tokenizer"`
	PostProcessor *component   `json:"post_processor"`
	Model         *modelJSON   `json:"model"`
}

// modelJSON is the part of tokenizer.json with the vocabulary.
type modelJSON struct {
	Type         string          `json:"type"`
	Dropout      *float64        `json:"dropout"`
	UnkToken     *string         `json:"unk_token"`
	UnkID        *int64          `json:"unk_id"`
	Prefix       *string         `json:"continuing_subword_prefix"`
	Suffix       *string         `json:"end_of_word_suffix"`
	FuseUnk      bool            `json:"fuse_unk"`
	ByteFallback bool            `json:"byte_fallback"`
	IgnoreMerges bool            `json:"ignore_merges"`
	MaxChars     *int64          `json:"max_input_chars_per_word"`
	Vocab        json.RawMessage `json:"vocab"`
	Merges       json.RawMessage `json:"merges"`
}

// models lists the values of model.type that are read.
var models = map[string]func(*tokenizer, *jsonFile) error{
	"BPE":       (*tokenizer).readBPE,
	"Unigram":   (*tokenizer).readUnigram,
	"WordPiece": (*tokenizer).readWordPiece,
}

func readJSON(_ fs.FS, raw []byte, _ *configs) (*tokenizer, error) {
	var f jsonFile
	if err := jsonfile.Decode("", raw, &f); err != nil {
		return nil, err
	}
	if f.Model == nil {
		return nil, fmt.Errorf("there is no model")
	}
	typ := f.Model.Type
	if typ == "" { // files of old do not say
		typ = "WordPiece"
		if f.Model.Merges != nil {
			typ = "BPE"
		}
	}
	read, ok := models[typ]
	if !ok {
		return nil, fmt.Errorf("%w: the model is of type %q", ErrUnsupported, typ)
	}
	t := &tokenizer{byText: map[string]int32{}}
	if err := read(t, &f); err != nil {
		return nil, err
	}
	if err := t.readNormalizer(f.Normalizer); err != nil {
		return nil, err
	}
	if err := t.readPostProcessor(f.PostProcessor); err != nil {
		return nil, err
	}
	return t, t.addTokens(f.Added)
}

// place puts a token at an id that none has.
func (t *tokenizer) place(id int64, text string, kind int32) error {
	if id < 0 || id >= int64(len(t.byText))+maxHoles {
		return fmt.Errorf("token %q has the id %d, but there are about %d tokens", text, id, len(t.byText))
	}
	for int64(len(t.text)) <= id {
		t.text, t.kind = append(t.text, ""), append(t.kind, 0)
	}
	if t.kind[id] != 0 {
		return fmt.Errorf("tokens %q and %q both have the id %d", t.text[id], text, id)
	}
	if text == "" {
		return fmt.Errorf("token %d is empty", id)
	}
	if _, dup := t.byText[text]; dup {
		return fmt.Errorf("token %q is there twice", text)
	}
	t.text[id], t.kind[id], t.byText[text] = text, kind, int32(id)
	return nil
}

// addTokens reads the tokens that are found in text before anything else.
func (t *tokenizer) addTokens(list []addedToken) error {
	for _, a := range list {
		if a.SingleWord {
			return fmt.Errorf("%w: the added token %q is found only as a word of its own (single_word)", ErrUnsupported, a.Content)
		}
		kind := userDefined
		if a.Special {
			kind = control
		}
		id, known := t.byText[a.Content]
		switch {
		case !known:
			if err := t.place(a.ID, a.Content, kind); err != nil {
				return err
			}
			id = int32(a.ID)
		case int64(id) != a.ID:
			return fmt.Errorf("the added token %q has the id %d, and %d in the vocabulary", a.Content, a.ID, id)
		case t.kind[id] != byteToken: // those stay what they are, whatever training has made of them
			t.kind[id] = kind
		}
		if a.LStrip {
			t.lstrip = append(t.lstrip, id)
		}
		if a.RStrip {
			t.rstrip = append(t.rstrip, id)
		}
	}
	return nil
}

// fill names the ids that no token has, up to the size of the model's vocabulary.
func (t *tokenizer) fill(size int64) error {
	if len(t.byText) == 0 {
		return fmt.Errorf("the vocabulary is empty")
	}
	if size > int64(len(t.text))+maxHoles {
		return fmt.Errorf("config.json says vocab_size %d, but there are %d tokens", size, len(t.text))
	}
	for int64(len(t.text)) < size {
		t.text, t.kind = append(t.text, ""), append(t.kind, 0)
	}
	for i, k := range t.kind {
		if k == 0 {
			t.text[i], t.kind[i] = "[PAD"+strconv.Itoa(i)+"]", unused
			if _, dup := t.byText[t.text[i]]; dup {
				t.text[i] = "[PAD_" + strconv.Itoa(i) + "_]"
			}
		}
	}
	for t.score != nil && len(t.score) < len(t.text) {
		t.score = append(t.score, 0)
	}
	return nil
}
