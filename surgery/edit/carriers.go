package edit

import (
	"slices"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

// NewCarriers binds trained moves of a tensor's carriers, scales first, then the
// minimums if it has any, to that tensor. Parameters are copied.
func NewCarriers(t *gguf.Tensor, ps []*nn.Param) *Carriers {
	c := &Carriers{Type: t.Type, Grid: hashBytes(t.Raw()), Scale: slices.Clone(ps[0].X)}
	if len(ps) > 1 {
		c.Min = slices.Clone(ps[1].X)
	}
	return c
}
