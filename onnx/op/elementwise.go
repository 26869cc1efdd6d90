package op

import (
	"fmt"
	"math"

	"github.com/detox-surgery/detox-surgery/onnx"
)

// unary lists functions of one number; integers go through float64.
var unary = map[string]func(x float64) float64{
	"Abs": math.Abs, "Neg": func(x float64) float64 { return -x }, "Sqrt": math.Sqrt, "Reciprocal": func(x float64) float64 { return 1 / x },
	"Exp": math.Exp, "Log": math.Log, "Sin": math.Sin, "Cos": math.Cos, "Tan": math.Tan, "Tanh": math.Tanh, "Sinh": math.Sinh, "Cosh": math.Cosh,
	"Asin": math.Asin, "Acos": math.Acos, "Atan": math.Atan, "Asinh": math.Asinh, "Acosh": math.Acosh, "Atanh": math.Atanh, "Erf": math.Erf,
	"Sigmoid": sigmoid, "Floor": math.Floor, "Ceil": math.Ceil, "Round": math.RoundToEven,
	"Relu": func(x float64) float64 { return max(x, 0) }, "Softplus": func(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) },
	"Softsign": func(x float64) float64 { return x / (1 + math.Abs(x)) }, "Mish": func(x float64) float64 { return x * math.Tanh(math.Log1p(math.Exp(x))) },
	"Sign": func(x float64) float64 {
		switch {
		case x > 0:
			return 1
		case x < 0:
			return -1
		}
		return x
	},
	"Swish": func(x float64) float64 { return x * sigmoid(x) },
	"Not":   func(x float64) float64 { return 1 - x }, "IsNaN": nil,
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// pointwise makes an operator of a function of one number.
func pointwise(f func(x float64) float64) func(c *Call) ([]*Value, error) {
	return func(c *Call) ([]*Value, error) {
		if err := c.need(1); err != nil {
			return nil, err
		}
		x := c.in(0)
		if c.Node.Op == "IsNaN" {
			y := made(onnx.Bool, x.Dims)
			for i, v := range x.F {
				if v != v {
					y.I[i] = 1
				}
			}
			return []*Value{y}, nil
		}
		if a := c.float("alpha", 1); c.Node.Op == "Swish" && a != 1 {
			f = func(x float64) float64 { return x * sigmoid(float64(a)*x) }
		}
		y := made(x.Type, x.Dims)
		for i, v := range x.F {
			y.F[i] = float32(f(float64(v)))
		}
		for i, v := range x.I {
			y.I[i] = wrap(x.Type, int64(f(float64(v))))
		}
		return []*Value{y}, nil
	}
}

// pair is an operator on two numbers.
type pair struct {
	f func(a, b float32) float32
	i func(a, b int64) int64
	// compare gives BOOL, of floats by f, of integers by i.
	compare bool
}

func truth(b bool) float32 {
	if b {
		return 1
	}
	return 0
}

func truthInt(b bool) int64 { return int64(truth(b)) }

