package model

import "github.com/detox-surgery/detox-surgery/train/nn"

// prepare makes what the forward pass needs of keys and tensors together.
func (m *Model) prepare() {
	c := &m.cfg
	if m.arch.learnedPositions {
		return
	}
	r := nn.Rotation{HeadDim: c.HeadDim, Dim: c.RopeDim, Base: c.RopeBase, Scale: c.RopeScale, Magnitude: c.RopeMagnitude, NeoX: m.arch.neox}
	local := r
	local.Base, local.Scale = c.RopeBaseLocal, 1
	if h := m.at(Role{Kind: RopeFreqs}); h != nil {
		r.Factors = h.vector
	}
	// llama.cpp takes RopeLong where its context is longer than the original one
	// (4,096 tokens or more), which no pass here is.
	if h := m.at(Role{Kind: RopeShort}); h != nil {
		r.Factors = h.vector
	}
	m.rotation, m.local = &r, &local
}
