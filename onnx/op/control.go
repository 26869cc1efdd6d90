package op

import (
	"slices"

	"github.com/detox-surgery/detox-surgery/onnx"
)

// truth is input i as a condition.
func (c *call) truth(v *Value) bool {
	if v == nil || v.Type != onnx.Bool || len(v.b) != 1 {
		c.fail("the condition is not one BOOL")
	}
	return v.b[0] != 0
}

func ifElse(c *call) []*Value {
	if c.truth(c.arg(0)) {
		return c.graph("then_branch", nil)
	}
	return c.graph("else_branch", nil)
}

// loopBody runs the body up to a number of times and while its condition holds. Its
// first results are carried on, the others are stacked.
func loopBody(c *call) []*Value {
	trips := int64(1) << 62
	if c.has(0) {
		trips = c.scalar(0)
	}
	goOn := true
	if c.has(1) {
		goOn = c.truth(c.arg(1))
	}
	state := slices.Clone(c.in[min(2, len(c.in)):])
	stacked := make([][]*Value, max(0, len(c.node.Outputs)-len(state)))
	for i := int64(0); i < trips && goOn; i++ {
		c.tick()
		out := c.graph("body", append([]*Value{Ints(nil, []int64{i}), {Type: onnx.Bool, b: []byte{bit(goOn)}}}, state...))
		if len(out) != 1+len(state)+len(stacked) {
			c.fail("the body has %d outputs, %d expected", len(out), 1+len(state)+len(stacked))
		}
		goOn = c.truth(out[0])
		copy(state, out[1:])
		for k, v := range out[1+len(state):] {
			c.reserve(valueBytes)
			stacked[k] = append(stacked[k], v)
		}
	}
	return append(state, c.stackAll(stacked, nil, nil)...)
}

// stackAll makes a tensor of each list of results, along an axis each and turned
// around where that is asked for.
func (c *call) stackAll(lists [][]*Value, axes, reversed []int64) []*Value {
	out := make([]*Value, len(lists))
	for k, list := range lists {
		axis := int64(0)
		if k < len(axes) {
			axis = axes[k]
		}
		if k < len(reversed) && reversed[k] != 0 {
			slices.Reverse(list)
		}
		out[k] = c.stacked(list, axis)
	}
	return out
}

func (c *call) stacked(list []*Value, axis int64) *Value {
	if len(list) == 0 {
		return c.alloc(onnx.Float, []int{0})
	}
	parts := make([]*Value, len(list))
	for i, v := range list {
		k := c.axis(axis, len(v.Dims)+1)
		parts[i] = rounded(v).sharing(slices.Insert(slices.Clone(v.Dims), k, 1))
	}
	return c.joined(parts, int64(c.axis(axis, len(parts[0].Dims))))
}

// scan runs the body for every slice of its last inputs.
func scan(c *call) []*Value {
	n := int(c.need("num_scan_inputs"))
	if n < 1 || n > len(c.in) {
		c.fail("%d scanned inputs of %d", n, len(c.in))
	}
	state := slices.Clone(c.in[:len(c.in)-n])
	if len(c.node.Outputs) < len(state) {
		c.fail("%d outputs", len(c.node.Outputs))
	}
	axes, turned := c.ints("scan_input_axes"), c.ints("scan_input_directions")
	ins := make([][]*Value, n)
	steps := -1
	for k := range ins {
		x := c.arg(len(state) + k)
		axis := int64(0)
		if k < len(axes) {
			axis = axes[k]
		}
		a := c.axis(axis, len(x.Dims))
		if d := x.Dims[a]; steps >= 0 && d != steps {
			c.fail("scans of %d and %d steps", steps, d)
		}
		steps = x.Dims[a]
		ins[k] = c.slices(x, a)
		if k < len(turned) && turned[k] != 0 {
			slices.Reverse(ins[k])
		}
	}
	stacked := make([][]*Value, len(c.node.Outputs)-len(state))
	for i := range steps {
		c.tick()
		args := slices.Clone(state)
		for k := range ins {
			args = append(args, ins[k][i])
		}
		out := c.graph("body", args)
		if len(out) != len(state)+len(stacked) {
			c.fail("the body has %d outputs, %d expected", len(out), len(state)+len(stacked))
		}
		copy(state, out)
		for k, v := range out[len(state):] {
			c.reserve(valueBytes)
			stacked[k] = append(stacked[k], v)
		}
	}
	return append(state, c.stackAll(stacked, c.ints("scan_output_axes"), c.ints("scan_output_directions"))...)
}

// slices cuts a tensor into its slices of axis k.
func (c *call) slices(x *Value, k int) []*Value {
	ones := make([]int, x.Dims[k])
	for i := range ones {
		ones[i] = 1
	}
	out := c.parts(x, k, ones)
	for i, v := range out {
		out[i] = v.sharing(slices.Delete(slices.Clone(v.Dims), k, k+1))
	}
	return out
}
