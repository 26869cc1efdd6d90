package op

import (
	"slices"

	"github.com/detox-surgery/detox-surgery/onnx"
)

// sequenceOf is a sequence of tensors, which share their type.
func sequenceOf(t onnx.Type, list []*Value) *Value {
	return &Value{Type: t, List: list, sequence: true}
}

// sequence is the first input, which must be one.
func (c *call) sequence() *Value {
	v := c.opt(0)
	if v == nil || !v.sequence {
		c.fail("the first input is not a sequence")
	}
	return v
}

func sequenceConstruct(c *call) []*Value {
	for i := range c.in {
		c.same(c.arg(0), c.arg(i))
	}
	return one(sequenceOf(c.arg(0).Type, slices.Clone(c.in)))
}

func sequenceEmpty(c *call) []*Value {
	return one(sequenceOf(onnx.Type(c.int("dtype", int64(onnx.Float))), nil))
}

func sequenceLength(c *call) []*Value { return one(Ints(nil, []int64{int64(len(c.sequence().List))})) }

func sequenceAt(c *call) []*Value {
	list := c.sequence().List
	return one(list[c.index(c.scalar(1), len(list))])
}

func sequenceInsert(c *call) []*Value {
	s, v := c.sequence(), c.arg(1)
	c.same(s, v)
	at := len(s.List)
	if c.has(2) {
		if p := c.scalar(2); p != int64(at) {
			at = c.index(p, at)
		}
	}
	return one(sequenceOf(s.Type, slices.Insert(slices.Clone(s.List), at, v)))
}

func sequenceErase(c *call) []*Value {
	s := c.sequence()
	at := int64(-1)
	if c.has(1) {
		at = c.scalar(1)
	}
	i := c.index(at, len(s.List))
	return one(sequenceOf(s.Type, slices.Delete(slices.Clone(s.List), i, i+1)))
}

// splitToSequence cuts along an axis into parts of given sizes, of one size, of which
// the last may be smaller, or into slices.
func splitToSequence(c *call) []*Value {
	x := c.arg(0)
	k := c.axis(c.int("axis", 0), len(x.Dims))
	if !c.has(1) {
		list := c.slices(x, k)
		if c.int("keepdims", 1) != 0 {
			for i, v := range list {
				list[i] = v.sharing(slices.Insert(slices.Clone(v.Dims), k, 1))
			}
		}
		return one(sequenceOf(x.Type, list))
	}
	sizes := c.dims(c.integers(c.arg(1)))
	if len(c.arg(1).Dims) == 0 {
		n := sizes[0]
		if n < 1 {
			c.fail("parts of %d", n)
		}
		sizes = nil
		for left := x.Dims[k]; left > 0; left -= n {
			sizes = append(sizes, min(n, left))
		}
	}
	return one(sequenceOf(x.Type, c.parts(x, k, sizes)))
}

func concatFromSequence(c *call) []*Value {
	s := c.sequence()
	if c.flag("new_axis") {
		return one(c.stacked(s.List, c.need("axis")))
	}
	return one(c.joined(s.List, c.need("axis")))
}
