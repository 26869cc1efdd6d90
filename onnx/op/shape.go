package op

import (
	"errors"
	"fmt"
	"slices"

	"github.com/detox-surgery/detox-surgery/onnx"
)

func identity(c *Call) ([]*Value, error) { return []*Value{c.in(0)}, c.need(1) }

func castLike(c *Call) ([]*Value, error) {
	if err := c.need(2); err != nil {
		return nil, err
	}
	return one(castTo(c.In[0], c.In[1].Type))
}

func cast(c *Call) ([]*Value, error) {
	if err := c.need(1); err != nil {
		return nil, err
	}
	return one(castTo(c.In[0], onnx.Type(c.int("to", 0))))
}

func castTo(x *Value, t onnx.Type) (*Value, error) {
	if !t.Valid() || t == onnx.String || x.S != nil {
		return nil, fmt.Errorf("cast of %v to %v", x.Type, t)
	}
	y := made(t, x.Dims)
	for i, v := range x.F {
		switch {
		case y.F != nil:
			y.F[i] = v
		case t == onnx.Bool:
			y.I[i] = truthInt(v != 0)
		default:
			y.I[i] = wrap(t, int64(v))
		}
	}
	for i, v := range x.I {
		if y.F != nil {
			y.F[i] = float32(v)
		} else {
			y.I[i] = wrap(t, v)
		}
	}
	y.round()
	return y, nil
}

func constant(c *Call) ([]*Value, error) {
	for _, a := range c.Node.Attrs {
		v, err := a.Value()
		if err != nil {
			return nil, err
		}
		switch v := v.(type) {
		case *onnx.Tensor:
			return one(fromTensor(v))
		case float32:
			return []*Value{Floats(nil, []float32{v})}, nil
		case []float32:
			return []*Value{Floats([]int{len(v)}, v)}, nil
		case int64:
			return []*Value{Ints(nil, []int64{v})}, nil
		case []int64:
			return []*Value{Ints([]int{len(v)}, v)}, nil
		}
	}
	return nil, errors.New("a constant without a value that is known")
}

func constantOfShape(c *Call) ([]*Value, error) {
	if err := c.need(1); err != nil {
		return nil, err
	}
	dims := small(c.In[0].I)
	if _, err := checked(dims); err != nil {
		return nil, err
	}
	x := Floats([]int{1}, []float32{0})
	if a := c.attr("value"); a != nil && len(a.Tensors) == 1 {
		var err error
		if x, err = fromTensor(a.Tensors[0]); err != nil {
			return nil, err
		}
	}
	return []*Value{x.pick(dims, func(int) int { return 0 })}, nil
}

func shapeOf(c *Call) ([]*Value, error) {
	if err := c.need(1); err != nil {
		return nil, err
	}
	n := len(c.In[0].Dims)
	lo, hi := c.int("start", 0), c.int("end", n)
	if lo < 0 {
		lo += n
	}
	if hi < 0 {
		hi += n
	}
	lo, hi = min(max(lo, 0), n), min(max(hi, 0), n)
	x := []int64{}
	for _, d := range c.In[0].Dims[lo:max(lo, hi)] {
		x = append(x, int64(d))
	}
	return []*Value{Ints([]int{len(x)}, x)}, nil
}

func sizeOf(c *Call) ([]*Value, error) {
	if err := c.need(1); err != nil {
		return nil, err
	}
	return []*Value{Ints(nil, []int64{int64(c.In[0].Len())})}, nil
}

func rangeOf(c *Call) ([]*Value, error) {
	if err := c.need(3); err != nil {
		return nil, err
	}
	if c.In[0].F != nil {
		lo, hi, step := c.In[0].F[0], c.In[1].F[0], c.In[2].F[0]
		n := int(max(0, min(float64(maxElements), ceil(float64(hi-lo)/float64(step)))))
		y := made(c.In[0].Type, []int{n})
		for i := range n {
			y.F[i] = lo + float32(i)*step
		}
		return []*Value{y}, nil
	}
	lo, hi, step := c.In[0].I[0], c.In[1].I[0], c.In[2].I[0]
	if step == 0 {
		return nil, errors.New("a range with step 0")
	}
	n := max(0, int(min(maxElements, (hi-lo+step-sign(step))/step)))
	y := made(c.In[0].Type, []int{n})
	for i := range n {
		y.I[i] = lo + int64(i)*step
	}
	return []*Value{y}, nil
}

func sign(x int64) int64 {
	if x < 0 {
		return -1
	}
	return 1
}

