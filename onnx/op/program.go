package op

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/detox-surgery/detox-surgery/onnx"
	"github.com/detox-surgery/detox-surgery/simd"
)

// ErrUnsupported is wrapped by the error about operators that are not implemented.
var ErrUnsupported = errors.New("operator not implemented")

// ErrMemory is wrapped by the error of a run that would need more than
// Options.MaxMemory.
var ErrMemory = errors.New("more memory than allowed")

// Options bound and speed up the execution.
type Options struct {
	Pool *simd.Pool // nil: the caller alone
	// MaxMemory bounds the bytes of values that exist at once in a run, weights not
	// counted: they are bounded by the file. 0 is 16 GiB.
	MaxMemory int64
	// MaxSteps bounds the nodes that a run executes, those of loops counted every
	// time. 0 is 100 million.
	MaxSteps int64
}

const (
	defaultMemory = 16 << 30
	defaultSteps  = 100_000_000
	// maxDepth bounds how deep graphs and functions lie in each other.
	maxDepth = 32
	// foldElements is up to how many elements a constant's operands and results may
	// have for it to be computed once and kept.
	foldElements = 1 << 18
	// foldBytes bounds what is kept of them in all, so that a small file stays small.
	foldBytes = 256 << 20
)

// Program is a model that can be run. It may be run by several goroutines.
type Program struct {
	m    *onnx.Model
	o    Options
	main *plan
	fns  map[[3]string]*function
	kept int64 // bytes of folded constants
}

// function is a local function of the model.
type function struct {
	def      *onnx.Function
	plan     *plan
	defaults map[string]*onnx.Attr
	busy     bool // while its plan is made
}

// plan is a graph made ready: its nodes with their operators.
type plan struct {
	graph  *onnx.Graph
	steps  []*step
	consts map[string]*constant
	maker  map[string]int // step by the name of its output
	inputs map[string]bool
	folded bool
}

// step is a node with what executes it.
type step struct {
	node    *onnx.Node
	row     *Row
	version int64
	reads   []string // names that it reads, in graphs inside it as well
	subs    map[string]*plan
	fn      *function
}

// New checks a model and prepares to run it. It must stay open as long as the
// program is used. All operators, also those in branches, loops and functions, must
// be in Rows at the versions that the model imports; those that are not are in one
// error, ErrUnsupported. Weights are decoded when they are first used; what depends
// on small constants alone is computed here.
func New(m *onnx.Model, o Options) (*Program, error) {
	if o.MaxMemory <= 0 {
		o.MaxMemory = defaultMemory
	}
	if o.MaxSteps <= 0 {
		o.MaxSteps = defaultSteps
	}
	if err := m.Check(); err != nil {
		return nil, err
	}
	p := &Program{m: m, o: o, fns: make(map[[3]string]*function)}
	for _, f := range m.Functions {
		p.fns[functionKey(f.Domain, f.Name, f.Overload)] = &function{def: f, defaults: attrsByName(f.Defaults)}
	}
	b := &builder{p: p, missing: make(map[string]int)}
	var err error
	if p.main, err = b.plan(m.Graph, m.Opsets, 0); err != nil {
		return nil, err
	}
	if len(b.missing) > 0 {
		return nil, b.missingError()
	}
	p.fold(p.main)
	return p, nil
}

func functionKey(domain, name, overload string) [3]string {
	return [3]string{plainDomain(domain), name, overload}
}

// plainDomain knows that "ai.onnx" is another name of the default domain.
func plainDomain(domain string) string {
	if domain == "ai.onnx" {
		return ""
	}
	return domain
}

func attrsByName(list []*onnx.Attr) map[string]*onnx.Attr {
	out := make(map[string]*onnx.Attr, len(list))
	for _, a := range list {
		out[a.Name] = a
	}
	return out
}

// Inputs are the main graph's inputs that have no initializer.
func (p *Program) Inputs() []*onnx.ValueInfo {
	var out []*onnx.ValueInfo
	for _, in := range p.m.Graph.Inputs {
		if p.main.consts[in.Name] == nil {
			out = append(out, in)
		}
	}
	return out
}

// Outputs are the names of the main graph's outputs.
func (p *Program) Outputs() []string { return p.main.outputs() }

func (p *plan) outputs() []string {
	out := make([]string, len(p.graph.Outputs))
	for i, o := range p.graph.Outputs {
		out[i] = o.Name
	}
	return out
}

// builder makes plans and notes the operators that are missing.
type builder struct {
	p       *Program
	missing map[string]int // nodes, by operator
}

