package eval

import "math"

// lbfgs minimises a smooth convex function with memory 10 and Armijo backtracking,
// from w in place. f returns the value and writes the gradient. It stops when the
// gradient's largest entry falls under tol, or after iter steps.
func lbfgs(w []float64, f func(w, grad []float64) float64, iter int, tol float64) {
	const memory = 10
	n := len(w)
	grad, next, nextGrad := make([]float64, n), make([]float64, n), make([]float64, n)
	dir := make([]float64, n)
	var pairs []curvature
	value := f(w, grad)
	for range iter {
		if maxAbs(grad) < tol {
			return
		}
		direction(dir, grad, pairs)
		slope := dot(dir, grad)
		step := 1.0
		if len(pairs) == 0 {
			step = 1 / math.Sqrt(dot(grad, grad))
		}
		var v float64
		for {
			for i := range w {
				next[i] = w[i] + step*dir[i]
			}
			if v = f(next, nextGrad); v <= value+1e-4*step*slope {
				break
			}
			if step /= 2; step < 1e-12 {
				return
			}
		}
		p := curvature{s: make([]float64, n), y: make([]float64, n)}
		for i := range w {
			p.s[i], p.y[i] = next[i]-w[i], nextGrad[i]-grad[i]
		}
		if p.sy = dot(p.s, p.y); p.sy > 0 {
			if len(pairs) == memory {
				pairs = pairs[1:]
			}
			pairs = append(pairs, p)
		}
		copy(w, next)
		copy(grad, nextGrad)
		value = v
	}
}

// curvature is one remembered step s and the change y of the gradient over it.
type curvature struct {
	s, y []float64
	sy   float64
}

// direction writes -H grad by the two-loop recursion (Nocedal and Wright, alg. 7.4).
func direction(dir, grad []float64, pairs []curvature) {
	for i, g := range grad {
		dir[i] = -g
	}
	alpha := make([]float64, len(pairs))
	for k := len(pairs) - 1; k >= 0; k-- {
		p := pairs[k]
		alpha[k] = dot(p.s, dir) / p.sy
		axpy(dir, -alpha[k], p.y)
	}
	if len(pairs) > 0 {
		last := pairs[len(pairs)-1]
		gamma := last.sy / dot(last.y, last.y)
		for i := range dir {
			dir[i] *= gamma
		}
	}
	for k, p := range pairs {
		axpy(dir, alpha[k]-dot(p.y, dir)/p.sy, p.s)
	}
}

func dot(a, b []float64) float64 {
	s := 0.0
	for i, x := range a {
		s += x * b[i]
	}
	return s
}

func axpy(dst []float64, alpha float64, x []float64) {
	for i, v := range x {
		dst[i] += alpha * v
	}
}

func maxAbs(x []float64) float64 {
	m := 0.0
	for _, v := range x {
		m = max(m, math.Abs(v))
	}
	return m
}
