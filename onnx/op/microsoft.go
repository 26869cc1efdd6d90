package op

import (
	"fmt"
	"slices"

	"github.com/detox-surgery/detox-surgery/onnx"
	"github.com/detox-surgery/detox-surgery/simd"
)

// unpack reads n codes of bits each, low bits first, rows padded to whole bytes.
func unpack(b []int64, rows, n, bits int) []int64 {
	out := make([]int64, rows*n)
	width, mask := (n*bits+7)/8, int64(1)<<bits-1
	for r := range rows {
		for i := range n {
			out[r*n+i] = b[r*width+i*bits/8] >> (i * bits % 8) & mask
		}
	}
	return out
}

func matMulNBits(c *Call) ([]*Value, error) {
	if err := c.need(3); err != nil {
		return nil, err
	}
	k, n, bits, block := c.int("K", 0), c.int("N", 0), c.int("bits", 4), c.int("block_size", 0)
	if k < 1 || n < 1 || block < 1 || bits != 2 && bits != 4 && bits != 8 || c.has(4) {
		return nil, fmt.Errorf("K %d, N %d, %d bits in blocks of %d, or g_idx", k, n, bits, block)
	}
	per := (k + block - 1) / block
	codes := unpack(c.In[1].I, n*per, block, bits)
	zero := func(int) float32 { return float32(int(1) << (bits - 1)) }
	if z := c.in(3); z != nil && z.F != nil {
		zero = func(i int) float32 { return z.F[i] }
	} else if z != nil {
		list := unpack(z.I, n, per, bits)
		zero = func(i int) float32 { return float32(list[i]) }
	}
	w := &simd.Dense{N: n, K: k, Data: make([]float32, n*k)}
	for r := range n {
		for i := range k {
			b := r*per + i/block
			w.Data[r*k+i] = (float32(codes[b*block+i%block]) - zero(b)) * c.In[2].F[b]
		}
	}
	x := c.In[0]
	m := x.Len() / k
	y := made(x.Type, append(slices.Clone(x.Dims[:len(x.Dims)-1]), n))
	simd.Gemm(c.Pool, false, true, m, n, k, x.F, k, w.Data, k, 0, y.F, n)
	if c.has(5) {
		return one(binary["Add"].apply(y, c.In[5]))
	}
	return []*Value{y}, nil
}

func gatherBlocks(c *Call) ([]*Value, error) {
	if err := c.need(3); err != nil {
		return nil, err
	}
	x, ids, s := c.In[0], c.In[1], c.In[2]
	if c.int("gather_axis", 0) != 0 || len(x.Dims) < 2 {
		return nil, fmt.Errorf("rows of %v", x.Dims)
	}
	bits, block := c.int("bits", 4), c.int("block_size", 128)
	width, per := product(x.Dims[1:]), len(s.F)/x.Dims[0]
	k, half := width, int64(0)
	if x.Type == onnx.Uint8 {
		k, half = width*8/bits, int64(1)<<(bits-1)
	}
	y := made(s.Type, append(slices.Clone(ids.Dims), k))
	for i, id := range ids.I {
		r, err := index(id, x.Dims[0])
		if err != nil {
			return nil, err
		}
		codes := x.I[r*width : (r+1)*width]
		if x.Type == onnx.Uint8 {
			codes = unpack(codes, 1, k, bits)
		}
		for j, q := range codes {
			z, b := half, r*per+j/block
			if zs := c.in(3); zs != nil && zs.Type == onnx.Uint8 && x.Type == onnx.Uint8 {
				row := len(zs.I) / x.Dims[0]
				z = unpack(zs.I[r*row:(r+1)*row], 1, per, bits)[j/block]
			} else if zs != nil {
				z = zs.I[b]
			}
			y.F[i*k+j] = float32(q-z) * s.F[b]
		}
	}
	return []*Value{y}, nil
}

// heads is [B, T, H*d] as [B, H, T, d].
func heads(x *Value, h int) (*Value, error) {
	if len(x.Dims) == 4 {
		return x, nil
	}
	if len(x.Dims) != 3 || h < 1 || x.Dims[2]%h != 0 {
		return nil, fmt.Errorf("%d heads of shape %v", h, x.Dims)
	}
	return permuted(x.reshaped([]int{x.Dims[0], x.Dims[1], h, x.Dims[2] / h}), []int{0, 2, 1, 3}), nil
}

