package onnx

import "fmt"

// Check looks at all graphs: every name that is read is defined before, every
// name is defined once, and no value depends on itself.
func (m *Model) Check() error {
	c := checker{m: m}
	roots := []*Graph{m.Graph}
	for _, f := range m.Functions {
		roots = append(roots, f.Body)
	}
	for _, t := range m.Training {
		// A training graph sees the initializers of the main one.
		for _, g := range []*Graph{t.Initialization, t.Algorithm} {
			if g != nil {
				roots = append(roots, g)
			}
		}
	}
	for i, g := range roots {
		var outer *scope
		if i > len(m.Functions) {
			outer = initializers(m.Graph)
		}
		if err := c.graph(g, outer); err != nil {
			return err
		}
	}
	return nil
}

// scope is the names that are defined so far in a graph and those around it.
type scope struct {
	outer *scope
	names map[string]bool
}

func (s *scope) has(name string) bool {
	for ; s != nil; s = s.outer {
		if s.names[name] {
			return true
		}
	}
	return false
}

// initializers are the names that a graph has before its first node.
func initializers(g *Graph) *scope {
	s := &scope{names: make(map[string]bool)}
	for _, t := range g.Initializers {
		s.names[t.Name] = true
	}
	for _, x := range g.Sparse {
		s.names[x.Values.Name] = true
	}
	return s
}

type checker struct{ m *Model }

func (c *checker) errorf(at Span, format string, args ...any) error {
	return &Error{File: c.m.path, Offset: at.Start, Field: c.m.where(at), Err: malformed(format, args...)}
}

func (c *checker) graph(g *Graph, outer *scope) error {
	s := initializers(g)
	s.outer = outer
	if len(s.names) < len(g.Initializers)+len(g.Sparse) {
		return c.errorf(g.Span, "two initializers have the same name")
	}
	inputs := make(map[string]bool, len(g.Inputs))
	for _, in := range g.Inputs {
		if inputs[in.Name] {
			return c.errorf(g.Span, "input %s occurs twice", short(in.Name))
		}
		inputs[in.Name], s.names[in.Name] = true, true
	}
	for _, n := range g.Nodes {
		if err := c.node(n, s); err != nil {
			return err
		}
	}
	for _, out := range g.Outputs {
		if !s.has(out.Name) {
			return c.errorf(out.Span, "output %s is not defined", short(out.Name))
		}
	}
	return nil
}

func (c *checker) node(n *Node, s *scope) error {
	for _, name := range n.Inputs {
		if name != "" && !s.has(name) {
			return c.undefined(n, name)
		}
	}
	for _, a := range n.Attrs {
		for _, sub := range a.Graphs {
			if err := c.graph(sub, s); err != nil {
				return err
			}
		}
	}
	for _, name := range n.Outputs {
		if name != "" && s.names[name] {
			return c.errorf(n.Span, "%s is defined twice", short(name))
		}
		s.names[name] = true
	}
	return nil
}

// undefined tells why a name is not there yet: it never comes, it comes later, or
// it depends on the node itself.
func (c *checker) undefined(n *Node, name string) error {
	at := n.Span
	for g := n.Graph; g != nil; g = n.Graph {
		for _, later := range g.Nodes {
			for _, out := range later.Outputs {
				if out != name {
					continue
				}
				if _, err := g.Sorted(); err != nil {
					return err
				}
				return c.errorf(at, "input %s is made by a later node", short(name))
			}
		}
		if g.Owner == nil {
			break
		}
		n = g.Owner
	}
	return c.errorf(at, "input %s is not defined", short(name))
}

// Sorted returns the nodes in an order in which every value is made before it is
// read: the file's own where that does. It fails if nodes depend on one another
// in a circle.
func (g *Graph) Sorted() ([]*Node, error) {
	maker := make(map[string]int)
	for i, n := range g.Nodes {
		for _, out := range n.Outputs {
			if _, ok := maker[out]; !ok && out != "" {
				maker[out] = i
			}
		}
	}
	const open, busy, done = 0, 1, 2
	state := make([]uint8, len(g.Nodes))
	needs := make([][]int, len(g.Nodes))
	out := make([]*Node, 0, len(g.Nodes))
	var stack []int
	for root := range g.Nodes {
		if state[root] == open {
			stack = append(stack, root)
		}
		for len(stack) > 0 {
			i := stack[len(stack)-1]
			if state[i] == open {
				state[i] = busy
				needs[i] = g.Nodes[i].needs(maker)
			}
			if len(needs[i]) == 0 {
				state[i] = done
				out = append(out, g.Nodes[i])
				stack = stack[:len(stack)-1]
				continue
			}
			next := needs[i][0]
			needs[i] = needs[i][1:]
			switch state[next] {
			case open:
				stack = append(stack, next)
			case busy:
				n := g.Nodes[next]
				return nil, &Error{File: g.m.path, Offset: n.Span.Start, Field: g.m.where(n.Span), Err: malformed("%s depends on itself", n.label())}
			}
		}
	}
	return out, nil
}

// needs lists the nodes of the same graph that make what n reads, in sub-graphs as
// well.
func (n *Node) needs(maker map[string]int) []int {
	var list []int
	seen := make(map[int]bool)
	add := func(name string) {
		if i, ok := maker[name]; ok && name != "" && !seen[i] {
			seen[i] = true
			list = append(list, i)
		}
	}
	for _, name := range n.Inputs {
		add(name)
	}
	for _, a := range n.Attrs {
		for _, sub := range a.Graphs {
			sub.captures(add)
		}
	}
	return list
}

// captures calls add for the names that a graph reads from those around it.
func (g *Graph) captures(add func(string)) {
	own := make(map[string]bool)
	for _, in := range g.Inputs {
		own[in.Name] = true
	}
	for name := range initializers(g).names {
		own[name] = true
	}
	for _, n := range g.Nodes {
		for _, out := range n.Outputs {
			own[out] = true
		}
	}
	outside := func(name string) {
		if !own[name] {
			add(name)
		}
	}
	for _, n := range g.Nodes {
		for _, name := range n.Inputs {
			outside(name)
		}
		for _, a := range n.Attrs {
			for _, sub := range a.Graphs {
				sub.captures(outside)
			}
		}
	}
	for _, out := range g.Outputs {
		outside(out.Name)
	}
}

func (n *Node) label() string {
	if n.Name != "" {
		return fmt.Sprintf("%s node %s", short(n.Op), short(n.Name))
	}
	return short(n.Op) + " node"
}
