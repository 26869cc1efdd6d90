package op

import "github.com/detox-surgery/detox-surgery/onnx"

// embedLayerNormalization is com.microsoft's: ids of words and segments, the
// embeddings of words, positions and segments, scale and bias of a layer
// normalization of their sum, mask, positions.
func embedLayerNormalization(c *call) []*Value {
	ids := c.arg(0)
	if len(ids.Dims) != 2 {
		c.fail("ids of dimensions %v", ids.Dims)
	}
	word, pos, seg := c.floats(2), c.floats(3), c.optFloats(4)
	d := word.Dims[len(word.Dims)-1]
	for _, e := range []*Value{word, pos, seg} {
		if e != nil && (len(e.Dims) != 2 || e.Dims[1] != d) {
			c.fail("embeddings of dimensions %v and %v", word.Dims, e.Dims)
		}
	}
	sum := c.alloc(word.Type, []int{ids.Dims[0], ids.Dims[1], d})
	words, positions, segments := c.integers(ids), c.list(8), c.list(1)
	if segments != nil && len(segments) != len(words) {
		c.fail("%d segments of %d words", len(segments), len(words))
	}
	for i, w := range words {
		p := int64(i % ids.Dims[1])
		switch len(positions) {
		case 0:
		case len(words):
			p = positions[i]
		case ids.Dims[1]:
			p = positions[i%ids.Dims[1]]
		default:
			c.fail("%d positions of %d words", len(positions), len(words))
		}
		dst := sum.F[i*d : (i+1)*d]
		copy(dst, word.F[c.index(w, word.Dims[0])*d:])
		addTo(dst, pos.F[c.index(p, pos.Dims[0])*d:])
		if seg != nil && segments != nil {
			addTo(dst, seg.F[c.index(segments[i], seg.Dims[0])*d:])
		}
	}
	y, _ := c.norm(sum, d, c.float("epsilon", 1e-12), layerNorm, c.floats(5), c.floats(6))
	return []*Value{y, c.maskLengths(ids.Dims), sum}
}

func addTo(dst, x []float32) {
	for i := range dst {
		dst[i] += x[i]
	}
}

// maskLengths counts the words of each sequence that the mask has.
func (c *call) maskLengths(dims []int) *Value {
	out := c.alloc(onnx.Int32, dims[:1])
	if m := c.list(7); len(m) == dims[0]*dims[1] {
		for i, x := range m {
			if x != 0 {
				out.I[i/dims[1]]++
			}
		}
	}
	return out
}

// biasSoftmax is com.microsoft's softmax of a sum.
func biasSoftmax(c *call) []*Value {
	x, b := c.floats(0), c.floats(1)
	k := c.axis(c.int("axis", 1), len(x.Dims))
	if c.int("is_inner_broadcast", 1) == 0 {
		c.fail("%w: a bias that is repeated in blocks", onnx.ErrUnsupported)
	}
	return one(c.lastRows(c.binary(&addition, x, b), product(x.Dims[k:]), softmaxRow))
}
