package op

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"runtime"
	"runtime/debug"
	"slices"

	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/onnx"
)

// errInternal is wrapped by the error that a fault of this package becomes.
var errInternal = errors.New("internal error")

// run is one execution of a program.
type run struct {
	p     *Program
	limit int64
	live  int64 // bytes of values
	steps int64
	depth int
}

// frame is one execution of a graph.
type frame struct {
	run    *run
	plan   *plan
	outer  *frame // of the graph around it; nil for the main graph and functions
	values map[string]*Value
	attrs  map[string]*onnx.Attr // of the function
}

func (p *Program) newRun() *run { return &run{p: p, limit: p.o.MaxMemory} }

// Run computes outputs, any values of the main graph, from inputs by name. Only
// the nodes that they depend on are executed, and values are let go as soon as
// nothing reads them any more. Inputs must have the element types that the model
// states; their dimensions are what the operators make of them. Nothing that is
// returned depends on the number of workers.
func (p *Program) Run(inputs map[string]*Value, outputs []string) (map[string]*Value, error) {
	r := p.newRun()
	f := &frame{run: r, plan: p.main, values: make(map[string]*Value)}
	for name, v := range inputs {
		if err := p.checkInput(name, v); err != nil {
			return nil, err
		}
		f.values[name] = inside(v)
	}
	if err := f.evaluate(outputs); err != nil {
		return nil, err
	}
	out := make(map[string]*Value, len(outputs))
	for _, name := range outputs {
		v, err := f.get(name)
		if err != nil {
			return nil, err
		}
		out[name] = outside(v)
	}
	return out, nil
}

func (p *Program) checkInput(name string, v *Value) error {
	at := slices.IndexFunc(p.m.Graph.Inputs, func(in *onnx.ValueInfo) bool { return in.Name == name })
	if at < 0 {
		return fmt.Errorf("onnx/op: the model has no input %q", name)
	}
	if v == nil {
		return fmt.Errorf("onnx/op: input %q is nil", name)
	}
	if v.sequence {
		return nil
	}
	if t := p.m.Graph.Inputs[at].Type; t != nil && t.Kind == onnx.TensorKind && t.Elem != v.Type {
		return fmt.Errorf("onnx/op: input %q is %v, the model wants %v", name, v.Type, t.Elem)
	}
	n := 1
	for _, d := range v.Dims {
		if d < 0 || d > math.MaxInt32 || int64(n) > 1<<40 {
			return fmt.Errorf("onnx/op: input %q has dimensions %v", name, v.Dims)
		}
		n *= d
	}
	if emptyTooLarge(v.Dims) {
		return fmt.Errorf("onnx/op: input %q has dimensions %v of no elements", name, v.Dims)
	}
	size := map[store]int{inF: len(v.F), inI: len(v.I), inB: len(v.I), inS: len(v.S)}[storeOf(v.Type)]
	if n != size || n != v.Len() {
		return fmt.Errorf("onnx/op: input %q has %d elements for dimensions %v", name, v.Len(), v.Dims)
	}
	return nil
}

// evaluate executes what the outputs depend on.
func (f *frame) evaluate(outputs []string) error {
	needed, uses := f.needed(outputs)
	for i, s := range f.plan.steps {
		if !needed[i] {
			continue
		}
		out, err := f.execute(s)
		if err != nil {
			return err
		}
		for k, name := range s.node.Outputs {
			if name == "" || k >= len(out) {
				continue
			}
			if uses[name] == 0 {
				f.run.drop(out[k])
				continue
			}
			f.values[name] = out[k]
			f.run.hold(out[k])
		}
		for _, name := range s.reads {
			if uses[name]--; uses[name] == 0 {
				f.run.release(f.values[name])
				delete(f.values, name)
			}
		}
	}
	return nil
}

// needed marks the steps that outputs depend on and counts how often each value is
// read by them; outputs count once more and are never let go.
func (f *frame) needed(outputs []string) (needed []bool, uses map[string]int) {
	p := f.plan
	needed = make([]bool, len(p.steps))
	uses = make(map[string]int, len(p.steps))
	want := func(name string) {
		uses[name]++
		_, given := f.values[name]
		if i, ok := p.maker[name]; ok && !given && p.consts[name] == nil {
			needed[i] = true
		}
	}
	for _, name := range outputs {
		want(name)
	}
	for i, s := range slices.Backward(p.steps) {
		if needed[i] {
			for _, name := range s.reads {
				want(name)
			}
		}
	}
	return needed, uses
}

func (r *run) hold(v *Value) {
	if v == nil {
		return
	}
	if v.buf != nil {
		v.buf.refs++
	}
	for _, e := range v.List {
		r.hold(e)
	}
}

func (r *run) release(v *Value) {
	if v == nil {
		return
	}
	if v.buf != nil {
		v.buf.refs--
	}
	for _, e := range v.List {
		r.release(e)
	}
	r.drop(v)
}

// drop lets go of a value that nothing holds.
func (r *run) drop(v *Value) {
	if v == nil {
		return
	}
	if v.buf != nil && v.buf.refs == 0 {
		r.live -= v.buf.bytes
		v.buf.bytes = 0
	}
	for _, e := range v.List {
		r.drop(e)
	}
}

// get finds a value by name, in the graphs around as well.
func (f *frame) get(name string) (*Value, error) {
	for at := f; at != nil; at = at.outer {
		if v := at.values[name]; v != nil {
			return v, nil
		}
		if k := at.plan.consts[name]; k != nil {
			return k.get()
		}
	}
	return nil, fmt.Errorf("onnx/op: value %q is missing: it is an input that was not given, or no value of the graph", name)
}

