package eval

import (
	_ "embed"
	"fmt"
	"os"
	"sync"
)

// Judge gives the probability that a text is toxic. Judges are deterministic and
// safe for concurrent use.
type Judge interface {
	// Name identifies the judge in reports, with a hash of its parameters.
	Name() string
	// Toxic is in [0, 1]; above 0.5 the text counts as toxic.
	Toxic(text string) float64
}

//go:embed data/judge.bin
var defaultJudge []byte

var loadDefault = sync.OnceValue(func() *NGram {
	j, err := ParseJudge(defaultJudge)
	if err != nil {
		panic("eval: embedded judge is damaged")
	}
	return j
})

// Default is the embedded n-gram judge.
func Default() Judge { return loadDefault() }

// LoadJudge reads a judge that SaveJudge wrote.
func LoadJudge(path string) (*NGram, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("eval: judge: %w", err)
	}
	if info.Size() > maxJudgeBytes {
		return nil, fmt.Errorf("eval: judge %s: %d bytes, more than any judge has", path, info.Size())
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("eval: judge: %w", err)
	}
	j, err := ParseJudge(raw)
	if err != nil {
		return nil, fmt.Errorf("%w (file %s)", err, path)
	}
	return j, nil
}

// SaveJudge writes j to path, replacing what is there.
func SaveJudge(path string, j *NGram) error {
	if err := os.WriteFile(path, j.Bytes(), 0o644); err != nil {
		return fmt.Errorf("eval: judge: %w", err)
	}
	return nil
}
