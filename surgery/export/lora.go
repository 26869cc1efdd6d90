package export

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"math"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/simd"
)

// adapter is a change as products of thin matrices.
type adapter struct {
	parts []adapterPart
	alpha int // largest rank
	res   Result
}

// adapterPart is that of one tensor. An adapter has one alpha and multiplies every
// product by alpha over its rank, so b holds rank over alpha as a factor.
type adapterPart struct {
	c    *Change
	rank int
	a    []float32 // [Experts, rank, Cols]
	b    []float32 // [Experts, Rows, rank]
}

// approximate makes the adapter of all changes that keep does not refuse with a reason.
func approximate(ctx context.Context, in *Input, keep func(c *Change) (reason string)) (*adapter, error) {
	all, left, err := in.changes()
	if err != nil {
		return nil, err
	}
	ad := &adapter{res: Result{Left: left}}
	for i := range all {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c := &all[i]
		if reason := keep(c); reason != "" {
			ad.res.Left = append(ad.res.Left, Left{c.Name, reason})
			continue
		}
		p, t := in.approximate(c)
		if p.rank > 0 {
			ad.parts, ad.res.Tensors = append(ad.parts, p), append(ad.res.Tensors, t)
			ad.alpha = max(ad.alpha, p.rank)
		}
		if in.Progress != nil {
			in.Progress(i+1, len(all))
		}
	}
	if len(ad.parts) == 0 {
		return nil, fmt.Errorf("%w: no matrix that this form holds has changed", ErrNothing)
	}
	for _, p := range ad.parts {
		for i := range p.b {
			p.b[i] *= float32(p.rank) / float32(ad.alpha)
		}
	}
	return ad, nil
}

// approximate factors the matrices of one tensor, all to the same rank.
func (in *Input) approximate(c *Change) (adapterPart, TensorResult) {
	h := fnv.New64a()
	h.Write([]byte(c.Name))
	w := &simd.Dense{N: c.Rows, K: c.Cols, Data: make([]float32, c.Rows*c.Cols)}
	fs := make([]factors, c.Experts)
	p := adapterPart{c: c}
	var norm2, kept float64
	for i := range fs {
		c.delta(w.Data, i)
		fs[i] = truncate(in.Pool, w, in.Rank, h.Sum64()+uint64(i))
		p.rank = max(p.rank, fs[i].rank)
		norm2 += fs[i].norm2
		kept += fs[i].energy * fs[i].norm2
	}
	p.a, p.b = make([]float32, c.Experts*p.rank*c.Cols), make([]float32, c.Experts*c.Rows*p.rank)
	for i, f := range fs {
		copy(p.a[i*p.rank*c.Cols:], f.a)
		for r := range c.Rows {
			copy(p.b[(i*c.Rows+r)*p.rank:], f.b[r*f.rank:(r+1)*f.rank])
		}
	}
	t := TensorResult{Name: c.Name, Rank: p.rank, Energy: 1, Norm: math.Sqrt(norm2)}
	if norm2 > 0 {
		t.Energy = kept / norm2
	}
	return p, t
}

const tokenEmbd = "token_embd.weight"

// writeLoRA writes the adapter as llama.cpp reads it (llama-adapter.cpp): NAME.lora_a
// [rank, K] and NAME.lora_b [N, rank] in F32. Of the embedding, whose rows are looked
// up, they are the other way round: lora_a [V, rank], lora_b [D, rank].
func writeLoRA(ctx context.Context, in *Input, out string) (*Result, error) {
	f := in.Parent
	tied := f.Tensor("output.weight") == nil
	ad, err := approximate(ctx, in, func(c *Change) string {
		switch {
		case c.Name == "position_embd.weight":
			return "learned positions; llama.cpp adapts no such table"
		case c.Name == tokenEmbd && tied:
			return "the embedding is the head as well, and llama.cpp would apply the adapter to one of them"
		}
		return ""
	})
	if err != nil {
		return nil, err
	}
	tensors := make([]*gguf.Tensor, 0, 2*len(ad.parts))
	for _, p := range ad.parts {
		r, n, k, e := uint64(p.rank), uint64(p.c.Rows), uint64(p.c.Cols), uint64(p.c.Experts)
		a, b := []uint64{k, r, e}, []uint64{r, n, e}
		x, y := p.a, p.b
		if p.c.Name == tokenEmbd {
			a, b = []uint64{r, n, 1}, []uint64{r, k, 1}
			x, y = p.b, transposed(p.a, p.rank, p.c.Cols)
		}
		if e == 1 {
			a, b = a[:2], b[:2]
		}
		tensors = append(tensors, newF32(p.c.Name+".lora_a", a, x), newF32(p.c.Name+".lora_b", b, y))
	}
	arch, _ := f.String("general.architecture")
	kvs := []gguf.KV{
		kv("general.architecture", arch), kv("general.type", "adapter"),
		kv("adapter.type", "lora"), kv("adapter.lora.alpha", float32(ad.alpha)),
		kv("detox.parent_sha256", hashOf(f)), kv("detox.tool", in.Tool),
	}
	err = gguf.WriteFile(out, in.Force, func(w io.Writer) error {
		_, err := gguf.Write(w, kvs, tensors)
		return err
	})
	ad.res.Files = []string{out}
	return &ad.res, err
}

func kv(key string, v any) gguf.KV { return gguf.KV{Key: key, Value: gguf.ValueOf(v)} }

func newF32(name string, dims []uint64, x []float32) *gguf.Tensor {
	raw := make([]byte, 0, 4*len(x))
	for _, v := range x {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return gguf.NewTensor(name, dims, quant.F32, raw)
}

func transposed(x []float32, rows, cols int) []float32 {
	y := make([]float32, len(x))
	for r := range rows {
		for c := range cols {
			y[c*rows+r] = x[r*cols+c]
		}
	}
	return y
}
