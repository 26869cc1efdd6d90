package export

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/train/token"
)

// samplingKeys are the parameters of Ollama that a GGUF file may state, in the order
// in which they are written.
var samplingKeys = []struct{ parameter, key string }{
	{"temperature", "general.sampling.temp"},
	{"top_k", "general.sampling.top_k"},
	{"top_p", "general.sampling.top_p"},
	{"min_p", "general.sampling.min_p"},
}

// writeModelfile writes what `ollama create -f` reads: the model, the adapter if there
// is one, the tokens that end an answer, and sampling parameters that the file states.
// Ollama takes the chat template from the GGUF file.
func writeModelfile(_ context.Context, in *Input, out string) (*Result, error) {
	var b strings.Builder
	if err := fileLine(&b, "FROM", out, in.Model); err != nil {
		return nil, err
	}
	if in.Adapter != "" {
		if err := fileLine(&b, "ADAPTER", out, in.Adapter); err != nil {
			return nil, err
		}
	}
	for _, s := range samplingKeys {
		if x, ok := in.Parent.Float(s.key); ok {
			fmt.Fprintf(&b, "PARAMETER %s %s\n", s.parameter, strconv.FormatFloat(x, 'g', -1, 32))
		}
	}
	for _, s := range stops(in.Parent) {
		fmt.Fprintf(&b, "PARAMETER stop %s\n", quoted(s))
	}
	err := gguf.WriteFile(out, in.Force, func(w io.Writer) error {
		_, err := io.WriteString(w, b.String())
		return err
	})
	return &Result{Files: []string{out}}, err
}

// fileLine writes an instruction with a path that Ollama resolves from the folder of
// the Modelfile.
func fileLine(b *strings.Builder, instruction, out, path string) error {
	dir, err := filepath.Abs(filepath.Dir(out))
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	rel, err := filepath.Rel(dir, abs)
	if err != nil {
		rel = abs
	}
	rel = filepath.ToSlash(rel)
	if strings.ContainsAny(rel, "\r\n") {
		return fmt.Errorf("%w: a Modelfile cannot name %q: the path has a line break", ErrOption, path)
	}
	if !strings.HasPrefix(rel, "../") && !filepath.IsAbs(rel) {
		rel = "./" + rel
	}
	fmt.Fprintf(b, "%s %s\n", instruction, rel)
	return nil
}

// stops are the texts of the tokens that end an answer; none if the file has no
// tokenizer that is understood here, since Ollama reads them from the file too.
func stops(f *gguf.File) []string {
	tok, err := token.New(f)
	if err != nil {
		return nil
	}
	var out []string
	for _, id := range tok.EOS() {
		if s := tok.Text(id); s != "" && !strings.ContainsAny(s, "\r\n") {
			out = append(out, s)
		}
	}
	return out
}

// quoted puts a value between quotes, three of them where it has one itself.
func quoted(s string) string {
	if strings.Contains(s, `"`) {
		return `"""` + s + `"""`
	}
	return `"` + s + `"`
}
