package onnxlm

import (
	"fmt"

	"github.com/detox-surgery/detox-surgery/onnx"
)

// graph is the main graph of a model with what is known about its values.
type graph struct {
	m       *onnx.Model
	made    map[string]*onnx.Node
	output  map[string]int // which of its node's outputs a value is
	uses    map[string][]*onnx.Node
	tensors map[string]*onnx.Tensor
	isConst map[string]bool
	run     runner
	consts  map[string]*array // evaluated
	linears map[string]*linear
	norms   map[string]*norm
	sums    map[string][2]string // what Skip nodes add, by the sum's name
}

// array is a value of a graph: numbers of a float type in F, others in I.
type array struct {
	Dims []int
	F    []float32
	I    []int64
}

// runner computes values of the graph from its inputs; constants need none.
type runner func(inputs map[string]*array, names []string) (map[string]*array, error)

func newGraph(m *onnx.Model, run runner) *graph {
	g := &graph{
		m: m, run: run, made: map[string]*onnx.Node{}, output: map[string]int{}, uses: map[string][]*onnx.Node{}, tensors: map[string]*onnx.Tensor{},
		isConst: map[string]bool{}, consts: map[string]*array{}, linears: map[string]*linear{}, norms: map[string]*norm{}, sums: map[string][2]string{},
	}
	for _, t := range m.Graph.Initializers {
		g.tensors[t.Name], g.isConst[t.Name] = t, true
	}
	for _, n := range m.Graph.Nodes {
		constant := len(n.Inputs) > 0 || n.Op == "Constant"
		for _, in := range n.Inputs {
			g.uses[in] = append(g.uses[in], n)
			constant = constant && (in == "" || g.isConst[in])
		}
		for i, out := range n.Outputs {
			g.made[out], g.output[out] = n, i
			g.isConst[out] = constant && len(subgraphs(n)) == 0
		}
		if a := n.Attr("value"); n.Op == "Constant" && a != nil && len(a.Tensors) == 1 {
			g.tensors[n.Outputs[0]] = a.Tensors[0]
		}
	}
	return g
}

func subgraphs(n *onnx.Node) (out []*onnx.Graph) {
	for _, a := range n.Attrs {
		out = append(out, a.Graphs...)
	}
	return out
}

// arrayOf decodes a tensor of numbers; nil if it is too large or of another type.
func arrayOf(t *onnx.Tensor) *array {
	if t.Len() > maxConst {
		return nil
	}
	a := &array{Dims: make([]int, len(t.Dims))}
	for i, d := range t.Dims {
		a.Dims[i] = int(d)
	}
	var err error
	if t.Type.IsFloat() {
		a.F, err = t.Float32s()
	} else {
		a.I, err = t.Ints()
	}
	if err != nil {
		return nil
	}
	return a
}

// maxConst bounds the constants that are evaluated: gains, scalars, scales, not matrices.
const maxConst = 1 << 24

// constant evaluates a constant value; nil if it is none or cannot be computed.
func (g *graph) constant(name string) *array {
	if !g.isConst[name] {
		return nil
	}
	if a, ok := g.consts[name]; ok {
		return a
	}
	g.consts[name] = nil
	if t := g.tensors[name]; t != nil {
		g.consts[name] = arrayOf(t)
		return g.consts[name]
	}
	if out, err := g.run(nil, []string{name}); err == nil {
		g.consts[name] = out[name]
	}
	return g.consts[name]
}

// scalar is a constant of one float.
func (g *graph) scalar(name string) (float32, bool) {
	a := g.constant(name)
	if a == nil || len(a.F) != 1 {
		return 0, false
	}
	return a.F[0], true
}

// vector is a constant of n floats, whatever its leading dimensions of 1.
func (g *graph) vector(name string, n int) []float32 {
	a := g.constant(name)
	if a == nil || len(a.F) != n {
		return nil
	}
	return a.F
}

// vectorSize is the length of a constant vector; 0 if it is no constant or none.
func (g *graph) vectorSize(name string) int {
	if a := g.constant(name); a != nil && len(a.F) > 1 && len(a.Dims) > 0 && a.Dims[len(a.Dims)-1] == len(a.F) {
		return len(a.F)
	}
	return 0
}

// strip goes back from a value through nodes that leave its numbers as they are but
// for precision: casts, and quantization that is undone at once.
func (g *graph) strip(name string) string {
	for {
		n := g.made[name]
		switch {
		case n == nil || g.isConst[name] || len(n.Inputs) == 0:
			return name
		case n.Op == "Cast" || n.Op == "Identity" || n.Op == "Dropout" && g.output[name] == 0 || n.Op == "QuantizeLinear":
			name = n.Inputs[0]
		case n.Op == "DequantizeLinear":
			if p := g.made[n.Inputs[0]]; p == nil || p.Op != "QuantizeLinear" {
				return name
			}
			name = n.Inputs[0]
		default:
			return name
		}
	}
}

// views are operators that move elements about or repeat them.
var views = map[string]bool{
	"Reshape": true, "Transpose": true, "Unsqueeze": true, "Squeeze": true, "Flatten": true, "Expand": true, "Tile": true,
	"Slice": true, "Split": true, "Concat": true, "Gather": true, "GatherND": true,
}

// two are the operands of a node with a constant one: the other, then the constant.
func (g *graph) two(n *onnx.Node) (x, c string, ok bool) {
	if n == nil || len(n.Inputs) != 2 {
		return "", "", false
	}
	a, b := n.Inputs[0], n.Inputs[1]
	switch {
	case g.isConst[a] == g.isConst[b]:
		return "", "", false
	case g.isConst[a]:
		return b, a, true
	}
	return a, b, true
}

// region is what lies between a value and the linear maps that it is made of.
type region struct {
	nodes   []*onnx.Node // in the order of the walk, from the value back
	linears []string     // outputs of linear maps, as they are met
	seen    map[string]bool
}

// back walks from a value to the linear maps, constants and inputs that it is made of.
func (g *graph) back(name string) *region {
	r := &region{seen: map[string]bool{}}
	g.walk(r, name)
	return r
}

func (g *graph) walk(r *region, name string) {
	list := []string{name}
	for len(list) > 0 {
		name := list[0]
		list = list[1:]
		if name == "" || r.seen[name] || g.isConst[name] {
			continue
		}
		r.seen[name] = true
		if g.linears[name] != nil {
			r.linears = append(r.linears, name)
			continue
		}
		n := g.made[name]
		if n == nil || n.Op == "Shape" || n.Op == "Size" { // shapes carry no numbers
			continue
		}
		r.nodes = append(r.nodes, n)
		list = append(list, n.Inputs...)
	}
}

// find returns the first node of the region with one of these operators.
func (r *region) find(ops ...string) *onnx.Node {
	for _, n := range r.nodes {
		for _, op := range ops {
			if n.Op == op {
				return n
			}
		}
	}
	return nil
}

// unknown is the refusal of a graph that is sound but not understood; at names a value
// or node.
func unknown(at, format string, args ...any) error {
	return unsupported(fmt.Sprintf("onnxlm: %s: %s", at, fmt.Sprintf(format, args...)))
}
