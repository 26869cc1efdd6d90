package onnxlm

import (
	"fmt"
	"slices"

	"github.com/detox-surgery/detox-surgery/onnx"
)

// decoder is the structure that was found.
type decoder struct {
	embed      *weight
	positions  *weight // learned ones; nil: none
	embedScale float32
	blocks     []*block // in the order of the model
	final      *norm
	head       *linear
	residual   float32 // factor on what parts add; 0: 1
}

// block is one transformer block.
type block struct {
	attn *attention
	ffn  *feedForward
}

// branch is one writer into the residual stream.
type branch struct {
	from string // the residual stream before it
	out  *linear
	post *norm // on what it adds; nil: none
}

// attention is what lies between a norm and the output projection of an attention.
type attention struct {
	branch
	norm         *norm
	q, k, v      *linear // the same one where they are fused
	qNorm, kNorm *norm
	core         *onnx.Node // fused attention, or the Softmax
	qHeads       string     // value [B, H, T, S] or such whose shape tells the heads; empty: attributes do
	scale        float32    // 0: 1/sqrt of the head dimension
	cos, sin     string     // values of the rotation, a row for each position
	caches       bool       // cos and sin are tables for all positions, half a head wide
	interleaved  bool
	heads, kv    int // from attributes; 0: unknown
	window       int
	softcap      float32
}

// feedForward is what lies between a norm and the down projection.
type feedForward struct {
	branch
	norm     *norm
	up, gate *linear // gate nil: none; the same as up where they are fused
	act      activation
}

// find reads the whole decoder from the logits back.
func (g *graph) find() (*decoder, error) {
	g.findLinears()
	g.findNorms()
	d := &decoder{embedScale: 1}
	if err := g.findHead(d); err != nil {
		return nil, err
	}
	var branches []*branch // last first
	at := g.strip(d.final.x)
	for {
		a, b, ok := g.addends(at)
		if !ok {
			break
		}
		br, factor, err := g.branch(at, a, b)
		if err != nil {
			return nil, err
		}
		if br == nil {
			break // embedding plus positions
		}
		if len(branches) > 0 && factor != d.residual {
			return nil, unknown(at, "parts are added with the factors %g and %g", factor, d.residual)
		}
		d.residual = factor
		branches = append(branches, br)
		at = g.strip(br.from)
		if len(branches) > maxBranches {
			return nil, unknown(at, "more than %d parts write into the residual stream", maxBranches)
		}
	}
	if err := g.findEmbedding(d, at); err != nil {
		return nil, err
	}
	slices.Reverse(branches)
	return d, g.pairBranches(d, branches)
}

const maxBranches = 1 << 13

// findHead goes from the output called logits, or the first one, to the final norm.
func (g *graph) findHead(d *decoder) error {
	if len(g.m.Graph.Outputs) == 0 {
		return unknown("graph", "no outputs")
	}
	name := g.m.Graph.Outputs[0].Name
	for _, o := range g.m.Graph.Outputs {
		if o.Name == "logits" {
			name = o.Name
		}
	}
	if d.head = g.linears[g.strip(name)]; d.head == nil {
		return unknown(name, "is not the product of hidden states with a constant matrix: no language model's logits")
	}
	x := g.strip(d.head.x)
	for g.norms[x] == nil {
		n := g.made[x]
		if n == nil || !views[n.Op] {
			return unknown(x, "what the head reads is not a norm's output")
		}
		x = g.strip(n.Inputs[0])
	}
	d.final = g.norms[x]
	return nil
}

// addends are the two values that a value is the sum of.
func (g *graph) addends(name string) (a, b string, ok bool) {
	if s, found := g.sums[name]; found {
		return s[0], s[1], true
	}
	n := g.made[name]
	if n == nil || n.Op != "Add" || len(n.Inputs) != 2 || g.linears[name] != nil {
		return "", "", false
	}
	return n.Inputs[0], n.Inputs[1], true
}

// branch takes one of two addends as what a part writes, nil if neither is.
func (g *graph) branch(sum, a, b string) (*branch, float32, error) {
	x, fx := g.part(a)
	y, fy := g.part(b)
	switch {
	case x != nil && y != nil:
		return nil, 0, unknown(sum, "both addends are products: parallel parts are not supported")
	case x != nil:
		x.from = b
		return x, fx, nil
	case y != nil:
		y.from = a
		return y, fy, nil
	}
	return nil, 0, nil
}

// part recognizes [factor *] [norm of] a linear map's output.
func (g *graph) part(name string) (*branch, float32) {
	b, factor := &branch{}, float32(1)
	name = g.strip(name)
	if n := g.made[name]; n != nil && n.Op == "Mul" && g.norms[name] == nil {
		x, c, ok := g.two(n)
		if v, scalar := g.scalar(c); ok && scalar {
			name, factor = g.strip(x), v
		}
	}
	if x := g.norms[name]; x != nil && g.sums[x.x] == [2]string{} {
		b.post, name = x, g.strip(x.x)
	}
	for n := g.made[name]; g.linears[name] == nil && n != nil && (n.Op == "Reshape" || n.Op == "Squeeze" || n.Op == "Unsqueeze"); n = g.made[name] {
		name = g.strip(n.Inputs[0])
	}
	if b.out = g.linears[name]; b.out == nil {
		return nil, 0
	}
	return b, factor
}

// findEmbedding reads what the residual stream begins with.
func (g *graph) findEmbedding(d *decoder, name string) error {
	if a, b, ok := g.addends(name); ok {
		w, _ := g.embedding(a)
		p, _ := g.embedding(b)
		if w == nil || p == nil {
			return unknown(name, "the residual stream begins with a sum that is not of embeddings")
		}
		if g.back(a).seen["input_ids"] {
			d.embed, d.positions = w, p
		} else {
			d.embed, d.positions = p, w
		}
		return nil
	}
	if n := g.made[name]; n != nil && n.Op == "Mul" {
		x, c, ok := g.two(n)
		v, scalar := g.scalar(c)
		if ok && scalar {
			name, d.embedScale = x, v
		}
	}
	w, _ := g.embedding(name)
	if w == nil {
		return unknown(name, "the residual stream does not begin with an embedding")
	}
	d.embed = w
	return nil
}

// pairBranches makes blocks of attentions and the feed-forward parts after them.
func (g *graph) pairBranches(d *decoder, branches []*branch) error {
	if len(branches) == 0 || len(branches)%2 != 0 {
		return unknown("graph", "%d parts write into the residual stream, not two for each block", len(branches))
	}
	for i := 0; i < len(branches); i += 2 {
		a, err := g.attention(branches[i])
		if err != nil {
			return fmt.Errorf("block %d: %w", i/2, err)
		}
		f, err := g.feedForward(branches[i+1])
		if err != nil {
			return fmt.Errorf("block %d: %w", i/2, err)
		}
		d.blocks = append(d.blocks, &block{attn: a, ffn: f})
	}
	return nil
}

// readsNorm is the norm that linear maps read from.
func (g *graph) readsNorm(l *linear) (*norm, error) {
	x := g.strip(l.x)
	for n := g.made[x]; g.norms[x] == nil && n != nil && (n.Op == "Reshape" || n.Op == "Squeeze"); n = g.made[x] {
		x = g.strip(n.Inputs[0])
	}
	if n := g.norms[x]; n != nil {
		return n, nil
	}
	return nil, unknown(l.y, "what this product reads is not a norm's output")
}
