package hf

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

const blank = "\u2581"

func (t *tokenizer) readUnigram(f *jsonFile) error {
	t.model = "t5"
	var rows [][2]any
	if err := json.Unmarshal(f.Model.Vocab, &rows); err != nil {
		return fmt.Errorf("the vocabulary is no array of tokens and their scores: %w", err)
	}
	for i, row := range rows {
		text, ok := row[0].(string)
		score, number := row[1].(float64)
		if !ok || !number {
			return fmt.Errorf("entry %d of the vocabulary is %v, want a token and its score", i, row)
		}
		if err := t.place(int64(i), text, normal); err != nil {
			return err
		}
		t.score = append(t.score, float32(score))
		bits := math.Float64bits(score)
		t.doubles = append(t.doubles, int32(bits>>32), int32(uint32(bits)))
	}
	if id := f.Model.UnkID; id != nil {
		if *id < 0 || *id >= int64(len(t.text)) {
			return fmt.Errorf("unk_id is %d, but there are %d tokens", *id, len(t.text))
		}
		t.unk = t.text[*id]
	}
	t.markBytes(f.Model.ByteFallback)
	return t.readSteps(f.PreTokenizer)
}

// readWordPiece turns the mark of a piece inside a word, ##, into the mark of a piece that begins one.
func (t *tokenizer) readWordPiece(f *jsonFile) error {
	m := f.Model
	if m.Prefix != nil && *m.Prefix != "##" {
		return fmt.Errorf("%w: WordPiece with continuing_subword_prefix %q", ErrUnsupported, *m.Prefix)
	}
	if err := t.readVocab(m.Vocab); err != nil {
		return err
	}
	t.unk = "[UNK]"
	if m.UnkToken != nil {
		t.unk = *m.UnkToken
	}
	if err := t.markWords(f.Added); err != nil {
		return err
	}
	t.maxChars = 100
	if m.MaxChars != nil {
		if *m.MaxChars < 1 || *m.MaxChars > 1<<20 {
			return fmt.Errorf("max_input_chars_per_word is %d, want 1 to %d", *m.MaxChars, 1<<20)
		}
		t.maxChars = int(*m.MaxChars)
	}
	return t.readSteps(f.PreTokenizer)
}

// markWords rewrites the vocabulary of WordPiece as GGUF files have it.
func (t *tokenizer) markWords(added []addedToken) error {
	t.model = "bert"
	keep := map[string]bool{t.unk: true}
	for _, a := range added {
		keep[a.Content] = true
	}
	t.byText = make(map[string]int32, len(t.text))
	for i, s := range t.text {
		if t.kind[i] == 0 {
			continue
		}
		if rest, inside := strings.CutPrefix(s, "##"); inside && rest != "" && !keep[s] {
			s = rest
		} else if !keep[s] && !(len(s) > 2 && s[0] == '[' && s[len(s)-1] == ']') {
			s = blank + s
		}
		if _, dup := t.byText[s]; dup {
			return fmt.Errorf("two tokens of the vocabulary are %q", s)
		}
		t.text[i], t.byText[s] = s, int32(i)
	}
	return nil
}
