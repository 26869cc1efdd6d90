package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/detox-surgery/detox-surgery/onnx"
)

// onnxPath reports whether a path is an ONNX model, by its ending or by its first
// bytes; a folder is one if it holds model.onnx.
func onnxPath(path string) (string, bool) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		inner := filepath.Join(path, "model.onnx")
		_, err := os.Stat(inner)
		return inner, err == nil
	}
	if strings.EqualFold(filepath.Ext(path), ".onnx") {
		return path, true
	}
	f, err := os.Open(path)
	if err != nil {
		return path, false
	}
	defer func() { _ = f.Close() }() // only read
	var head [2]byte
	_, err = io.ReadFull(f, head[:])
	return path, err == nil && head[0] == 1<<3 && head[1] > 0 && head[1] < 128 // ir_version, which every exporter writes first
}

type onnxTensor struct {
	Name     string   `json:"name"`
	Place    string   `json:"place"`
	Type     string   `json:"type"`
	Dims     []int64  `json:"dims"`
	Bytes    int64    `json:"bytes"`
	External string   `json:"external,omitempty"`
	Uses     []string `json:"uses,omitempty"` // the nodes that read an initializer
}

type onnxType struct {
	Tensors int   `json:"tensors"`
	Bytes   int64 `json:"bytes"`
}

type onnxFile struct {
	Location string `json:"location"`
	Bytes    int64  `json:"bytes"`
	Tensors  int    `json:"tensors"`
	Missing  bool   `json:"missing,omitempty"`
}

type onnxInspection struct {
	Path       string              `json:"path"`
	IRVersion  int64               `json:"ir_version"`
	Producer   string              `json:"producer"`
	Opsets     map[string]int64    `json:"opsets"`
	Bytes      int64               `json:"bytes"`
	Parameters int64               `json:"parameters"` // elements of initializers
	Graphs     int                 `json:"graphs"`     // sub-graphs and functions included
	Functions  int                 `json:"functions"`
	Nodes      int                 `json:"nodes"`
	Problem    string              `json:"problem,omitempty"` // what is wrong with the graph
	Ops        map[string]int      `json:"nodes_by_op"`
	Inputs     []string            `json:"inputs"`
	Outputs    []string            `json:"outputs"`
	Types      map[string]onnxType `json:"tensors_by_type"`
	Files      []onnxFile          `json:"external_files"`
	Metadata   []onnx.Prop         `json:"metadata"`
	Tensors    []onnxTensor        `json:"tensors"`
	Decoder    *onnxDecoder        `json:"decoder,omitempty"`
}

// openONNX opens a model, without its external data where that is missing.
func openONNX(path string) (m *onnx.Model, missing bool, err error) {
	m, err = onnx.Open(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return m, false, err
	}
	m, err = onnx.OpenGraph(path)
	return m, true, err
}

// inspectONNX is the inspect command for an ONNX model.
func inspectONNX(path string, asJSON, tensors, keys bool) error {
	m, missing, err := openONNX(path)
	if err != nil {
		return err
	}
	defer m.Close()
	r := describeONNX(m, missing)
	if !missing && r.Problem == "" {
		r.Decoder = findDecoder(m)
	}
	if asJSON {
		return printJSON("inspect", r)
	}
	if err := r.print(tensors, keys); err != nil || r.Decoder == nil {
		return err
	}
	return r.Decoder.print(tensors)
}

func describeONNX(m *onnx.Model, missing bool) *onnxInspection {
	r := &onnxInspection{
		Path: m.Path(), IRVersion: m.IRVersion, Producer: strings.TrimSpace(m.Producer + " " + m.ProducerVersion), Bytes: m.Size(),
		Functions: len(m.Functions), Opsets: map[string]int64{}, Ops: map[string]int{}, Types: map[string]onnxType{}, Metadata: m.Metadata,
	}
	for _, o := range m.Opsets {
		r.Opsets[domainName(o.Domain)] = o.Version
	}
	for _, f := range m.Files {
		r.Files = append(r.Files, onnxFile{f.Location, f.Size, len(f.Tensors), missing})
		r.Bytes += f.Size
	}
	m.Graphs(func(g *onnx.Graph) {
		r.Graphs++
		r.Nodes += len(g.Nodes)
		for _, n := range g.Nodes {
			op := n.Op
			if domain := domainName(n.Domain); domain != "ai.onnx" {
				op = domain + "." + op
			}
			r.Ops[op]++
		}
	})
	for _, v := range m.Graph.Inputs {
		r.Inputs = append(r.Inputs, valueText(v))
	}
	for _, v := range m.Graph.Outputs {
		r.Outputs = append(r.Outputs, valueText(v))
	}
	r.addTensors(m)
	if err := m.Check(); err != nil {
		r.Problem = err.Error()
	}
	return r
}

