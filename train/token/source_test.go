package token

import "maps"

// keys is a Source made by hand.
type keys map[string]any

func get[T any](k keys, key string) (T, bool) {
	v, ok := k[key].(T)
	return v, ok
}

func (k keys) String(key string) (string, bool)    { return get[string](k, key) }
func (k keys) Strings(key string) ([]string, bool) { return get[[]string](k, key) }
func (k keys) Floats(key string) ([]float32, bool) { return get[[]float32](k, key) }
func (k keys) Ints(key string) ([]int32, bool)     { return get[[]int32](k, key) }
func (k keys) Uint(key string) (uint64, bool)      { return get[uint64](k, key) }
func (k keys) Bool(key string) (bool, bool)        { return get[bool](k, key) }
func (k keys) with(key string, value any) keys {
	c := maps.Clone(k)
	if value == nil {
		delete(c, key)
	} else {
		c[key] = value
	}
	return c
}

// tinyBPE is a byte-level vocabulary with all bytes, a few merges and two control tokens.
func tinyBPE() keys {
	tokens := []string{"<|endoftext|>", "<|im_end|>"}
	types := []int32{int32(control), int32(control)}
	for b := range 256 {
		tokens = append(tokens, string(byteRune(byte(b))))
	}
	tokens = append(tokens, "he", "ll", "hell", "hello", "Ġhello", "Ġw", "Ã©", "<extra>")
	for range len(tokens) - len(types) {
		types = append(types, int32(normal))
	}
	types[len(types)-1] = int32(userDefined)
	return keys{
		keyModel: "gpt2", keyPre: "gpt-2", keyTokens: tokens, keyTypes: types,
		// "x y" makes a piece that is not in the vocabulary.
		keyMerges: []string{"h e", "l l", "he ll", "hell o", "Ġ hello", "Ġ w", "Ã ©", "x y"},
		keyEOS:    uint64(1), keyBOS: uint64(0),
	}
}

// tinySPM is a SentencePiece vocabulary with all bytes and a few pieces.
func tinySPM() keys {
	tokens := []string{"<unk>", "<s>", "<end>"}
	types := []int32{int32(unknown), int32(control), int32(control)}
	scores := []float32{0, 0, 0}
	const hex = "0123456789ABCDEF"
	for b := range 256 {
		tokens = append(tokens, "<0x"+string(hex[b>>4])+string(hex[b&15])+">")
		types, scores = append(types, int32(byteToken)), append(scores, 0)
	}
	for i, s := range []string{"a", "b", "c", blank, "ab", "bc", blank + "a", "abc", "é"} {
		tokens, types, scores = append(tokens, s), append(types, int32(normal)), append(scores, -float32(i))
	}
	tokens, types, scores = append(tokens, "\n\n"), append(types, int32(userDefined)), append(scores, 0)
	return keys{
		keyModel: "llama", keyTokens: tokens, keyTypes: types, keyScores: scores,
		keyBOS: uint64(1), keyEOS: uint64(2), keyUnknown: uint64(0),
	}
}
