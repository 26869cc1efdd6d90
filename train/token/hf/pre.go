package hf

import (
	"fmt"
	"slices"
	"strings"
)

// Expressions that several pre-tokenizers share, in the spelling of canonical.
const (
	gpt2Words = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
	endings   = `(?i:'s|'t|'re|'ve|'m|'ll|'d)`
	tail      = `|\s*[\r\n]+|\s+(?!\S)|\s+`
	upperLed  = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+`
	lowerLed  = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*`
	llama3    = endings + `|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*` + tail
	qwen2     = endings + `|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*` + tail
	gpt4o     = upperLed + endings + `?|` + lowerLed + endings + `?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*` + tail
	deepSeek  = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
	kana      = `split [一-龥぀-ゟ゠-ヿ]+`
	cased     = "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-\u1f7dᾀ-ᾴᾶ-ᾼ\u1fbeῂ-ῄῆ-ῌῐ-\u1fd3ῖ-\u1fdbῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\u2126ℨ\u212a-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃"
)

// byteLevel lists the pre-tokenizers of vocabularies of bytes that are read: the steps before the one that writes
// bytes, each as canonicalStep spells it, and llama.cpp's name for them all. "gpt2" is the expression that the step
// ByteLevel has built in.
var byteLevel = []struct {
	name  string
	steps []string
}{
	{"gpt-2", []string{"gpt2"}},
	{"gpt-2", []string{"split " + gpt2Words}},
	{"smollm", []string{"digits single", "gpt2"}},
	{"smollm", []string{"digits single", "split " + gpt2Words}},
	{"smollm", []string{`split \p{N}`, "gpt2"}},
	{"falcon", []string{"punctuation Contiguous", "gpt2", "digits runs", "split [0-9][0-9][0-9]"}},
	{"llama-bpe", []string{"split " + llama3}},
	{"qwen2", []string{"split " + qwen2}},
	{"bailingmoe", []string{"split " + strings.Replace(qwen2, `\s*[\r\n]+`, `\s*[\r\n]`, 1)}},
	{"qwen35", []string{"split " + endings + `|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*` + tail}},
	{"seed-coder", []string{"split " + endings + `|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}\r\n]+` + tail}},
	{"ufakzeka", []string{`split [^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*` + tail}},
	{"minicpm5", []string{`split \p{N}{1,3}`, "split " + strings.Replace(llama3, "{1,3}", "+", 1)}},
	{"tekken", []string{"split " + upperLed + "|" + lowerLed + `|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*` + tail}},
	{"gpt-4o", []string{"split " + gpt4o}},
	{"deepseek-llm", []string{`split [\r\n]`, `split \s?[` + cased + `]+`, `split \s?[!-/:-~！-／：-～‘-‟　-。]+`, `split \s+$`, `split [一-龥ࠀ-一가-퟿]+`, "digits single"}},
	{"deepseek-coder", []string{`split [\r\n]`, `split \s?\p{L}+`, `split \s?\p{P}+`, `split [一-龥ࠀ-一가-퟿]+`, "digits single"}},
	{"deepseek-v3", []string{`split \p{N}{1,3}`, kana, "split " + deepSeek + `| ?[\p{P}\p{S}]+[\r\n]*` + tail}},
	{"bloom", []string{`split  ?[^(\s|.,!?…。，、।۔،)]+`}},
	{"viking", []string{`split  ?[^(\s|.,!?…。，、।۔،)]+`, "digits single"}},
}

// canonical gives expressions that mean the same the same spelling.
var canonical = strings.NewReplacer(
	"\r", `\r`, "\n", `\n`,
	`(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])`, endings,
	`'(?i:[sdmt]|ll|ve|re)`, endings,
	`'(?:[sdmt]|ll|ve|re)`, `'s|'t|'re|'ve|'m|'ll|'d`,
	`\p{N}{1}`, `\p{N}`,
	"]?+", "]?", "]++", "]+", `\p{L}++`, `\p{L}+`, `\p{N}++`, `\p{N}+`, `\s++`, `\s+`, // nothing here is ever handed back
	`[^(\s|[.,!?…。，、।۔،])]`, `[^(\s|.,!?…。，、।۔،)]`,
)

