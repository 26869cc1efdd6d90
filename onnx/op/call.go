package op

import (
	"fmt"
	"math/bits"

	"github.com/detox-surgery/detox-surgery/onnx"
)

// kernel computes the outputs of a node; one that the node does not name may be
// nil. It leaves by call.fail where the inputs do not fit.
type kernel func(c *call) []*Value

// call is one execution of a node.
type call struct {
	run     *run
	frame   *frame
	step    *step
	node    *onnx.Node
	version int64 // of the operator's definition: the largest that the opset has
	in      []*Value
	made    []*buffer
}

// buffer is memory that a run has allocated, shared by the values that show it.
type buffer struct {
	bytes int64
	refs  int
}

// failure is what fail panics with.
type failure struct{ err error }

func (c *call) fail(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }

func (c *call) check(err error) {
	if err != nil {
		panic(failure{err})
	}
}

// one is the result of a node with one output.
func one(v *Value) []*Value { return []*Value{v} }

// has reports whether input i is there.
func (c *call) has(i int) bool { return i < len(c.in) && c.in[i] != nil }

// opt is input i, nil if it is left out.
func (c *call) opt(i int) *Value {
	if i < len(c.in) {
		return c.in[i]
	}
	return nil
}

// arg is input i, which must be a tensor.
func (c *call) arg(i int) *Value {
	v := c.opt(i)
	switch {
	case v == nil:
		c.fail("input %d is missing", i)
	case v.sequence:
		c.fail("input %d is a sequence", i)
	}
	return v
}

// floats is input i, whose type must be a float type.
func (c *call) floats(i int) *Value {
	v := c.arg(i)
	if !v.Type.IsFloat() {
		c.fail("input %d is %v, not a float type", i, v.Type)
	}
	return v
}

// optFloats is input i as floats, nil if it is left out.
func (c *call) optFloats(i int) *Value {
	if !c.has(i) {
		return nil
	}
	return c.floats(i)
}

// integers is the elements of a tensor of integers or bools.
func (c *call) integers(v *Value) []int64 {
	if !v.Type.IsInteger() || v.sequence {
		c.fail("%v is not an integer type", v.Type)
	}
	if storeOf(v.Type) == inI {
		return v.I
	}
	out := c.int64s(len(v.b))
	for i, b := range v.b {
		out[i] = fromByte(v.Type, b)
	}
	return out
}

// list is input i as a list of integers, nil if it is left out.
func (c *call) list(i int) []int64 {
	if !c.has(i) {
		return nil
	}
	return c.integers(c.arg(i))
}

// scalar is the only element of an integer input.
func (c *call) scalar(i int) int64 {
	x := c.integers(c.arg(i))
	if len(x) != 1 {
		c.fail("input %d has %d elements, 1 expected", i, len(x))
	}
	return x[0]
}

// number is the only element of an input of any number type.
func (c *call) number(i int) float32 {
	v := c.arg(i)
	if v.Len() != 1 {
		c.fail("input %d has %d elements, 1 expected", i, v.Len())
	}
	if v.Type.IsFloat() {
		return v.F[0]
	}
	return float32(c.integers(v)[0])
}

// fromIntegers makes a tensor of an integer type; x is wrapped to its range.
func (c *call) fromIntegers(t onnx.Type, dims []int, x []int64) *Value {
	v := c.alloc(t, dims)
	if storeOf(t) == inI {
		for i, x := range x {
			v.I[i] = wrap(t, x)
		}
		return v
	}
	for i, x := range x {
		v.b[i] = byte(wrap(t, x))
	}
	return v
}

// same fails unless the values have one type.
func (c *call) same(vs ...*Value) {
	for _, v := range vs[1:] {
		if v.Type != vs[0].Type {
			c.fail("inputs of types %v and %v", vs[0].Type, v.Type)
		}
	}
}

// count is the number of elements of dimensions that come from the model or its
// inputs: negative ones and products beyond all memory are refused.
func (c *call) count(dims []int) int {
	n, empty := uint64(1), false
	for _, d := range dims {
		if d < 0 {
			c.fail("dimension %d is negative", d)
		}
		if d == 0 {
			empty = true
			continue
		}
		hi, lo := bits.Mul64(n, uint64(d))
		if hi != 0 || lo > uint64(c.run.limit) {
			panic(failure{fmt.Errorf("%w: dimensions %v", ErrMemory, dims)})
		}
		n = lo
	}
	if empty {
		if n > maxEmpty {
			c.fail("dimensions %v of no elements", dims)
		}
		return 0
	}
	return int(n)
}

// int64s makes integers for the time of the call.
func (c *call) int64s(n int) []int64 {
	c.reserve(8 * int64(n))
	return make([]int64, n)
}