// binary lists operators of two tensors, which are broadcast.
var binary = map[string]pair{
	"Add": {f: func(a, b float32) float32 { return a + b }, i: func(a, b int64) int64 { return a + b }},
	"Sub": {f: func(a, b float32) float32 { return a - b }, i: func(a, b int64) int64 { return a - b }},
	"Mul": {f: func(a, b float32) float32 { return a * b }, i: func(a, b int64) int64 { return a * b }},
	"Div": {f: func(a, b float32) float32 { return a / b }, i: func(a, b int64) int64 { return a / b }},
	"Pow": {f: power, i: func(a, b int64) int64 { return int64(math.Pow(float64(a), float64(b))) }},
	"Max": {f: func(a, b float32) float32 { return max(a, b) }, i: func(a, b int64) int64 { return max(a, b) }},
	"Min": {f: func(a, b float32) float32 { return min(a, b) }, i: func(a, b int64) int64 { return min(a, b) }},
	"Sum": {f: func(a, b float32) float32 { return a + b }, i: func(a, b int64) int64 { return a + b }},
	"Mod": {f: func(a, b float32) float32 { return float32(math.Mod(float64(a), float64(b))) }, i: floorMod},
	"And": {i: func(a, b int64) int64 { return a & b }}, "Or": {i: func(a, b int64) int64 { return a | b }}, "Xor": {i: func(a, b int64) int64 { return a ^ b }},
	"Equal":          {compare: true, f: func(a, b float32) float32 { return truth(a == b) }, i: func(a, b int64) int64 { return truthInt(a == b) }},
	"Less":           {compare: true, f: func(a, b float32) float32 { return truth(a < b) }, i: func(a, b int64) int64 { return truthInt(a < b) }},
	"LessOrEqual":    {compare: true, f: func(a, b float32) float32 { return truth(a <= b) }, i: func(a, b int64) int64 { return truthInt(a <= b) }},
	"Greater":        {compare: true, f: func(a, b float32) float32 { return truth(a > b) }, i: func(a, b int64) int64 { return truthInt(a > b) }},
	"GreaterOrEqual": {compare: true, f: func(a, b float32) float32 { return truth(a >= b) }, i: func(a, b int64) int64 { return truthInt(a >= b) }},
}

func power(a, b float32) float32 {
	if b == 2 {
		return a * a
	}
	return float32(math.Pow(float64(a), float64(b)))
}

func floorMod(a, b int64) int64 {
	m := a % b
	if m != 0 && (m < 0) != (b < 0) {
		m += b
	}
	return m
}

// pairwise makes an operator of a function of two numbers; Max, Min and Sum take more
// than two tensors, from left to right.
func pairwise(p pair) func(c *Call) ([]*Value, error) {
	return func(c *Call) ([]*Value, error) {
		if err := c.need(1); err != nil {
			return nil, err
		}
		y := c.In[0]
		for _, b := range c.In[1:] {
			var err error
			if y, err = p.apply(y, b); err != nil {
				return nil, err
			}
		}
		return []*Value{y}, nil
	}
}

func (p pair) apply(a, b *Value) (*Value, error) {
	if b == nil || (a.F == nil) != (b.F == nil) && a.Len() > 0 && b.Len() > 0 {
		return nil, fmt.Errorf("inputs of types %v and %v", a.Type, typeOf(b))
	}
	dims, err := broadcast(a.Dims, b.Dims)
	if err != nil {
		return nil, err
	}
	t := a.Type
	if p.compare {
		t = onnx.Bool
	}
	y := made(t, dims)
	ia, ib := newWalk(dims, a.Dims), newWalk(dims, b.Dims)
	for i := range y.Len() {
		switch {
		case a.F != nil && p.compare:
			y.I[i] = int64(p.f(a.F[ia.at], b.F[ib.at]))
		case a.F != nil:
			y.F[i] = p.f(a.F[ia.at], b.F[ib.at])
		default:
			y.I[i] = wrap(t, p.i(a.I[ia.at], b.I[ib.at]))
		}
		ia.next()
		ib.next()
	}
	return y, nil
}

func typeOf(v *Value) onnx.Type {
	if v == nil {
		return onnx.Undefined
	}
	return v.Type
}

// broadcast is the shape that both shapes stretch to.
func broadcast(a, b []int) ([]int, error) {
	n := max(len(a), len(b))
	out := make([]int, n)
	for i := range out {
		x, y := dimAt(a, i-n+len(a)), dimAt(b, i-n+len(b))
		switch {
		case x == y || y == 1:
			out[i] = x
		case x == 1:
			out[i] = y
		default:
			return nil, fmt.Errorf("shapes %v and %v do not go together", a, b)
		}
	}
	_, err := checked(out)
	return out, err
}