// execute runs a node; its error says which.
func (f *frame) execute(s *step) (out []*Value, err error) {
	c := &call{run: f.run, frame: f, step: s, node: s.node, version: s.version}
	defer func() {
		if e := recover(); e != nil {
			out, err = nil, nodeError(s.node, e)
		}
		keep := make(map[*buffer]bool)
		for k, v := range out {
			if k < len(s.node.Outputs) && s.node.Outputs[k] != "" {
				mark(v, keep)
			}
		}
		for _, b := range c.made {
			if !keep[b] && b.refs == 0 {
				f.run.live -= b.bytes
				b.bytes = 0
			}
		}
	}()
	c.tick()
	for _, name := range s.node.Inputs {
		if name == "" {
			c.in = append(c.in, nil)
			continue
		}
		v, err := f.get(name)
		if err != nil && f.plan.inputs[name] && f.attrs != nil { // an input of a function that its caller leaves out
			c.in = append(c.in, nil)
			continue
		}
		c.check(err)
		if s.row != nil && s.row.Moves {
			v = rounded(v)
		}
		c.in = append(c.in, v)
	}
	if s.fn != nil {
		return c.function(), nil
	}
	out = s.row.run(c)
	for _, v := range out {
		if v != nil && half(v.Type) && !s.row.Moves {
			v.loose = true
		}
	}
	return out, nil
}

func mark(v *Value, keep map[*buffer]bool) {
	if v == nil {
		return
	}
	keep[v.buf] = true
	for _, e := range v.List {
		mark(e, keep)
	}
}

// nodeError makes an error of what a kernel panicked with. A fault of this package
// is an error too: a model must not bring the program down.
func nodeError(n *onnx.Node, e any) error {
	where := n.Op
	if n.Domain != "" {
		where = n.Domain + "." + n.Op
	}
	switch e := e.(type) {
	case failure:
		return fmt.Errorf("onnx/op: node %q (%s): %w", n.Name, where, e.err)
	case runtime.Error:
		return fmt.Errorf("onnx/op: node %q (%s): %w: %w\n%s", n.Name, where, errInternal, e, debug.Stack())
	}
	return fmt.Errorf("onnx/op: node %q (%s): %w: %v", n.Name, where, errInternal, e)
}

// function executes a local function.
func (c *call) function() []*Value {
	f := c.step.fn
	attrs := make(map[string]*onnx.Attr, len(f.defaults)+len(c.node.Attrs))
	maps.Copy(attrs, f.defaults)
	for _, a := range c.node.Attrs {
		if a.Ref != "" {
			if b := c.frame.attrs[a.Ref]; b != nil {
				attrs[a.Name] = b
			}
			continue
		}
		attrs[a.Name] = a
	}
	sub := &frame{run: c.run, plan: f.plan, values: make(map[string]*Value), attrs: attrs}
	for i, in := range f.def.Body.Inputs {
		if v := c.opt(i); v != nil {
			sub.values[in.Name] = v
		}
	}
	return c.body(sub)
}

// body executes a graph whose inputs are set and returns its outputs.
func (c *call) body(sub *frame) []*Value {
	names := sub.plan.outputs()
	c.run.depth++
	if c.run.depth > maxDepth {
		c.fail("%w: graphs and functions lie more than %d deep in each other", onnx.ErrUnsupported, maxDepth)
	}
	for _, v := range sub.values {
		c.run.hold(v)
	}
	c.check(sub.evaluate(names))
	out := make([]*Value, len(names))
	for i, name := range names {
		v, err := sub.get(name)
		c.check(err)
		out[i] = v
		c.run.hold(v)
	}
	for _, v := range sub.values {
		c.run.release(v)
	}
	for _, v := range out {
		c.adopt(v)
	}
	c.run.depth--
	return out
}

// adopt makes memory of a body that has ended memory of the call.
func (c *call) adopt(v *Value) {
	if v == nil {
		return
	}
	if v.buf != nil {
		if v.buf.refs--; v.buf.refs == 0 {
			c.made = append(c.made, v.buf)
		}
	}
	for _, e := range v.List {
		c.adopt(e)
	}
}

// graph executes a sub-graph of the node on inputs.
func (c *call) graph(name string, inputs []*Value) []*Value {
	pl := c.step.subs[name]
	if pl == nil {
		c.fail("attribute %s is missing", name)
	}
	if len(inputs) != len(pl.graph.Inputs) {
		c.fail("graph %s has %d inputs, %d are given", name, len(pl.graph.Inputs), len(inputs))
	}
	sub := &frame{run: c.run, plan: pl, outer: c.frame, values: make(map[string]*Value), attrs: c.frame.attrs}
	for i, in := range pl.graph.Inputs {
		sub.values[in.Name] = inputs[i]
	}
	return c.body(sub)
}

// rounded is v with FLOAT16 and BFLOAT16 elements on their grid.
func rounded(v *Value) *Value {
	if !v.loose {
		return v
	}
	w := &Value{Type: v.Type, Dims: v.Dims, F: make([]float32, len(v.F)), buf: v.buf}
	roundTo(v.Type, w.F, v.F)
	return w
}

// roundTo rounds to the nearest value of a 16-bit type.
func roundTo(t onnx.Type, dst, src []float32) {
	for i, x := range src {
		if t == onnx.Float16 {
			dst[i] = quant.F16ToF32(quant.F32ToF16(x))
		} else {
			dst[i] = quant.BF16ToF32(quant.F32ToBF16(x))
		}
	}
}
