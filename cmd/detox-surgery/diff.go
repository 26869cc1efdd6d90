package main

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/detox-surgery/detox-surgery/gguf"
)

type diffResult struct {
	Same      bool         `json:"same"`
	Keys      []string     `json:"keys"`
	OnlyA     []string     `json:"tensors_only_a"`
	OnlyB     []string     `json:"tensors_only_b"`
	Tensors   []tensorDiff `json:"tensors"`
	Identical int          `json:"tensors_identical"`
}

func diffCommand() *cli.Command {
	return &cli.Command{
		Name: "diff", Usage: "compare two models: keys, tensors, codes, scales, error; exit 4 when they differ", ArgsUsage: "A B",
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "rows", Usage: "list so many most changed rows of every tensor, and value vectors (columns of ffn_down)"},
			jsonFlag, quietFlag,
		},
		Action: diffModels,
	}
}

func diffModels(c *cli.Context) error {
	if c.NArg() != 2 {
		return usagef("diff takes two files, not %d", c.NArg())
	}
	if c.Int("rows") < 0 {
		return usagef("--rows must not be negative, not %d", c.Int("rows"))
	}
	a, err := openWhole(c.Args().Get(0))
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := openWhole(c.Args().Get(1))
	if err != nil {
		return err
	}
	defer b.Close()
	r := diffFiles(a, b, c.Int("rows"))
	if c.Bool("json") {
		err = printJSON("diff", r)
	} else {
		err = r.print()
	}
	if err == nil && !r.Same {
		return fmt.Errorf("%w%w", errSilent, errCheck)
	}
	return err
}

// diffFiles compares two models; top is how many of the most changed vectors of each
// tensor are listed.
func diffFiles(a, b *gguf.File, top int) diffResult {
	r := diffResult{Keys: diffKeys(a, b)}
	for _, t := range a.Tensors {
		u := b.Tensor(t.Name)
		switch {
		case u == nil:
			r.OnlyA = append(r.OnlyA, t.Name)
		case t.Type == u.Type && bytes.Equal(t.Raw(), u.Raw()) && reflect.DeepEqual(t.Dims, u.Dims):
			r.Identical++
		default:
			r.Tensors = append(r.Tensors, diffTensor(t, u, top))
		}
	}
	for _, u := range b.Tensors {
		if a.Tensor(u.Name) == nil {
			r.OnlyB = append(r.OnlyB, u.Name)
		}
	}
	r.Same = len(r.Keys)+len(r.OnlyA)+len(r.OnlyB)+len(r.Tensors) == 0
	return r
}

// diffKeys lists added, removed and changed metadata keys.
func diffKeys(a, b *gguf.File) []string {
	var out []string
	for _, kv := range a.KV {
		v, ok := b.Get(kv.Key)
		av, _ := a.Get(kv.Key)
		if !ok {
			out = append(out, "- "+kv.Key)
		} else if !reflect.DeepEqual(av, v) {
			out = append(out, "~ "+kv.Key)
		}
	}
	for _, kv := range b.KV {
		if _, ok := a.Get(kv.Key); !ok {
			out = append(out, "+ "+kv.Key)
		}
	}
	sort.Strings(out)
	return out
}

func (r diffResult) print() error {
	for _, k := range r.Keys {
		fmt.Println("key    ", k)
	}
	for _, n := range r.OnlyA {
		fmt.Println("only A ", n)
	}
	for _, n := range r.OnlyB {
		fmt.Println("only B ", n)
	}
	if err := r.printTensors(); err != nil {
		return err
	}
	fmt.Printf("%d tensors differ, %d identical, %d keys differ\n", len(r.Tensors)+len(r.OnlyA)+len(r.OnlyB), r.Identical, len(r.Keys))
	return nil
}

func (r diffResult) printTensors() error {
	if len(r.Tensors) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "tensor\ttype\tbytes changed\tcodes\tscales\tweights\tNMSE\tmax abs\ttop row")
	listed := false
	for i := range r.Tensors {
		fmt.Fprintln(w, strings.Join(r.Tensors[i].columns(), "\t"))
		listed = listed || len(r.Tensors[i].Top) > 0
	}
	if listed {
		fmt.Fprintln(w, "\ntensor\tvector\tindex\tchange\tof its norm\tof the tensor's change")
	}
	for _, d := range r.Tensors {
		for _, v := range d.Top {
			index := fmt.Sprint(v.Index)
			if v.Expert != nil {
				index += fmt.Sprintf(" of expert %d", *v.Expert)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%.4g\t%.2f %%\t%.2f %%\n", d.Name, v.Kind, index, v.Change, 100*v.Relative, 100*v.Share)
		}
	}
	return w.Flush()
}
