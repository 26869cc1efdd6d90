package op

import (
	"github.com/detox-surgery/detox-surgery/onnx"
	"github.com/detox-surgery/detox-surgery/simd"
)

// codes are the packed integers of com.microsoft's weights: n of width bits each, low
// bits first, in rows of whole bytes.
type codes struct {
	b     []byte
	width int
	row   int // bytes
}

func (k *codes) at(row, i int) int {
	bit := i * k.width
	return int(k.b[row*k.row+bit/8]>>(bit%8)) & (1<<k.width - 1)
}

// nbits is a weight [N, K] in blocks along K, as MatMulNBits has it.
type nbits struct {
	n, k, block, blocks int
	codes               codes // a row for each block
	scale               []float32
	zero                func(n, block int) float32
	group               []int64 // the block of each k; nil: in order
}

// Rows implements simd.Matrix.
func (w *nbits) Rows() int { return w.n }

// Cols implements simd.Matrix.
func (w *nbits) Cols() int { return w.k }

// DequantRows implements simd.Matrix.
func (w *nbits) DequantRows(dst []float32, ld, r0, r1 int) {
	for r := r0; r < r1; r++ {
		row := dst[(r-r0)*ld : (r-r0)*ld+w.k]
		if w.group != nil {
			for k := range row {
				g := int(w.group[k])
				row[k] = (float32(w.codes.at(r*w.blocks+k/w.block, k%w.block)) - w.zero(r, g)) * w.scale[r*w.blocks+g]
			}
			continue
		}
		for b := range w.blocks {
			w.dequantBlock(row[b*w.block:min((b+1)*w.block, w.k)], r*w.blocks+b, w.zero(r, b))
		}
	}
}

func (w *nbits) dequantBlock(dst []float32, block int, zero float32) {
	scale, src := w.scale[block], w.codes.b[block*w.codes.row:(block+1)*w.codes.row]
	switch w.codes.width {
	case 8:
		for i := range dst {
			dst[i] = (float32(src[i]) - zero) * scale
		}
	case 4:
		for i := range dst {
			dst[i] = (float32(src[i/2]>>(i%2*4)&15) - zero) * scale
		}
	default:
		for i := range dst {
			dst[i] = (float32(w.codes.at(block, i)) - zero) * scale
		}
	}
}

// matMulNBits is x Wᵀ for W [N, K] of 2, 4 or 8 bits. accuracy_level, by which
// onnxruntime may round x to 8 bits, is not looked at: products are in float32.
func matMulNBits(c *call) []*Value {
	x := c.floats(0)
	w := c.nbits()
	last := len(x.Dims) - 1
	if last < 0 || x.Dims[last] != w.k {
		c.fail("input of dimensions %v, K is %d", x.Dims, w.k)
	}
	dims := append([]int(nil), x.Dims...)
	dims[last] = w.n
	out := c.alloc(x.Type, dims)
	if rows := product(dims[:last]); rows > 0 {
		simd.MatMulT(c.run.p.o.Pool, rows, x.F, w.k, w, 0, out.F, w.n)
	}
	if b := c.optFloats(5); b != nil {
		out = c.binary(&addition, out, b)
	}
	return one(out)
}

// nbits reads the weight of MatMulNBits: codes, scales, zero points, groups.
func (c *call) nbits() *nbits {
	const most = 1 << 31
	w := &nbits{k: c.size("K", 0, most), n: c.size("N", 0, most), block: c.size("block_size", 0, most)}
	width := c.size("bits", 4, 8)
	if width != 2 && width != 4 && width != 8 || w.block*width%8 != 0 {
		c.fail("%w: blocks of %d codes of %d bits", onnx.ErrUnsupported, w.block, width)
	}
	w.blocks = (w.k + w.block - 1) / w.block
	b, scales := c.arg(1), c.floats(2)
	w.codes = codes{b.b, width, w.block * width / 8}
	w.scale = scales.F
	if b.Type != onnx.Uint8 || len(b.b) != c.count([]int{w.n, w.blocks, w.codes.row}) || len(scales.F) != w.n*w.blocks {
		c.fail("%d bytes of %v and %d scales for [%d, %d] in blocks of %d", len(b.b), b.Type, len(scales.F), w.n, w.k, w.block)
	}
	w.zero = c.packedZeros(c.opt(3), w.n, w.blocks, width)
	if w.group = c.list(4); w.group != nil {
		if len(w.group) < w.k {
			c.fail("%d groups for K %d", len(w.group), w.k)
		}
		for _, g := range w.group {
			c.index(max(g, -1<<40), w.blocks)
			if g < 0 {
				c.fail("group %d", g)
			}
		}
	}
	return w
}