// merged is [B, H, T, d] as [B, T, H*d].
func merged(x *Value) *Value {
	y := permuted(x, []int{0, 2, 1, 3})
	return y.reshaped([]int{y.Dims[0], y.Dims[1], y.Dims[2] * y.Dims[3]})
}

// past puts a cache before keys or values.
func past(c *Call, old, x *Value) (*Value, error) {
	if old == nil || old.Len() == 0 {
		return x, nil
	}
	d := *c
	d.In = []*Value{old, x}
	y := made(x.Type, []int{x.Dims[0], x.Dims[1], old.Dims[2] + x.Dims[2], x.Dims[3]})
	n := x.Dims[3]
	for i := range x.Dims[0] * x.Dims[1] {
		y.copyRun(i*y.Dims[2]*n, old, i*old.Dims[2]*n, old.Dims[2]*n)
		y.copyRun((i*y.Dims[2]+old.Dims[2])*n, x, i*x.Dims[2]*n, x.Dims[2]*n)
	}
	return y, nil
}

func groupQuery(c *Call) ([]*Value, error) {
	if err := c.need(1); err != nil {
		return nil, err
	}
	h, kv := c.int("num_heads", 0), c.int("kv_num_heads", 0)
	q, k, v := c.In[0], c.in(1), c.in(2)
	if h < 1 || kv < 1 {
		return nil, fmt.Errorf("%d heads over %d", h, kv)
	}
	if k == nil {
		d := q.Dims[2] / (h + 2*kv)
		q, k, v = cut(q, 2, 0, h*d), cut(q, 2, h*d, kv*d), cut(q, 2, (h+kv)*d, kv*d)
	}
	before := 0
	if p := c.in(3); p != nil && len(p.Dims) == 4 {
		before = p.Dims[2]
	}
	if lens := c.in(5); lens != nil && len(lens.I) > 0 { // seqlens_k: keys of a sequence, minus one
		before = max(0, int(lens.I[0])+1-k.Dims[1])
	}
	var list [3]*Value
	for i, x := range []*Value{q, k, v} {
		n := kv
		if i == 0 {
			n = h
		}
		var err error
		if list[i], err = heads(x, n); err != nil {
			return nil, err
		}
		if i < 2 && c.int("do_rotary", 0) != 0 {
			if !c.has(7) || !c.has(8) {
				return nil, fmt.Errorf("a rotation without tables")
			}
			list[i] = rotate(list[i], c.In[7], c.In[8], c.int("rotary_interleaved", 0) != 0, func(_, t int) int { return before + t })
		}
	}
	var err error
	if list[1], err = past(c, c.in(3), list[1]); err == nil {
		list[2], err = past(c, c.in(4), list[2])
	}
	if err != nil {
		return nil, err
	}
	y, err := attend(c, list, &mask{causal: true, window: c.int("local_window_size", -1)}, c.float("scale", 0), c.float("softcap", 0))
	if err != nil {
		return nil, err
	}
	return []*Value{merged(y), list[1], list[2]}, nil
}

func multiHead(c *Call) ([]*Value, error) {
	if err := c.need(3); err != nil {
		return nil, err
	}
	if c.has(3) {
		return nil, fmt.Errorf("a bias of the projections")
	}
	h := c.int("num_heads", 0)
	var list [3]*Value
	for i := range list {
		var err error
		if list[i], err = heads(c.In[i], h); err != nil {
			return nil, err
		}
	}
	var err error
	if list[1], err = past(c, c.in(6), list[1]); err == nil {
		list[2], err = past(c, c.in(7), list[2])
	}
	if err != nil {
		return nil, err
	}
	m := &mask{add: c.in(5), window: -1, causal: c.int("unidirectional", 0) != 0, keys: c.in(4)}
	y, err := attend(c, list, m, c.float("scale", 0), 0)
	if err != nil {
		return nil, err
	}
	return []*Value{merged(y), list[1], list[2]}, nil
}
