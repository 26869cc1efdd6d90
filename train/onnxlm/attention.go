package onnxlm

import "github.com/detox-surgery/detox-surgery/onnx"

// attentionForms lists the nodes that are the core of an attention.
var attentionForms = map[string]func(g *graph, a *attention) error{
	"GroupQueryAttention": groupQuery,
	"MultiHeadAttention":  multiHead,
	"Attention":           standardAttention,
	"Softmax":             decomposedAttention,
}

// attention reads what a branch does, up to the norm.
func (g *graph) attention(b *branch) (*attention, error) {
	a := &attention{branch: *b}
	for _, n := range g.back(b.out.x).nodes {
		if attentionForms[n.Op] == nil {
			continue
		}
		a.core = n
		if err := attentionForms[n.Op](g, a); err != nil {
			return nil, err
		}
		var err error
		a.norm, err = g.readsNorm(a.q)
		return a, err
	}
	return nil, unknown(b.out.y, "no attention lies before this product")
}

// source follows queries, keys or values back to their linear map.
func (g *graph) source(name string) (*linear, *region, error) {
	r := g.back(name)
	if len(r.linears) != 1 {
		return nil, nil, unknown(name, "it comes from %d products, not from one", len(r.linears))
	}
	return g.linears[r.linears[0]], r, nil
}

// project sets q, k and v with their norms and rotation.
func (g *graph) project(a *attention, q, k, v string) error {
	var rq, rk *region
	var err error
	if a.q, rq, err = g.source(q); err != nil {
		return err
	}
	if a.k, rk, err = g.source(k); err != nil {
		return err
	}
	if a.v, _, err = g.source(v); err != nil {
		return err
	}
	a.qNorm, a.kNorm = g.normIn(rq), g.normIn(rk)
	if a.cos == "" {
		return g.rotation(a, rq)
	}
	return nil
}

// normIn is the norm on heads, between a projection and the product of attention.
func (g *graph) normIn(r *region) *norm {
	for _, n := range r.nodes {
		for _, y := range n.Outputs {
			if x := g.norms[y]; x != nil && g.vectorSize(x.gain) > 0 {
				return x
			}
		}
	}
	return nil
}

// rotation finds cosines and sines on the way of the queries: those of a rotary node,
// or those that the graph computes.
func (g *graph) rotation(a *attention, r *region) error {
	if n := r.find("RotaryEmbedding"); n != nil {
		c := 1
		if n.Domain == "com.microsoft" {
			c = 2
		}
		v, err := n.Int("interleaved", 0)
		if err != nil || len(n.Inputs) < c+2 {
			return unknown(n.Outputs[0], "a rotary embedding that is not understood")
		}
		a.cos, a.sin, a.interleaved = n.Inputs[c], n.Inputs[c+1], v != 0
		a.caches = g.isConst[a.cos]
		return nil
	}
	if n := r.find("Cos"); n != nil {
		a.cos = n.Outputs[0]
	}
	if n := r.find("Sin"); n != nil {
		a.sin = n.Outputs[0]
	}
	if (a.cos == "") != (a.sin == "") {
		return unknown(a.q.y, "queries are turned by a cosine without a sine")
	}
	return g.tables(a, r)
}

// tables finds tables of cosines and sines that are looked up by position.
func (g *graph) tables(a *attention, r *region) error {
	if a.cos != "" {
		return nil
	}
	var found []string
	for _, n := range r.nodes {
		if n.Op != "Gather" || !g.isConst[n.Inputs[0]] {
			continue
		}
		if t := g.constant(n.Inputs[0]); t != nil && len(t.F) > 0 && len(t.Dims) == 2 {
			found = append(found, n.Inputs[0])
		}
	}
	if len(found) != 2 {
		return nil
	}
	a.cos, a.sin, a.caches = found[0], found[1], true
	if t := g.constant(found[0]); t.F[0] != 1 { // the cosine of position 0
		a.cos, a.sin = found[1], found[0]
	}
	return nil
}

