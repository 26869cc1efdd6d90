// Package graph gives the topology of an ONNX graph as a gonum graph, for paths,
// orders and neighbourhoods: residual writers, fused projections, shared weights.
//
// The graph is decoded by onnx-go (github.com/owulveryck/onnx-go v0.5.0) from a
// skeleton that [New] makes: the nodes with their values under short names, no
// weights, no attributes, no types. onnx-go knows the ONNX of 2019 and would
// refuse most models as they are; of the skeleton it needs nothing newer. What it
// leaves out, domains and attributes among it, is joined from package onnx,
// which alone reads and writes models. Nothing is written through onnx-go.
package graph

import (
	"errors"
	"fmt"
	"strconv"

	onnxgo "github.com/owulveryck/onnx-go"
	gonum "gonum.org/v1/gonum/graph"
	"gonum.org/v1/gonum/graph/simple"
	"gonum.org/v1/gonum/graph/topo"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/detox-surgery/detox-surgery/onnx"
)

// Value is a value of a graph, a node of the gonum graph. It is made by a node or an
// initializer or is an input; a value of a graph around it has neither of the
// three. Names are unique within a Graph.
type Value struct {
	Name   string
	Node   *onnx.Node // that makes it
	Output int        // which of the node's outputs
	Tensor *onnx.Tensor
	Input  bool
	Reads  []*Value // what its node reads, in order and as often; nil for inputs left out
	Made   []*Value // what is made from it, once for each reading input and output

	id  int64
	ref string // in the skeleton
}

// ID implements gonum's graph.Node.
func (v *Value) ID() int64 { return v.id }

// Graph is the topology of one graph. Its gonum graph has an edge from each value
// that is read to each that is made from it; several readings are one edge there
// and all of them in Value.Reads and Value.Made.
type Graph struct {
	*simple.DirectedGraph
	Values []*Value // by ID

	names map[string]*Value
}

// Value returns the value of that name, or nil.
func (g *Graph) Value(name string) *Value { return g.names[name] }

// Order returns the values in an order in which each comes after those that it is
// made from.
func (g *Graph) Order() ([]*Value, error) {
	nodes, err := topo.Sort(g)
	if err != nil {
		return nil, fmt.Errorf("onnx/graph: %w", err)
	}
	out := make([]*Value, len(nodes))
	for i, n := range nodes {
		out[i] = n.(*Value)
	}
	return out, nil
}

// New makes the topology of a graph, without the graphs inside it; each of them can
// be given to New as well. The graph should have passed [onnx.Model.Check].
func New(src *onnx.Graph) (*Graph, error) {
	g := &Graph{DirectedGraph: simple.NewDirectedGraph(), names: make(map[string]*Value)}
	for _, in := range src.Inputs {
		g.value(in.Name).Input = true
	}
	for _, t := range src.Initializers {
		g.value(t.Name).Tensor = t
	}
	for _, s := range src.Sparse {
		g.value(s.Values.Name).Tensor = s.Values
	}
	for _, n := range src.Nodes {
		for _, name := range n.Inputs {
			g.value(name)
		}
		for _, name := range n.Outputs {
			g.value(name)
		}
	}
	if len(src.Nodes) == 0 { // onnx-go refuses it
		return g, nil
	}
	b := &backend{Directed: g, g: g, src: src}
	if err := decode(b, g.skeleton(src)); err != nil {
		return nil, fmt.Errorf("onnx/graph: %w", err)
	}
	return g, nil
}

// value finds or adds a value; "" is none.
func (g *Graph) value(name string) *Value {
	v := g.names[name]
	if v == nil && name != "" {
		id := int64(len(g.Values))
		v = &Value{Name: name, id: id, ref: "v" + strconv.FormatInt(id, 10)}
		g.names[name] = v
		g.Values = append(g.Values, v)
		g.AddNode(v)
	}
	return v
}

// skeleton encodes the nodes as a model. An input or output that is left out gets a
// name of its own, since onnx-go takes all empty names for the same value.
func (g *Graph) skeleton(src *onnx.Graph) []byte {
	str := func(b []byte, field protowire.Number, s string) []byte {
		return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
	}
	empty := 0
	ref := func(name string) string {
		if v := g.names[name]; v != nil {
			return v.ref
		}
		empty++
		return "none" + strconv.Itoa(empty)
	}
	var body []byte
	for i, n := range src.Nodes {
		var node []byte
		for _, name := range n.Inputs {
			node = str(node, 1, ref(name))
		}
		for _, name := range n.Outputs {
			node = str(node, 2, ref(name))
		}
		node = str(str(node, 3, "node"+strconv.Itoa(i)), 4, strconv.Itoa(i))
		body = str(body, 1, string(node))
	}
	body = str(body, 12, string(str(nil, 1, "result"))) // onnx-go wants an output
	model := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 3)
	return str(model, 7, string(body))
}

