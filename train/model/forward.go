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
	Acts   []*nn.Value // [T, F] input of ffn_down of each block; nil for skipped blocks
}

// run is one pass through the blocks: what the layer functions need.
type run struct {
	m      *Model
	tp     *nn.Tape
	pos    []int32
	attend func(l int, q, k, v *nn.Value) *nn.Value
	acts   []*nn.Value // nil if not kept
	watch  bool        // acts are watched
}

func (r *run) norm(x *nn.Value, k Kind, l int) *nn.Value {
	return nn.RMSNorm(r.tp, x, r.m.block[l][k-AttnNorm].gain, r.m.cfg.Eps)
}

func (r *run) headNorm(x *nn.Value, k Kind, l int) *nn.Value {
	return nn.HeadNorm(r.tp, x, r.m.block[l][k-AttnNorm].gain, r.m.cfg.Eps)
}

func (r *run) linear(x *nn.Value, k Kind, l int) *nn.Value {
	return nn.Linear(r.tp, x, r.m.block[l][k-AttnNorm].matrix)
}

// rope rotates the heads of x; neox pairs dimension i with i + headDim/2.
func (r *run) rope(x *nn.Value, l int, neox bool) *nn.Value {
	c := &r.m.cfg
	base, scale := c.RopeBase, c.RopeScale
	if c.Windowed(l) {
		base, scale = c.RopeBaseLocal, 1
	}
	return nn.RoPE(r.tp, x, r.pos, c.HeadDim, base, scale, neox)
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
	a := nn.AttnConfig{Heads: c.Heads, KVHeads: c.KVHeads, HeadDim: c.HeadDim, Scale: c.AttnScale, Spans: spans}
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
	r := &run{m: m, tp: tp, pos: b.Pos, watch: o.WatchActs}
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
		x = nn.Embed(tp, m.top[TokenEmbd].matrix, b.IDs, m.cfg.EmbedScale)
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
	h.Last = nn.RMSNorm(tp, x, m.top[OutputNorm].gain, m.cfg.Eps)
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

// LogitsRows returns the [T, V] logits of final hidden states. It is meant for
// few rows: V is large.
func (m *Model) LogitsRows(tp *nn.Tape, h *nn.Value) *nn.Value {
	return nn.Linear(tp, h, m.Head())
}
