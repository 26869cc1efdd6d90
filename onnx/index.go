package onnx

// Value is a named value of a graph: where it comes from and who reads it.
type Value struct {
	Name   string
	Graph  *Graph
	Input  *ValueInfo // set where it is an input of the graph
	Tensor *Tensor    // set where it is an initializer, of a sparse one its values
	Node   *Node      // set where a node makes it
	Output int        // which of the node's outputs
	Uses   []Use      // in the order of the graphs and nodes
	Result bool       // it is an output of the graph
}

// Use is a place where a value is read: an input of a node, which may be in a
// sub-graph of the value's graph, or, with a nil Node, an output of a sub-graph.
type Use struct {
	Node  *Node
	Input int
	Graph *Graph
}

// Index knows the values of all graphs of a model. Of a name that is defined twice
// in a graph the first counts; [Model.Check] refuses such graphs.
type Index struct {
	Values  []*Value
	Missing []Use // reads of names that nothing defines

	scopes   map[*Graph]map[string]*Value
	byTensor map[*Tensor]*Value
	training map[*Graph]*Graph // the main graph, whose values a training graph sees
}

// NewIndex makes the index of a model. It takes memory of its own, about 200 bytes
// for each value and 40 for each use.
func NewIndex(m *Model) *Index {
	x := &Index{scopes: make(map[*Graph]map[string]*Value), byTensor: make(map[*Tensor]*Value), training: make(map[*Graph]*Graph)}
	for _, t := range m.Training {
		x.training[t.Initialization], x.training[t.Algorithm] = m.Graph, m.Graph
	}
	m.Graphs(x.define)
	m.Graphs(x.read)
	return x
}

// Value finds a name as it is seen from inside a graph: in the graph itself, then
// in those around it. Nil if there is none.
func (x *Index) Value(g *Graph, name string) *Value {
	for g != nil {
		if v := x.scopes[g][name]; v != nil {
			return v
		}
		if g.Owner == nil {
			g = x.training[g]
			continue
		}
		g = g.Owner.Graph
	}
	return nil
}

// Tensor returns the value that an initializer gives, nil for other tensors.
func (x *Index) Tensor(t *Tensor) *Value { return x.byTensor[t] }

// Uses returns where an initializer is read, in all graphs that see it. More than
// one use means that its weights are shared: an edit changes them all.
func (x *Index) Uses(t *Tensor) []Use {
	if v := x.byTensor[t]; v != nil {
		return v.Uses
	}
	return nil
}

// define finds the values of a graph, not of those inside it.
func (x *Index) define(g *Graph) {
	scope := make(map[string]*Value)
	x.scopes[g] = scope
	get := func(name string) *Value {
		v := scope[name]
		if v == nil {
			v = &Value{Name: name, Graph: g}
			scope[name] = v
			x.Values = append(x.Values, v)
		}
		return v
	}
	for _, in := range g.Inputs {
		get(in.Name).Input = in
	}
	give := func(t *Tensor) {
		v := get(t.Name)
		if v.Tensor == nil {
			v.Tensor = t
		}
		x.byTensor[t] = v
	}
	for _, t := range g.Initializers {
		give(t)
	}
	for _, s := range g.Sparse {
		give(s.Values)
	}
	for _, n := range g.Nodes {
		for i, name := range n.Outputs {
			if name == "" {
				continue
			}
			if v := get(name); v.Node == nil && v.Input == nil && v.Tensor == nil {
				v.Node, v.Output = n, i
			}
		}
	}
}

// read finds the uses in a graph.
func (x *Index) read(g *Graph) {
	use := func(name string, u Use) {
		if name == "" {
			return
		}
		if v := x.Value(g, name); v != nil {
			v.Uses = append(v.Uses, u)
			return
		}
		x.Missing = append(x.Missing, u)
	}
	for _, n := range g.Nodes {
		for i, name := range n.Inputs {
			use(name, Use{n, i, g})
		}
	}
	for i, out := range g.Outputs {
		if v := x.scopes[g][out.Name]; v != nil {
			v.Result = true
			continue
		}
		use(out.Name, Use{nil, i, g})
	}
}