// packedZeros reads zero points of rows of blocks: floats, or codes in rows of whole
// bytes, or the middle of the range where there are none.
func (c *call) packedZeros(z *Value, rows, blocks, width int) func(row, block int) float32 {
	switch {
	case z == nil:
		mid := float32(int(1) << (width - 1))
		return func(int, int) float32 { return mid }
	case z.Type.IsFloat():
		if len(z.F) != rows*blocks {
			c.fail("%d zero points for %d blocks", len(z.F), rows*blocks)
		}
		return func(r, b int) float32 { return z.F[r*blocks+b] }
	}
	k := codes{z.b, width, (blocks*width + 7) / 8}
	if z.Type != onnx.Uint8 || len(z.b) != rows*k.row {
		c.fail("%d zero points of %v for %d rows of %d blocks", z.Len(), z.Type, rows, blocks)
	}
	return func(r, b int) float32 { return float32(k.at(r, b)) }
}

// gatherBlockQuantized takes slices of a tensor that is quantized in blocks along an
// axis: data, indices, scales, zero points. UINT8 data holds 8/bits codes in a byte
// along the last axis, whose zero point is the middle of the range by default.
func gatherBlockQuantized(c *call) []*Value {
	x, idx, scale := c.arg(0), c.arg(1), c.floats(2)
	width := c.size("bits", 4, 8)
	per := 1
	if x.Type == onnx.Uint8 {
		if width != 4 && width != 8 {
			c.fail("%w: codes of %d bits", onnx.ErrUnsupported, width)
		}
		per = 8 / width
	} else if storeOf(x.Type) != inB {
		c.fail("data of type %v", x.Type)
	}
	rank := len(x.Dims)
	axis, along := c.axis(c.int("gather_axis", 0), rank), c.axis(c.int("quantize_axis", 1), rank)
	block := c.size("block_size", 128, 1<<31)
	dims := append([]int(nil), x.Dims...)
	dims[rank-1] *= per
	if axis == rank-1 && per > 1 {
		c.fail("%w: packed codes along the axis of the indices", onnx.ErrUnsupported)
	}
	grid := append([]int(nil), dims...)
	grid[along] = (dims[along] + block - 1) / block
	if len(scale.F) != product(grid) {
		c.fail("%d scales for dimensions %v in blocks of %d", len(scale.F), dims, block)
	}
	at := c.indices(1, dims[axis])
	shape := append(append(append([]int(nil), dims[:axis]...), idx.Dims...), dims[axis+1:]...)
	out := c.alloc(scale.Type, shape)
	code := func(i int) float32 {
		if per == 1 {
			return float32(fromByte(x.Type, x.b[i]))
		}
		return float32(x.b[i/per] >> (i % per * width) & (1<<width - 1))
	}
	zero := c.gatherZeros(x.Type, grid, width, per)
	g := contiguous(grid)
	row, inner := product(dims[axis+1:]), contiguous(dims)
	c.rows(product(dims[:axis])*len(at), row, func(r int) {
		from := (r/max(1, len(at))*dims[axis] + at[r%len(at)]) * row
		for j := range row {
			s := 0
			for k := range dims {
				pos := (from + j) / inner[k] % dims[k]
				if k == along {
					pos /= block
				}
				s += pos * g[k]
			}
			out.F[r*row+j] = (code(from+j) - zero(s)) * scale.F[s]
		}
	})
	return one(out)
}

// gatherZeros finds the zero point that belongs to a scale.
func (c *call) gatherZeros(t onnx.Type, grid []int, width, per int) func(s int) float32 {
	z := c.opt(3)
	n := product(grid)
	switch {
	case z == nil && t == onnx.Uint8:
		mid := float32(int(1) << (width - 1))
		return func(int) float32 { return mid }
	case z == nil:
		return func(int) float32 { return 0 }
	case z.Type == onnx.Uint8 && per > 1:
		last := grid[len(grid)-1]
		k := codes{z.b, width, (last*width + 7) / 8}
		if len(z.b) != n/max(1, last)*k.row {
			c.fail("%d bytes of zero points for %d scales", len(z.b), n)
		}
		return func(s int) float32 { return float32(k.at(s/last, s%last)) }
	case storeOf(z.Type) != inB || len(z.b) != n:
		c.fail("%d zero points of %v for %d scales", z.Len(), z.Type, n)
	}
	return func(s int) float32 { return float32(fromByte(z.Type, z.b[s])) }
}
