// Package testmodel opens the real models for tests that run them.
package testmodel

import (
	"testing"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/internal/testenv"
	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/train/model"
)

// Open returns the model of a file, a name of package testenv, on a pool of so
// many workers. File and pool are closed when the test ends, which is skipped
// where the file is missing.
func Open(tb testing.TB, name string, workers int) *model.Model {
	tb.Helper()
	f, err := gguf.Open(testenv.Model(tb, name))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { f.Close() })
	m, err := model.Open(f)
	if err != nil {
		tb.Fatal(err)
	}
	pool := simd.NewPool(workers)
	tb.Cleanup(pool.Close)
	m.SetPool(pool)
	return m
}
