package op

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/detox-surgery/detox-surgery/onnx"
	"github.com/detox-surgery/detox-surgery/simd"
)

// Options says how a program runs.
type Options struct {
	Pool      *simd.Pool // nil: the caller alone
	MaxMemory int64      // bytes that values may take at a time; 0: 16 GiB
}

// Program is a model that can be run. It may be run by several goroutines.
type Program struct {
	m   *onnx.Model
	o   Options
	fns map[string]*onnx.Function

	table map[string]func(c *Call) ([]*Value, error)
}

// ErrUnsupported is wrapped by errors about operators that are not implemented.
var ErrUnsupported = errors.New("onnx/op: operator not implemented")

// maxMemory is the default of Options.MaxMemory.
const maxMemory = 16 << 30

// maxDepth bounds sub-graphs and functions in one another.
const maxDepth = 16

// New checks a model and prepares to run it. It must stay open as long as the program
// is used. All operators that are not implemented are in one error, ErrUnsupported.
func New(m *onnx.Model, o Options) (*Program, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	if o.MaxMemory == 0 {
		o.MaxMemory = maxMemory
	}
	p := &Program{m: m, o: o, fns: map[string]*onnx.Function{}, table: rows()}
	for _, f := range m.Functions {
		p.fns[key(f.Domain, f.Name)] = f
	}
	missing := map[string]bool{}
	m.Graphs(func(g *onnx.Graph) {
		for _, n := range g.Nodes {
			k := key(n.Domain, n.Op)
			if p.fns[k] == nil && p.table[k] == nil {
				missing[k] = true
			}
		}
	})
	if len(missing) > 0 {
		var names []string
		for k := range missing {
			names = append(names, k)
		}
		slices.Sort(names)
		return nil, fmt.Errorf("%w: %s", ErrUnsupported, strings.Join(names, ", "))
	}
	return p, nil
}

// key names an operator in the table.
func key(domain, name string) string {
	switch domain {
	case "", "ai.onnx":
		return name
	case "com.microsoft":
		return "ms." + name
	}
	return domain + "." + name
}

// Run computes values of the main graph, any that are made there. Only what they need
// is computed; constants need no inputs.
func (p *Program) Run(inputs map[string]*Value, outputs []string) (map[string]*Value, error) {
	r := &run{p: p, left: p.o.MaxMemory}
	for name, v := range inputs {
		if n, err := checked(v.Dims); err != nil || n != max(len(v.F), len(v.I), len(v.S)) {
			return nil, fmt.Errorf("onnx/op: input %s does not have the elements of its shape %v", name, v.Dims)
		}
	}
	s := &scope{vals: inputs}
	if inputs == nil {
		s.vals = map[string]*Value{}
	}
	list, err := r.graph(p.m.Graph, s, outputs)
	if err != nil {
		return nil, fmt.Errorf("onnx/op: %w", err)
	}
	out := make(map[string]*Value, len(list))
	for i, name := range outputs {
		out[name] = list[i]
	}
	return out, nil
}

// run is one run of a program.
type run struct {
	p     *Program
	left  int64 // bytes
	depth int
}

// scope holds the values of a graph, and those of the graphs around it.
type scope struct {
	vals  map[string]*Value
	init  map[string]*onnx.Tensor
	outer *scope
	attrs *onnx.Node // of a function's call: what its nodes refer to
	fn    *onnx.Function
}

func (s *scope) find(name string) (*Value, error) {
	for ; s != nil; s = s.outer {
		if v := s.vals[name]; v != nil {
			return v, nil
		}
		if t := s.init[name]; t != nil {
			return fromTensor(t)
		}
	}
	return nil, nil
}

// graph computes the named values of g. s.vals has the inputs.
func (r *run) graph(g *onnx.Graph, s *scope, outputs []string) ([]*Value, error) {
	if r.depth++; r.depth > maxDepth {
		return nil, fmt.Errorf("graphs are nested more than %d deep", maxDepth)
	}
	defer func() { r.depth-- }()
	given := s.vals
	s.vals = make(map[string]*Value, len(g.Nodes))
	for k, v := range given {
		s.vals[k] = v
	}
	s.init = make(map[string]*onnx.Tensor, len(g.Initializers))
	for _, t := range g.Initializers {
		if s.vals[t.Name] == nil {
			s.init[t.Name] = t
		}
	}
	nodes, err := g.Sorted()
	if err != nil {
		return nil, err
	}
	plan, uses := needed(nodes, outputs, s)
	for _, n := range plan {
		if err := r.node(n, s); err != nil {
			return nil, fmt.Errorf("node %s (%s): %w", nodeName(n), n.Op, err)
		}
		for _, in := range reads(n) {
			if uses[in]--; uses[in] == 0 {
				r.free(s, in)
			}
		}
	}
	out := make([]*Value, len(outputs))
	for i, name := range outputs {
		v, err := s.find(name)
		if err != nil {
			return nil, err
		}
		if v == nil {
			return nil, fmt.Errorf("value %q: there is no node that makes it and no input of that name", name)
		}
		out[i] = v
	}
	return out, nil
}

