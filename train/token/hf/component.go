package hf

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// component is a normalizer, pre-tokenizer or post-processor, with the fields of all of them.
type component struct {
	Type           string          `json:"type"`
	Normalizers    []component     `json:"normalizers"`
	Pretokenizers  []component     `json:"pretokenizers"`
	Processors     []component     `json:"processors"`
	Pattern        *pattern        `json:"pattern"`
	Content        string          `json:"content"`
	Behavior       string          `json:"behavior"`
	Invert         bool            `json:"invert"`
	Prepend        string          `json:"prepend"`
	StripLeft      bool            `json:"strip_left"`
	StripRight     bool            `json:"strip_right"`
	Lowercase      bool            `json:"lowercase"`
	CleanText      bool            `json:"clean_text"`
	Han            bool            `json:"handle_chinese_chars"`
	StripAccents   *bool           `json:"strip_accents"`
	Charsmap       string          `json:"precompiled_charsmap"`
	AddPrefixSpace *bool           `json:"add_prefix_space"`
	UseRegex       *bool           `json:"use_regex"`
	Individual     bool            `json:"individual_digits"`
	Replacement    string          `json:"replacement"`
	PrependScheme  string          `json:"prepend_scheme"`
	Split          *bool           `json:"split"`
	Single         []templatePiece `json:"single"`
	Cls            json.RawMessage `json:"cls"`
	Sep            json.RawMessage `json:"sep"`
}

type pattern struct {
	Regex  *string `json:"Regex"`
	String *string `json:"String"`
}

// templatePiece is a token or the text in the template of a post-processor.
type templatePiece struct {
	SpecialToken *struct {
		ID string `json:"id"`
	} `json:"SpecialToken"`
	Sequence *struct {
		ID string `json:"id"`
	} `json:"Sequence"`
}

func or(b *bool, otherwise bool) bool {
	if b == nil {
		return otherwise
	}
	return *b
}

// flatten lists the components of a sequence, and of those inside of it; parts picks the field that holds them.
func flatten(c *component, parts func(*component) []component) ([]*component, error) {
	var out []*component
	var walk func(c *component, depth int) bool
	walk = func(c *component, depth int) bool {
		if c.Type != "Sequence" {
			out = append(out, c)
			return len(out) <= maxSteps
		}
		inner := parts(c)
		for i := range inner {
			if depth > maxSteps || !walk(&inner[i], depth+1) {
				return false
			}
		}
		return true
	}
	if c != nil && !walk(c, 0) {
		return nil, fmt.Errorf("more than %d steps in a Sequence", maxSteps)
	}
	return out, nil
}

// readNormalizer translates the normalizer into steps.
func (t *tokenizer) readNormalizer(c *component) error {
	list, err := flatten(c, func(c *component) []component { return c.Normalizers })
	if err != nil {
		return err
	}
	var steps []string
	for _, c := range list {
		translate, ok := normalizerTypes[c.Type]
		if !ok {
			return fmt.Errorf("%w: the normalizer %q", ErrUnsupported, c.Type)
		}
		s, err := translate(t, c)
		if err != nil {
			return err
		}
		steps = append(steps, s...)
	}
	t.normalizers = append(steps, t.normalizers...) // those that a pre-tokenizer asked for come after
	return nil
}

// normalizerTypes lists the normalizers that are read, with the steps that package token has for them.
var normalizerTypes = map[string]func(*tokenizer, *component) ([]string, error){
	"NFC":            always("nfc"),
	"NFD":            always("nfd"),
	"NFKC":           always("nfkc"),
	"NFKD":           always("nfkd"),
	"Lowercase":      always("lowercase"),
	"StripAccents":   always("strip_accents"),
	"Prepend":        prependSteps,
	"Replace":        replaceSteps,
	"Strip":          stripSteps,
	"BertNormalizer": bertSteps,
	"Precompiled":    charsmapSteps,
}

func always(steps ...string) func(*tokenizer, *component) ([]string, error) {
	return func(*tokenizer, *component) ([]string, error) { return steps, nil }
}

func prependSteps(t *tokenizer, c *component) ([]string, error) {
	t.spaced = t.spaced || c.Prepend == blank
	return []string{"prepend", c.Prepend}, nil
}