// decode runs onnx-go. It panics on some input, and its dependencies may.
func decode(b *backend, skeleton []byte) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("onnx-go: %v", r)
		}
	}()
	if err := onnxgo.NewModel(b).UnmarshalBinary(skeleton); err != nil {
		return fmt.Errorf("onnx-go: %w", err)
	}
	if b.applied != len(b.src.Nodes) {
		return errors.New("onnx-go: nodes are lost")
	}
	return nil
}

// backend implements onnx-go's Backend. It records all edges: gonum's simple graph
// would keep one of Mul(x, x). What onnx-go could ask about it, but does not, is
// answered by the graph that comes out.
type backend struct {
	gonum.Directed
	g       *Graph
	src     *onnx.Graph
	next    int64
	edges   []edge // of the node that is being decoded
	applied int
}

// named is a node as onnx-go sees it.
type named struct {
	id   int64
	name string
	v    *Value // nil for what stands for nothing
}

// ID implements gonum's graph.Node.
func (n *named) ID() int64 { return n.id }

// SetName implements onnx-go's Namer.
func (n *named) SetName(s string) { n.name = s }

// GetName implements onnx-go's Namer.
func (n *named) GetName() string { return n.name }

// edge goes from what is made to what is read; its weight is the input's index.
type edge struct {
	from, to *named
	weight   float64
}

// From implements gonum's graph.Edge.
func (e edge) From() gonum.Node { return e.from }

// To implements gonum's graph.Edge.
func (e edge) To() gonum.Node { return e.to }

// ReversedEdge implements gonum's graph.Edge.
func (e edge) ReversedEdge() gonum.Edge { return edge{e.to, e.from, e.weight} }

// Weight implements gonum's graph.WeightedEdge.
func (e edge) Weight() float64 { return e.weight }

// NewNode implements gonum's graph.NodeAdder.
func (b *backend) NewNode() gonum.Node {
	b.next++
	return &named{id: b.next}
}

// AddNode implements gonum's graph.NodeAdder; onnx-go has named the node before.
func (b *backend) AddNode(n gonum.Node) {
	x := n.(*named)
	if len(x.name) < 2 || x.name[0] != 'v' {
		return
	}
	if i, err := strconv.Atoi(x.name[1:]); err == nil && i < len(b.g.Values) {
		x.v = b.g.Values[i]
	}
}

// NewWeightedEdge implements gonum's graph.WeightedEdgeAdder.
func (b *backend) NewWeightedEdge(from, to gonum.Node, weight float64) gonum.WeightedEdge {
	return edge{from.(*named), to.(*named), weight}
}

// SetWeightedEdge implements gonum's graph.WeightedEdgeAdder.
func (b *backend) SetWeightedEdge(e gonum.WeightedEdge) { b.edges = append(b.edges, e.(edge)) }

// ApplyOperation implements onnx-go's OperationCarrier: it comes once for each node,
// when its edges are there. The operation's name is the node's index.
func (b *backend) ApplyOperation(op onnxgo.Operation, outputs ...gonum.Node) error {
	edges := b.edges
	b.edges = nil
	i, err := strconv.Atoi(op.Name)
	if err != nil || i != b.applied || i >= len(b.src.Nodes) {
		return fmt.Errorf("node %q out of order", op.Name)
	}
	b.applied++
	node := b.src.Nodes[i]
	for k, o := range outputs {
		v := o.(*named).v
		if v == nil {
			continue
		}
		if v.Node != nil || v.Tensor != nil || v.Input {
			return fmt.Errorf("value %q is defined twice", v.Name)
		}
		v.Node, v.Output = node, k
		if len(node.Inputs) > 0 {
			v.Reads = make([]*Value, len(node.Inputs))
		}
	}
	for _, e := range edges {
		made, read := e.from.v, e.to.v
		if made == nil || read == nil {
			continue
		}
		if made == read {
			return fmt.Errorf("value %q is made from itself", made.Name)
		}
		made.Reads[int(e.weight)] = read
		read.Made = append(read.Made, made)
		b.g.SetEdge(b.g.NewEdge(read, made))
	}
	return nil
}