func (b *builder) missingError() error {
	list := make([]string, 0, len(b.missing))
	for what, n := range b.missing {
		list = append(list, fmt.Sprintf("%s (%d)", what, n))
	}
	slices.Sort(list)
	return fmt.Errorf("onnx/op: %w: %s", ErrUnsupported, strings.Join(list, ", "))
}

func (b *builder) plan(g *onnx.Graph, opsets []onnx.Opset, depth int) (*plan, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("onnx/op: %w: graphs and functions lie more than %d deep in each other", onnx.ErrUnsupported, maxDepth)
	}
	p := &plan{graph: g, consts: make(map[string]*constant), maker: make(map[string]int), inputs: make(map[string]bool)}
	for _, in := range g.Inputs {
		p.inputs[in.Name] = true
	}
	for _, t := range g.Initializers {
		p.consts[t.Name] = &constant{tensor: t}
	}
	for range g.Sparse {
		b.missing["sparse initializer"]++
	}
	for _, n := range g.Nodes {
		s, err := b.step(n, opsets, depth)
		if err != nil {
			return nil, err
		}
		for _, out := range n.Outputs {
			if out != "" {
				p.maker[out] = len(p.steps)
			}
		}
		p.steps = append(p.steps, s)
	}
	return p, nil
}

func (b *builder) step(n *onnx.Node, opsets []onnx.Opset, depth int) (*step, error) {
	s := &step{node: n, subs: make(map[string]*plan)}
	for _, name := range n.Inputs {
		if name != "" {
			s.reads = append(s.reads, name)
		}
	}
	for _, a := range n.Attrs {
		for _, g := range a.Graphs {
			sub, err := b.plan(g, opsets, depth+1)
			if err != nil {
				return nil, err
			}
			s.subs[a.Name] = sub
			s.reads = append(s.reads, sub.captures()...)
		}
	}
	if f := b.p.fns[functionKey(n.Domain, n.Op, n.Overload)]; f != nil {
		s.fn = f
		return s, b.function(f, depth)
	}
	row, version, err := find(plainDomain(n.Domain), n.Op, opsets)
	if err != nil {
		b.missing[err.Error()]++
	}
	s.row, s.version = row, version
	return s, nil
}

// function makes the plan of a local function when it is first called.
func (b *builder) function(f *function, depth int) error {
	if f.busy {
		return fmt.Errorf("onnx/op: %w: function %s calls itself", onnx.ErrFormat, f.def.Name)
	}
	if f.plan != nil {
		return nil
	}
	f.busy = true
	defer func() { f.busy = false }()
	p, err := b.plan(f.def.Body, f.def.Opsets, depth+1)
	f.plan = p
	return err
}

// captures are the names that a graph reads from those around it.
func (p *plan) captures() []string {
	var out []string
	outside := func(name string) {
		if _, made := p.maker[name]; !made && !p.inputs[name] && p.consts[name] == nil {
			out = append(out, name)
		}
	}
	for _, s := range p.steps {
		for _, name := range s.reads {
			outside(name)
		}
	}
	for _, o := range p.graph.Outputs {
		outside(o.Name)
	}
	return out
}

// find looks up an operator at the version that the opset imports select.
func find(domain, name string, opsets []onnx.Opset) (*Row, int64, error) {
	label := name
	if domain != "" {
		label = domain + "." + name
	}
	opset := int64(0)
	for _, o := range opsets {
		if plainDomain(o.Domain) == domain {
			opset = o.Version
		}
	}
	if opset == 0 && domain != "" {
		opset = 1 // some exporters leave the import of com.microsoft out
	}
	row := table[[2]string{domain, name}]
	switch {
	case row == nil:
		return nil, 0, errors.New(label)
	case opset > newest[domain]:
		return nil, 0, fmt.Errorf("%s of opset %d, known are those up to %d", label, opset, newest[domain])
	}
	for _, v := range slices.Backward(row.Since) {
		if v <= opset {
			return row, v, nil
		}
	}
	return nil, 0, fmt.Errorf("%s of opset %d, known are those from %d on", label, opset, row.Since[0])
}

// fold computes what depends on small constants alone. What fails is left for a run
// to report, if it gets there.
func (p *Program) fold(pl *plan) {
	if pl.folded {
		return
	}
	pl.folded = true
	r := p.newRun()
	r.limit = min(r.limit, 16*foldElements)
	f := &frame{run: r, plan: pl, values: make(map[string]*Value)}
	for i, s := range pl.steps {
		for _, sub := range s.subs {
			p.fold(sub)
		}
		if s.fn != nil {
			p.fold(s.fn.plan)
		}
		if s.row == nil || len(s.subs) > 0 || !pl.foldable(s) {
			continue
		}
		if out, err := f.execute(s); err == nil {
			p.keep(pl, i, out)
		}
		r.live = 0 // what is kept is small
	}
}