// tick counts a step of the run.
func (c *call) tick() {
	if c.run.steps++; c.run.steps > c.run.p.o.MaxSteps {
		c.fail("%w: the run takes more than %d steps", onnx.ErrUnsupported, c.run.p.o.MaxSteps)
	}
}

// alloc makes a tensor of zeros within the bounds of the run.
func (c *call) alloc(t onnx.Type, dims []int) *Value {
	s := storeOf(t)
	if s == noStore {
		c.fail("elements of %v are not supported", t)
	}
	n := c.count(dims)
	v := &Value{Type: t, Dims: dims, buf: c.reserve(int64(n)*elementBytes[s] + valueBytes)}
	v.make(n)
	return v
}

// scratch makes floats for the time of the call.
func (c *call) scratch(dims ...int) []float32 { return c.alloc(onnx.Float, dims).F }

// reserve counts bytes as used until the call, or a value of it, is over.
func (c *call) reserve(n int64) *buffer {
	if n > c.run.limit-c.run.live {
		panic(failure{fmt.Errorf("%w: %d bytes asked for, %d of %d in use", ErrMemory, n, c.run.live, c.run.limit)})
	}
	c.run.live += n
	b := &buffer{bytes: n}
	c.made = append(c.made, b)
	return b
}

// wants reports whether output i is named by the node.
func (c *call) wants(i int) bool { return i < len(c.node.Outputs) && c.node.Outputs[i] != "" }

// axis makes an axis of a tensor of that rank count from 0.
func (c *call) axis(a int64, rank int) int {
	if a < -int64(rank) || a >= int64(rank) {
		c.fail("axis %d of a tensor with %d dimensions", a, rank)
	}
	if a < 0 {
		a += int64(rank)
	}
	return int(a)
}

// dims makes dimensions of integers.
func (c *call) dims(x []int64) []int {
	out := make([]int, len(x))
	for i, d := range x {
		if d < 0 || d > c.run.limit {
			c.fail("dimension %d", d)
		}
		out[i] = int(d)
	}
	return out
}

// do runs tasks on the pool.
func (c *call) do(n int, f func(task int)) {
	c.run.p.o.Pool.Do(n, func(task, _ int) { f(task) })
}

// chunkSize is how many elements a task of chunks has.
const chunkSize = 1 << 14

// chunks runs f over the ranges of n elements on the pool.
func (c *call) chunks(n int, f func(lo, hi int)) {
	if n <= chunkSize {
		f(0, n)
		return
	}
	c.do((n+chunkSize-1)/chunkSize, func(task int) { f(task*chunkSize, min((task+1)*chunkSize, n)) })
}

// rows runs f over n rows of some elements each.
func (c *call) rows(n, size int, f func(row int)) {
	per := max(1, chunkSize/max(1, size))
	tasks := (n + per - 1) / per
	if tasks <= 1 {
		for r := range n {
			f(r)
		}
		return
	}
	c.do(tasks, func(task int) {
		for r := task * per; r < min((task+1)*per, n); r++ {
			f(r)
		}
	})
}

// attribute decodes an attribute, looking up those of functions; nil if it is
// left out.
func (c *call) attribute(name string) any {
	a := c.node.Attr(name)
	if a != nil && a.Ref != "" {
		a = c.frame.attrs[a.Ref]
	}
	if a == nil {
		return nil
	}
	v, err := a.Value()
	c.check(err)
	return v
}

func attributeAs[T any](c *call, name string, fallback T) T {
	v := c.attribute(name)
	if v == nil {
		return fallback
	}
	t, ok := v.(T)
	if !ok {
		c.fail("attribute %s is of another type", name)
	}
	return t
}

func (c *call) int(name string, fallback int64) int64 { return attributeAs(c, name, fallback) }

func (c *call) flag(name string) bool { return c.int(name, 0) != 0 }

func (c *call) float(name string, fallback float32) float32 { return attributeAs(c, name, fallback) }

func (c *call) str(name, fallback string) string { return attributeAs(c, name, fallback) }

func (c *call) ints(name string) []int64 { return attributeAs[[]int64](c, name, nil) }

// need is an integer attribute that has no default.
func (c *call) need(name string) int64 {
	if c.attribute(name) == nil {
		c.fail("attribute %s is missing", name)
	}
	return c.int(name, 0)
}

// size is an integer attribute that must be between 1 and hi.
func (c *call) size(name string, fallback, hi int64) int {
	n := c.int(name, fallback)
	if n < 1 || n > hi {
		c.fail("attribute %s is %d", name, n)
	}
	return int(n)
}

// axes is the list of axes that definitions since a version have as an input and
// older ones as an attribute; nil if it is left out.
func (c *call) axes(input int, since int64) []int64 {
	if c.version >= since {
		return c.list(input)
	}
	return c.ints("axes")
}
