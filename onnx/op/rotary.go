package op

// rotation turns pairs of the first elements of vectors by angles whose cosines and
// sines lie in tables of rows of pairs elements.
type rotation struct {
	cos, sin    []float32
	pairs       int
	interleaved bool // pairs are neighbours, not halves
	scale       float32
	row         func(b, t int) int
}

// tables reads the tables; of a rotary dimension other than 0 only those pairs turn.
func (c *call) rotation(cos, sin *Value, dim int64) *rotation {
	n := len(cos.Dims)
	if n < 2 || len(cos.F) != len(sin.F) || !cos.Type.IsFloat() || !sin.Type.IsFloat() {
		c.fail("tables of dimensions %v and %v", cos.Dims, sin.Dims)
	}
	if dim != 0 && int64(cos.Dims[n-1])*2 != dim {
		c.fail("tables of dimensions %v for a rotation of %d", cos.Dims, dim)
	}
	return &rotation{cos: cos.F, sin: sin.F, pairs: cos.Dims[n-1], scale: 1}
}

// rotate turns the vectors of x into out, which has its layout.
func (c *call) rotate(out, x *heads, r *rotation) {
	if 2*r.pairs > x.d {
		c.fail("a rotation of %d elements of %d", 2*r.pairs, x.d)
	}
	rows := 0
	if r.pairs > 0 {
		rows = len(r.cos) / r.pairs
	}
	for b := range x.b {
		for t := range x.t {
			k := r.row(b, t)
			if k < 0 || k >= rows {
				c.fail("position %d of tables of %d", k, rows)
			}
			cos, sin := r.cos[k*r.pairs:(k+1)*r.pairs], r.sin[k*r.pairs:(k+1)*r.pairs]
			for h := range x.h {
				src, dst := x.at(b, h, t)[:x.d], out.at(b, h, t)[:x.d]
				copy(dst[2*r.pairs:], src[2*r.pairs:])
				for j := range cos {
					a, z := j, j+r.pairs
					if r.interleaved {
						a, z = 2*j, 2*j+1
					}
					p, q := src[a], src[z]
					dst[a], dst[z] = (p*cos[j]-q*sin[j])*r.scale, (p*sin[j]+q*cos[j])*r.scale
				}
			}
		}
	}
}

// turned is a tensor with its heads rotated.
func (c *call) turned(x *Value, heads int, r *rotation) *Value {
	y := c.alloc(x.Type, x.Dims)
	c.rotate(c.heads(y, heads), c.heads(x, heads), r)
	return y
}

// rotaryEmbedding is ONNX's: X, cosines, sines, positions. Without positions the
// tables have a row for each vector.
func rotaryEmbedding(c *call) []*Value {
	x := c.floats(0)
	r := c.rotation(c.floats(1), c.floats(2), c.int("rotary_embedding_dim", 0))
	r.interleaved = c.flag("interleaved")
	n := c.headCount(x, r, c.int("num_heads", 0))
	v := c.heads(x, n)
	cos := c.floats(1)
	switch pos := c.list(3); {
	case pos != nil && len(pos) == v.b*v.t:
		r.row = func(b, t int) int { return int(max(-1, min(pos[b*v.t+t], 1<<31))) }
	case pos != nil:
		c.fail("%d positions of %d vectors", len(pos), v.b*v.t)
	case len(cos.Dims) == 3 && cos.Dims[1] == v.t && (cos.Dims[0] == v.b || cos.Dims[0] == 1):
		r.row = func(b, t int) int { return b%cos.Dims[0]*v.t + t }
	default:
		c.fail("tables of dimensions %v without positions", cos.Dims)
	}
	return one(c.turned(x, n, r))
}

// headCount is the number of heads of [B, T, D]: given, or by the tables.
func (c *call) headCount(x *Value, r *rotation, given int64) int {
	if len(x.Dims) == 3 && given == 0 && r.pairs > 0 {
		return x.Dims[2] / (2 * r.pairs)
	}
	return int(max(0, min(given, 1<<20)))
}

// msRotaryEmbedding is com.microsoft's: X, positions, cosines, sines. One position is
// that of the first vector.
func msRotaryEmbedding(c *call) []*Value {
	x := c.floats(0)
	dim := c.int("rotary_embedding_dim", 0)
	r := c.rotation(c.floats(2), c.floats(3), dim)
	r.interleaved, r.scale = c.flag("interleaved"), c.float("scale", 1)
	n := c.headCount(x, r, c.int("num_heads", 0))
	v := c.heads(x, n)
	pos := c.integers(c.arg(1))
	switch {
	case len(pos) == 1:
		r.row = func(_, t int) int { return int(max(-1, min(pos[0], 1<<31))) + t }
	case len(pos) == v.b*v.t:
		r.row = func(b, t int) int { return int(max(-1, min(pos[b*v.t+t], 1<<31))) }
	default:
		c.fail("%d positions of %d vectors", len(pos), v.b*v.t)
	}
	return one(c.turned(x, n, r))
}
