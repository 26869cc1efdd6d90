package main

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/gguf/mix"
	"github.com/detox-surgery/detox-surgery/gguf/quant"
)

func quantizeCommand() *cli.Command {
	return &cli.Command{
		Name: "quantize", Usage: "write a model in another type, under llama-quantize's names",
		Flags: []cli.Flag{
			modelFlag(), jsonFlag, quietFlag, forceFlag, threadsFlag,
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "file to write", Required: true},
			&cli.StringFlag{Name: "type", Usage: "as Q4_K_M: " + recipeNames(), Required: true},
			&cli.StringFlag{Name: "imatrix", Usage: "importance matrix, a file of llama-imatrix, GGUF or dat"},
			&cli.StringSliceFlag{Name: "tensor-type", Usage: "PATTERN=TYPE for tensors whose names match; may be repeated"},
			&cli.StringFlag{Name: "output-tensor-type", Usage: "of output.weight"},
			&cli.StringFlag{Name: "token-embedding-type", Usage: "of token_embd.weight"},
			&cli.BoolFlag{Name: "leave-output-tensor", Usage: "keep output.weight as it is"},
			&cli.BoolFlag{Name: "pure", Usage: "all matrices in the one type"},
			&cli.BoolFlag{Name: "allow-requantize", Usage: "of tensors that are quantized already, which loses more"},
		},
		Action: quantize,
	}
}

func recipeNames() string {
	names := make([]string, len(mix.Recipes))
	for i := range names {
		names[i] = mix.Recipes[i].Name
	}
	return strings.Join(names, ", ")
}

// parseType reads a name of ggml, whatever its case.
func parseType(s string) (quant.Type, error) {
	for t := quant.F32; t <= quant.Q2_0; t++ {
		if t.Valid() && strings.EqualFold(t.String(), s) {
			return t, nil
		}
	}
	return 0, usagef("%q is no tensor type", s)
}

func mixOptions(c *cli.Context) (*mix.Options, error) {
	o := &mix.Options{Pure: c.Bool("pure"), KeepOutput: c.Bool("leave-output-tensor"), AllowRequantize: c.Bool("allow-requantize")}
	for name, to := range map[string]**quant.Type{"output-tensor-type": &o.Output, "token-embedding-type": &o.Embedding} {
		if !c.IsSet(name) {
			continue
		}
		t, err := parseType(c.String(name))
		if err != nil {
			return nil, err
		}
		*to = &t
	}
	for _, s := range c.StringSlice("tensor-type") {
		pattern, name, ok := strings.Cut(s, "=")
		re, err := regexp.Compile(strings.ToLower(pattern))
		if !ok || err != nil {
			return nil, usagef("--tensor-type %q is not PATTERN=TYPE", s)
		}
		t, err := parseType(name)
		if err != nil {
			return nil, err
		}
		o.Overrides = append(o.Overrides, mix.Override{Name: re, Type: t})
	}
	if path := c.String("imatrix"); path != "" {
		var err error
		if o.Importance, err = mix.OpenImportance(path); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func quantize(c *cli.Context) error {
	r, ok := mix.Find(c.String("type"))
	if !ok {
		return usagef("--type %q: one of %s", c.String("type"), recipeNames())
	}
	o, err := mixOptions(c)
	if err != nil {
		return err
	}
	f, err := openFile(c.String("model"))
	if err != nil {
		return err
	}
	defer f.Close()
	out := c.String("output")
	if err := checkOutput(f.Path(), out, c.Bool("force")); err != nil {
		return err
	}
	if n, err := f.Shards(); err != nil || n > 1 {
		return errors.Join(err, fmt.Errorf("%s is one of %d files of a split model; detox-surgery merge makes one of them", f.Path(), n))
	}
	targets, err := mix.Plan(f, r, o)
	if errors.Is(err, mix.ErrRequantize) {
		err = fmt.Errorf("%w; --allow-requantize does it all the same", err)
	}
	if err != nil {
		return err
	}
	pool, err := newPool(c)
	if err != nil {
		return err
	}
	defer pool.Close()
	bar := newProgress(c)
	var size int64
	err = gguf.WriteFile(out, c.Bool("force"), func(w io.Writer) error {
		size, err = mix.Write(w, f, r, targets, o, pool, func(done, total int) { bar.report("quantizing", done, total) })
		return err
	})
	bar.close()
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON("quantize", map[string]any{"output": out, "type": r.Name, "bytes": size})
	}
	fmt.Printf("%s\t%s, %.1f MB of %.1f MB\n", out, r.Name, float64(size)/1e6, float64(f.Size())/1e6)
	return nil
}
