package token

import (
	"fmt"
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
		tok := openFile(b, filepath.Join(testenv.Vocabs(b), "ggml-vocab-"+name+".gguf"))
		for _, first := range []bool{true, false} {
			b.Run(fmt.Sprintf("%s/first=%v", name, first), func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				for b.Loop() {
					if first {
						forget(tok.engine)
					}
					tok.Encode(text)
				}
			})
		}
	}
}

// forget makes an engine as if it had met no word before.
func forget(e engine) {
	switch e := e.(type) {
	case *bpe:
		e.sessions = newSessions()
	case *spm:
		e.sessions = newSessions()
	}
}
