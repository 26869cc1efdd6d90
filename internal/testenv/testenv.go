// Package testenv finds the real models and the shared data that some tests
// need. Where one is missing the test is skipped, and on CI it fails, so that a
// green run there has really used them.
package testenv

import (
	"os"
	"path/filepath"
	"testing"
)

// File names of the models that tests run on.
const (
	SmolLM2 = "SmolLM2-135M-Instruct.Q4_1.gguf" // llama, Q4_1, byte-level BPE
	Gemma3  = "gemma-3-270m-q4_k_m.gguf"        // gemma3, Q4_K_M, SentencePiece
)

// Model returns the path of a model, looked up in DETOX_MODELS or else in
// detox-surgery/models under XDG_CACHE_HOME or ~/.cache.
func Model(tb testing.TB, name string) string {
	tb.Helper()
	dir := os.Getenv("DETOX_MODELS")
	if dir == "" {
		dir = filepath.Join(cache(tb), "models")
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		missing(tb, "model %s is not in %s (DETOX_MODELS names another folder)", name, dir)
	}
	return path
}

// ONNX returns the paths of ONNX models that shared/models/make_onnx.py has
// built, one per form, in DETOX_ONNX or else in onnx beside the other models.
// They take minutes and several GB of Python packages to build, so that a test
// is skipped without them on CI too.
func ONNX(tb testing.TB) []string {
	tb.Helper()
	dir := os.Getenv("DETOX_ONNX")
	if dir == "" {
		dir = filepath.Join(cache(tb), "models", "onnx")
	}
	found, err := filepath.Glob(filepath.Join(dir, "*", "model.onnx"))
	if err != nil || len(found) == 0 {
		tb.Skipf("no ONNX models in %s: make_onnx.py --out builds them (DETOX_ONNX names another folder)", dir)
	}
	return found
}

// LlamaCpp returns a folder of Python packages that holds llama.cpp, as the
// Makefile's target peers puts it there.
func LlamaCpp(tb testing.TB) string {
	tb.Helper()
	dir := filepath.Join(cache(tb), "peers")
	if _, err := os.Stat(filepath.Join(dir, "xllamacpp")); err != nil {
		missing(tb, "llama.cpp (xllamacpp) is not in %s: make peers fetches it", dir)
	}
	return dir
}

// Vocabs returns the folder of the vocabularies and chat templates of llama.cpp's own
// tests, DETOX_VOCABS or where the Makefile's target peers puts it.
func Vocabs(tb testing.TB) string {
	tb.Helper()
	dir := os.Getenv("DETOX_VOCABS")
	if dir == "" {
		dir = filepath.Join(cache(tb), "vocabs")
	}
	if _, err := os.Stat(filepath.Join(dir, "templates")); err != nil {
		missing(tb, "no vocabularies of llama.cpp in %s: make peers fetches them (DETOX_VOCABS names another folder)", dir)
	}
	return dir
}

// cache is the folder that fetched things are kept in.
func cache(tb testing.TB) string {
	tb.Helper()
	dir := os.Getenv("XDG_CACHE_HOME")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			missing(tb, "no home directory to look for models in: %v", err)
		}
		dir = filepath.Join(home, ".cache")
	}
	return filepath.Join(dir, "detox-surgery")
}

// Data returns the path of a file or folder below shared/data, such as
// "paradetox/pairs.jsonl". shared is DETOX_SHARED, or the first folder of that
// name beside the test's folder or beside one of its parents.
func Data(tb testing.TB, path string) string {
	tb.Helper()
	p := filepath.Join(Shared(tb), "data", filepath.FromSlash(path))
	if _, err := os.Stat(p); err != nil {
		missing(tb, "shared data %s is missing: %v", path, err)
	}
	return p
}

// Shared returns the folder of the shared material.
func Shared(tb testing.TB) string {
	tb.Helper()
	if dir := os.Getenv("DETOX_SHARED"); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	if err != nil {
		missing(tb, "no working directory: %v", err)
	}
	for {
		shared := filepath.Join(dir, "shared")
		if info, err := os.Stat(filepath.Join(shared, "data")); err == nil && info.IsDir() {
			return shared
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			missing(tb, "no folder shared found above the test (DETOX_SHARED names it)")
		}
		dir = parent
	}
}

// missing ends the test: a skip on a desk, a failure on CI.
func missing(tb testing.TB, format string, args ...any) {
	tb.Helper()
	if os.Getenv("CI") != "" {
		tb.Fatalf(format, args...)
	}
	tb.Skipf(format, args...)
}