func ceil(x float64) float64 {
	n := float64(int64(x))
	if n < x {
		n++
	}
	return n
}

func reshape(c *Call) ([]*Value, error) {
	if err := c.need(1); err != nil {
		return nil, err
	}
	x, dims := c.In[0], slices.Clone(c.list("shape", 1))
	free, n := -1, 1
	for i, d := range dims {
		if d == 0 && c.int("allowzero", 0) == 0 {
			if i >= len(x.Dims) {
				return nil, fmt.Errorf("shape %v of a tensor with %d dimensions", dims, len(x.Dims))
			}
			dims[i] = x.Dims[i]
		}
		if dims[i] == -1 {
			free = i
			continue
		}
		n *= max(dims[i], 0)
	}
	if free >= 0 {
		if n == 0 || x.Len()%n != 0 {
			return nil, fmt.Errorf("%v cannot become %v", x.Dims, dims)
		}
		dims[free] = x.Len() / n
	}
	if m, err := checked(dims); err != nil || m != x.Len() {
		return nil, fmt.Errorf("%v cannot become %v", x.Dims, dims)
	}
	return []*Value{x.reshaped(dims)}, nil
}

func flatten(c *Call) ([]*Value, error) {
	if err := c.need(1); err != nil {
		return nil, err
	}
	x := c.In[0]
	a := c.int("axis", 1)
	if a < 0 {
		a += len(x.Dims)
	}
	if a < 0 || a > len(x.Dims) {
		return nil, fmt.Errorf("axis %d of a tensor with %d dimensions", a, len(x.Dims))
	}
	return []*Value{x.reshaped([]int{product(x.Dims[:a]), product(x.Dims[a:])})}, nil
}

func squeeze(c *Call) ([]*Value, error) {
	if err := c.need(1); err != nil {
		return nil, err
	}
	x, axes := c.In[0], c.list("axes", 1)
	drop := map[int]bool{}
	for _, a := range axes {
		a, err := axis(a, len(x.Dims))
		if err != nil {
			return nil, err
		}
		drop[a] = true
	}
	dims := []int{}
	for i, d := range x.Dims {
		if d == 1 && (axes == nil || drop[i]) {
			continue
		}
		dims = append(dims, d)
	}
	return []*Value{x.reshaped(dims)}, nil
}

func unsqueeze(c *Call) ([]*Value, error) {
	if err := c.need(1); err != nil {
		return nil, err
	}
	x, axes := c.In[0], c.list("axes", 1)
	rank := len(x.Dims) + len(axes)
	add := map[int]bool{}
	for _, a := range axes {
		a, err := axis(a, rank)
		if err != nil {
			return nil, err
		}
		add[a] = true
	}
	dims, rest := []int{}, x.Dims
	for i := range rank {
		if add[i] {
			dims = append(dims, 1)
		} else if len(rest) > 0 {
			dims, rest = append(dims, rest[0]), rest[1:]
		}
	}
	return []*Value{x.reshaped(dims)}, nil
}

func transpose(c *Call) ([]*Value, error) {
	if err := c.need(1); err != nil {
		return nil, err
	}
	x, perm := c.In[0], c.ints("perm")
	n := len(x.Dims)
	if perm == nil {
		for i := range n {
			perm = append(perm, n-1-i)
		}
	}
	if len(perm) != n {
		return nil, fmt.Errorf("%d dimensions permuted as %v", n, perm)
	}
	return []*Value{permuted(x, perm)}, nil
}

func permuted(x *Value, perm []int) *Value {
	n := len(perm)
	stride := strides(x.Dims)
	dims, w := make([]int, n), &walk{index: make([]int, n), step: make([]int, n)}
	for i, p := range perm {
		dims[i], w.step[i] = x.Dims[p], stride[p]
	}
	w.dims = dims
	return x.pick(dims, func(int) int { at := w.at; w.next(); return at })
}

func strides(dims []int) []int {
	out := make([]int, len(dims))
	n := 1
	for i := len(dims) - 1; i >= 0; i-- {
		out[i] = n
		n *= dims[i]
	}
	return out
}

func expand(c *Call) ([]*Value, error) {
	if err := c.need(2); err != nil {
		return nil, err
	}
	dims, err := broadcast(c.In[0].Dims, small(c.In[1].I))
	if err != nil {
		return nil, err
	}
	w := newWalk(dims, c.In[0].Dims)
	return []*Value{c.In[0].pick(dims, func(int) int { at := w.at; w.next(); return at })}, nil
}

