package model

import (
	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/train/nn"
	"github.com/detox-surgery/detox-surgery/train/token"
)

// Model is a language model whose weights stay in the file they came from. Its
// handles may be replaced between passes, not during one.
type Model struct {
	cfg   Config
	arch  *architecture
	file  *gguf.File
	tok   *token.Tokenizer
	pool  *simd.Pool
	tied  bool
	top   [AttnNorm]handle              // by kind
	block [][numKinds - AttnNorm]handle // by block, then by kind - AttnNorm
	// rotation is that of blocks that see everything, long the same in sequences longer
	// than the original context, local that of windowed blocks.
	rotation, long, local *nn.Rotation
}

// handle is what stands for one tensor in the forward pass.
type handle struct {
	tensor *gguf.Tensor
	matrix simd.Matrix // nil for vectors
	gain   *nn.Gain    // of norms
	vector []float32   // of biases and constants
}

// Config returns the shape and constants of the model.
func (m *Model) Config() Config { return m.cfg }

// File is the container the model was opened from.
func (m *Model) File() *gguf.File { return m.file }

// Tokenizer is the file's tokenizer, nil if the file has none.
func (m *Model) Tokenizer() *token.Tokenizer { return m.tok }

// Pool is the set of workers that generation runs on; nil: the caller alone.
func (m *Model) Pool() *simd.Pool { return m.pool }

// SetPool sets the workers that generation runs on. Forward uses its tape's.
func (m *Model) SetPool(p *simd.Pool) { m.pool = p }

// Tied reports whether the embedding is the head as well.
func (m *Model) Tied() bool { return m.tied }

// at returns the handle of a role, nil if the model has none.
func (m *Model) at(r Role) *handle {
	var h *handle
	switch {
	case r.Kind < 0 || r.Kind >= numKinds || r.Block < 0:
		return nil
	case !r.Kind.PerBlock():
		h = &m.top[r.Kind]
	case r.Block < len(m.block):
		h = &m.block[r.Block][r.Kind-AttnNorm]
	}
	if h == nil || h.tensor == nil {
		return nil
	}
	return h
}

// Tensor is the file's tensor of a role, nil if there is none.
func (m *Model) Tensor(r Role) *gguf.Tensor {
	if h := m.at(r); h != nil {
		return h.tensor
	}
	return nil
}

// Matrix is the matrix that the forward pass uses for a role, nil if the model
// has none.
func (m *Model) Matrix(r Role) simd.Matrix {
	if h := m.at(r); h != nil {
		return h.matrix
	}
	return nil
}

// Original is the file's matrix of a role, whatever stands in its place now;
// nil if the model has none.
func (m *Model) Original(r Role) simd.Matrix {
	if h := m.at(r); h != nil && h.matrix != nil {
		return h.tensor
	}
	return nil
}

// SetMatrix makes the forward pass use w for a role; nil restores the file's. A
// tied embedding is replaced in both of its places. It panics if the model has
// no such matrix or w has another shape.
func (m *Model) SetMatrix(r Role, w simd.Matrix) {
	h := m.at(r)
	if h == nil || h.matrix == nil {
		panic(errRole)
	}
	if w == nil {
		h.matrix = h.tensor
		return
	}
	if w.Rows() != h.tensor.Rows() || w.Cols() != h.tensor.Cols() {
		panic(errShape)
	}
	h.matrix = w
}

// Gain is the norm gain of a role, nil if the model has none.
func (m *Model) Gain(r Role) *nn.Gain {
	if h := m.at(r); h != nil {
		return h.gain
	}
	return nil
}

// FFNDown is the role of the matrix that the neurons of a block write through: with
// a mixture of experts, those of all of them.
func (m *Model) FFNDown(block int) Role {
	if m.cfg.Experts > 0 {
		return Role{Kind: FFNDownExps, Block: block}
	}
	return Role{Kind: FFNDown, Block: block}
}

// Roles lists every tensor of the model once, embedding first, then block by
// block in the order of Kind, then what is of the whole model: the head last.
func (m *Model) Roles() []Role {
	out := []Role{{Kind: TokenEmbd}}
	for l := range m.block {
		for k := AttnNorm; k < numKinds; k++ {
			if r := (Role{Kind: k, Block: l}); m.at(r) != nil {
				out = append(out, r)
			}
		}
	}
	for k := PosEmbd; k < AttnNorm; k++ {
		if r := (Role{Kind: k}); m.at(r) != nil {
			out = append(out, r)
		}
	}
	return out
}

// Head is the [V, D] matrix that turns final hidden states into logits, a
// *nn.CappedHead where those are capped.
func (m *Model) Head() simd.Matrix {
	w := m.headMatrix()
	if m.cfg.LogitCap == 0 {
		return w
	}
	return &nn.CappedHead{Matrix: w, Cap: m.cfg.LogitCap}
}

func (m *Model) headMatrix() simd.Matrix {
	if m.tied {
		return m.top[TokenEmbd].matrix
	}
	return m.top[Output].matrix
}

// LowestTrained is the first block that training changes: 0 where the embedding
// trains, and the number of blocks where none does.
func (m *Model) LowestTrained() int {
	if m.top[TokenEmbd].trains() {
		return 0
	}
	for l := range m.block {
		for k := range m.block[l] {
			if m.block[l][k].trains() {
				return l
			}
		}
	}
	return len(m.block)
}

func (h *handle) trains() bool {
	_, matrix := h.matrix.(nn.Trainable)
	return matrix || h.gain != nil && h.gain.Delta != nil
}

// SameBelow reports whether two models of one file have the file's own weights in
// all blocks below block, so that the same residual stream enters it.
func (m *Model) SameBelow(o *Model, block int) bool {
	if block > len(m.block) || block > len(o.block) || !m.top[TokenEmbd].original() || !o.top[TokenEmbd].original() {
		return false
	}
	for l := range block {
		for k := range m.block[l] {
			if !m.block[l][k].original() || !o.block[l][k].original() {
				return false
			}
		}
	}
	return true
}

func (h *handle) original() bool {
	if h.matrix != nil {
		return h.matrix == simd.Matrix(h.tensor)
	}
	return h.gain == nil || h.gain.Delta == nil
}

// Truncate returns a model of the first blocks blocks, with the same embedding,
// final norm and head. Handles are copied: replacing one in either model leaves
// the other as it is; parameters of gains are shared.
func (m *Model) Truncate(blocks int) *Model {
	if blocks < 1 || blocks > len(m.block) {
		panic(errBlocks)
	}
	t := *m
	t.cfg.Blocks = blocks
	t.block = append(t.block[:0:0], m.block[:blocks]...)
	return &t
}
