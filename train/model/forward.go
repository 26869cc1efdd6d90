package model

import (
	"slices"

	"github.com/detox-surgery/detox-surgery/train/nn"
)

// ForwardOptions says where Forward starts and what it keeps.
type ForwardOptions struct {
	KeepBlocks bool // fill Hidden.Blocks
	KeepActs   bool // fill Hidden.Acts
	// Blocks, if not empty, lists the blocks that KeepBlocks is about; the others
	// stay nil.
	Blocks []int
	// WatchBlocks and WatchActs keep the same and, on a tape with gradients, make
	// Backward leave the gradient in their G.
	WatchBlocks, WatchActs bool
	// From skips the blocks below it; Input [T, D] is then the residual stream
	// that enters block From, as Hidden.Blocks[From-1] of an earlier pass holds
	// it. What lies below the lowest edited block is the same in every epoch.
	From  int
	Input *nn.Value
	// ActivationBudget is how many bytes a tape may keep for Backward; blocks that
	// find no room are computed again there, with the same gradients to the bit. 0
	// is no limit, and none holds where activations are kept or watched. Until
	// Backward is done, batch and handles must not change.
	ActivationBudget int64
}

// Hidden is what a forward pass leaves, valid until the tape's next Reset.
type Hidden struct {
	Last   *nn.Value   // [T, D] after the final norm: what the head reads
	Blocks []*nn.Value // [T, D] residual stream after each block; nil for skipped blocks
	Acts   []*nn.Value // [T, F] input of ffn_down of each block; nil for skipped blocks and mixtures of experts
}

// run is one pass through the blocks: what the layer functions need.
type run struct {
	m      *Model
	tp     *nn.Tape
	pos    []int32
	attend func(l int, q, k, v *nn.Value) *nn.Value
	global *nn.Rotation // of blocks without a window; nil: positions are learned
	acts   []*nn.Value  // nil if not kept
	watch  bool         // acts are watched
}

// norm is the norm k of block l, with its bias if it has one.
func (r *run) norm(x *nn.Value, k Kind, l int) *nn.Value {
	return r.m.norm(r.tp, x, Role{Kind: k, Block: l})
}

func (r *run) headNorm(x *nn.Value, k Kind, l int) *nn.Value {
	return nn.HeadNorm(r.tp, x, r.m.block[l][k-AttnNorm].gain, r.m.cfg.Eps)
}

// biases maps what has a bias to its kind.
var biases = map[Kind]Kind{
	OutputNorm: OutputNormBias, AttnNorm: AttnNormBias, AttnNorm2: AttnNorm2Bias, FFNNorm: FFNNormBias,
	AttnQKV: AttnQKVBias, AttnQ: AttnQBias, AttnK: AttnKBias, AttnV: AttnVBias, AttnOutput: AttnOutputBias,
	FFNGate: FFNGateBias, FFNUp: FFNUpBias, FFNDown: FFNDownBias,
}

// addBias adds the bias of role o, if the model has one.
func (m *Model) addBias(tp *nn.Tape, y *nn.Value, o Role) *nn.Value {
	k, ok := biases[o.Kind]
	if !ok {
		return y
	}
	h := m.at(Role{Kind: k, Block: o.Block})
	if h == nil {
		return y
	}
	return nn.AddBias(tp, y, h.vector)
}

func (m *Model) norm(tp *nn.Tape, x *nn.Value, o Role) *nn.Value {
	if m.cfg.LayerNorm {
		x = nn.Center(tp, x)
	}
	return m.addBias(tp, nn.RMSNorm(tp, x, m.at(o).gain, m.cfg.Eps), o)
}

// finish is the final norm.
func (m *Model) finish(tp *nn.Tape, x *nn.Value) *nn.Value {
	x = m.norm(tp, x, Role{Kind: OutputNorm})
	if m.cfg.LogitScale != 1 {
		x = nn.Scale(tp, x, m.cfg.LogitScale)
	}
	return x
}

// AttnInput is what enters the query, key and value matrices of block l, of the
// residual stream x [T, D] that enters the block.
func (m *Model) AttnInput(tp *nn.Tape, x *nn.Value, l int) *nn.Value {
	for _, k := range []Kind{AttnNorm2, AttnNorm} {
		if o := (Role{Kind: k, Block: l}); m.at(o) != nil {
			return m.norm(tp, x, o)
		}
	}
	return x
}