func tile(c *Call) ([]*Value, error) {
	if err := c.need(2); err != nil {
		return nil, err
	}
	x, reps := c.In[0], small(c.In[1].I)
	if len(reps) != len(x.Dims) {
		return nil, fmt.Errorf("%d repeats of %d dimensions", len(reps), len(x.Dims))
	}
	dims := make([]int, len(reps))
	for i, r := range reps {
		dims[i] = x.Dims[i] * r
	}
	if _, err := checked(dims); err != nil {
		return nil, err
	}
	from, to := strides(x.Dims), strides(dims)
	return []*Value{x.pick(dims, func(i int) int {
		at := 0
		for d := range dims {
			at += i / to[d] % dims[d] % x.Dims[d] * from[d]
		}
		return at
	})}, nil
}

func concat(c *Call) ([]*Value, error) {
	if err := c.need(len(c.In)); err != nil {
		return nil, err
	}
	a, err := axis(c.int("axis", 0), len(c.In[0].Dims))
	if err != nil {
		return nil, err
	}
	dims := slices.Clone(c.In[0].Dims)
	dims[a] = 0
	for _, x := range c.In {
		if len(x.Dims) != len(dims) {
			return nil, fmt.Errorf("shapes %v and %v", c.In[0].Dims, x.Dims)
		}
		dims[a] += x.Dims[a]
	}
	y := made(c.In[0].Type, dims)
	at := 0
	for o := range product(dims[:a]) {
		for _, x := range c.In {
			n := product(x.Dims[a:])
			y.copyRun(at, x, o*n, n)
			at += n
		}
	}
	return []*Value{y}, nil
}

func split(c *Call) ([]*Value, error) {
	if err := c.need(1); err != nil {
		return nil, err
	}
	x := c.In[0]
	a, err := axis(c.int("axis", 0), len(x.Dims))
	if err != nil {
		return nil, err
	}
	parts := c.list("split", 1)
	if parts == nil {
		n := c.int("num_outputs", len(c.Node.Outputs))
		each := (x.Dims[a] + n - 1) / max(n, 1)
		for i := range n {
			parts = append(parts, max(0, min(each, x.Dims[a]-i*each)))
		}
	}
	var out []*Value
	from := 0
	for _, n := range parts {
		if n < 0 || from+n > x.Dims[a] {
			return nil, fmt.Errorf("parts %v of %d", parts, x.Dims[a])
		}
		out = append(out, cut(x, a, from, n))
		from += n
	}
	return out, nil
}

// cut is n elements along an axis.
func cut(x *Value, a, from, n int) *Value {
	dims := slices.Clone(x.Dims)
	dims[a] = n
	y := made(x.Type, dims)
	inner := product(dims[a+1:])
	for o := range product(dims[:a]) {
		y.copyRun(o*n*inner, x, (o*x.Dims[a]+from)*inner, n*inner)
	}
	return y
}

func slice(c *Call) ([]*Value, error) {
	if err := c.need(1); err != nil {
		return nil, err
	}
	x := c.In[0]
	starts, ends, axes, steps := c.list("starts", 1), c.list("ends", 2), c.list("axes", 3), c.list("steps", 4)
	for i, s := range starts {
		a, step := i, 1
		if axes != nil {
			a = axes[i]
		}
		if steps != nil {
			step = steps[i]
		}
		a, err := axis(a, len(x.Dims))
		if err != nil {
			return nil, err
		}
		if step == 0 {
			return nil, errors.New("a slice with step 0")
		}
		x = sliced(x, a, s, ends[i], step)
	}
	return []*Value{x}, nil
}

func sliced(x *Value, a, from, to, step int) *Value {
	d := x.Dims[a]
	if from < 0 {
		from += d
	}
	if to < 0 {
		to += d
	}
	if step > 0 {
		from, to = min(max(from, 0), d), min(max(to, 0), d)
		if step == 1 {
			return cut(x, a, from, max(0, to-from))
		}
	} else {
		from, to = min(max(from, 0), d-1), min(max(to, -1), d-1)
	}
	n := max(0, (to-from+step-int(sign(int64(step))))/step)
	dims := slices.Clone(x.Dims)
	dims[a] = n
	y := made(x.Type, dims)
	inner := product(dims[a+1:])
	for o := range product(dims[:a]) {
		for i := range n {
			y.copyRun((o*n+i)*inner, x, (o*d+from+i*step)*inner, inner)
		}
	}
	return y
}
