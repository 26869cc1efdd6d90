package onnxlm

import "github.com/detox-surgery/detox-surgery/onnx"

// nbitsWeight is the matrix of a MatMulNBits (com.microsoft): codes [N, blocks, bytes]
// from the low bits up, scales [N, blocks], and zero points as packed codes [N, bytes]
// or as floats like the scales.
func (g *graph) nbitsWeight(n *onnx.Node) *weight {
	k, err1 := n.Int("K", 0)
	rows, err2 := n.Int("N", 0)
	bits, err3 := n.Int("bits", 4)
	block, err4 := n.Int("block_size", 0)
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil || len(n.Inputs) < 3 || at(n.Inputs, 4) != "" {
		return nil // with g_idx rows are not in order
	}
	p := &packed{data: g.tensors[n.Inputs[1]], n: int(rows), k: int(k), bits: int(bits), run: int(block), perBlock: 1}
	return g.blocks(p, n.Inputs[2], at(n.Inputs, 3))
}

// gatherBlocks is the table of a GatherBlockQuantized (com.microsoft), quantized along
// its rows.
func (g *graph) gatherBlocks(n *onnx.Node) *weight {
	gather, err1 := n.Int("gather_axis", 0)
	axis, err2 := n.Int("quantize_axis", 1)
	block, err3 := n.Int("block_size", 128)
	bits, err4 := n.Int("bits", 4)
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil || len(n.Inputs) < 3 || gather != 0 || axis != 1 && axis != -1 {
		return nil
	}
	name := n.Inputs[0]
	if r := g.made[name]; r != nil && r.Op == "Reshape" { // shared with a MatMulNBits
		name = r.Inputs[0]
	}
	t := g.tensors[name]
	if t == nil || len(t.Dims) < 2 || t.Dims[0] < 1 {
		return nil
	}
	cols := int64(1)
	for _, d := range t.Dims[1:] {
		cols *= d
	}
	p := &packed{data: t, n: int(t.Dims[0]), bits: int(bits), run: int(block), perBlock: 1}
	switch t.Type {
	case onnx.Uint8:
		p.k = int(cols) * 8 / p.bits
	case onnx.Int4, onnx.Int8:
		p.k, p.bias, p.bits = int(cols), 1<<(t.Type.Bits()-1), t.Type.Bits()
	case onnx.Uint4:
		p.k, p.bits = int(cols), 4
	default:
		return nil
	}
	return g.blocks(p, n.Inputs[2], at(n.Inputs, 3))
}

// blocks completes codes that lie row by row in blocks of p.run along K.
func (g *graph) blocks(p *packed, scales, zeros string) *weight {
	t := p.data
	if t == nil || p.n < 1 || p.k < 1 || p.run < 16 || p.k%p.run != 0 || p.bits != 2 && p.bits != 4 && p.bits != 8 {
		return nil
	}
	per := p.k / p.run
	p.padded, p.perRow = p.k, per
	if t.Size() != int64(p.n)*int64(p.k)*int64(p.bits)/8 {
		return nil
	}
	s := g.constant(scales)
	if s == nil || len(s.F) != p.n*per {
		return nil
	}
	p.scale, p.scales = s.F, g.tensors[scales]
	if zeros == "" {
		return p.weight()
	}
	z := g.constant(zeros)
	if z == nil {
		return nil
	}
	if len(z.F) == p.n*per {
		p.zero, p.floatZero, p.zeros = z.F, true, g.tensors[zeros]
		return p.weight()
	}
	p.zero = p.integerZeros(z, per)
	if p.zero == nil {
		return nil
	}
	return p.weight()
}

// integerZeros unpacks zero points: one for each block, or packed like the codes with
// each row padded to whole bytes.
func (p *packed) integerZeros(z *array, per int) []float32 {
	out := make([]float32, p.n*per)
	width := (per*p.bits + 7) / 8
	switch {
	case len(z.I) == len(out) && (p.bits == 8 || p.bias > 0 || len(z.I) != p.n*width):
		for i, x := range z.I {
			out[i] = float32(x + int64(p.bias))
		}
	case len(z.I) == p.n*width:
		mask := int64(1)<<p.bits - 1
		for i := range out {
			r, b := i/per, i%per*p.bits
			out[i] = float32(z.I[r*width+b/8] >> (b % 8) & mask)
		}
	default:
		return nil
	}
	return out
}
