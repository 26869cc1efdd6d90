package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/surgery"
	"github.com/detox-surgery/detox-surgery/surgery/edit"
	"github.com/detox-surgery/detox-surgery/surgery/eval"
	"github.com/detox-surgery/detox-surgery/surgery/report"
)

func applyCommand() *cli.Command {
	flags := append([]cli.Flag{
		modelFlag(),
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "file to write", Required: true},
		&cli.StringFlag{Name: "edit", Usage: "apply this edit instead of training one"},
		&cli.Float64Flag{Name: "scale", Value: 1, Usage: "strength of the edit"},
		&cli.StringFlag{Name: "save-edit", Usage: "also keep the edit in this file"},
		&cli.StringFlag{Name: "rounding", Usage: "of float changes: auto, nearest, grid, codes, refit or aware"},
		&cli.StringFlag{Name: "edited-type", Usage: "write edited tensors in this type (larger file)"},
		&cli.StringFlag{Name: "report", Usage: "folder for report.html and report.json (default: the output's folder)"},
		&cli.BoolFlag{Name: "keep-split", Usage: "of a split model: write OUTPUT-00001-of-N.gguf and so on; the undo file is of them merged"},
		&cli.BoolFlag{Name: "dry-run", Usage: "print the plan, memory and time, and stop"},
	}, trainingFlags()...)
	return &cli.Command{
		Name: "apply", Usage: "the whole operation: measure, localize, train, write, measure the file",
		Flags: append(flags, measureFlags()...), Action: apply,
	}
}

func apply(c *cli.Context) (err error) {
	cfg, err := config(c)
	if err != nil {
		return err
	}
	in, err := trainingInput(c)
	if err != nil {
		return err
	}
	in.Output = c.String("output")
	if err := checkOutput(in.Model, in.Output, c.Bool("force")); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(in.Output), 0o755); err != nil {
		return err
	}
	var runs []int
	if !c.Bool("dry-run") { // a plan does without a merged file
		var done func() error
		if in.Model, runs, done, err = wholeModel(in.Model, in.Output); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, done()) }()
	}
	if in.Suite, err = suite(c, cfg.Measure); err != nil {
		return err
	}
	if f := c.String("edit"); f != "" {
		if in.Edit, err = edit.Load(f); err != nil {
			return err
		}
		in.Edit.Scale(c.Float64("scale"))
	}
	if in.Pool, err = newPool(c); err != nil {
		return err
	}
	defer in.Pool.Close()
	plan, err := surgery.NewPlan(in, cfg)
	if err != nil {
		return err
	}
	if c.Bool("dry-run") {
		if c.Bool("json") {
			return printJSON("apply --dry-run", plan)
		}
		fmt.Print(plan)
		return nil
	}
	bar := newProgress(c)
	out, err := surgery.Apply(c.Context, in, cfg, bar.report)
	bar.close()
	if err != nil {
		return err
	}
	if err := finishApply(c, in, cfg, out); err != nil || !c.Bool("keep-split") || len(runs) < 2 {
		return err
	}
	return splitOutput(in.Output, runs, c.Bool("force"))
}

// splitOutput puts files that are cut as the input was in the place of the output.
func splitOutput(out string, runs []int, force bool) error {
	f, err := gguf.Open(out)
	if err != nil {
		return err
	}
	_, err = writeShards(f, strings.TrimSuffix(out, ".gguf"), runs, force)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Remove(out)
}

// checkOutput refuses an output that is the input or exists.
func checkOutput(in, out string, force bool) error {
	a, errA := os.Stat(in)
	b, errB := os.Stat(out)
	if errA == nil && errB == nil && os.SameFile(a, b) {
		return usagef("output %s is the input; name another file", out)
	}
	return refuseExisting(out, force)
}

// finishApply saves the edit and the reports and prints the table.
func finishApply(c *cli.Context, in surgery.Input, cfg surgery.Config, out *surgery.Outcome) error {
	if f := c.String("save-edit"); f != "" {
		if err := out.Edit.Save(f, c.Bool("force"), false); err != nil {
			return err
		}
	}
	rep := out.Report(in, cfg)
	dir := c.String("report")
	if dir == "" {
		dir = filepath.Dir(in.Output)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, write := range map[string]func(io.Writer) error{"report.html": rep.WriteHTML, "report.json": rep.WriteJSON} {
		if err := gguf.WriteFile(filepath.Join(dir, name), true, write); err != nil {
			return err
		}
	}
	if c.Bool("json") {
		return printJSON("apply", rep)
	}
	fmt.Print(report.Table([]*eval.Result{out.Original, out.Float, out.File}))
	fmt.Printf("\nwritten  %s (undo: %s)\nreport   %s\n", in.Output, out.Written.Undo, filepath.Join(dir, "report.html"))
	return nil
}
