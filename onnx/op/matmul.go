package op

import (
	"fmt"
	"slices"
	"strings"

	"github.com/detox-surgery/detox-surgery/simd"
)

func matMul(c *Call) ([]*Value, error) {
	if err := c.need(2); err != nil {
		return nil, err
	}
	return one(multiply(c, c.In[0], c.In[1]))
}

// multiply is a b over the last two dimensions, the others broadcast.
func multiply(c *Call, a, b *Value) (*Value, error) {
	da, db := a.Dims, b.Dims
	if len(da) == 1 {
		da = []int{1, da[0]}
	}
	if len(db) == 1 {
		db = []int{db[0], 1}
	}
	if len(da) < 2 || len(db) < 2 || da[len(da)-1] != db[len(db)-2] || a.F == nil || b.F == nil {
		return nil, fmt.Errorf("product of shapes %v and %v", a.Dims, b.Dims)
	}
	m, k, n := da[len(da)-2], da[len(da)-1], db[len(db)-1]
	outer, err := broadcast(da[:len(da)-2], db[:len(db)-2])
	if err != nil {
		return nil, err
	}
	if _, err := checked(slices.Concat(outer, []int{m, n})); err != nil {
		return nil, err
	}
	y := made(a.Type, slices.Concat(outer, []int{m, n}))
	if product(db[:len(db)-2]) == 1 { // one matrix for all rows
		m *= product(outer)
		outer = nil
		da = []int{m, k}
	}
	ia, ib := newWalk(outer, da[:len(da)-2]), newWalk(outer, db[:len(db)-2])
	for i := range product(outer) {
		if m > 0 && n > 0 {
			gemmInto(c.Pool, m, n, k, a.F[ia.at*m*k:], b.F[ib.at*k*n:], n, y.F[i*m*n:])
		}
		ia.next()
		ib.next()
	}
	if len(a.Dims) == 1 {
		y.Dims = slices.Delete(y.Dims, len(y.Dims)-2, len(y.Dims)-1)
	}
	if len(b.Dims) == 1 {
		y.Dims = y.Dims[:len(y.Dims)-1]
	}
	return y, nil
}

// gemmInto is [m, k] times [k, n]; k may be 0.
func gemmInto(p *simd.Pool, m, n, k int, a, b []float32, ldb int, y []float32) {
	if k == 0 {
		clear(y[:m*n])
		return
	}
	simd.Gemm(p, false, false, m, n, k, a, k, b, ldb, 0, y, n)
}

func gemm(c *Call) ([]*Value, error) {
	if err := c.need(2); err != nil {
		return nil, err
	}
	a, b := c.In[0], c.In[1]
	if c.int("transA", 0) != 0 {
		a = permuted(a, []int{1, 0})
	}
	if c.int("transB", 0) != 0 {
		b = permuted(b, []int{1, 0})
	}
	y, err := multiply(c, a, b)
	if err != nil {
		return nil, err
	}
	scale(y, c.float("alpha", 1))
	if !c.has(2) {
		return []*Value{y}, nil
	}
	bias := c.In[2]
	if beta := c.float("beta", 1); beta != 1 {
		bias = bias.pick(bias.Dims, func(i int) int { return i })
		scale(bias, beta)
	}
	return one(binary["Add"].apply(y, bias))
}

func scale(v *Value, f float32) {
	if f != 1 {
		for i := range v.F {
			v.F[i] *= f
		}
	}
}

// einsum sums over all indices that the result does not have, one by one: for small
// tensors.
func einsum(c *Call) ([]*Value, error) {
	if err := c.need(len(c.In)); err != nil {
		return nil, err
	}
	eq := strings.ReplaceAll(c.str("equation", ""), " ", "")
	left, right, ok := strings.Cut(eq, "->")
	terms := strings.Split(left, ",")
	if !ok || len(terms) != len(c.In) || strings.Contains(eq, ".") {
		return nil, fmt.Errorf("equation %q", eq)
	}
	size := map[rune]int{}
	letters := right
	for i, t := range terms {
		if len(t) != len(c.In[i].Dims) {
			return nil, fmt.Errorf("equation %q for shape %v", eq, c.In[i].Dims)
		}
		for j, r := range t {
			if !strings.ContainsRune(letters, r) {
				letters += string(r)
			}
			size[r] = c.In[i].Dims[j]
		}
	}
	var dims, all []int
	for i, r := range letters {
		all = append(all, size[r])
		if i < len(right) {
			dims = append(dims, size[r])
		}
	}
	n, err := checked(all)
	if err != nil {
		return nil, err
	}
	y := made(c.In[0].Type, dims)
	walks := []*walk{}
	for i, t := range terms {
		w := &walk{dims: all, index: make([]int, len(all)), step: make([]int, len(all))}
		for j, r := range t {
			w.step[strings.IndexRune(letters, r)] += strides(c.In[i].Dims)[j]
		}
		walks = append(walks, w)
	}
	inner := n / max(1, y.Len())
	for i := range n {
		x := float32(1)
		for j, w := range walks {
			x *= c.In[j].F[w.at]
			w.next()
		}
		y.F[i/inner] += x
	}
	return []*Value{y}, nil
}
