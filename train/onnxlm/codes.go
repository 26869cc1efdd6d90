package onnxlm

import (
	"errors"

	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/onnx"
)

// codes is a matrix of integer codes with scales and zero points beside it, as
// DequantizeLinear and MatMulInteger read them.
type codes struct {
	data        *onnx.Tensor
	scale, zero string // constants; zero may be empty
	inFirst     bool   // data is [K, N], not [N, K]
	axis        int    // that scales run along; -1: one scale for all
	block       int    // codes along axis for each scale; 0: one
}

func (g *graph) dequantized(n *onnx.Node, inFirst bool) *weight {
	axis, err1 := n.Int("axis", 1)
	block, err2 := n.Int("block_size", 0)
	data := g.tensors[n.Inputs[0]]
	if err1 != nil || err2 != nil || data == nil || len(data.Dims) != 2 || len(n.Inputs) < 2 || block < 0 || block > 1<<20 {
		return nil
	}
	if axis < 0 {
		axis += 2
	}
	scale := g.constant(n.Inputs[1])
	if scale == nil || axis != 0 && axis != 1 {
		return nil
	}
	c := &codes{data: data, scale: n.Inputs[1], zero: at(n.Inputs, 2), inFirst: inFirst, axis: int(axis), block: int(block)}
	if len(scale.F) == 1 {
		c.axis, c.block = -1, 0
	}
	return g.codesWeight(c)
}

// codesWeight is the weight of codes; nil where scales go another way than weights of
// models do.
func (g *graph) codesWeight(c *codes) *weight {
	t := c.data
	if t == nil || len(t.Dims) != 2 || t.Dims[0] < 1 || t.Dims[1] < 1 || t.Storage == onnx.NoData {
		return nil
	}
	switch t.Type {
	case onnx.Int8, onnx.Uint8, onnx.Int4, onnx.Uint4, onnx.Int2, onnx.Uint2:
	default:
		return nil
	}
	scale := g.constant(c.scale)
	if scale == nil || len(scale.F) == 0 {
		return nil
	}
	p := &packed{scales: g.tensors[c.scale], data: t, bits: t.Type.Bits(), n: int(t.Dims[0]), k: int(t.Dims[1]), inFirst: c.inFirst}
	if c.inFirst {
		p.n, p.k = p.k, p.n
	}
	if t.Type == onnx.Int8 || t.Type == onnx.Int4 || t.Type == onnx.Int2 {
		p.bias = 1 << (p.bits - 1)
	}
	if !p.layout(c, len(scale.F)) {
		return nil
	}
	p.scale = scale.F
	if c.zero != "" {
		z := g.constant(c.zero)
		if z == nil || len(z.I) != len(scale.F) && len(z.I) != 1 {
			return nil
		}
		p.zero = make([]float32, len(scale.F))
		for i := range p.zero {
			p.zero[i] = float32(z.I[i%len(z.I)] + int64(p.bias))
		}
	}
	return p.weight()
}

// layout finds out which scale a weight has: index = row*perRow + block*perBlock.
func (p *packed) layout(c *codes, scales int) bool {
	in, out := 1, 0 // axes of K and N in data
	if c.inFirst {
		in, out = 0, 1
	}
	switch {
	case c.axis < 0:
		p.run, p.shared = p.k, true
		return scales == 1
	case c.axis == out && c.block == 0:
		p.run, p.perRow, p.shared = p.k, 1, true
		return scales == p.n
	case c.axis == in && c.block > 0 && p.k%c.block == 0:
		p.run = c.block
		if p.perRow, p.perBlock = p.k/c.block, 1; c.inFirst {
			p.perRow, p.perBlock = 1, p.n
		}
		return scales == p.n*(p.k/c.block)
	}
	return false
}

// packed is a matrix of codes in ONNX tensors.
type packed struct {
	data, scales, zeros *onnx.Tensor // zeros: where float zero points are to be written
	n, k, bits, bias    int          // code as stored + bias is not negative
	inFirst             bool
	padded              int // K with the padding of MatMulNBits; 0: k
	run                 int // weights along K for each scale
	perRow, perBlock    int // index of a scale = row*perRow + run*perBlock
	shared              bool
	floatZero           bool
	scale, zero         []float32 // zero: nil: half of the range
}

