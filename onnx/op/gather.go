package op

import (
	"fmt"
	"slices"

	"github.com/detox-surgery/detox-surgery/onnx"
)

// index brings an index that may count from the end into 0..n-1.
func index(i int64, n int) (int, error) {
	if i < 0 {
		i += int64(n)
	}
	if i < 0 || i >= int64(n) {
		return 0, fmt.Errorf("index %d of %d", i, n)
	}
	return int(i), nil
}

func gather(c *Call) ([]*Value, error) {
	if err := c.need(2); err != nil {
		return nil, err
	}
	x, ids := c.In[0], c.In[1]
	a, err := axis(c.int("axis", 0), len(x.Dims))
	if err != nil {
		return nil, err
	}
	y := made(x.Type, slices.Concat(x.Dims[:a], ids.Dims, x.Dims[a+1:]))
	inner := product(x.Dims[a+1:])
	for o := range product(x.Dims[:a]) {
		for i, id := range ids.I {
			at, err := index(id, x.Dims[a])
			if err != nil {
				return nil, err
			}
			y.copyRun((o*len(ids.I)+i)*inner, x, (o*x.Dims[a]+at)*inner, inner)
		}
	}
	return []*Value{y}, nil
}

func gatherND(c *Call) ([]*Value, error) {
	if err := c.need(2); err != nil {
		return nil, err
	}
	x, ids, batch := c.In[0], c.In[1], c.int("batch_dims", 0)
	if len(ids.Dims) == 0 || batch < 0 || batch >= len(ids.Dims) || batch > len(x.Dims) {
		return nil, fmt.Errorf("indices %v into %v", ids.Dims, x.Dims)
	}
	k := ids.Dims[len(ids.Dims)-1]
	if batch+k > len(x.Dims) {
		return nil, fmt.Errorf("indices %v into %v", ids.Dims, x.Dims)
	}
	inner := product(x.Dims[batch+k:])
	y := made(x.Type, slices.Concat(ids.Dims[:len(ids.Dims)-1], x.Dims[batch+k:]))
	n := product(ids.Dims[:len(ids.Dims)-1])
	perBatch := n / max(1, product(x.Dims[:batch]))
	for i := range n {
		at := i / max(1, perBatch)
		for j := range k {
			id, err := index(ids.I[i*k+j], x.Dims[batch+j])
			if err != nil {
				return nil, err
			}
			at = at*x.Dims[batch+j] + id
		}
		y.copyRun(i*inner, x, at*inner, inner)
	}
	return []*Value{y}, nil
}

func gatherElements(c *Call) ([]*Value, error) {
	if err := c.need(2); err != nil {
		return nil, err
	}
	x, ids := c.In[0], c.In[1]
	a, err := axis(c.int("axis", 0), len(x.Dims))
	if err != nil {
		return nil, err
	}
	from, to := strides(x.Dims), strides(ids.Dims)
	y := made(x.Type, ids.Dims)
	for i, id := range ids.I {
		at, err := index(id, x.Dims[a])
		if err != nil {
			return nil, err
		}
		at *= from[a]
		for d := range ids.Dims {
			if d != a {
				at += i / to[d] % ids.Dims[d] * from[d]
			}
		}
		y.copyRun(i, x, at, 1)
	}
	return []*Value{y}, nil
}

func scatterND(c *Call) ([]*Value, error) {
	if err := c.need(3); err != nil {
		return nil, err
	}
	x, ids, up := c.In[0], c.In[1], c.In[2]
	if c.str("reduction", "none") != "none" || len(ids.Dims) == 0 {
		return nil, fmt.Errorf("a reduction or indices of no dimension")
	}
	y := x.pick(x.Dims, func(i int) int { return i })
	k := ids.Dims[len(ids.Dims)-1]
	inner := product(x.Dims[k:])
	for i := range product(ids.Dims[:len(ids.Dims)-1]) {
		at := 0
		for j := range k {
			id, err := index(ids.I[i*k+j], x.Dims[j])
			if err != nil {
				return nil, err
			}
			at = at*x.Dims[j] + id
		}
		y.copyRun(at*inner, up, i*inner, inner)
	}
	return []*Value{y}, nil
}

func trilu(c *Call) ([]*Value, error) {
	if err := c.need(1); err != nil {
		return nil, err
	}
	x, k := c.In[0], 0
	if v := c.in(1); v != nil {
		k = int(v.I[0])
	}
	upper := c.int("upper", 1) != 0
	rows, cols := x.Dims[len(x.Dims)-2], x.Dims[len(x.Dims)-1]
	y := made(x.Type, x.Dims)
	for i := range y.Len() {
		r, col := i/cols%rows, i%cols
		if upper && col-r >= k || !upper && col-r <= k {
			y.copyRun(i, x, i, 1)
		}
	}
	return []*Value{y}, nil
}

func cumSum(c *Call) ([]*Value, error) {
	if err := c.need(2); err != nil {
		return nil, err
	}
	x := c.In[0]
	a, err := axis(int(c.In[1].I[0]), len(x.Dims))
	if err != nil {
		return nil, err
	}
	exclusive, reverse := c.int("exclusive", 0) != 0, c.int("reverse", 0) != 0
	y := made(x.Type, x.Dims)
	n, inner := x.Dims[a], product(x.Dims[a+1:])
	for o := range product(x.Dims[:a]) {
		for in := range inner {
			var f float32
			var s int64
			for j := range n {
				if reverse {
					j = n - 1 - j
				}
				at := (o*n+j)*inner + in
				if x.F != nil {
					before := f
					f += x.F[at]
					if y.F[at] = f; exclusive {
						y.F[at] = before
					}
					continue
				}
				before := s
				s += x.I[at]
				if y.I[at] = s; exclusive {
					y.I[at] = before
				}
			}
		}
	}
	return []*Value{y}, nil
}

func nonZero(c *Call) ([]*Value, error) {
	if err := c.need(1); err != nil {
		return nil, err
	}
	x := c.In[0]
	var found []int
	for i := range x.Len() {
		if x.F != nil && x.F[i] != 0 || x.I != nil && x.I[i] != 0 {
			found = append(found, i)
		}
	}
	st := strides(x.Dims)
	y := made(onnx.Int64, []int{len(x.Dims), len(found)})
	for d := range x.Dims {
		for j, i := range found {
			y.I[d*len(found)+j] = int64(i / st[d] % x.Dims[d])
		}
	}
	return []*Value{y}, nil
}

// ifElse runs one of two graphs, which see the values around them.
func ifElse(c *Call) ([]*Value, error) {
	if err := c.need(1); err != nil {
		return nil, err
	}
	name := "else_branch"
	if c.In[0].I[0] != 0 {
		name = "then_branch"
	}
	a := c.attr(name)
	if a == nil || len(a.Graphs) != 1 {
		return nil, fmt.Errorf("no %s", name)
	}
	var names []string
	for _, o := range a.Graphs[0].Outputs {
		names = append(names, o.Name)
	}
	return c.run.graph(a.Graphs[0], &scope{vals: map[string]*Value{}, outer: c.scope}, names)
}
