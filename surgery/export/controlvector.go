package export

import (
	"context"
	"fmt"
	"io"
	"math"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/surgery/edit"
	"github.com/detox-surgery/detox-surgery/train/data"
	"github.com/detox-surgery/detox-surgery/train/model"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

// Bounds of what a control vector is measured on.
const (
	vectorSequence = 128 // tokens of a sequence at most
	vectorBatch    = 512 // tokens of a forward pass, except a single long sequence
)

func checkVector(in *Input, _ string) error {
	if len(in.Pairs) == 0 {
		return fmt.Errorf("%w: no pairs to measure residual streams on", ErrOption)
	}
	return nil
}

// writeVector writes direction.N [D] for the blocks N from 1 on, as llama.cpp adds them
// to what leaves block N (common_control_vector_load). Direction N is the mean, over the
// tokens of all pairs but the first of each text, of the edited model's residual stream
// less the parent's with directions 1 to N-1 added, so that all together bring the
// parent's means to those of the edited model. Differences of the two models alone would
// count what block 1 does again in every block after it.
func writeVector(ctx context.Context, in *Input, out string) (*Result, error) {
	parent, err := model.Open(in.Parent)
	if err != nil {
		return nil, err
	}
	edited, err := in.editedModel()
	if err != nil {
		return nil, err
	}
	c := parent.Config()
	if c.Blocks < 2 {
		return nil, fmt.Errorf("export: %w: a model of one block has no place for a control vector", model.ErrUnsupported)
	}
	parent.SetPool(in.Pool)
	edited.SetPool(in.Pool)
	s, err := newStreams(parent, in.Pairs)
	if err != nil {
		return nil, err
	}
	res := &Result{Files: []string{out}}
	var tensors []*gguf.Tensor
	for l := range c.Blocks {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		v, share := s.step(parent, edited, l)
		if in.Progress != nil {
			in.Progress(l+1, c.Blocks)
		}
		if l == 0 {
			continue
		}
		name := fmt.Sprintf("direction.%d", l)
		tensors = append(tensors, newF32(name, []uint64{uint64(c.Width)}, v))
		res.Tensors = append(res.Tensors, TensorResult{Name: name, Energy: share, Norm: norm32(v)})
	}
	if !s.moved {
		return nil, fmt.Errorf("%w: both models have the same residual streams", ErrNothing)
	}
	kvs := []gguf.KV{
		kv("general.architecture", "controlvector"),
		kv("controlvector.model_hint", c.Arch), kv("controlvector.layer_count", int32(len(tensors))),
		kv("detox.parent_sha256", hashOf(in.Parent)), kv("detox.tool", in.Tool),
	}
	err = gguf.WriteFile(out, in.Force, func(w io.Writer) error {
		_, err := gguf.Write(w, kvs, tensors)
		return err
	})
	return res, err
}

// editedModel is the model after the change.
func (in *Input) editedModel() (*model.Model, error) {
	if in.Edited != nil {
		if err := sameModel(in.Parent, in.Edited); err != nil {
			return nil, err
		}
		return model.Open(in.Edited)
	}
	m, err := model.Open(in.Parent)
	if err != nil {
		return nil, err
	}
	_, err = edit.Attach(m, in.Edit) // stays: the model is not used otherwise
	return m, err
}

// streams are the residual streams of both models on the same tokens.
type streams struct {
	batches []streamBatch
	moved   bool // a direction is not zero
}

type streamBatch struct {
	b              *model.Batch
	counts         []bool // rows that enter the mean
	parent, edited []float32
}

// newStreams packs both texts of every pair.
func newStreams(m *model.Model, pairs []data.Pair) (*streams, error) {
	tok := m.Tokenizer()
	if tok == nil {
		return nil, fmt.Errorf("export: %w: the model has no tokenizer", model.ErrUnsupported)
	}
	limit := vectorSequence
	if n := m.Config().Context; n < limit {
		limit = n
	}
	s := &streams{}
	var seqs [][]int32
	n := 0
	flush := func() {
		if len(seqs) > 0 {
			s.batches = append(s.batches, newStreamBatch(seqs))
		}
		seqs, n = nil, 0
	}
	for _, p := range pairs {
		for _, text := range []string{p.Chosen, p.Rejected} {
			ids := data.EncodePair(tok, p.Prompt, text, limit).IDs
			if len(ids) < 2 {
				continue
			}
			if n+len(ids) > vectorBatch {
				flush()
			}
			seqs, n = append(seqs, ids), n+len(ids)
		}
	}
	flush()
	if len(s.batches) == 0 {
		return nil, fmt.Errorf("%w: the pairs have no tokens", ErrOption)
	}
	return s, nil
}

// newStreamBatch leaves the first token of every text out of the mean: many models park
// attention there, and its stream is far from all others.
func newStreamBatch(seqs [][]int32) streamBatch {
	b := streamBatch{b: model.NewBatch(seqs...)}
	for _, pos := range b.b.Pos {
		b.counts = append(b.counts, pos > 0)
	}
	return b
}

// step runs block l of both models and returns the mean difference [D] of what leaves
// it, which from block 1 on is added to the parent's stream, with the share of the
// squared difference that the mean is.
func (s *streams) step(parent, edited *model.Model, l int) (v []float32, share float64) {
	d := parent.Config().Width
	sum := make([]float64, d)
	var n, total float64
	for i := range s.batches {
		b := &s.batches[i]
		b.parent = runBlock(parent, b.b, l, b.parent)
		b.edited = runBlock(edited, b.b, l, b.edited)
		for t, counts := range b.counts {
			if !counts {
				continue
			}
			n++
			for k := range d {
				x := float64(b.edited[t*d+k]) - float64(b.parent[t*d+k])
				sum[k] += x
				total += x * x
			}
		}
	}
	v = make([]float32, d)
	var mean2 float64
	for k, x := range sum {
		v[k] = float32(x / n)
		mean2 += x / n * x / n
	}
	if total > 0 {
		share = n * mean2 / total
	}
	if l == 0 { // llama.cpp adds nothing there
		return v, share
	}
	s.moved = s.moved || mean2 > 0
	for i := range s.batches {
		x := s.batches[i].parent
		for t := range len(x) / d {
			for k, a := range v {
				x[t*d+k] += a
			}
		}
	}
	return v, share
}

// runBlock returns what leaves block l when x enters it; the tokens' embeddings enter
// block 0.
func runBlock(m *model.Model, b *model.Batch, l int, x []float32) []float32 {
	tp := nn.NewTape(m.Pool(), false)
	o := model.ForwardOptions{KeepBlocks: true, Blocks: []int{l}}
	if l > 0 {
		o.From, o.Input = l, tp.Const(len(b.IDs), m.Config().Width, x)
	}
	h := m.Truncate(l+1).Forward(tp, b, o)
	return append(x[:0:0], h.Blocks[l].X...)
}

func norm32(x []float32) float64 {
	var s float64
	for _, v := range x {
		s += float64(v) * float64(v)
	}
	return math.Sqrt(s)
}
