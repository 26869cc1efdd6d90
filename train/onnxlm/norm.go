package onnxlm

import "github.com/detox-surgery/detox-surgery/onnx"

// norm is a norm over the last dimension of x.
type norm struct {
	x, y  string
	gain  string // constant
	bias  string // constant; empty: none
	eps   float32
	layer bool // LayerNorm: subtracts the mean
}

// normForms lists the nodes that norms end in.
var normForms = map[string]func(g *graph, n *onnx.Node) *norm{
	"SimplifiedLayerNormalization":     fusedNorm,
	"RMSNormalization":                 fusedNorm,
	"LayerNormalization":               fusedNorm,
	"SkipSimplifiedLayerNormalization": skipNorm,
	"SkipLayerNormalization":           skipNorm,
	"Mul":                              decomposedNorm,
	"Add":                              normBias,
}

func (g *graph) findNorms() {
	for _, n := range g.m.Graph.Nodes {
		if f := normForms[n.Op]; f != nil && len(n.Outputs) > 0 && !g.isConst[n.Outputs[0]] {
			if x := f(g, n); x != nil {
				g.norms[x.y] = x
			}
		}
	}
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}

func fusedNorm(_ *graph, n *onnx.Node) *norm {
	eps, err := n.Float("epsilon", 1e-5)
	if err != nil || len(n.Inputs) < 2 {
		return nil
	}
	return &norm{x: n.Inputs[0], y: n.Outputs[0], gain: n.Inputs[1], bias: at(n.Inputs, 2), eps: eps, layer: n.Op == "LayerNormalization"}
}

// skipNorm adds two values before the norm. The sum is output 3, which may be unused:
// then it gets a name of its own here.
func skipNorm(g *graph, n *onnx.Node) *norm {
	eps, err := n.Float("epsilon", 1e-12)
	if err != nil || len(n.Inputs) < 3 {
		return nil
	}
	layer := n.Op == "SkipLayerNormalization"
	sum := at(n.Outputs, 3)
	if sum == "" {
		sum = n.Outputs[0] + "\x00sum"
	}
	x := &norm{x: sum, y: n.Outputs[0], gain: n.Inputs[2], eps: eps, layer: layer}
	extra := at(n.Inputs, 3)
	if layer {
		x.bias, extra = at(n.Inputs, 3), at(n.Inputs, 4)
	}
	if extra != "" { // a bias of the linear map before it
		return nil
	}
	g.sums[sum] = [2]string{n.Inputs[0], n.Inputs[1]}
	return x
}

// decomposedNorm is gain * x / sqrt(mean(x²) + eps), in any of the ways to write it.
func decomposedNorm(g *graph, n *onnx.Node) *norm {
	a, gain, ok := g.two(n)
	if !ok || g.vectorSize(gain) == 0 {
		return nil
	}
	p := g.made[g.strip(a)]
	if p == nil || len(p.Inputs) != 2 || p.Op != "Mul" && p.Op != "Div" {
		return nil
	}
	for i := range 2 {
		if p.Op == "Div" && i == 1 {
			break
		}
		x := g.strip(p.Inputs[i])
		eps, of, ok := g.rootMeanSquare(p.Inputs[1-i])
		if !ok || g.strip(of) != x {
			continue
		}
		y := &norm{x: x, y: n.Outputs[0], gain: gain, eps: eps}
		if c := g.made[x]; c != nil && c.Op == "Sub" && g.isMean(c.Inputs[1], c.Inputs[0]) {
			y.x, y.layer = g.strip(c.Inputs[0]), true
		}
		return y
	}
	return nil
}

// rootMeanSquare follows a value back through roots, inverses and casts to the mean of
// squares that it is made of, and returns the epsilon that is added on the way.
func (g *graph) rootMeanSquare(name string) (eps float32, of string, ok bool) {
	for range 10 {
		n := g.made[g.strip(name)]
		if n == nil || len(n.Inputs) == 0 {
			return 0, "", false
		}
		switch n.Op {
		case "Sqrt", "Reciprocal":
			name = n.Inputs[0]
		case "Pow", "Div", "Add", "Max":
			x, c, found := g.two(n)
			v, scalar := g.scalar(c)
			if !found || !scalar {
				return 0, "", false
			}
			if n.Op == "Add" {
				eps = v
			}
			name = x
		case "ReduceMean":
			sq := g.made[g.strip(n.Inputs[0])]
			if sq == nil || sq.Op != "Pow" && sq.Op != "Mul" || sq.Op == "Mul" && sq.Inputs[0] != sq.Inputs[1] {
				return 0, "", false
			}
			return eps, sq.Inputs[0], true
		default:
			return 0, "", false
		}
	}
	return 0, "", false
}

func (g *graph) isMean(name, of string) bool {
	n := g.made[g.strip(name)]
	return n != nil && n.Op == "ReduceMean" && g.strip(n.Inputs[0]) == g.strip(of)
}

// normBias is the bias of a decomposed LayerNorm.
func normBias(g *graph, n *onnx.Node) *norm {
	x, c, ok := g.two(n)
	if !ok || g.vectorSize(c) == 0 {
		return nil
	}
	y := g.norms[g.strip(x)]
	if y == nil || !y.layer || y.bias != "" {
		return nil
	}
	with := *y
	with.y, with.bias = n.Outputs[0], c
	return &with
}
