package hf

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

func (t *tokenizer) readBPE(f *jsonFile) error {
	m := f.Model
	if m.Dropout != nil && *m.Dropout != 0 {
		return fmt.Errorf("%w: BPE with dropout", ErrUnsupported)
	}
	if m.Prefix != nil && *m.Prefix != "" || m.Suffix != nil && *m.Suffix != "" {
		return fmt.Errorf("%w: BPE with continuing_subword_prefix or end_of_word_suffix", ErrUnsupported)
	}
	if err := t.readVocab(m.Vocab); err != nil {
		return err
	}
	if err := t.readBPEPre(f.PreTokenizer); err != nil {
		return err
	}
	if err := t.readMerges(m.Merges); err != nil {
		return err
	}
	if m.UnkToken != nil {
		t.unk = *m.UnkToken
	}
	t.flags = append(t.flags, flag{"detox.tokenizer.ignore_merges", m.IgnoreMerges})
	if t.model == "llama" {
		t.flags = append(t.flags, flag{"detox.tokenizer.fuse_unk", m.FuseUnk})
		t.markBytes(m.ByteFallback)
		t.scoreByRank()
	}
	return nil
}

// readVocab reads an object of tokens and their ids.
func (t *tokenizer) readVocab(raw json.RawMessage) error {
	var vocab map[string]int64
	if err := json.Unmarshal(raw, &vocab); err != nil {
		return fmt.Errorf("the vocabulary is no object of tokens and their ids: %w", err)
	}
	type entry struct {
		id   int64
		text string
	}
	list := make([]entry, 0, len(vocab))
	for text, id := range vocab {
		list = append(list, entry{id, text})
	}
	slices.SortFunc(list, func(a, b entry) int { // ids in order, and one error for one file
		return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.text, b.text))
	})
	for _, x := range list {
		if err := t.place(x.id, x.text, normal); err != nil {
			return err
		}
	}
	return nil
}

// readMerges reads rules in either form: "a b", or ["a", "b"], in which a and b can hold spaces.
func (t *tokenizer) readMerges(raw json.RawMessage) error {
	if raw == nil {
		return fmt.Errorf("the model has no merges")
	}
	if err := json.Unmarshal(raw, &t.merges); err != nil {
		var pairs [][]string
		if json.Unmarshal(raw, &pairs) != nil {
			return fmt.Errorf("the merges are neither strings nor pairs of strings")
		}
		t.merges = make([]string, len(pairs))
		for i, p := range pairs {
			if len(p) != 2 {
				return fmt.Errorf("merge %d has %d parts, want 2", i, len(p))
			}
			if strings.Contains(p[0]+p[1], " ") {
				return fmt.Errorf("%w: merge %d is %q: a piece with a space in it", ErrUnsupported, i, p)
			}
			t.merges[i] = p[0] + " " + p[1]
		}
	}
	if t.merges == nil {
		t.merges = []string{}
	}
	for i, rule := range t.merges {
		a, b, ok := strings.Cut(rule, " ")
		if _, known := t.byText[a+b]; !ok || !known || strings.Contains(b, " ") {
			return fmt.Errorf("merge %d is %q, want two pieces that make a token", i, rule)
		}
	}
	return nil
}

// markBytes gives the tokens <0x00> to <0xFF> their type, if they are to stand for bytes.
func (t *tokenizer) markBytes(fallback bool) {
	t.flags = append(t.flags, flag{"detox.tokenizer.byte_fallback", fallback})
	if !fallback {
		return
	}
	for b := range 256 {
		if id, ok := t.byText["<0x"+strings.ToUpper(strconv.FormatInt(int64(b)|256, 16)[1:])+">"]; ok {
			t.kind[id] = byteToken
		}
	}
}

// scoreByRank gives each token the rank of the first rule that makes it, for readers that have scores but no rules.
func (t *tokenizer) scoreByRank() {
	t.score = make([]float32, len(t.text))
	for i := range t.score {
		t.score[i] = -float32(len(t.merges))
	}
	for i, rule := range slices.Backward(t.merges) {
		t.score[t.byText[strings.Replace(rule, " ", "", 1)]] = -float32(i)
	}
}
