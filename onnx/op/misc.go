package op

import "github.com/detox-surgery/detox-surgery/onnx"

// dropout does nothing outside of training; its mask is true.
func dropout(c *call) []*Value {
	x := c.arg(0)
	if c.has(2) && c.truth(c.arg(2)) && !(c.has(1) && c.number(1) == 0) {
		c.fail("%w: training mode", onnx.ErrUnsupported)
	}
	if !c.wants(1) {
		return one(x)
	}
	mask := c.alloc(onnx.Bool, x.Dims)
	for i := range mask.b {
		mask.b[i] = bit(c.version >= 12) // before, nothing is said of it
	}
	return []*Value{x, mask}
}
