package op

import (
	"slices"

	"github.com/detox-surgery/detox-surgery/onnx"
	"github.com/detox-surgery/detox-surgery/simd"
)

func matMul(c *call) []*Value {
	a, b := c.arg(0), c.arg(1)
	c.same(a, b)
	if !a.Type.IsFloat() {
		return one(c.integerProduct(a, b, nil, nil, a.Type))
	}
	return one(c.product(a, b, false, false, 1))
}

// matrices is a batched product: where the operands of each lie.
type matrices struct {
	m, n, k int
	dims    []int // of the result
	batch   int
	a, b    []int // first elements
}

// pair lays out op(A) [.., m, k] op(B) [.., k, n] by numpy's rule; vectors are
// matrices for the product.
func (c *call) pair(ad, bd []int, transA, transB bool) *matrices {
	if len(ad) == 0 || len(bd) == 0 {
		c.fail("product of dimensions %v and %v", ad, bd)
	}
	a, b := ad, bd
	if len(a) == 1 {
		a = []int{1, a[0]}
	}
	if len(b) == 1 {
		b = []int{b[0], 1}
	}
	p := &matrices{m: a[len(a)-2], k: a[len(a)-1], n: b[len(b)-1]}
	if transA {
		p.m, p.k = p.k, p.m
	}
	depth := b[len(b)-2]
	if transB {
		p.n, depth = depth, p.n
	}
	if depth != p.k {
		c.fail("product of dimensions %v and %v", ad, bd)
	}
	batchA, batchB := a[:len(a)-2], b[:len(b)-2]
	// Rows of all matrices of A meet one matrix B: a single product.
	if product(batchB) == 1 && !transA && len(batchB) <= len(batchA) && !slices.Contains(batchA, 0) {
		p.dims = append(slices.Clone(batchA), p.m, p.n)
		p.m *= product(batchA)
		p.batch, p.a, p.b = 1, []int{0}, []int{0}
	} else {
		outer := c.broadcast(batchA, batchB)
		p.dims = append(slices.Clone(outer), p.m, p.n)
		p.batch = c.count(outer)
		c.reserve(16 * int64(p.batch))
		p.a, p.b = starts(batchA, outer, p.m*p.k), starts(batchB, outer, p.k*p.n)
	}
	if len(bd) == 1 {
		p.dims = p.dims[:len(p.dims)-1]
	}
	if len(ad) == 1 {
		at := len(p.dims) - 2
		if len(bd) == 1 {
			at = len(p.dims) - 1
		}
		p.dims = slices.Delete(p.dims, at, at+1)
	}
	return p
}

// starts is where each matrix of a result finds its operand.
func starts(dims, outer []int, size int) []int {
	if slices.Contains(outer, 0) {
		return nil
	}
	out := make([]int, product(outer))
	l := newLoop(outer, broadcastStrides(dims, outer))
	l.each(func(first int, at []int) {
		for i := range l.inner() {
			out[first+i] = (at[0] + i*l.step(0)) * size
		}
	})
	return out
}

// product is alpha op(A) op(B) in float32.
func (c *call) product(a, b *Value, transA, transB bool, alpha float32) *Value {
	p := c.pair(a.Dims, b.Dims, transA, transB)
	out := c.alloc(a.Type, p.dims)
	lda, ldb := p.k, p.n
	if transA {
		lda = p.m
	}
	if transB {
		ldb = p.k
	}
	one := func(pool *simd.Pool, i int) {
		simd.Gemm(pool, transA, transB, p.m, p.n, p.k, a.F[p.a[i]:], lda, b.F[p.b[i]:], ldb, 0, out.F[i*p.m*p.n:], p.n)
	}
	if p.m > 0 && p.n > 0 {
		c.each(p.batch, p.m*p.n*p.k, one)
	}
	if alpha != 1 {
		simd.Scale(out.F, alpha, out.F)
	}
	return out
}

// each runs n products of some operations each: small ones side by side, large
// ones on the whole pool one after another.
func (c *call) each(n, size int, f func(pool *simd.Pool, i int)) {
	pool := c.run.p.o.Pool
	if n >= 2*pool.Workers() && size < 1<<24 {
		c.do(n, func(task int) { f(nil, task) })
		return
	}
	for i := range n {
		f(pool, i)
	}
}

// gemm is alpha op(A) op(B) + beta C.
func gemm(c *call) []*Value {
	a, b := c.arg(0), c.arg(1)
	c.same(a, b)
	if len(a.Dims) != 2 || len(b.Dims) != 2 {
		c.fail("matrices of dimensions %v and %v", a.Dims, b.Dims)
	}
	alpha, beta := c.float("alpha", 1), c.float("beta", 1)
	if !a.Type.IsFloat() {
		c.fail("%v elements are not supported", a.Type)
	}
	out := c.product(a, b, c.flag("transA"), c.flag("transB"), alpha)
	bias := c.optFloats(2)
	if bias == nil || beta == 0 {
		return one(out)
	}
	bias = c.expanded(bias, out.Dims)
	simd.Axpy(out.F, beta, bias.F)
	return one(out)
}

// fusedMatMul is com.microsoft's product of transposed matrices.
func fusedMatMul(c *call) []*Value {
	a, b := c.floats(0), c.floats(1)
	if c.flag("transBatchA") || c.flag("transBatchB") {
		c.fail("%w: transposed batches", onnx.ErrUnsupported)
	}
	return one(c.product(a, b, c.flag("transA") && len(a.Dims) > 1, c.flag("transB") && len(b.Dims) > 1, c.float("alpha", 1)))
}
