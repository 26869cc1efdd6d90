package edit

import "github.com/detox-surgery/detox-surgery/simd"

// refit moves the carriers, codes frozen, to lower the output error: block
// coordinate descent over the groups. For one group, with basis u = ∂w/∂d and
// v = ∂w/∂m over its columns, the best step solves the 2x2 system
//
//	[uᵀHu uᵀHv; vᵀHu vᵀHv] δ = −[uᵀg vᵀg],  g = H err.
//
// The step is rounded as in the file before it is judged, and taken only if it lowers
// the error; so refit never raises it.
func (ch *chunk) refit() {
	g := ch.grid.Group
	step := make([]float32, ch.rows*g) // change of the group's weights
	for range sweeps {
		for k := range ch.cols / g {
			ch.pool.Do(ch.rows, func(r, _ int) { ch.stepGroup(r, k, step[r*g:(r+1)*g]) })
			if ch.curve != nil {
				n := ch.cols
				simd.Gemm(ch.pool, false, false, ch.rows, n, g, step, g, ch.curve.h[k*g*n:], n, 1, ch.curved, n)
			}
		}
	}
	for r := range ch.rows {
		ch.typ.SetCarriers(ch.rowRaw(r), row(ch, ch.d, r, g), row(ch, ch.m, r, g))
	}
	ch.load()
}

// basis writes u and v of group k of row r. A super-block whose d or dmin is
// zero hides its sub-scales; it gets no basis and stays as it is.
func (ch *chunk) basis(r, k int, u, v []float32) {
	sub, g := ch.grid.Sub, ch.grid.Group
	codes := row(ch, ch.codes, r, 1)[k*g : (k+1)*g]
	if g == sub {
		for j, c := range codes {
			u[j], v[j] = float32(c), 1
		}
		return
	}
	d, m := row(ch, ch.d, r, g)[k], float32(0)
	if ch.m != nil {
		m = row(ch, ch.m, r, g)[k]
	}
	scale, offset := row(ch, ch.scale, r, sub), row(ch, ch.offset, r, sub)
	for j, c := range codes {
		i := (k*g + j) / sub
		u[j], v[j] = 0, 0
		if d != 0 {
			u[j] = float32(c) * scale[i] / d
		}
		if m != 0 {
			v[j] = offset[i] / m
		}
	}
}

// stepGroup moves group k of row r and writes what that does to its weights into
// step: zero if no move helps.
func (ch *chunk) stepGroup(r, k int, step []float32) {
	g := ch.grid.Group
	var space [2 * superBlock]float32
	u, v := space[:g], space[g:2*g]
	ch.basis(r, k, u, v)
	if ch.m == nil {
		clear(v)
	}
	clear(step)
	grad := row(ch, ch.grad(), r, 1)[k*g : (k+1)*g]
	dd, dm := solve2(ch.quad(k, u, u), ch.quad(k, u, v), ch.quad(k, v, v), -dot(u, grad), -dot(v, grad))
	d := row(ch, ch.d, r, g)
	newD := ch.typ.RoundCarrier(d[k] + float32(dd))
	fd, fm := newD-d[k], float32(0)
	newM := float32(0)
	if ch.m != nil {
		m := row(ch, ch.m, r, g)[k]
		newM = ch.typ.RoundCarrier(m + float32(dm))
		fm = newM - m
	}
	for j := range step {
		step[j] = fd*u[j] + fm*v[j]
	}
	if gain := 2*dot(step, grad) + ch.quad(k, step, step); !(gain < 0) {
		clear(step)
		return
	}
	ch.takeStep(r, k, newD, newM, step)
}

// takeStep records the new carriers, the grid that follows, and the error.
func (ch *chunk) takeStep(r, k int, newD, newM float32, step []float32) {
	g, sub := ch.grid.Group, ch.grid.Sub
	d, m := row(ch, ch.d, r, g), row(ch, ch.m, r, g)
	scale, offset := row(ch, ch.scale, r, sub), row(ch, ch.offset, r, sub)
	for i := k * g / sub; i < (k+1)*g/sub; i++ {
		if d[k] != 0 {
			scale[i] *= newD / d[k]
		} else {
			scale[i] = newD
		}
		switch {
		case m == nil:
		case g == sub:
			offset[i] = newM
		case m[k] != 0:
			offset[i] *= newM / m[k]
		}
	}
	d[k] = newD
	if m != nil {
		m[k] = newM
	}
	addTo(row(ch, ch.err, r, 1)[k*g:(k+1)*g], step)
}

// quad is xᵀ H y over the columns of group k.
func (ch *chunk) quad(k int, x, y []float32) float64 {
	if ch.curve == nil {
		return dot(x, y)
	}
	n, g := ch.cols, ch.grid.Group
	var s float64
	for i, a := range x {
		if a != 0 {
			at := (k*g+i)*n + k*g
			s += float64(a) * float64(simd.Dot(ch.curve.h[at:at+g], y))
		}
	}
	return s
}

// solve2 solves a symmetric 2x2 system, treating a singular one by its diagonal.
func solve2(a, b, c, p, q float64) (x, y float64) {
	det := a*c - b*b
	if det > 1e-9*a*c {
		return (p*c - q*b) / det, (a*q - b*p) / det
	}
	if a > 0 {
		return p / a, 0
	}
	if c > 0 {
		return 0, q / c
	}
	return 0, 0
}
