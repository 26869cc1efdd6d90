package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/detox-surgery/detox-surgery/gguf/mix"
	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/train/model"
	"github.com/detox-surgery/detox-surgery/train/token"
)

// formats is what the tables in the code say is supported.
type formats struct {
	Types         []typeSupport         `json:"types"`
	Recipes       []string              `json:"quantize"`
	Architectures []architectureSupport `json:"architectures"`
	Tokenizers    []string              `json:"tokenizers"`
	PreTokenizers []string              `json:"pre_tokenizers"`
}

type typeSupport struct {
	Name   string `json:"name"`
	Decode bool   `json:"decode"`
	Encode bool   `json:"encode"`
	Edit   string `json:"edit"` // what an edit may change
}

// architectureSupport has one test for all three: logits, gradients, and llama.cpp on
// what apply wrote.
type architectureSupport struct {
	Name     string `json:"name"`
	Forward  bool   `json:"forward"`
	Backward bool   `json:"backward"`
	Edit     bool   `json:"edit"`
}

func formatsCommand() *cli.Command {
	return &cli.Command{
		Name: "formats", Usage: "which tensor types, architectures and tokenizers are supported, as Markdown",
		Flags: []cli.Flag{jsonFlag},
		Action: func(c *cli.Context) error {
			f := supported()
			if c.Bool("json") {
				return printJSON("formats", f)
			}
			fmt.Print(f)
			return nil
		},
	}
}

func supported() *formats {
	f := &formats{Tokenizers: token.Families(), PreTokenizers: token.PreTokenizers()}
	for t := quant.F32; t <= quant.Q2_0; t++ {
		if t.Valid() && t.CanDecode() {
			f.Types = append(f.Types, typeSupport{t.String(), true, t.CanEncode(), editOf(t)})
		}
	}
	for i := range mix.Recipes {
		f.Recipes = append(f.Recipes, mix.Recipes[i].Name)
	}
	for _, a := range model.Architectures() {
		name := a.Name
		if a.Experts {
			name += " (experts)"
		}
		f.Architectures = append(f.Architectures, architectureSupport{name, true, true, true})
	}
	return f
}

// editOf is what of a tensor of type t an edit may change.
func editOf(t quant.Type) string {
	g, ok := t.Grid()
	switch {
	case !ok && t.Block() == 1 && t.CanEncode():
		return "values"
	case !ok:
		return "-"
	case g.Coarse:
		return "codes"
	case g.Vector > 1:
		return fmt.Sprintf("scales, codes in vectors of %d", g.Vector)
	case g.HasMin:
		return "scales, minimums, codes"
	}
	return "scales, codes"
}

func yes(b bool) string {
	if b {
		return "Y"
	}
	return "-"
}

// String is the tables of the README.
func (f *formats) String() string {
	var b strings.Builder
	b.WriteString("| type | decode | encode | edit |\n|---|---|---|---|\n")
	for _, t := range f.Types {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", t.Name, yes(t.Decode), yes(t.Encode), t.Edit)
	}
	fmt.Fprintf(&b, "\n`quantize` writes %s.\n", strings.Join(f.Recipes, ", "))
	b.WriteString("\n| architecture | forward | backward | edit |\n|---|---|---|---|\n")
	for _, a := range f.Architectures {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", a.Name, yes(a.Forward), yes(a.Backward), yes(a.Edit))
	}
	fmt.Fprintf(&b, "\nTokenizers: %s; %d names of pre-tokenizers.\n", strings.Join(f.Tokenizers, ", "), len(f.PreTokenizers))
	return b.String()
}
