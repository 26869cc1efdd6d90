// Package token turns text into the token ids of a model and back, from nothing but the keys of its GGUF file.
//
// Two families of vocabularies are built: byte-level BPE (tokenizer.ggml.model = "gpt2") with the pre-tokenizers
// in the table of pretoken.go, and SentencePiece with scores and byte fallback ("llama", used by Gemma). Both give
// the ids that llama.cpp's llama-tokenize gives; the golden files in testdata hold it to that. Chat templates are
// rendered by gonja with the settings that transformers uses for jinja2.
//
// Encoding is O(n log n) in the length of the text: candidate merges wait in a heap and symbols form a linked list.
package token
