// Package hf reads the tokenizer that lies beside a model in the layout of Hugging Face: tokenizer.json, or vocab.json
// with merges.txt, or vocab.txt, and tokenizer_config.json, special_tokens_map.json, added_tokens.json,
// generation_config.json, config.json, genai_config.json, chat_template.jinja. Only one of the first three is needed.
//
// What it gives are the keys of a GGUF file for the same tokenizer, from which package token builds it: those that
// llama.cpp's converter would write, and beside them keys of this project (detox.tokenizer.*) where tokenizer.json
// says what llama.cpp has no key for. With these the ids are those of the tokenizers library, but for characters that
// Unicode has got since its tables were made (marks and punctuation of scripts that few vocabularies have).
//
// For text that is to stand between the tokens of the post-processor, such as [CLS] and [SEP], encode it with
// Tokenizer.EncodeSpecial and put Tokenizer.Frame around it.
//
// Read are BPE on bytes, with the pre-tokenizers in the table of pre.go; BPE on characters with U+2581 for the space
// and bytes for what is missing, as Llama 2, Mistral and Gemma have it; unigram; and WordPiece. Anything else is refused
// with an error that names it: a tokenizer that is almost right is worse than none.
//
// The format is that of the tokenizers library 0.23, which is its only description.
package hf
