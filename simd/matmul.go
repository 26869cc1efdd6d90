package simd

// Both products of a linear map read W through Matrix.DequantRows, whole rows at
// a time, once per product: a block of rows is expanded by all workers into
// memory that they share, then multiplied with all rows of the other operand.

// MatMulT computes Y = X Wᵀ + beta Y: the forward pass of a linear map.
// X is [t, K] with row stride ldx, W is [N, K], Y is [t, N] with row stride ldy;
// beta is 0 or 1. The result does not depend on the number of workers.
func MatMulT(p *Pool, t int, x []float32, ldx int, w Matrix, beta float32, y []float32, ldy int) {
	Float32.MatMulT(p, t, x, ldx, w, beta, y, ldy)
}

// MatMulT is the function of that name with the operands in precision prec, and
// in float32 where X has few rows.
func (prec Precision) MatMulT(p *Pool, t int, x []float32, ldx int, w Matrix, beta float32, y []float32, ldy int) {
	n, k := w.Rows(), w.Cols()
	if t < 0 {
		panic("simd: MatMulT: negative dimension")
	}
	if t == 0 || n == 0 {
		return
	}
	checkMatrix(t, n, y, ldy, "simd: MatMulT: Y does not hold [t, N]")
	if k == 0 {
		scaleRows(t, n, beta, y, ldy)
		return
	}
	if d, ok := w.(*Dense); ok && t > dotMaxRows {
		prec.Gemm(p, false, true, t, n, k, x, ldx, d.Data, k, beta, y, ldy) // the same additions without a copy
		return
	}
	j := newJob(p, prec.kernels(false), t, n, k, beta, y, ldy)
	j.setA(false, x, ldx)
	j.w = w
	if t <= dotMaxRows {
		j.runDots(p)
		return
	}
	j.pack = j.packMatrix
	j.runWhole(p)
}

// MatMul computes DX = DY W + beta DX: the gradient of MatMulT with respect to
// its input. DY is [t, N] with row stride lddy, DX is [t, K] with row stride
// lddx; beta is 0 or 1. The result does not depend on the number of workers.
func MatMul(p *Pool, t int, dy []float32, lddy int, w Matrix, beta float32, dx []float32, lddx int) {
	Float32.MatMul(p, t, dy, lddy, w, beta, dx, lddx)
}

// MatMul is the function of that name with the operands in precision prec.
func (prec Precision) MatMul(p *Pool, t int, dy []float32, lddy int, w Matrix, beta float32, dx []float32, lddx int) {
	n, k := w.Rows(), w.Cols()
	if t < 0 {
		panic("simd: MatMul: negative dimension")
	}
	if t == 0 || k == 0 {
		return
	}
	checkMatrix(t, k, dx, lddx, "simd: MatMul: DX does not hold [t, K]")
	if n == 0 {
		scaleRows(t, k, beta, dx, lddx)
		return
	}
	j := newJob(p, prec.kernels(true), t, k, n, beta, dx, lddx)
	j.setA(false, dy, lddy)
	j.w = w
	j.runNatural(p)
}

const (
	// dotMaxRows is up to how many rows of X the forward pass takes dot products
	// with the rows of W as they are.
	dotMaxRows = 4
	// dotTaskRows is how many rows of W one task of those takes.
	dotTaskRows = 32
	// expandRows is how many rows of W a task expands at a time: they stay in L1.
	expandRows = 8
)

// runWhole is run with blocks of full depth, since rows of W come whole.
func (j *gemmJob) runWhole(p *Pool) {
	j.formatA(p)
	nr, words := j.ks.nr, j.ks.words
	nc := min(j.n, max(nr, packFloats/(j.steps*words)/nr*nr))
	j.l0, j.kb = 0, j.steps
	for j0 := 0; j0 < j.n; j0 += nc {
		j.j0, j.nc = j0, min(nc, j.n-j0)
		strips := (j.nc + nr - 1) / nr
		j.bks, j.bStrip = nr*words, nr*words*j.steps
		j.packed = grow(j.packed, strips*j.bStrip)
		p.Do(strips, j.pack)
		p.Do(j.split(p.Workers(), strips), j.tile)
	}
	j.release()
}

