package token

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/detox-surgery/detox-surgery/internal/testenv"
)

// BenchmarkVocabs encodes prose with llama.cpp's vocabularies.
func BenchmarkVocabs(b *testing.B) {
	raw, err := os.ReadFile(testenv.Data(b, "wikitext-2/test.txt"))
	if err != nil {
		b.Fatal(err)
	}
	text := string(raw[:200_000])
	for _, name := range []string{"gpt-2", "llama-bpe", "qwen2", "llama-spm", "gemma-4", "bert-bge", "nomic-bert-moe", "deepseek-llm"} {
		b.Run(name, func(b *testing.B) {
			tok := openFile(b, filepath.Join(vocabFolder(b), "ggml-vocab-"+name+".gguf"))
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				tok.Encode(text)
			}
		})
	}
}