func replaceSteps(_ *tokenizer, c *component) ([]string, error) {
	p := c.Pattern
	switch {
	case p != nil && p.String != nil && *p.String != "":
		return []string{"replace", *p.String, c.Content}, nil
	case p != nil && p.Regex != nil && *p.Regex == " {2,}":
		return []string{"collapse_spaces", c.Content}, nil
	case p != nil && p.Regex != nil:
		return nil, fmt.Errorf("%w: the normalizer Replace with the expression %q", ErrUnsupported, *p.Regex)
	}
	return nil, fmt.Errorf("the normalizer Replace has no pattern")
}

func stripSteps(_ *tokenizer, c *component) (steps []string, err error) {
	if c.StripLeft {
		steps = append(steps, "strip_left")
	}
	if c.StripRight {
		steps = append(steps, "strip_right")
	}
	return steps, nil
}

func bertSteps(t *tokenizer, c *component) (steps []string, err error) {
	for _, x := range []struct {
		on   bool
		step string
	}{
		{c.CleanText, "bert_clean"}, {c.Han, "bert_han"}, {or(c.StripAccents, c.Lowercase), "bert_accents"}, {c.Lowercase, "lowercase"},
	} {
		if x.on {
			steps = append(steps, x.step)
		}
	}
	if t.model == "bert" { // llama.cpp's keys for the same
		t.flags = append(t.flags, flag{"tokenizer.ggml.normalizer.lowercase", c.Lowercase},
			flag{"tokenizer.ggml.normalizer.strip_accents", or(c.StripAccents, c.Lowercase)})
	}
	return steps, nil
}

func charsmapSteps(t *tokenizer, c *component) ([]string, error) {
	if c.Charsmap == "" {
		return nil, nil
	}
	if t.charsmap != nil {
		return nil, fmt.Errorf("%w: two Precompiled normalizers", ErrUnsupported)
	}
	raw, err := base64.StdEncoding.DecodeString(c.Charsmap)
	if err != nil {
		return nil, fmt.Errorf("precompiled_charsmap is no base64: %w", err)
	}
	t.charsmap = raw
	return []string{"charsmap"}, nil
}

// readPostProcessor finds the tokens that stand around one text.
func (t *tokenizer) readPostProcessor(c *component) error {
	list, err := flatten(c, func(c *component) []component { return c.Processors })
	if err != nil {
		return err
	}
	t.framed = c != nil
	for _, c := range list {
		switch c.Type {
		case "ByteLevel": // it changes offsets only
		case "TemplateProcessing":
			err = t.readTemplate(c.Single)
		case "BertProcessing", "RobertaProcessing":
			err = t.readBrackets(c)
		default:
			err = fmt.Errorf("%w: the post-processor %q", ErrUnsupported, c.Type)
		}
		if err != nil {
			return err
		}
	}
	if len(t.before) > 1 || len(t.after) > 1 {
		return fmt.Errorf("%w: the post-processor puts %d tokens before a text and %d after it, want at most 1", ErrUnsupported, len(t.before), len(t.after))
	}
	return nil
}

func (t *tokenizer) readTemplate(pieces []templatePiece) error {
	seen := false
	for _, p := range pieces {
		switch {
		case p.Sequence != nil && !seen:
			seen = true
		case p.SpecialToken != nil && !seen:
			t.before = append(t.before, p.SpecialToken.ID)
		case p.SpecialToken != nil:
			t.after = append(t.after, p.SpecialToken.ID)
		default:
			return fmt.Errorf("%w: a template of the post-processor that holds the text more than once", ErrUnsupported)
		}
	}
	if !seen {
		return fmt.Errorf("the template of the post-processor has no place for the text")
	}
	return nil
}

// readBrackets reads ["[CLS]", 101] and ["[SEP]", 102].
func (t *tokenizer) readBrackets(c *component) error {
	for _, x := range []struct {
		raw json.RawMessage
		to  *[]string
	}{{c.Cls, &t.before}, {c.Sep, &t.after}} {
		var pair []any
		if json.Unmarshal(x.raw, &pair) != nil || len(pair) != 2 {
			return fmt.Errorf("%s of the post-processor is %.40s, want a token and its id", c.Type, x.raw)
		}
		name, ok := pair[0].(string)
		if !ok {
			return fmt.Errorf("%s of the post-processor is %.40s, want a token and its id", c.Type, x.raw)
		}
		*x.to = append(*x.to, name)
	}
	return nil
}