// packMatrixTask expands the rows of W that make one strip and packs them as
// columns.
func (j *gemmJob) packMatrixTask(strip, worker int) {
	nr := j.ks.nr
	s := &j.work[worker]
	dst := j.packed[strip*j.bStrip:]
	first := j.j0 + strip*nr
	n := min(nr, j.j0+j.nc-first)
	ld := expandedLd(j.k) // a row of words fits as well
	s.w = grow(s.w, expandRows*ld)
	for i := 0; i < nr; i += expandRows {
		rows := min(expandRows, max(0, n-i))
		if rows > 0 {
			j.w.DequantRows(s.w, ld, first+i, first+i+rows)
		}
		for r := 0; r < rows && j.ks.row != nil; r++ {
			j.ks.row(s.w[r*ld:], s.w[r*ld:r*ld+j.k])
		}
		packTransposed(j.ks, dst[i:], nr, min(expandRows, nr-i), s.w, ld, rows, j.kb*j.ks.words)
	}
}

// runNatural multiplies with W as it is: its rows are the depth of the product
// and its columns the vectors.
func (j *gemmJob) runNatural(p *Pool) {
	j.formatA(p)
	nr := j.ks.nr
	strips := (j.n + nr - 1) / nr
	j.j0, j.nc = 0, j.n
	j.bks, j.bStrip = expandedLd(j.n), nr
	for l0 := 0; l0 < j.steps; l0 += j.ks.block {
		j.l0, j.kb = l0, min(j.ks.block, j.steps-l0)
		j.packed = grow(j.packed, j.kb*j.bks)
		p.Do((j.kb*j.ks.values+expandRows-1)/expandRows, j.expand)
		p.Do(j.split(p.Workers(), strips), j.tile)
	}
	j.release()
}

// expandTask expands a few rows of W, with zeros up to a whole strip.
func (j *gemmJob) expandTask(task, worker int) {
	steps := expandRows / j.ks.values
	l0 := task * steps
	l1 := min(l0+steps, j.kb)
	r0 := (j.l0 + l0) * j.ks.values
	r1 := min((j.l0+l1)*j.ks.values, j.k)
	dst, ld := j.packed[l0*j.bks:], j.bks
	if j.ks.row != nil {
		s := &j.work[worker]
		s.w = grow(s.w, expandRows*ld)
		dst = s.w
	}
	j.w.DequantRows(dst, ld, r0, r1)
	for l := l0; l < l1; l++ {
		row := j.packed[l*j.bks : (l+1)*j.bks]
		if j.ks.row != nil {
			j.pairRow(row, dst, ld, r1-r0, l-l0, 0, j.n)
			continue
		}
		clear(row[j.n:])
	}
}

// runDots is the forward pass of few rows, as in generation.
func (j *gemmJob) runDots(p *Pool) {
	p.Do((j.n+dotTaskRows-1)/dotTaskRows, j.dotRows)
	j.release()
}

// dotRowsTask multiplies a range of rows of W with all rows of X.
func (j *gemmJob) dotRowsTask(task, worker int) {
	end := min((task+1)*dotTaskRows, j.n)
	for r0 := task * dotTaskRows; r0 < end; r0 += expandRows {
		r1 := min(r0+expandRows, end)
		w := j.plainRows(&j.work[worker], r0, r1)
		for t := range j.m {
			x := j.a[t*j.ars : t*j.ars+j.k]
			j.dotInto(j.c[t*j.ldc+r0:t*j.ldc+r1], w, x)
		}
	}
}

// dotInto computes y = W x + beta y for rows of W that lie together.
func (j *gemmJob) dotInto(y, w, x []float32) {
	for r := range y {
		d := Dot(w[r*j.k:(r+1)*j.k], x)
		if j.add {
			d += y[r]
		}
		y[r] = d
	}
}

// plainRows is rows r0 to r1 of W as float32, K apart.
func (j *gemmJob) plainRows(s *gemmScratch, r0, r1 int) []float32 {
	if d, ok := j.w.(*Dense); ok {
		return d.Data[r0*j.k : r1*j.k]
	}
	s.w = grow(s.w, expandRows*j.k)
	j.w.DequantRows(s.w, j.k, r0, r1)
	return s.w
}
