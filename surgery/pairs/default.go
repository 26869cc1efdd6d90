package pairs

import (
	"bytes"
	_ "embed"
	"slices"
	"sync"

	"github.com/detox-surgery/detox-surgery/train/data"
)

//go:embed data/default.jsonl
var defaultFile []byte

var loadDefault = sync.OnceValue(func() []data.Pair {
	p, err := data.ParsePairs(bytes.NewReader(defaultFile), "default.jsonl")
	if err != nil {
		panic("pairs: embedded pairs are damaged")
	}
	return p
})

// Default returns the embedded pairs, made by Make from SmolLM2-135M-Instruct (data/README.md has the command).
func Default() []data.Pair { return slices.Clone(loadDefault()) }
