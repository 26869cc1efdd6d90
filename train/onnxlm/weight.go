package onnxlm

import (
	"fmt"
	"slices"

	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/onnx"
)

// weight is a constant matrix [N, K] of the graph.
type weight struct {
	n, k int
	typ  quant.Type
	main *onnx.Tensor // the tensor that makes it what it is: two weights with the same one are tied
	form string       // for people
	// read gives the rows as typ stores them; it may be a slice of the mapped file.
	read func() ([]byte, error)
	// write gives the payloads of the tensors that hold rows that were edited.
	write func(raw []byte) (map[*onnx.Tensor][]byte, error)
}

// floatTypes are the element types that a weight may have, and what stores them here.
var floatTypes = map[onnx.Type]quant.Type{onnx.Float: quant.F32, onnx.Float16: quant.F16, onnx.BFloat16: quant.BF16}

// denseWeight is the matrix that a value holds for a product: [K, N] (inFirst) or
// [N, K], as floats or through DequantizeLinear. Nil if the value is no such constant.
func (g *graph) denseWeight(name string, inFirst bool) *weight {
	for range 8 {
		if t := g.tensors[name]; t != nil {
			return floatWeight(t, inFirst)
		}
		n := g.made[name]
		if n == nil || !g.isConst[name] {
			return nil
		}
		switch n.Op {
		case "Cast", "Identity":
			name = n.Inputs[0]
		case "Transpose":
			perm, err := n.Ints("perm")
			if err != nil || perm != nil && !slices.Equal(perm, []int64{1, 0}) {
				return nil
			}
			name, inFirst = n.Inputs[0], !inFirst
		case "DequantizeLinear":
			return g.dequantized(n, inFirst)
		default:
			return nil
		}
	}
	return nil
}

func floatWeight(t *onnx.Tensor, inFirst bool) *weight {
	typ, ok := floatTypes[t.Type]
	if !ok || len(t.Dims) != 2 || t.Dims[0] < 1 || t.Dims[1] < 1 {
		return nil
	}
	w := &weight{n: int(t.Dims[0]), k: int(t.Dims[1]), typ: typ, main: t, form: t.Type.String(), read: t.Raw}
	size := t.Type.Bits() / 8
	if !inFirst {
		w.write = func(raw []byte) (map[*onnx.Tensor][]byte, error) { return map[*onnx.Tensor][]byte{t: raw}, nil }
		return w
	}
	w.n, w.k = w.k, w.n
	w.read = func() ([]byte, error) {
		raw, err := t.Raw()
		if err != nil {
			return nil, err
		}
		return transposed(raw, w.k, w.n, size), nil
	}
	w.write = func(raw []byte) (map[*onnx.Tensor][]byte, error) {
		return map[*onnx.Tensor][]byte{t: transposed(raw, w.n, w.k, size)}, nil
	}
	return w
}

// transposed turns [rows, cols] elements of size bytes into [cols, rows], in tiles that
// stay in the cache.
func transposed(src []byte, rows, cols, size int) []byte {
	const tile = 32
	dst := make([]byte, len(src))
	for r0 := 0; r0 < rows; r0 += tile {
		for c0 := 0; c0 < cols; c0 += tile {
			for r := r0; r < min(rows, r0+tile); r++ {
				for c := c0; c < min(cols, c0+tile); c++ {
					copy(dst[(c*rows+r)*size:(c*rows+r+1)*size], src[(r*cols+c)*size:])
				}
			}
		}
	}
	return dst
}

// embedding is the table that a value is looked up in, with the node that looks up.
func (g *graph) embedding(name string) (*weight, *onnx.Node) {
	n := g.made[g.strip(name)]
	if n == nil {
		return nil, nil
	}
	switch n.Op {
	case "Gather":
		if axis, err := n.Int("axis", 0); err != nil || axis != 0 || len(n.Inputs) != 2 {
			return nil, nil
		}
		return g.denseWeight(n.Inputs[0], false), n
	case "GatherBlockQuantized":
		return g.gatherBlocks(n), n
	case "DequantizeLinear": // of rows of codes
		of := g.made[n.Inputs[0]]
		if of == nil || of.Op != "Gather" || len(n.Inputs) < 2 {
			return nil, nil
		}
		c := &codes{data: g.tensors[of.Inputs[0]], scale: n.Inputs[1], zero: at(n.Inputs, 2), axis: -1}
		return g.codesWeight(c), of
	}
	return nil, nil
}

// block is the length of a scaled type's block for rows of k weights that share scales
// in runs of run: the longest there is.
func blockOf(k, run int) (int, error) {
	for _, b := range []int{256, 128, 64, 32, 16} {
		if k%b == 0 && run%b == 0 {
			return b, nil
		}
	}
	return 0, fmt.Errorf("rows of %d weights with a scale for each %d have no blocks of 16 or more", k, run)
}