func nodeName(n *onnx.Node) string {
	if n.Name != "" || len(n.Outputs) == 0 {
		return n.Name
	}
	return n.Outputs[0]
}

// free forgets a value of this scope.
func (r *run) free(s *scope, name string) {
	if v := s.vals[name]; v != nil {
		r.left += v.bytes()
		delete(s.vals, name)
	}
}

// reads are all names that a node reads, those from inside its sub-graphs included.
func reads(n *onnx.Node) []string {
	out := slices.Clone(n.Inputs)
	for _, a := range n.Attrs {
		for _, g := range a.Graphs {
			out = append(out, outside(g)...)
		}
	}
	return out
}

// outside are names that a graph reads, its own among them: more than needed is harmless.
func outside(g *onnx.Graph) []string {
	var out []string
	for _, n := range g.Nodes {
		out = append(out, reads(n)...)
	}
	for _, o := range g.Outputs {
		out = append(out, o.Name)
	}
	return out
}

// needed are the nodes that outputs depend on, in order, and how often names are read.
// What is given is not computed; outputs are never freed.
func needed(nodes []*onnx.Node, outputs []string, s *scope) ([]*onnx.Node, map[string]int) {
	want := make(map[string]bool, len(nodes))
	uses := make(map[string]int, len(nodes))
	for _, o := range outputs {
		want[o] = true
		uses[o]++
	}
	var plan []*onnx.Node
	for _, n := range slices.Backward(nodes) {
		if !slices.ContainsFunc(n.Outputs, func(o string) bool { return o != "" && want[o] && s.vals[o] == nil }) {
			continue
		}
		plan = append(plan, n)
		for _, in := range reads(n) {
			want[in] = true
			uses[in]++
		}
	}
	slices.Reverse(plan)
	return plan, uses
}

// node runs one node.
func (r *run) node(n *onnx.Node, s *scope) error {
	c := &Call{run: r, scope: s, Node: n, In: make([]*Value, len(n.Inputs)), Pool: r.p.o.Pool}
	for i, name := range n.Inputs {
		if name == "" {
			continue
		}
		v, err := s.find(name)
		if err != nil {
			return err
		}
		if v == nil {
			return fmt.Errorf("its input %q has no value", name)
		}
		c.In[i] = v
	}
	out, err := r.call(c)
	if err == nil {
		err = c.err
	}
	if err != nil {
		return err
	}
	for i, v := range out {
		if i >= len(n.Outputs) || n.Outputs[i] == "" {
			continue
		}
		if v == nil {
			return fmt.Errorf("output %d is not implemented", i)
		}
		if r.left -= v.bytes(); r.left < 0 {
			return fmt.Errorf("values take more than the limit of %d bytes", r.p.o.MaxMemory)
		}
		s.vals[n.Outputs[i]] = v
	}
	return nil
}

// call runs a function of the model or a row of the table. A mistake in a file that an
// operator did not look for becomes an error here.
func (r *run) call(c *Call) (out []*Value, err error) {
	k := key(c.Node.Domain, c.Node.Op)
	if f := r.p.fns[k]; f != nil {
		return r.function(f, c)
	}
	f := r.p.table[k]
	if f == nil {
		return nil, ErrUnsupported
	}
	defer func() {
		if e := recover(); e != nil {
			if e, ok := e.(error); ok {
				err = fmt.Errorf("inputs do not fit: %w", e)
				return
			}
			err = fmt.Errorf("inputs do not fit: %v", e)
		}
	}()
	return f(c)
}

// function runs a function that the model brings along.
func (r *run) function(f *onnx.Function, c *Call) ([]*Value, error) {
	s := &scope{vals: map[string]*Value{}, attrs: c.Node, fn: f}
	for i, in := range f.Body.Inputs {
		if i < len(c.In) && c.In[i] != nil {
			s.vals[in.Name] = c.In[i]
		}
	}
	var names []string
	for _, o := range f.Body.Outputs {
		names = append(names, o.Name)
	}
	return r.graph(f.Body, s, names)
}
