package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/surgery/edit"
	"github.com/detox-surgery/detox-surgery/surgery/export"
	"github.com/detox-surgery/detox-surgery/surgery/pairs"
	"github.com/detox-surgery/detox-surgery/train/data"
	"github.com/detox-surgery/detox-surgery/train/model"
)

// The ranks of adapters that are asked for where no flag says another.
const (
	defaultRank    = 16
	defaultMaxRank = 128 // where the energy decides
)

func exportCommand() *cli.Command {
	return &cli.Command{
		Name: "export", Usage: "write an edit for other programs: as an adapter, a control vector, a Modelfile",
		Flags: []cli.Flag{
			modelFlag(),
			&cli.StringFlag{Name: "as", Usage: formNames(), Required: true},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "file to write; a folder for peft", Required: true},
			&cli.StringFlag{Name: "edit", Usage: "edit file that apply --save-edit or train wrote for the model"},
			&cli.StringFlag{Name: "edited", Usage: "the edited model, instead of an edit file"},
			&cli.Float64Flag{Name: "scale", Value: 1, Usage: "strength of the edit file"},
			&cli.IntFlag{Name: "rank", Usage: fmt.Sprintf("of adapters (default: %d); with --energy the highest (default: %d)", defaultRank, defaultMaxRank)},
			&cli.Float64Flag{Name: "energy", Usage: "share of each tensor's squared change to keep, as 0.99: the rank is chosen by it"},
			&cli.StringFlag{Name: "base-model", Usage: "name or folder of the original that a PEFT adapter states"},
			&cli.StringFlag{Name: "pairs", Usage: "JSONL of pairs to measure a control vector on (default: built in)"},
			&cli.IntFlag{Name: "max-pairs", Value: 64, Usage: "use so many pairs at most"},
			&cli.StringFlag{Name: "adapter", Usage: "GGUF adapter that a Modelfile adds to the model"},
			threadsFlag, jsonFlag, quietFlag, forceFlag,
		},
		Action: exportEdit,
	}
}

func formNames() string {
	var names []string
	for _, f := range export.Forms {
		names = append(names, f.Name+" ("+f.About+")")
	}
	return strings.Join(names, ", ")
}

// exportForm reads --as and refuses flags that do not go together.
func exportForm(c *cli.Context) (export.Form, error) {
	f, ok := export.Find(c.String("as"))
	sources := 0
	for _, s := range []string{"edit", "edited"} {
		if c.String(s) != "" {
			sources++
		}
	}
	switch {
	case !ok:
		return f, usagef("--as %q: one of %s", c.String("as"), formNames())
	case f.NeedsChange && sources != 1:
		return f, usagef("export --as %s: give either --edit or --edited", f.Name)
	case !f.NeedsChange && sources != 0:
		return f, usagef("export --as %s: -m names the edited model; --edit and --edited are not for it", f.Name)
	case c.IsSet("scale") && c.String("edit") == "":
		return f, usagef("--scale is for edit files; give --edit")
	case c.IsSet("energy") && !(c.Float64("energy") > 0 && c.Float64("energy") <= 1):
		return f, usagef("--energy must be above 0 and at most 1, not %g", c.Float64("energy"))
	case c.IsSet("rank") && c.Int("rank") < 1:
		return f, usagef("--rank must be 1 at least, not %d", c.Int("rank"))
	case c.Int("max-pairs") < 1:
		return f, usagef("--max-pairs must be 1 at least, not %d", c.Int("max-pairs"))
	}
	return f, nil
}