// weight is the matrix as a scaled type.
func (p *packed) weight() *weight {
	block, err := blockOf(p.k, p.run)
	if err != nil {
		return nil
	}
	s := quant.Scaled{Bits: p.bits, Block: block, Shared: p.shared || block != p.run, Scale: quant.F32}
	switch {
	case p.zero == nil && p.bias == 0 && p.padded == 0: // DequantizeLinear of unsigned codes
		p.zero = make([]float32, len(p.scale))
		s.Zero = quant.IntZero
	case p.floatZero:
		s.Zero = quant.FloatZero
	case p.zero != nil:
		s.Zero = quant.IntZero
	}
	if p.scales == nil { // computed in the graph: nothing to write to
		s.Shared = true
	} else if t, ok := floatTypes[p.scales.Type]; ok {
		s.Scale = t
	}
	typ, ok := quant.ScaledType(s)
	if !ok {
		return nil
	}
	form := p.data.Type.String()
	if p.padded > 0 {
		form = "packed"
	}
	return &weight{
		n: p.n, k: p.k, typ: typ, main: p.data, form: form,
		read:  func() ([]byte, error) { return p.read(typ, block) },
		write: func(raw []byte) (map[*onnx.Tensor][]byte, error) { return p.write(raw, typ, block) },
	}
}

// at is the index of the code of weight (r, c).
func (p *packed) at(r, c int) int {
	switch {
	case p.inFirst:
		return c*p.n + r
	case p.padded > 0:
		return r*p.padded + c
	}
	return r*p.k + c
}

func (p *packed) read(typ quant.Type, block int) ([]byte, error) {
	data, err := p.data.Raw()
	if err != nil {
		return nil, err
	}
	get := p.getter(data)
	size := typ.Bytes()
	out := make([]byte, p.n*typ.RowBytes(p.k))
	for i := range out[:len(out)/size] {
		b := out[i*size : (i+1)*size]
		r, c := i*block/p.k, i*block%p.k
		at := r*p.perRow + c/p.run*p.perBlock
		zero := float32(int(1) << (p.bits - 1))
		if p.zero != nil {
			zero = p.zero[at]
		}
		quant.PutScaled(b, p.scale[at], zero)
		_, _, codes := quant.ScaledBlock(b)
		for j := range codes {
			codes[j] = get(p.at(r, c+j))
		}
	}
	return out, nil
}

// getter reads codes, counted so that they are not negative.
func (p *packed) getter(data []byte) func(i int) byte {
	if p.bits == 8 {
		return func(i int) byte { return data[i] + byte(p.bias) }
	}
	per, mask := 8/p.bits, byte(1<<p.bits-1)
	return func(i int) byte {
		return (data[i/per]>>(i%per*p.bits)&mask + byte(p.bias)) & mask
	}
}

func (p *packed) setter(data []byte) func(i int, c byte) {
	if p.bits == 8 {
		return func(i int, c byte) { data[i] = c - byte(p.bias) }
	}
	per, mask := 8/p.bits, byte(1<<p.bits-1)
	return func(i int, c byte) {
		at := i % per * p.bits
		data[i/per] = data[i/per]&^(mask<<at) | (c-byte(p.bias))&mask<<at
	}
}

var errScales = errors.New("onnxlm: weights that share a scale have been given different ones")

func (p *packed) write(raw []byte, typ quant.Type, block int) (map[*onnx.Tensor][]byte, error) {
	old, err := p.data.Raw()
	if err != nil {
		return nil, err
	}
	data := append([]byte(nil), old...)
	set, size := p.setter(data), typ.Bytes()
	scale, zero := append([]float32(nil), p.scale...), append([]float32(nil), p.zero...)
	for i := range raw[:len(raw)/size] {
		r, c := i*block/p.k, i*block%p.k
		s, z, codes := quant.ScaledBlock(raw[i*size : (i+1)*size])
		at := r*p.perRow + c/p.run*p.perBlock
		if (p.shared || block != p.run) && s != p.scale[at] {
			return nil, errScales
		}
		scale[at] = s
		if p.floatZero {
			zero[at] = z
		}
		for j, x := range codes {
			set(p.at(r, c+j), x)
		}
	}
	out := map[*onnx.Tensor][]byte{p.data: data}
	if p.scales != nil {
		out[p.scales] = floatBytes(scale, p.scales.Type)
	}
	if p.zeros != nil {
		out[p.zeros] = floatBytes(zero, p.zeros.Type)
	}
	return out, nil
}

// floatBytes encodes numbers as elements of a float type.
func floatBytes(x []float32, t onnx.Type) []byte {
	typ := floatTypes[t]
	b := make([]byte, typ.RowBytes(len(x)))
	typ.Encode(b, x)
	return b
}
