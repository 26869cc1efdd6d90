package model

import "github.com/detox-surgery/detox-surgery/train/nn"

// prepare makes what the forward pass needs of keys and tensors together.
func (m *Model) prepare() {
	c := &m.cfg
	if m.arch.learnedPositions {
		return
	}
	factors := func(k Kind) []float32 {
		if h := m.at(Role{Kind: k}); h != nil {
			return h.vector
		}
		return nil
	}
	m.local = m.turn(c.RopeBaseLocal, c.RopeScaleLocal, nil)
	short, long := factors(RopeShort), factors(RopeLong)
	if f := factors(RopeFreqs); f != nil {
		short, long = f, nil
	}
	m.rotation = m.turn(c.RopeBase, c.RopeScale, short)
	m.long = m.rotation
	if long != nil {
		m.long = m.turn(c.RopeBase, c.RopeScale, long)
	}
}

// turn makes a rotation of the model; factors divide its frequencies.
func (m *Model) turn(base, scale float32, factors []float32) *nn.Rotation {
	c := &m.cfg
	r := &nn.Rotation{HeadDim: c.HeadDim, Dim: c.RopeDim, Base: base, Scale: scale, Factors: factors, Magnitude: c.RopeMagnitude, NeoX: m.arch.neox}
	if c.RopeYaRN {
		r.Factors = yarnFactors(c.RopeDim, c.RopeOriginal, base, scale, factors)
		r.Magnitude *= float32(yarnMagnitude(scale))
		r.Scale = 1
	}
	return r
}

// rotationFor is the rotation of blocks without a window in a pass for sequences of up to
// n tokens. Where the file has factors for contexts longer than the original one, all
// sequences of a pass turn by them if n is beyond it: llama.cpp asks the same of the size
// of its context, transformers of the sequence.
func (m *Model) rotationFor(n int) *nn.Rotation {
	if n > m.cfg.RopeOriginal {
		return m.long
	}
	return m.rotation
}