// embed looks tokens up, and positions where those are learned.
func (m *Model) embed(tp *nn.Tape, ids, pos []int32) *nn.Value {
	x := nn.Embed(tp, m.top[TokenEmbd].matrix, ids, m.cfg.EmbedScale)
	if m.arch.learnedPositions {
		x = nn.Add(tp, x, nn.Embed(tp, m.top[PosEmbd].matrix, pos, 1))
	}
	return x
}

// has reports whether block l has a tensor of kind k.
func (r *run) has(k Kind, l int) bool { return r.m.block[l][k-AttnNorm].tensor != nil }

// linear is the product by tensor k of block l, with its bias if it has one.
func (r *run) linear(x *nn.Value, k Kind, l int) *nn.Value {
	return r.m.addBias(r.tp, nn.Linear(r.tp, x, r.m.block[l][k-AttnNorm].matrix), Role{Kind: k, Block: l})
}

// qkv are queries, keys and values of a, whether they have one matrix or three.
func (r *run) qkv(a *nn.Value, l int) (q, k, v *nn.Value) {
	if !r.has(AttnQKV, l) {
		return r.linear(a, AttnQ, l), r.linear(a, AttnK, l), r.linear(a, AttnV, l)
	}
	all, c := r.linear(a, AttnQKV, l), &r.m.cfg
	q = nn.Slice(r.tp, all, 0, queryDim(c))
	k = nn.Slice(r.tp, all, queryDim(c), keyDim(c))
	v = nn.Slice(r.tp, all, queryDim(c)+keyDim(c), keyDim(c))
	return q, k, v
}

// attention is the whole of block l between its norm and the residual stream.
func (r *run) attention(a *nn.Value, l int) *nn.Value {
	q, k, v := r.qkv(a, l)
	return r.linear(r.attend(l, r.rope(q, l), r.rope(k, l), v), AttnOutput, l)
}

// mlp is a feed-forward part without gate.
func (r *run) mlp(f *nn.Value, l int) *nn.Value {
	m := nn.GELU(r.tp, r.linear(f, FFNUp, l))
	r.keepActs(l, m)
	return r.linear(m, FFNDown, l)
}

// swiglu is the feed-forward part of Llama.
func (r *run) swiglu(f *nn.Value, l int) *nn.Value {
	m := r.gated(f, l, nn.SiLUMul)
	r.keepActs(l, m)
	return r.linear(m, FFNDown, l)
}

// geglu is the feed-forward part of Gemma.
func (r *run) geglu(f *nn.Value, l int) *nn.Value {
	m := r.gated(f, l, nn.GeLUMul)
	r.keepActs(l, m)
	return r.linear(m, FFNDown, l)
}

// mixture is a feed-forward part of experts, each gated by SiLU. Its activations
// are not kept: they have a row per choice, not per token.
func (r *run) mixture(f *nn.Value, l int) *nn.Value {
	weights, route := nn.Route(r.tp, r.linear(f, FFNGateInp, l), r.m.cfg.ExpertsUsed)
	x := nn.GatherRows(r.tp, f, route.Tokens)
	of := func(x *nn.Value, k Kind) *nn.Value {
		return nn.ExpertLinear(r.tp, x, r.m.block[l][k-AttnNorm].matrix, route.Offsets)
	}
	m := nn.SiLUMul(r.tp, of(x, FFNGateExps), of(x, FFNUpExps))
	return nn.Combine(r.tp, of(m, FFNDownExps), weights, route.Rows)
}

// add is the residual stream with what a part adds.
func (r *run) add(x, y *nn.Value) *nn.Value {
	if s := r.m.cfg.ResidualScale; s != 1 {
		y = nn.Scale(r.tp, y, s)
	}
	return nn.Add(r.tp, x, y)
}

// rope rotates the heads of x.
func (r *run) rope(x *nn.Value, l int) *nn.Value {
	switch {
	case r.global == nil:
		return x
	case r.m.cfg.Windowed(l):
		return nn.RoPE(r.tp, x, r.pos, r.m.local)
	}
	return nn.RoPE(r.tp, x, r.pos, r.global)
}

