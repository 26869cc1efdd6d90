package edit

import "github.com/detox-surgery/detox-surgery/simd"

// blockCols is how many columns are rounded before their errors reach the
// columns further right through one matrix product.
const blockCols = 32

// roundCodes chooses codes on the grid as it stands so that the output error is
// small, by error propagation (GPTQ, arXiv 2210.17323), in the form of Babai's
// nearest plane: with H = U Uᵀ, column j is aimed at
//
//	w_j + Σ_{i<j} U[i,j] (w_i − q_i) / U[j,j],
//
// which cancels as much of the error of the columns before it as it can.
func (ch *chunk) roundCodes() {
	n := ch.cols
	left := make([]float32, ch.rows*n)         // w − q
	push := make([]float32, ch.rows*n)         // Σ_{i<j} U[i,j] left_i
	tile := make([]float32, ch.rows*blockCols) // left of the current columns
	for lo := 0; lo < n; lo += blockCols {
		hi := min(n, lo+blockCols)
		ch.pool.Do(ch.rows, func(r, _ int) {
			ch.roundTile(r, lo, hi, left[r*n:(r+1)*n], push[r*n:(r+1)*n])
			copy(tile[r*(hi-lo):], left[r*n+lo:r*n+hi])
		})
		if hi < n && ch.curve != nil {
			simd.Gemm(ch.pool, false, false, ch.rows, n-hi, hi-lo, tile, hi-lo, ch.curve.u[lo*n+hi:], n, 1, push[hi:], n)
		}
	}
	for r := range ch.rows {
		ch.typ.SetCodes(ch.rowRaw(r), row(ch, ch.codes, r, 1))
	}
	ch.load()
}

// roundTile rounds columns lo to hi of row r.
func (ch *chunk) roundTile(r, lo, hi int, left, push []float32) {
	n := ch.cols
	want, codes := row(ch, ch.want, r, 1), row(ch, ch.codes, r, 1)
	scale, offset := row(ch, ch.scale, r, ch.grid.Sub), row(ch, ch.offset, r, ch.grid.Sub)
	for j := lo; j < hi; j++ {
		s, o := scale[j/ch.grid.Sub], offset[j/ch.grid.Sub]
		switch v := ch.grid.Vector; {
		case s == 0: // every code has the value o
		case v == 0:
			codes[j] = nearestCode(&ch.grid, ch.aim(want, push, j), s, o)
		case j%v == 0:
			var aims [8]float32
			for i := range aims[:v] {
				aims[i] = (ch.aim(want, push, j+i) - o) / s
			}
			ch.typ.NearestVector(codes[j:j+v], aims[:v])
		}
		e := want[j] - (float32(float32(codes[j])*s) + o)
		left[j] = e
		if ch.curve == nil || e == 0 {
			continue
		}
		u := ch.curve.u[j*n : j*n+hi]
		for k := j + 1; k < hi; k++ {
			push[k] += e * u[k]
		}
	}
}

// aim is what column j should become, given the errors of the columns before it
// or, where codes move in vectors, before its vector.
func (ch *chunk) aim(want, push []float32, j int) float32 {
	if ch.curve == nil {
		return want[j]
	}
	return want[j] + push[j]/ch.curve.u[j*ch.cols+j]
}

// sweeps is how often refit goes over all carriers. More lower the error on the
// calibration activations further, but not the loss on other text.
const sweeps = 2

// roundAware makes codes and carriers follow want. Three ways are tried, each
// row keeping the best: moving carriers alone, codes and then carriers, and
// carriers, codes, carriers. The first needs no code to move half a step; the
// others help where it does not reach. At the end single codes and pairs of them
// move, and the carriers once more. No row can be worse than it was.
func (ch *chunk) roundAware() {
	codes := ch.clone()
	codes.roundCodes()
	codes.refit()
	ch.refit()
	both := ch.clone()
	both.roundCodes()
	both.refit()
	ch.takeBetter(codes)
	ch.takeBetter(both)
	last := ch.clone()
	last.descend()
	last.refit()
	ch.takeBetter(last)
}

// roundGrid chooses the nearest codes on the grid as it stands.
func (ch *chunk) roundGrid() {
	ch.curve = nil
	ch.roundCodes()
}
