package main

import (
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/train/model"
)

type tensorInfo struct {
	Name     string   `json:"name"`
	Role     string   `json:"role,omitempty"`
	Type     string   `json:"type"`
	Dims     []uint64 `json:"dims"`
	Bytes    int64    `json:"bytes"`
	Editable bool     `json:"editable"`
	Carriers bool     `json:"carriers"` // has block scales that can be trained
}

type inspection struct {
	Path         string           `json:"path"`
	Version      uint32           `json:"gguf_version"`
	Architecture string           `json:"architecture"`
	Kind         string           `json:"kind,omitempty"` // of a file that goes with a model
	Supported    bool             `json:"supported"`
	Why          string           `json:"why,omitempty"`
	Files        int              `json:"files"` // of a split model, else 1
	Bytes        int64            `json:"bytes"`
	Parameters   int64            `json:"parameters"`
	Tied         bool             `json:"tied_embedding"`
	Types        map[string]int64 `json:"bytes_by_type"`
	Config       *model.Config    `json:"config,omitempty"`
	Keys         []string         `json:"keys"`
	Tensors      []tensorInfo     `json:"tensors"`
}

func inspectCommand() *cli.Command {
	return &cli.Command{
		Name: "inspect", Usage: "metadata, tensors, roles, what can be edited", ArgsUsage: "FILE",
		Flags: []cli.Flag{jsonFlag, &cli.BoolFlag{Name: "tensors", Usage: "list every tensor"}, &cli.BoolFlag{Name: "keys", Usage: "list every key"}},
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usagef("inspect takes one file, not %d", c.NArg())
			}
			path, err := modelPath(c.Args().First())
			if err != nil {
				return err
			}
			if path, ok := onnxPath(path); ok {
				return inspectONNX(path, c.Bool("json"), c.Bool("tensors"), c.Bool("keys"))
			}
			f, err := gguf.OpenWhole(path)
			if err != nil {
				return err
			}
			defer f.Close()
			r, err := inspect(f)
			if err != nil {
				return err
			}
			if c.Bool("json") {
				return printJSON("inspect", r)
			}
			return r.print(c.Bool("tensors"), c.Bool("keys"))
		},
	}
}

func inspect(f *gguf.File) (*inspection, error) {
	r := &inspection{Path: f.Path(), Version: f.Version, Files: f.Files(), Bytes: f.Size(), Types: map[string]int64{}}
	r.Architecture, _ = f.String("general.architecture")
	r.Kind = model.Companion(f)
	for _, kv := range f.KV {
		v, _ := f.Get(kv.Key)
		r.Keys = append(r.Keys, kv.Key+" = "+short(v))
	}
	for _, t := range f.Tensors {
		n := int64(1)
		for _, d := range t.Dims {
			n *= int64(d)
		}
		r.Parameters += n
		r.Types[t.Type.String()] += t.Size
		g, grid := t.Type.Grid()
		info := tensorInfo{Name: t.Name, Type: t.Type.String(), Dims: t.Dims, Bytes: t.Size, Editable: grid || t.Type.CanEncode(), Carriers: grid && !g.Coarse}
		if role, ok := model.RoleOfTensor(t.Name); ok {
			info.Role = role.String()
		}
		r.Tensors = append(r.Tensors, info)
	}
	m, err := model.Open(f)
	switch {
	case errors.Is(err, model.ErrUnsupported):
		r.Why = err.Error()
	case err != nil:
		return nil, err
	default:
		cfg := m.Config()
		r.Supported, r.Tied, r.Config = true, m.Tied(), &cfg
	}
	return r, nil
}

// short shows a metadata value on one line.
func short(v any) string {
	s := fmt.Sprintf("%v", v)
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 70 {
		s = s[:67] + "..."
	}
	return s
}

func (r *inspection) print(tensors, keys bool) error {
	fmt.Printf("%s\nGGUF %d, architecture %s, %.1f MB, %.1f M parameters, %d tensors, %d keys\n",
		r.Path, r.Version, r.Architecture, float64(r.Bytes)/1e6, float64(r.Parameters)/1e6, len(r.Tensors), len(r.Keys))
	if r.Files > 1 {
		fmt.Printf("split into %d files, which are shown as one\n", r.Files)
	}
	if r.Kind != "" {
		fmt.Println("this is", r.Kind)
	}
	if r.Supported {
		c := r.Config
		fmt.Printf("%d blocks, width %d, feed-forward %d, %d heads (%d key/value) of %d, vocabulary %d, context %d\n",
			c.Blocks, c.Width, c.FFN, c.Heads, c.KVHeads, c.HeadDim, c.Vocab, c.Context)
		if r.Tied {
			fmt.Println("the embedding is also the head: an edit of one is an edit of both")
		}
		fmt.Println("can be edited: yes")
	} else {
		fmt.Printf("can be edited: no: %s\n", r.Why)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	var types []string
	for t := range r.Types {
		types = append(types, t)
	}
	sort.Slice(types, func(i, j int) bool { return r.Types[types[i]] > r.Types[types[j]] })
	for _, t := range types {
		fmt.Fprintf(w, "%s\t%.1f MB\t%.0f %%\n", t, float64(r.Types[t])/1e6, 100*float64(r.Types[t])/float64(r.Bytes))
	}
	if keys {
		for _, k := range r.Keys {
			fmt.Fprintln(w, k)
		}
	}
	if tensors {
		fmt.Fprintln(w, "tensor\trole\ttype\tdims\tbytes\teditable")
		for _, t := range r.Tensors {
			fmt.Fprintf(w, "%s\t%s\t%s\t%v\t%d\t%v\n", t.Name, t.Role, t.Type, t.Dims, t.Bytes, t.Editable)
		}
	}
	return w.Flush()
}