func exportEdit(c *cli.Context) (err error) {
	form, err := exportForm(c)
	if err != nil {
		return err
	}
	in := &export.Input{Tool: "detox-surgery " + version, Force: c.Bool("force"), BaseModel: c.String("base-model"), Adapter: c.String("adapter")}
	if in.Model, err = modelPath(c.String("model")); err != nil {
		return err
	}
	out := c.String("output")
	for _, p := range []string{in.Model, c.String("edited"), c.String("edit"), in.Adapter} {
		if err := checkOutput(p, out, in.Force || form.Name == "peft"); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	done, err := openExport(c, form, in, out)
	defer func() { err = errors.Join(err, done()) }()
	if err != nil {
		return err
	}
	if in.Pool, err = newPool(c); err != nil {
		return err
	}
	defer in.Pool.Close()
	bar := newProgress(c)
	in.Progress = func(done, total int) { bar.report("exporting", done, total) }
	res, err := export.Write(c.Context, form, in, out)
	bar.close()
	if errors.Is(err, export.ErrOption) {
		err = usageError{err}
	}
	if err != nil {
		return err
	}
	return printExport(c, res)
}

// openExport opens the files of the input; done closes them.
func openExport(c *cli.Context, form export.Form, in *export.Input, out string) (done func() error, err error) {
	var closers []func() error
	done = func() error {
		var err error
		for _, f := range slices.Backward(closers) {
			err = errors.Join(err, f())
		}
		return err
	}
	open := func(path string) (*gguf.File, error) {
		whole, _, remove, err := wholeModel(path, out)
		if err != nil {
			return nil, err
		}
		closers = append(closers, remove)
		f, err := gguf.Open(whole)
		if err == nil {
			closers = append(closers, f.Close)
		}
		return f, err
	}
	if in.Parent, err = open(in.Model); err != nil {
		return done, err
	}
	if path := c.String("edited"); path != "" {
		if path, err = modelPath(path); err != nil {
			return done, err
		}
		if in.Edited, err = open(path); err != nil {
			return done, err
		}
	}
	if path := c.String("edit"); path != "" {
		if in.Edit, err = edit.Load(path); err != nil {
			return done, err
		}
		in.Edit.Scale(c.Float64("scale"))
	}
	if in.Adapter != "" {
		a, err := open(in.Adapter)
		if err != nil {
			return done, err
		}
		if kind, _ := a.String("general.type"); kind != "adapter" {
			return done, fmt.Errorf("%s is no adapter: key general.type is %q", in.Adapter, kind)
		}
	}
	in.Rank = export.Rank{Max: c.Int("rank"), Energy: c.Float64("energy")}
	if !c.IsSet("rank") {
		in.Rank.Max = defaultRank
		if in.Rank.Energy > 0 {
			in.Rank.Max = defaultMaxRank
		}
	}
	if form.Name == "modelfile" && in.Parent.Path() != in.Model {
		return done, fmt.Errorf("%w: Ollama loads no split model; detox-surgery merge makes one file of it", model.ErrUnsupported)
	}
	if form.Name == "control-vector" {
		err = readExportPairs(c, in)
	}
	return done, err
}

func readExportPairs(c *cli.Context, in *export.Input) (err error) {
	in.Pairs = pairs.Default()
	if path := c.String("pairs"); path != "" {
		if in.Pairs, err = data.ReadPairs(path); err != nil {
			return err
		}
	}
	in.Pairs = in.Pairs[:min(len(in.Pairs), c.Int("max-pairs"))]
	return nil
}

func printExport(c *cli.Context, r *export.Result) error {
	if c.Bool("json") {
		return printJSON("export", r)
	}
	if len(r.Tensors) > 0 {
		w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "tensor\trank\tenergy kept\tnorm")
		for _, t := range r.Tensors {
			rank := "-"
			if t.Rank > 0 {
				rank = fmt.Sprint(t.Rank)
			}
			name := t.Name
			if t.As != "" {
				name = t.As
			}
			fmt.Fprintf(w, "%s\t%s\t%.2f %%\t%.4g\n", name, rank, 100*t.Energy, t.Norm)
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	for _, l := range r.Left {
		fmt.Printf("left out %s: %s\n", l.Name, l.Reason)
	}
	for _, f := range r.Files {
		fmt.Println("written ", f)
	}
	return nil
}