// canonicalStep spells a pre-tokenizer of a vocabulary of bytes.
func canonicalStep(c *component) (string, error) {
	switch c.Type {
	case "ByteLevel":
		if or(c.UseRegex, true) {
			return "gpt2", nil
		}
		return "", nil
	case "Digits":
		if c.Individual {
			return "digits single", nil
		}
		return "digits runs", nil
	case "Punctuation":
		return "punctuation " + c.Behavior, nil
	case "Split":
		// Dropping what does not match is the same here: everything does, in the expressions that are used so.
		whole := c.Behavior == "Isolated" && !c.Invert || c.Behavior == "Removed" && c.Invert
		if c.Pattern != nil && c.Pattern.Regex != nil && whole {
			return "split " + canonical.Replace(*c.Pattern.Regex), nil
		}
		return "", fmt.Errorf("%w: the pre-tokenizer Split with behavior %q, invert %v, or a plain string", ErrUnsupported, c.Behavior, c.Invert)
	}
	return "", fmt.Errorf("%w: the pre-tokenizer %q for BPE on bytes", ErrUnsupported, c.Type)
}

// stepsOf spells the steps of a pre-tokenizer of bytes, but for the one that writes them.
func stepsOf(c *component) (steps []string, err error) {
	list, err := flatten(c, func(c *component) []component { return c.Pretokenizers })
	for _, c := range list {
		s, err := canonicalStep(c)
		if err != nil {
			return nil, err
		}
		if s != "" {
			steps = append(steps, s)
		}
	}
	return steps, err
}

// readBPEPre tells the vocabularies of bytes from those of characters, and finds llama.cpp's name for the former.
func (t *tokenizer) readBPEPre(c *component) error {
	list, err := flatten(c, func(c *component) []component { return c.Pretokenizers })
	if err != nil {
		return err
	}
	bytes := slices.IndexFunc(list, func(c *component) bool { return c.Type == "ByteLevel" })
	if bytes < 0 {
		t.model = "llama"
		return t.readSteps(c)
	}
	t.model = "gpt2"
	if or(list[bytes].AddPrefixSpace, true) {
		if bytes > 0 {
			return fmt.Errorf("%w: the pre-tokenizer ByteLevel with add_prefix_space after another", ErrUnsupported)
		}
		t.normalizers = append(t.normalizers, "space_prefix")
	}
	steps, err := stepsOf(c)
	if err != nil {
		return err
	}
	for _, row := range byteLevel {
		if slices.Equal(row.steps, steps) {
			t.pre = row.name
			return nil
		}
	}
	return fmt.Errorf("%w: the pre-tokenizer with the steps %q, which are those of none that is known", ErrUnsupported, steps)
}

// readSteps translates the pre-tokenizers of other vocabularies.
func (t *tokenizer) readSteps(c *component) error {
	list, err := flatten(c, func(c *component) []component { return c.Pretokenizers })
	if err != nil {
		return err
	}
	t.steps = []string{}
	for _, c := range list {
		s, err := t.stepOf(c)
		if err != nil {
			return err
		}
		t.steps = append(t.steps, s...)
	}
	return nil
}

func (t *tokenizer) stepOf(c *component) ([]string, error) {
	switch c.Type {
	case "WhitespaceSplit":
		return []string{"whitespace_split"}, nil
	case "BertPreTokenizer":
		return []string{"bert"}, nil
	case "Punctuation":
		if c.Behavior == "Isolated" || c.Behavior == "" {
			return []string{"punctuation"}, nil
		}
		return nil, fmt.Errorf("%w: the pre-tokenizer Punctuation with behavior %q", ErrUnsupported, c.Behavior)
	case "Digits":
		if c.Individual {
			return []string{"digits", "single"}, nil
		}
		return []string{"digits", "runs"}, nil
	case "Metaspace":
		return t.metaspace(c)
	case "Split":
		if c.Pattern != nil && c.Pattern.String != nil && *c.Pattern.String == " " && c.Behavior == "MergedWithPrevious" && !c.Invert {
			return []string{"after_spaces"}, nil
		}
	}
	return nil, fmt.Errorf("%w: the pre-tokenizer %q for a vocabulary of model %q", ErrUnsupported, c.Type, t.model)
}

func (t *tokenizer) metaspace(c *component) ([]string, error) {
	if c.Replacement != blank {
		return nil, fmt.Errorf("%w: the pre-tokenizer Metaspace with replacement %q", ErrUnsupported, c.Replacement)
	}
	scheme := c.PrependScheme
	if scheme == "" { // files of old have add_prefix_space instead
		scheme = "never"
		if or(c.AddPrefixSpace, true) {
			scheme = "always"
		}
	}
	if !slices.Contains([]string{"always", "first", "never"}, scheme) {
		return nil, fmt.Errorf("%w: the pre-tokenizer Metaspace with prepend_scheme %q", ErrUnsupported, scheme)
	}
	cut := "whole"
	if or(c.Split, true) {
		cut = "split"
	}
	t.spaced = scheme != "never"
	return []string{"metaspace", scheme, cut}, nil
}