func dimAt(d []int, i int) int {
	if i < 0 {
		return 1
	}
	return d[i]
}

// walk goes through the elements of a tensor as a larger shape reads them.
type walk struct {
	at    int
	dims  []int
	index []int
	step  []int
}

func newWalk(dims, of []int) *walk {
	w := &walk{dims: dims, index: make([]int, len(dims)), step: make([]int, len(dims))}
	stride := 1
	for i := len(dims) - 1; i >= 0; i-- {
		if d := dimAt(of, i-len(dims)+len(of)); d > 1 {
			w.step[i] = stride
			stride *= d
		}
	}
	return w
}

func (w *walk) next() {
	for i := len(w.dims) - 1; i >= 0; i-- {
		w.at += w.step[i]
		if w.index[i]++; w.index[i] < w.dims[i] {
			return
		}
		w.at -= w.step[i] * w.dims[i]
		w.index[i] = 0
	}
}

func where(c *Call) ([]*Value, error) {
	if err := c.need(3); err != nil {
		return nil, err
	}
	dims, err := broadcast(c.In[0].Dims, c.In[1].Dims)
	if err == nil {
		dims, err = broadcast(dims, c.In[2].Dims)
	}
	if err != nil {
		return nil, err
	}
	y := made(c.In[1].Type, dims)
	ic, ix, iy := newWalk(dims, c.In[0].Dims), newWalk(dims, c.In[1].Dims), newWalk(dims, c.In[2].Dims)
	for i := range y.Len() {
		src, at := c.In[2], iy.at
		if c.In[0].I[ic.at] != 0 {
			src, at = c.In[1], ix.at
		}
		y.copyRun(i, src, at, 1)
		ic.next()
		ix.next()
		iy.next()
	}
	return []*Value{y}, nil
}

func clip(c *Call) ([]*Value, error) {
	if err := c.need(1); err != nil {
		return nil, err
	}
	x := c.In[0]
	y := made(x.Type, x.Dims)
	lo, hi := c.float("min", float32(math.Inf(-1))), c.float("max", float32(math.Inf(1)))
	if x.F != nil {
		if v := c.in(1); v != nil {
			lo = v.F[0]
		}
		if v := c.in(2); v != nil {
			hi = v.F[0]
		}
		for i, v := range x.F {
			y.F[i] = min(max(v, lo), hi)
		}
		return []*Value{y}, nil
	}
	li, hj := int64(math.MinInt64), int64(math.MaxInt64)
	if v := c.in(1); v != nil {
		li = v.I[0]
	}
	if v := c.in(2); v != nil {
		hj = v.I[0]
	}
	for i, v := range x.I {
		y.I[i] = min(max(v, li), hj)
	}
	return []*Value{y}, nil
}

// gelus are the exact form and the approximation by tanh.
func geluExact(x float64) float64 { return 0.5 * x * (1 + math.Erf(x/math.Sqrt2)) }
func geluTanh(x float64) float64 {
	return 0.5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
}

func geluOp(c *Call) ([]*Value, error) {
	if c.str("approximate", "none") == "tanh" {
		return pointwise(geluTanh)(c)
	}
	return pointwise(geluExact)(c)
}

// fastGelu and BiasGelu add a bias first; the former approximates.
func fastGelu(c *Call) ([]*Value, error) {
	if err := c.need(1); err != nil {
		return nil, err
	}
	if c.has(1) {
		x, err := binary["Add"].apply(c.In[0], c.In[1])
		if err != nil {
			return nil, err
		}
		c.In = []*Value{x}
	}
	if c.Node.Op == "BiasGelu" {
		return pointwise(geluExact)(c)
	}
	return pointwise(geluTanh)(c)
}

func quickGelu(c *Call) ([]*Value, error) {
	a := float64(c.float("alpha", 1.702))
	return pointwise(func(x float64) float64 { return x * sigmoid(a*x) })(c)
}
