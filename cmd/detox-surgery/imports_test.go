package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/detox-surgery/detox-surgery/"

// allowed maps a package folder (longest prefix wins) to the project folders and
// foreign modules that it may import, by prefix. Imports point down only.
var allowed = map[string][]string{
	"simd":                {"simd/internal", "github.com/klauspost/cpuid/v2"},
	"simd/internal":       {"simd"},
	"internal/testenv":    {},
	"internal/testmodel":  {"internal/testenv", "gguf", "simd", "train/model"},
	"internal/atomicfile": {},
	"internal/jsonfile":   {},
	"gguf":                {"gguf", "simd", "github.com/edsrzf/mmap-go", "internal/atomicfile", "internal/testenv"},
	"onnx":                {"onnx", "simd", "github.com/edsrzf/mmap-go", "google.golang.org/protobuf", "internal/atomicfile"},
	"onnx/op":             {"onnx", "simd", "gguf/quant", "google.golang.org/protobuf"}, // quant: the one codec of 16-bit floats
	"onnx/graph":          {"onnx", "github.com/owulveryck/onnx-go", "gonum.org/v1/gonum", "google.golang.org/protobuf"},
	"onnx/layout":         {"internal/jsonfile"},
	"train":               {"train", "gguf", "onnx", "simd", "gonum.org/v1/gonum"},
	"train/token":         {"gguf", "github.com/nikolalohinski/gonja/v2", "golang.org/x/text/unicode/norm"},
	"train/token/hf":      {"train/token", "gguf", "internal/jsonfile"},
	"train/data":          {"train/token"},
	"train/nn":            {"gguf", "onnx", "simd", "gonum.org/v1/gonum"},
	"train/optim":         {"train/nn", "simd"},
	"train/loss":          {"train/nn", "train/model", "train/data", "train/optim", "simd"},
	"train/model":         {"train/nn", "train/token", "gguf", "onnx", "simd"},
	"surgery":             {"surgery", "train", "gguf", "onnx", "simd", "gonum.org/v1/gonum", "internal/atomicfile"},
	"surgery/export":      {"surgery", "train", "gguf", "simd", "gonum.org/v1/gonum", "internal/atomicfile"},
	"bench":               {"surgery", "train", "gguf", "onnx", "simd", "gonum.org/v1/gonum"},
	"bench/peers":         {"bench", "gguf/quant", "surgery/hub", "gonum.org/v1/gonum", "github.com/klauspost/cpuid/v2"},
	"cmd": {
		"surgery", "train", "gguf", "onnx", "simd", "bench", "github.com/urfave/cli/v2",
		"github.com/vbauerster/mpb/v8", "golang.org/x/term",
	},
}

func rule(dir string) ([]string, bool) {
	for d := dir; d != "."; d = filepath.Dir(d) {
		if r, ok := allowed[d]; ok {
			return r, true
		}
	}
	return nil, false
}

func TestImportsPointDown(t *testing.T) {
	root := filepath.Join("..", "..")
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		dir, _ := filepath.Rel(root, filepath.Dir(path))
		if strings.Contains(path, "testdata") || strings.Contains(path, "_asm") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		rules, ok := rule(dir)
		if !ok {
			t.Errorf("%s: no import rule for folder %s", path, dir)
			return nil
		}
		files++
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, imp := range f.Imports {
			p, _ := strconv.Unquote(imp.Path.Value)
			if name := strings.TrimPrefix(p, module); !permitted(name, rules) {
				t.Errorf("%s imports %s: not allowed in %s", path, p, dir)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 {
		t.Fatal("no Go files found")
	}
}

// permitted reports whether an import is of the standard library or under one of
// the rules.
func permitted(name string, rules []string) bool {
	first, _, _ := strings.Cut(name, "/")
	known := false
	for _, d := range []string{"simd", "gguf", "onnx", "train", "surgery", "bench", "cmd", "internal"} {
		known = known || first == d
	}
	if !known && !strings.Contains(first, ".") {
		return true
	}
	for _, r := range rules {
		if name == r || strings.HasPrefix(name, r+"/") {
			return true
		}
	}
	return false
}