func (r *onnxInspection) addTensors(m *onnx.Model) {
	index := onnx.NewIndex(m)
	places := m.Places()
	for i, t := range m.Tensors {
		row := r.Types[t.Type.String()]
		row.Tensors++
		row.Bytes += max(0, t.Size())
		r.Types[t.Type.String()] = row
		info := onnxTensor{Name: t.Name, Place: places[i], Type: t.Type.String(), Dims: t.Dims, Bytes: max(0, t.Size())}
		if t.External != nil {
			info.External = t.External.File.Location
		}
		if index.Tensor(t) != nil {
			r.Parameters += t.Len()
		}
		for _, u := range index.Uses(t) {
			if u.Node != nil {
				info.Uses = append(info.Uses, strings.TrimSpace(u.Node.Op+" "+u.Node.Name))
			}
		}
		r.Tensors = append(r.Tensors, info)
	}
}

func domainName(domain string) string {
	if domain == "" {
		return "ai.onnx"
	}
	return domain
}

// valueText is a value's name and type, such as x FLOAT [batch 4].
func valueText(v *onnx.ValueInfo) string {
	if v.Type == nil || v.Type.Kind != onnx.TensorKind {
		return v.Name
	}
	if !v.Type.HasShape {
		return v.Name + " " + v.Type.Elem.String()
	}
	var dims []string
	for _, d := range v.Type.Shape {
		switch {
		case d.Value >= 0:
			dims = append(dims, fmt.Sprint(d.Value))
		case d.Param != "":
			dims = append(dims, d.Param)
		default:
			dims = append(dims, "?")
		}
	}
	return fmt.Sprintf("%s %v [%s]", v.Name, v.Type.Elem, strings.Join(dims, " "))
}

func (r *onnxInspection) print(tensors, keys bool) error {
	var opsets []string
	for _, d := range slices.Sorted(maps.Keys(r.Opsets)) {
		opsets = append(opsets, fmt.Sprintf("%s %d", d, r.Opsets[d]))
	}
	fmt.Printf("%s\nONNX, IR version %d, %s, opset %s, %.1f MB, %.1f M parameters, %d nodes, %d graphs, %d tensors, %d functions\n",
		r.Path, r.IRVersion, cmp.Or(r.Producer, "unknown producer"), strings.Join(opsets, ", "), float64(r.Bytes)/1e6, float64(r.Parameters)/1e6, r.Nodes, r.Graphs, len(r.Tensors), r.Functions)
	fmt.Printf("inputs: %s\noutputs: %s\n", short(strings.Join(r.Inputs, ", ")), short(strings.Join(r.Outputs, ", ")))
	if r.Problem != "" {
		fmt.Printf("the graph is wrong: %s\n", r.Problem)
	}
	fmt.Println("can be edited: no: apply does not know ONNX models yet")
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	ops := slices.SortedFunc(maps.Keys(r.Ops), func(a, b string) int { return cmp.Or(r.Ops[b]-r.Ops[a], strings.Compare(a, b)) })
	fmt.Fprintln(w, "\noperator\tnodes")
	for _, op := range ops {
		fmt.Fprintf(w, "%s\t%d\n", short(op), r.Ops[op])
	}
	fmt.Fprintln(w, "\ntype\ttensors\tMB")
	for _, t := range slices.SortedFunc(maps.Keys(r.Types), func(a, b string) int {
		return cmp.Or(cmp.Compare(r.Types[b].Bytes, r.Types[a].Bytes), strings.Compare(a, b))
	}) {
		fmt.Fprintf(w, "%s\t%d\t%.1f\n", t, r.Types[t].Tensors, float64(r.Types[t].Bytes)/1e6)
	}
	if len(r.Files) > 0 {
		fmt.Fprintln(w, "\nexternal file\ttensors\tMB")
	}
	for i, f := range r.Files {
		if i == 20 && !tensors {
			fmt.Fprintf(w, "and %d more\n", len(r.Files)-i)
			break
		}
		size := fmt.Sprintf("%.1f", float64(f.Bytes)/1e6)
		if f.Missing {
			size = "not read: a file is missing"
		}
		fmt.Fprintf(w, "%s\t%d\t%s\n", short(f.Location), f.Tensors, size)
	}
	r.printLists(w, tensors, keys)
	return w.Flush()
}

func (r *onnxInspection) printLists(w *tabwriter.Writer, tensors, keys bool) {
	if len(r.Metadata) > 0 && !keys {
		fmt.Fprintf(w, "\n%d keys of metadata (--keys lists them)\n", len(r.Metadata))
	}
	if keys {
		fmt.Fprintln(w)
		for _, p := range r.Metadata {
			fmt.Fprintf(w, "%s = %s\n", short(p.Key), short(p.Value))
		}
	}
	if tensors {
		fmt.Fprintln(w, "\ntensor\tplace\ttype\tdims\tbytes\tfile\tused by")
		for _, t := range r.Tensors {
			fmt.Fprintf(w, "%s\t%s\t%s\t%v\t%d\t%s\t%s\n", short(t.Name), t.Place, t.Type, t.Dims, t.Bytes, t.External, short(strings.Join(t.Uses, ", ")))
		}
	}
}