func (r *run) keepActs(l int, m *nn.Value) {
	if r.acts == nil {
		return
	}
	r.acts[l] = m
	r.tp.Keep(m)
	if r.watch {
		r.tp.Watch(m)
	}
}

// attnConfig is the attention of block l.
func (m *Model) attnConfig(l int, spans []nn.Span) nn.AttnConfig {
	c := &m.cfg
	a := nn.AttnConfig{Heads: c.Heads, KVHeads: c.KVHeads, HeadDim: c.HeadDim, Scale: c.AttnScale, Softcap: c.AttnCap, Spans: spans}
	if c.Windowed(l) {
		a.Window = c.Window
	}
	return a
}

// Forward runs packed sequences through the model. No logits are made: losses
// are fused with the head, and LogitsRows serves small counts. Activations that
// neither the caller keeps nor backward reads are released block by block.
func (m *Model) Forward(tp *nn.Tape, b *Batch, o ForwardOptions) *Hidden {
	m.checkBatch(b, &o)
	h := &Hidden{}
	r := &run{m: m, tp: tp, pos: b.Pos, global: m.rotationFor(b.longest()), watch: o.WatchActs}
	r.attend = func(l int, q, k, v *nn.Value) *nn.Value {
		return nn.Attention(tp, q, k, v, m.attnConfig(l, b.Spans))
	}
	if o.KeepBlocks || o.WatchBlocks {
		h.Blocks = make([]*nn.Value, m.cfg.Blocks)
	}
	if o.KeepActs || o.WatchActs {
		h.Acts = make([]*nn.Value, m.cfg.Blocks)
		r.acts = h.Acts
	}
	if h.Acts != nil {
		o.ActivationBudget = 0
	}
	layer := func(l int, x *nn.Value) *nn.Value { return m.arch.layer(r, l, x) }
	x := o.Input
	if x == nil {
		x = m.embed(tp, b.IDs, b.Pos)
	}
	for l := o.From; l < m.cfg.Blocks; l++ {
		mark := tp.Mark()
		y := tp.Block(x, l, m.cfg.Blocks-l, o.ActivationBudget, layer)
		if x != o.Input && (l == o.From || !o.keeps(l-1)) {
			tp.Release(x)
		}
		x = y
		if o.keeps(l) {
			h.Blocks[l] = x
			tp.Keep(x)
		}
		if o.WatchBlocks {
			tp.Watch(x)
		}
		tp.ReleaseSince(mark, x)
	}
	h.Last = m.finish(tp, x)
	return h
}

// keeps reports whether Hidden.Blocks gets block l.
func (o *ForwardOptions) keeps(l int) bool {
	return o.WatchBlocks || o.KeepBlocks && (len(o.Blocks) == 0 || slices.Contains(o.Blocks, l))
}

// checkBatch panics on a batch that the ops would read past.
func (m *Model) checkBatch(b *Batch, o *ForwardOptions) {
	n := 0
	for _, s := range b.Spans {
		if s.Start != n || s.Len < 0 {
			panic(errBatch)
		}
		n += s.Len
	}
	if n != len(b.IDs) || n != len(b.Pos) {
		panic(errBatch)
	}
	if m.arch.learnedPositions && slices.ContainsFunc(b.Pos, func(p int32) bool { return int(p) >= m.cfg.Context }) {
		panic(errContext)
	}
	m.checkIDs(b.IDs)
	if o.From < 0 || o.From > m.cfg.Blocks || (o.From > 0) != (o.Input != nil) {
		panic(errStart)
	}
	if o.Input != nil && (o.Input.T != n || o.Input.D != m.cfg.Width) {
		panic(errStart)
	}
}

func (m *Model) checkIDs(ids []int32) {
	for _, id := range ids {
		if id < 0 || int(id) >= m.cfg.Vocab {
			panic(errToken)
		}
	}
}

// LogitsRows returns the [T, V] logits of final hidden states, capped where the
// model caps them. It is meant for few rows: V is large. Backward does not go
// through a cap; losses that are fused with the head do.
func (m *Model) LogitsRows(tp *nn.Tape, h *nn.Value) *nn.Value {
	y := nn.Linear(tp, h, m.headMatrix())
	m.capLogits(y.X)
	return y
}

// capLogits applies the soft cap of the model to logits.
func (m *Model) capLogits(x []float32) { nn.SoftCap(m.pool, x, m.cfg.LogitCap) }
