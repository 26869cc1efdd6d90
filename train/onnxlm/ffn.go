package onnxlm

import "github.com/detox-surgery/detox-surgery/onnx"

// activation is the nonlinearity of a feed-forward part.
type activation string

// The activations that are known. GELU by the error function differs from the
// approximation by tanh by less than 5e-4; models here compute the latter.
const (
	silu activation = "silu"
	gelu activation = "gelu"
)

// activations lists the nodes that make a nonlinearity.
var activations = map[string]func(n *onnx.Node) activation{
	"Sigmoid":   func(*onnx.Node) activation { return silu },
	"Swish":     func(*onnx.Node) activation { return silu },
	"QuickGelu": quickGelu,
	"Tanh":      func(*onnx.Node) activation { return gelu },
	"Erf":       func(*onnx.Node) activation { return gelu },
	"Gelu":      func(*onnx.Node) activation { return gelu },
	"FastGelu":  func(*onnx.Node) activation { return gelu },
	"BiasGelu":  func(*onnx.Node) activation { return gelu },
}

// quickGelu is x*sigmoid(alpha*x): SiLU where alpha is 1.
func quickGelu(n *onnx.Node) activation {
	if alpha, err := n.Float("alpha", 1.702); err == nil && alpha == 1 {
		return silu
	}
	return ""
}

// feedForward reads what a branch does, up to the norm.
func (g *graph) feedForward(b *branch) (*feedForward, error) {
	f := &feedForward{branch: *b}
	r := g.back(b.out.x)
	var act *onnx.Node
	for _, n := range r.nodes {
		if of := activations[n.Op]; of != nil {
			if act != nil {
				return nil, unknown(b.out.y, "a feed-forward part with two nonlinearities, %s and %s", act.Op, n.Op)
			}
			act, f.act = n, of(n)
		}
	}
	if act == nil || f.act == "" {
		return nil, unknown(b.out.y, "no nonlinearity that is known lies before this product, so it is no feed-forward part")
	}
	gate := g.back(act.Inputs[0]).linears
	switch {
	case len(r.linears) == 1:
		f.up = g.linears[r.linears[0]]
		if f.up.w.n == 2*b.out.w.k {
			f.gate = f.up
		}
	case len(r.linears) == 2 && len(gate) == 1:
		f.gate = g.linears[gate[0]]
		for _, y := range r.linears {
			if y != gate[0] {
				f.up = g.linears[y]
			}
		}
	default:
		return nil, unknown(b.out.y, "a feed-forward part with %d products", len(r.linears))
	}
	var err error
	f.norm, err = g.readsNorm(f.up)
	return f, err
}
