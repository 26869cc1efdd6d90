package onnx

// Model is an open ONNX model. It may be read by several goroutines.
type Model struct {
	IRVersion       int64
	Producer        string
	ProducerVersion string
	Domain          string
	Version         int64
	Doc             string
	Opsets          []Opset
	Graph           *Graph
	Functions       []*Function
	Training        []*Training
	Metadata        []Prop
	// Tensors has every tensor of the file in its order: initializers, both parts of
	// sparse ones, and tensors in attributes, also inside sub-graphs, functions and
	// training graphs.
	Tensors []*Tensor
	// Files are the files that hold external data, in the order of first use.
	Files []*ExternalFile

	path  string
	data  []byte
	props []propAt                 // of Metadata
	files map[string]*ExternalFile // by location
	close func() error
}

// Opset is an imported set of operators. The domain of ONNX itself is "".
type Opset struct {
	Domain  string
	Version int64
}

// Prop is a key and its value.
type Prop struct{ Key, Value string }

// propAt says where an entry lies: the whole field, and its value's field, which
// may be missing.
type propAt struct {
	key, value Span // fields, tags included; empty where missing
}

// Graph is a graph, or the body of a function.
type Graph struct {
	Name         string
	Nodes        []*Node
	Initializers []*Tensor
	Sparse       []*Sparse
	Inputs       []*ValueInfo
	Outputs      []*ValueInfo
	Values       []*ValueInfo // value_info: types of what is in between
	Annotations  []Annotation
	Owner        *Node // the node that has the graph as an attribute; nil at the top
	Span         Span

	m *Model
}

// Node is a node of a graph.
type Node struct {
	Name     string
	Op       string
	Domain   string
	Overload string
	Inputs   []string // "" is an optional input that is left out
	Outputs  []string
	Attrs    []*Attr
	Graph    *Graph // that it is in
	Span     Span
}

// Annotation is a quantization annotation of a tensor.
type Annotation struct {
	Tensor string
	Params []Prop
}

// Sparse is a sparse initializer or attribute. Its name is that of Values.
type Sparse struct {
	Values, Indices *Tensor
	Dims            []int64
}

// Function is a function that the model brings along.
type Function struct {
	Name, Domain, Overload string
	Attributes             []string // without a default
	Defaults               []*Attr
	Opsets                 []Opset
	Body                   *Graph
	Span                   Span
}

// Training is the training information of a model.
type Training struct {
	Initialization, Algorithm *Graph
	InitBindings, Updates     []Prop
}

// ValueInfo is a value's name and type. Type is nil where the file gives none.
type ValueInfo struct {
	Name string
	Type *ValueType
	Span Span
}

// ValueKind is a kind of value.
type ValueKind uint8

// Kinds of values.
const (
	UnknownKind ValueKind = iota
	TensorKind
	SparseKind
	SequenceKind
	OptionalKind
	MapKind
	OpaqueKind
)

// ValueType is the type of a value.
type ValueType struct {
	Kind     ValueKind
	Elem     Type       // of tensors; the key's type of maps
	Of       *ValueType // what a sequence, optional or map holds
	HasShape bool
	Shape    []Dim
}

// Dim is a dimension: a number, or a name with Value -1, or unknown (-1 and no name).
type Dim struct {
	Value int64
	Param string
}

// Path is the name that the model was opened by; empty after Parse.
func (m *Model) Path() string { return m.path }

// Size is the size of the model file, without external data.
func (m *Model) Size() int64 { return int64(len(m.data)) }

// Bytes is the whole model file; it must not be written to.
func (m *Model) Bytes() []byte { return m.data }

// Close unmaps the files. Slices of them must not be used afterwards.
func (m *Model) Close() error {
	if m.close == nil {
		return nil
	}
	f := m.close
	m.close, m.data = nil, nil
	return f()
}

// Opset returns the imported version of a domain, 0 if it is not imported.
func (m *Model) Opset(domain string) int64 {
	for _, o := range m.Opsets {
		if sameDomain(o.Domain, domain) {
			return o.Version
		}
	}
	return 0
}

// sameDomain knows that "ai.onnx" is another name of the default domain.
func sameDomain(a, b string) bool {
	if a == "ai.onnx" {
		a = ""
	}
	if b == "ai.onnx" {
		b = ""
	}
	return a == b
}

// Meta returns the value of a metadata key.
func (m *Model) Meta(key string) (string, bool) {
	for _, p := range m.Metadata {
		if p.Key == key {
			return p.Value, true
		}
	}
	return "", false
}

// Graphs calls visit for every graph of the model, outer ones first: the main
// graph, the functions' bodies, the training graphs, and all sub-graphs.
func (m *Model) Graphs(visit func(*Graph)) {
	roots := []*Graph{m.Graph}
	for _, f := range m.Functions {
		roots = append(roots, f.Body)
	}
	for _, t := range m.Training {
		roots = append(roots, t.Initialization, t.Algorithm)
	}
	for _, g := range roots {
		if g != nil {
			g.walk(visit)
		}
	}
}

func (g *Graph) walk(visit func(*Graph)) {
	visit(g)
	for _, n := range g.Nodes {
		for _, a := range n.Attrs {
			for _, sub := range a.Graphs {
				sub.walk(visit)
			}
		}
	}
}

// Initializer returns the graph's initializer of that name, or nil.
func (g *Graph) Initializer(name string) *Tensor {
	for _, t := range g.Initializers {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// Attr returns the node's attribute of that name, or nil.
func (n *Node) Attr(name string) *Attr {
	for _, a := range n.Attrs {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// rescan starts on a message that Parse has already been through.
func (m *Model) rescan(kind msg, s Span) scanner {
	p := &parser{b: m.data, left: 1 << 62}
	return p.open(kind, int(s.Start), int(s.End))
}

// Metadata reads the node's metadata, where exporters put the names of modules.
func (n *Node) Metadata() []Prop {
	var list []Prop
	s := n.Graph.m.rescan(nodeMsg, n.Span)
	for s.next() {
		if s.def != nil && s.def.name == "metadata_props" {
			p, _ := s.entry()
			list = append(list, p)
		}
	}
	return list
}
