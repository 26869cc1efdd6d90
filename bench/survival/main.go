// Command survival writes one float edit into ffn_down of every type that can be encoded
// and prints what of it is in the file: the table that bench/survival.md keeps.
//
//	go run ./bench/survival -m F16.gguf -edit EDIT -text TEXT
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/gguf/mix"
	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/surgery/edit"
	"github.com/detox-surgery/detox-surgery/train/model"
)

// windowTokens and windows are what aware rounding is calibrated on.
const windowTokens, windows = 256, 16

func main() {
	path := flag.String("m", "", "GGUF file in F16")
	edits := flag.String("edit", "", "float edit of ffn_down, as apply --how delta --save-edit writes it")
	textFile := flag.String("text", "", "text for the calibration")
	every := flag.Int("every", 1, "look at every so many blocks only")
	flag.Parse()
	if err := run(*path, *edits, *textFile, max(1, *every)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(path, edits, textFile string, every int) error {
	f, err := gguf.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	e, err := edit.Load(edits)
	if err != nil {
		return err
	}
	for r := range e.Parts {
		if r.Block%every != every/2 {
			delete(e.Parts, r)
		}
	}
	text, err := os.ReadFile(textFile)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "survival")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	pool := simd.NewPool(runtime.NumCPU())
	defer pool.Close()
	fmt.Println("| type | nearest: survived | functional error | aware: survived | functional error |\n|---|---|---|---|---|")
	for t := quant.F32; t <= quant.Q2_0; t++ {
		if !t.Valid() || !t.CanEncode() || t.Block() == 1 {
			continue
		}
		if err := row(f, e, t, string(text), filepath.Join(dir, "m.gguf"), pool); err != nil {
			return fmt.Errorf("%v: %w", t, err)
		}
	}
	return nil
}

// row writes the edit into f with ffn_down in type t.
func row(f *gguf.File, e *edit.Edit, t quant.Type, text, path string, pool *simd.Pool) error {
	r, _ := mix.Find("Q8_0")
	o := &mix.Options{Overrides: []mix.Override{{Name: regexp.MustCompile("ffn_down"), Type: t}}}
	targets, err := mix.Plan(f, r, o)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if _, err := mix.Write(&b, f, r, targets, o, pool, nil); err != nil {
		return err
	}
	g, err := gguf.Parse(b.Bytes())
	if err != nil {
		return err
	}
	m, err := model.Open(g)
	if err != nil {
		return err
	}
	m.SetPool(pool)
	cal := edit.Calibrate(m, cut(m, text), e.Roles())
	fmt.Printf("| %v |", t)
	for _, rounding := range []edit.Rounding{edit.Nearest, edit.Aware} {
		res, err := edit.Write(m, e, path, edit.Options{Rounding: rounding, Force: true, Calibration: cal})
		if err != nil {
			return err
		}
		survived, wrong := 0.0, 0.0
		for _, x := range res.Tensors {
			survived += x.Survived / float64(len(res.Tensors))
			wrong += x.FunctionalError / float64(len(res.Tensors))
		}
		fmt.Printf(" %.0f %% | %.2f |", 100*survived, wrong)
	}
	fmt.Println()
	return nil
}

func cut(m *model.Model, text string) [][]int32 {
	ids := m.Tokenizer().Encode(text)
	var out [][]int32
	for len(ids) >= windowTokens && len(out) < windows {
		out, ids = append(out, ids[:windowTokens]), ids[windowTokens:]
	}
	return out
}
