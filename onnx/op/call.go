package op

import (
	"fmt"

	"github.com/detox-surgery/detox-surgery/onnx"
	"github.com/detox-surgery/detox-surgery/simd"
)

// Call is what an operator is run with. Its methods remember the first error, which
// the run reports.
type Call struct {
	Node *onnx.Node
	In   []*Value // nil where an optional input is left out
	Pool *simd.Pool

	run   *run
	scope *scope
	err   error
}

// in is input i, nil if it is left out.
func (c *Call) in(i int) *Value {
	if i < len(c.In) {
		return c.In[i]
	}
	return nil
}

// has reports whether input i is there.
func (c *Call) has(i int) bool { return c.in(i) != nil }

func (c *Call) fail(err error) {
	if c.err == nil && err != nil {
		c.err = err
	}
}

// need checks that the first n inputs are there.
func (c *Call) need(n int) error {
	for i := range n {
		if !c.has(i) {
			return fmt.Errorf("input %d is missing", i)
		}
	}
	return nil
}

// attr finds an attribute: the node's own, or what a function's call gives for it.
func (c *Call) attr(name string) *onnx.Attr {
	a := c.Node.Attr(name)
	for s := c.scope; a != nil && a.Ref != "" && s != nil; s = s.outer {
		if s.attrs == nil {
			continue
		}
		ref := a.Ref
		if a = s.attrs.Attr(ref); a == nil {
			for _, d := range s.fn.Defaults {
				if d.Name == ref {
					a = d
				}
			}
		}
	}
	return a
}

func value[T any](c *Call, name string, fallback T) T {
	a := c.attr(name)
	if a == nil {
		return fallback
	}
	v, err := a.Value()
	c.fail(err)
	t, ok := v.(T)
	if !ok {
		if err == nil && v != nil {
			c.fail(fmt.Errorf("attribute %s is of another type", name))
		}
		return fallback
	}
	return t
}

func (c *Call) int(name string, fallback int) int {
	v := value(c, name, int64(fallback))
	if v > maxElements || v < -maxElements {
		c.fail(fmt.Errorf("attribute %s is %d", name, v))
		return fallback
	}
	return int(v)
}

func (c *Call) float(name string, fallback float32) float32 { return value(c, name, fallback) }
func (c *Call) str(name, fallback string) string            { return value(c, name, fallback) }

// ints is a list of integers, nil if there is none.
func (c *Call) ints(name string) []int { return small(value[[]int64](c, name, nil)) }

// small brings integers into the range of what dimensions and indices can be.
func small(x []int64) []int {
	if x == nil {
		return nil
	}
	out := make([]int, len(x))
	for i, v := range x {
		out[i] = int(min(max(v, -maxElements), maxElements))
	}
	return out
}

// list is an attribute, or, since a later opset, an input of integers.
func (c *Call) list(attr string, input int) []int {
	if v := c.in(input); v != nil {
		return small(v.I)
	}
	return c.ints(attr)
}

// opset is the version of the node's domain.
func (c *Call) opset() int64 {
	if f := c.scope.function(); f != nil {
		for _, o := range f.Opsets {
			if key(o.Domain, "") == key(c.Node.Domain, "") {
				return o.Version
			}
		}
	}
	return c.run.p.m.Opset(c.Node.Domain)
}

func (s *scope) function() *onnx.Function {
	for ; s != nil; s = s.outer {
		if s.fn != nil {
			return s.fn
		}
	}
	return nil
}

// axis is a dimension's index from the end or the front.
func axis(a, rank int) (int, error) {
	if a < 0 {
		a += rank
	}
	if a < 0 || a >= rank {
		return 0, fmt.Errorf("axis %d of a tensor with %d dimensions", a, rank)
	}
	return a, nil
}

// one is the result of an operator with one output.
func one(v *Value, err error) ([]*Value, error) {
	if err != nil {
		return nil, err
	}
	return []*Value{v}, nil
}
