// Package token turns text into the token ids of a model and back, from nothing but the keys of its GGUF file.
//
// It reads the kinds of vocabularies that llama.cpp reads, each a row of the table in token.go by
// tokenizer.ggml.model: byte-pair encoding ("gpt2", "gemma4", "whitespace", "hybriddna") with the pre-tokenizers in the
// table of pretoken.go, SentencePiece with scores and byte fallback ("llama"), WordPiece ("bert"), unigram ("t5"), and
// those of RWKV ("rwkv") and PLaMo-2 ("plamo2"). All give the ids that llama.cpp's llama-tokenize gives; the golden
// files in testdata hold them to that.
//
// Package hf makes these keys from a tokenizer.json and its kin. Keys of this project (exact.go) go with them, with which
// the ids are those of the tokenizers library instead: they say how text is normalised, cut and merged where llama.cpp
// has no key for that.
//
// Where this package differs from llama.cpp, it does so on purpose:
//   - BPE keeps a byte that is not UTF-8 as this byte, where llama.cpp writes U+FFFD, so that decoding what was encoded
//     gives the text back. Words are cut as if U+FFFD stood there. The same holds for PLaMo-2.
//   - A merged piece that is not a token is written in bytes; of these llama.cpp drops all but ASCII.
//   - A byte-level vocabulary without the keys of BOS and EOS has none; llama.cpp takes token 11 for both.
//   - Decode leaves the spaces before punctuation alone, which llama.cpp's detokenize, unlike its tools, takes away.
//
// Chat templates are rendered by gonja with the settings that transformers uses for jinja2. Differences that matter to
// templates are made up for: inline ifs in brackets, methods of strings, the last item of a list of one. What remains is
// listed in chat_test.go, which compares the templates in llama.cpp's models/templates with jinja2: three that gonja cannot
// render (a dict with numbers as keys, an inline if within another in a set, a method of what stands in parentheses) and
// four that jinja2 refuses to render without tools or functions.
//
// Encoding is O(n log n) in the length of a word: candidate merges wait in a heap and symbols form a linked list. Words
// that were met before are looked up.
package token
