package onnxlm

import "github.com/detox-surgery/detox-surgery/onnx"

// linear is a linear map y = x Wᵀ + b in the graph.
type linear struct {
	x, y string // what it reads and makes, bias included
	w    *weight
	bias string // constant; empty: none
	node *onnx.Node
}

// linearForms lists the ways in which graphs write products with a constant matrix.
// Each looks at a node that may be the last one of such a product.
var linearForms = map[string]func(g *graph, n *onnx.Node) *linear{
	"MatMul":      matMul,
	"Gemm":        gemm,
	"MatMulNBits": matMulNBits,
	"FusedMatMul": fusedMatMul,
	"Mul":         matMulInteger,
}

// findLinears fills g.linears; a bias that is added next belongs to the map.
func (g *graph) findLinears() {
	for _, n := range g.m.Graph.Nodes {
		if f := linearForms[n.Op]; f != nil && len(n.Outputs) > 0 && !g.isConst[n.Outputs[0]] {
			if l := f(g, n); l != nil {
				l.node = n
				g.linears[l.y] = l
			}
		}
		if n.Op == "Add" {
			g.addBias(n)
		}
	}
}

func (g *graph) addBias(n *onnx.Node) {
	x, c, ok := g.two(n)
	if !ok {
		return
	}
	l := g.linears[g.strip(x)]
	if l == nil || l.bias != "" || g.vectorSize(c) != l.w.n {
		return
	}
	with := *l
	with.y, with.bias = n.Outputs[0], c
	g.linears[with.y] = &with
}

func matMul(g *graph, n *onnx.Node) *linear {
	if len(n.Inputs) != 2 {
		return nil
	}
	w := g.denseWeight(n.Inputs[1], true)
	if w == nil {
		return nil
	}
	return &linear{x: n.Inputs[0], y: n.Outputs[0], w: w}
}

func fusedMatMul(g *graph, n *onnx.Node) *linear {
	alpha, err1 := n.Float("alpha", 1)
	transA, err2 := n.Int("transA", 0)
	transB, err3 := n.Int("transB", 0)
	if err1 != nil || err2 != nil || err3 != nil || alpha != 1 || transA != 0 || len(n.Inputs) != 2 {
		return nil
	}
	w := g.denseWeight(n.Inputs[1], transB == 0)
	if w == nil {
		return nil
	}
	return &linear{x: n.Inputs[0], y: n.Outputs[0], w: w}
}

func gemm(g *graph, n *onnx.Node) *linear {
	alpha, err1 := n.Float("alpha", 1)
	beta, err2 := n.Float("beta", 1)
	transA, err3 := n.Int("transA", 0)
	transB, err4 := n.Int("transB", 0)
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil || alpha != 1 || beta != 1 || transA != 0 || len(n.Inputs) < 2 {
		return nil
	}
	w := g.denseWeight(n.Inputs[1], transB == 0)
	if w == nil {
		return nil
	}
	l := &linear{x: n.Inputs[0], y: n.Outputs[0], w: w}
	if len(n.Inputs) > 2 && n.Inputs[2] != "" {
		if g.vectorSize(n.Inputs[2]) != w.n {
			return nil
		}
		l.bias = n.Inputs[2]
	}
	return l
}

func matMulNBits(g *graph, n *onnx.Node) *linear {
	w := g.nbitsWeight(n)
	if w == nil {
		return nil
	}
	l := &linear{x: n.Inputs[0], y: n.Outputs[0], w: w}
	if len(n.Inputs) > 5 && n.Inputs[5] != "" {
		l.bias = n.Inputs[5]
	}
	return l
}

// matMulInteger is Mul(Cast(MatMulInteger(quantized x, W)), Mul(scale of x, scale of
// W)), what dynamic quantization makes of a MatMul.
func matMulInteger(g *graph, n *onnx.Node) *linear {
	if len(n.Inputs) != 2 {
		return nil
	}
	for i := range 2 {
		cast, scales := g.made[n.Inputs[i]], g.made[n.Inputs[1-i]]
		if cast == nil || scales == nil || cast.Op != "Cast" || scales.Op != "Mul" {
			continue
		}
		p := g.made[cast.Inputs[0]]
		_, scale, ok := g.two(scales)
		if p == nil || p.Op != "MatMulInteger" || !ok {
			continue
		}
		q := g.made[p.Inputs[0]]
		if q == nil || q.Op != "DynamicQuantizeLinear" {
			continue
		}
		zero := ""
		if len(p.Inputs) > 3 {
			zero = p.Inputs[3]
		}
		w := g.codesWeight(&codes{data: g.tensors[p.Inputs[1]], scale: scale, zero: zero, axis: 1, inFirst: true})
		if w == nil {
			return nil
		}
		return &linear{x: q.Inputs[0], y: n.Outputs[0], w: w}
	}
	return nil
}
