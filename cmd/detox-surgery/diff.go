package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"reflect"
	"sort"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/detox-surgery/detox-surgery/gguf"
)

// tensorDiff describes one tensor that differs.
type tensorDiff struct {
	Name    string  `json:"name"`
	TypeA   string  `json:"type_a"`
	TypeB   string  `json:"type_b"`
	Bytes   int64   `json:"bytes_changed"`
	Codes   float64 `json:"codes_changed"`   // share of the integer codes that differ
	Weights float64 `json:"weights_changed"` // share of the weights whose value differs
	NMSE    float64 `json:"nmse"`            // squared error over squared norm of A
	TopRow  int     `json:"top_row"`         // row with the largest change
}

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
		Name: "diff", Usage: "compare two models: keys, tensors, codes, error; exit 4 when they differ", ArgsUsage: "A B",
		Flags: []cli.Flag{jsonFlag, quietFlag},
		Action: func(c *cli.Context) error {
			if c.NArg() != 2 {
				return usagef("diff takes two files, not %d", c.NArg())
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
			r := diffFiles(a, b)
			if c.Bool("json") {
				err = printJSON("diff", r)
			} else {
				err = r.print()
			}
			if err == nil && !r.Same {
				return fmt.Errorf("%w%w", errSilent, errCheck)
			}
			return err
		},
	}
}

func diffFiles(a, b *gguf.File) diffResult {
	r := diffResult{Keys: diffKeys(a, b)}
	for _, t := range a.Tensors {
		u := b.Tensor(t.Name)
		switch {
		case u == nil:
			r.OnlyA = append(r.OnlyA, t.Name)
		case t.Type == u.Type && bytes.Equal(t.Raw(), u.Raw()) && reflect.DeepEqual(t.Dims, u.Dims):
			r.Identical++
		default:
			r.Tensors = append(r.Tensors, diffTensor(t, u))
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

func diffTensor(t, u *gguf.Tensor) tensorDiff {
	d := tensorDiff{Name: t.Name, TypeA: t.Type.String(), TypeB: u.Type.String(), TopRow: -1}
	if len(t.Raw()) == len(u.Raw()) {
		x, y := t.Raw(), u.Raw()
		for i := range x {
			if x[i] != y[i] {
				d.Bytes++
			}
		}
	}
	if !reflect.DeepEqual(t.Dims, u.Dims) || !t.Type.CanDecode() || !u.Type.CanDecode() {
		d.NMSE = math.NaN()
		return d
	}
	cols := t.Cols()
	x, y := make([]float32, cols), make([]float32, cols)
	var diff, norm, top float64
	changed := 0
	for r := range t.Rows() {
		t.DequantRows(x, cols, r, r+1)
		u.DequantRows(y, cols, r, r+1)
		var row float64
		for i := range x {
			e := float64(y[i]) - float64(x[i])
			row += e * e
			norm += float64(x[i]) * float64(x[i])
			if e != 0 {
				changed++
			}
		}
		diff += row
		if row > top {
			top, d.TopRow = row, r
		}
	}
	if norm > 0 {
		d.NMSE = diff / norm
	}
	d.Weights = float64(changed) / float64(max(1, t.Rows()*cols))
	d.Codes = codesChanged(t, u)
	return d
}

// codesChanged is the share of integer codes that differ; 0 where a type has none.
func codesChanged(t, u *gguf.Tensor) float64 {
	if _, ok := t.Type.Grid(); !ok || t.Type != u.Type {
		return 0
	}
	cols := t.Cols()
	stride := t.Type.RowBytes(cols)
	x, y := make([]int16, cols), make([]int16, cols)
	n := 0
	for r := range t.Rows() {
		t.Type.Codes(x, t.Raw()[r*stride:(r+1)*stride])
		t.Type.Codes(y, u.Raw()[r*stride:(r+1)*stride])
		for i := range x {
			if x[i] != y[i] {
				n++
			}
		}
	}
	return float64(n) / float64(max(1, t.Rows()*cols))
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
	if len(r.Tensors) > 0 {
		w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "tensor\ttype\tbytes changed\tcodes\tweights\tNMSE\ttop row")
		for _, d := range r.Tensors {
			typ := d.TypeA
			if d.TypeA != d.TypeB {
				typ += " -> " + d.TypeB
			}
			fmt.Fprintf(w, "%s\t%s\t%d\t%.3f %%\t%.2f %%\t%.3g\t%d\n", d.Name, typ, d.Bytes, 100*d.Codes, 100*d.Weights, d.NMSE, d.TopRow)
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	fmt.Printf("%d tensors differ, %d identical, %d keys differ\n", len(r.Tensors)+len(r.OnlyA)+len(r.OnlyB), r.Identical, len(r.Keys))
	return nil
}
