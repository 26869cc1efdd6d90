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
)

func splitCommand() *cli.Command {
	return &cli.Command{
		Name: "split", Usage: "write a model as several files, as llama-gguf-split does",
		Flags: []cli.Flag{
			modelFlag(), jsonFlag, quietFlag, forceFlag,
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "prefix of the files: PREFIX-00001-of-00003.gguf", Required: true},
			&cli.IntFlag{Name: "max-tensors", Usage: "tensors of a file (default: 128, without --max-size)"},
			&cli.StringFlag{Name: "max-size", Usage: "data of a file, as in 500M or 2G"},
		},
		Action: func(c *cli.Context) error {
			f, err := openFile(c.String("model"))
			if err != nil {
				return err
			}
			defer f.Close()
			runs, err := cutAsAsked(c, f)
			if err != nil {
				return err
			}
			names, err := writeShards(f, c.String("output"), runs, c.Bool("force"))
			return printFiles(c, "split", names, err)
		},
	}
}

func cutAsAsked(c *cli.Context, f *gguf.File) ([]int, error) {
	n := c.Int("max-tensors")
	if !c.IsSet("max-size") {
		if !c.IsSet("max-tensors") {
			n = 128
		}
		if n < 1 {
			return nil, usagef("--max-tensors %d: at least 1", n)
		}
		return f.Cut(n, 0), nil
	}
	if c.IsSet("max-tensors") {
		return nil, usagef("--max-tensors and --max-size exclude each other")
	}
	size, err := gguf.ParseSize(c.String("max-size"))
	if err != nil {
		return nil, usageError{err}
	}
	return f.Cut(0, size), nil
}

// writeShards writes the files of a set and removes those it wrote if one fails.
func writeShards(f *gguf.File, prefix string, runs []int, force bool) (names []string, err error) {
	for i := range runs {
		if err := refuseExisting(gguf.ShardName(prefix, i, len(runs)), force); err != nil {
			return nil, err
		}
	}
	from := 0
	for i, n := range runs {
		name := gguf.ShardName(prefix, i, len(runs))
		err := gguf.WriteFile(name, force, func(w io.Writer) error {
			_, err := f.WriteShard(w, i, len(runs), from, n)
			return err
		})
		if err != nil {
			for _, x := range names {
				err = errors.Join(err, os.Remove(x))
			}
			return nil, err
		}
		names, from = append(names, name), from+n
	}
	return names, nil
}

func mergeCommand() *cli.Command {
	return &cli.Command{
		Name: "merge", Usage: "write the files of a split model as one; any of them names the set",
		Flags: []cli.Flag{
			modelFlag(), jsonFlag, quietFlag, forceFlag,
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "file to write", Required: true},
		},
		Action: func(c *cli.Context) error {
			path, err := modelPath(c.String("model"))
			if err != nil {
				return err
			}
			out := c.String("output")
			if _, err := mergeFiles(path, out, c.Bool("force")); err != nil {
				return err
			}
			return printFiles(c, "merge", []string{out}, nil)
		},
	}
}

// mergeFiles merges the set of path into out and returns how many tensors each file had.
func mergeFiles(path, out string, force bool) (runs []int, err error) {
	if err := refuseExisting(out, force); err != nil {
		return nil, err
	}
	set, err := gguf.OpenSet(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, gguf.CloseSet(set)) }()
	for _, f := range set {
		if same, err := sameFile(f.Path(), out); err != nil || same {
			return nil, errors.Join(err, fmt.Errorf("%s is one of the files to merge", out))
		}
		runs = append(runs, len(f.Tensors))
	}
	return runs, gguf.WriteFile(out, force, func(w io.Writer) error {
		_, err := gguf.WriteMerged(w, set)
		return err
	})
}

func sameFile(a, b string) (bool, error) {
	x, err := os.Stat(a)
	if err != nil {
		return false, err
	}
	y, err := os.Stat(b)
	if err != nil {
		return false, nil //nolint:nilerr // what is not there is another file
	}
	return os.SameFile(x, y), nil
}

// printFiles ends a command that wrote files.
func printFiles(c *cli.Context, command string, names []string, err error) error {
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON(command, map[string][]string{"files": names})
	}
	for _, n := range names {
		fmt.Println(n)
	}
	return nil
}

// wholeModel returns a path to the model at path in one file: the file itself, or, where
// that is of a split set, a merged one beside out that done removes.
func wholeModel(path, out string) (whole string, runs []int, done func() error, err error) {
	done = func() error { return nil }
	f, err := gguf.Open(path)
	if err != nil {
		return path, nil, done, nil //nolint:nilerr // whoever opens it next says so
	}
	n, err := f.Shards()
	if err = errors.Join(err, f.Close()); err != nil || n == 1 {
		return path, nil, done, err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(out), ".merged-")
	if err != nil {
		return "", nil, done, err
	}
	done = func() error { return os.RemoveAll(tmp) }
	whole = filepath.Join(tmp, strings.TrimSuffix(filepath.Base(path), ".gguf")+".merged.gguf")
	if runs, err = mergeFiles(path, whole, false); err != nil {
		return "", nil, done, errors.Join(err, done())
	}
	return whole, runs, done, nil
}