func groupQuery(g *graph, a *attention) error {
	n := a.core
	heads, err1 := n.Int("num_heads", 0)
	kv, err2 := n.Int("kv_num_heads", 0)
	rotary, err3 := n.Int("do_rotary", 0)
	inter, err4 := n.Int("rotary_interleaved", 0)
	window, err5 := n.Int("local_window_size", -1)
	scale, err6 := n.Float("scale", 0)
	softcap, err7 := n.Float("softcap", 0)
	if err := firstOf(err1, err2, err3, err4, err5, err6, err7); err != nil {
		return err
	}
	a.heads, a.kv, a.scale, a.softcap, a.interleaved = int(heads), int(kv), scale, softcap, inter != 0
	if window > 0 {
		a.window = int(window)
	}
	if rotary != 0 {
		a.cos, a.sin, a.caches = at(n.Inputs, 7), at(n.Inputs, 8), true
		if !g.isConst[a.cos] || !g.isConst[a.sin] {
			return unknown(n.Outputs[0], "the rotation's tables are not constant")
		}
	}
	q, k, v := n.Inputs[0], at(n.Inputs, 1), at(n.Inputs, 2)
	if k == "" {
		k, v = q, q
	}
	return g.project(a, q, k, v)
}

func multiHead(g *graph, a *attention) error {
	n := a.core
	heads, err1 := n.Int("num_heads", 0)
	scale, err2 := n.Float("scale", 0)
	if err := firstOf(err1, err2); err != nil {
		return err
	}
	a.heads, a.kv, a.scale = int(heads), 0, scale
	if len(n.Inputs) < 3 || at(n.Inputs, 3) != "" {
		return unknown(n.Outputs[0], "an attention with biases of its own")
	}
	return g.project(a, n.Inputs[0], n.Inputs[1], n.Inputs[2])
}

// standardAttention is ONNX's Attention of opset 23; com.microsoft's has the
// projection inside.
func standardAttention(g *graph, a *attention) error {
	n := a.core
	if n.Domain == "com.microsoft" {
		return unknown(n.Outputs[0], "com.microsoft.Attention, which has its projection inside, is not supported")
	}
	heads, err1 := n.Int("q_num_heads", 0)
	kv, err2 := n.Int("kv_num_heads", 0)
	scale, err3 := n.Float("scale", 0)
	softcap, err4 := n.Float("softcap", 0)
	if err := firstOf(err1, err2, err3, err4); err != nil {
		return err
	}
	a.heads, a.kv, a.scale, a.softcap = int(heads), int(kv), scale, softcap
	if a.heads == 0 {
		a.qHeads = n.Inputs[0]
	}
	return g.project(a, n.Inputs[0], n.Inputs[1], n.Inputs[2])
}

// decomposedAttention is softmax(scale * q kᵀ + mask) v with the scale in any place.
func decomposedAttention(g *graph, a *attention) error {
	soft := a.core
	a.qHeads = soft.Inputs[0]
	qk := g.productIn(soft.Inputs[0])
	if qk == nil {
		return unknown(soft.Outputs[0], "no product of queries and keys lies before this softmax")
	}
	value := ""
	for _, n := range g.back(a.out.x).nodes {
		if n.Op == "MatMul" && n != qk && len(n.Inputs) == 2 && g.back(n.Inputs[0]).seen[soft.Outputs[0]] {
			value = n.Inputs[1]
		}
	}
	if value == "" {
		return unknown(soft.Outputs[0], "no product of this softmax with values")
	}
	a.scale = g.factor(soft.Inputs[0], qk) * g.factor(qk.Inputs[0], nil) * g.factor(qk.Inputs[1], nil)
	return g.project(a, qk.Inputs[0], qk.Inputs[1], value)
}

// productIn is the nearest product of two values that are not constant.
func (g *graph) productIn(name string) *onnx.Node {
	for _, n := range g.back(name).nodes {
		if n.Op == "MatMul" || n.Op == "Einsum" && len(n.Inputs) == 2 {
			return n
		}
	}
	return nil
}

// factor is the product of the scalars that multiply a value on its way from a node, or
// from its linear map.
func (g *graph) factor(name string, from *onnx.Node) float32 {
	f := float32(1)
	for range 64 {
		n := g.made[name]
		if n == nil || n == from || g.linears[name] != nil || len(n.Inputs) == 0 {
			break
		}
		next := n.Inputs[0]
		if len(n.Inputs) == 2 && (n.Op == "Mul" || n.Op == "Div" || n.Op == "Add") {
			x, c, ok := g.two(n)
			v, scalar := g.scalar(c)
			switch {
			case ok && scalar && n.Op == "Mul":
				f *= v
			case ok && scalar && n.Op == "Div" && x == n.Inputs[0]:
				f /= v
			}
			if ok {
				next = x
			} else {
				next = g.towards(n)
			}
		}
		name = next
	}
	return f
}

// towards is the input of a node that leads to a linear map.
func (g *graph) towards(n *onnx.Node) string {
	for _, in := range n.Inputs {
		if len(g.back(in).linears) > 0 {
			return in
		}
	}
	return n.Inputs[0]
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
