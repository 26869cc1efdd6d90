package simd

// Gemm computes C = op(A) op(B) + beta C in float32, row-major, on the workers
// of p (nil: the caller alone). op transposes its operand where the flag is set,
// so that op(A) is [m, k], op(B) is [k, n] and C is [m, n]; lda, ldb, ldc are
// the row strides of A, B and C as stored. beta is 0 or 1; with 0, C is not read.
// The result does not depend on the number of workers.
func Gemm(p *Pool, transA, transB bool, m, n, k int, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	at := func(i, l int) float32 {
		if transA {
			return a[l*lda+i]
		}
		return a[i*lda+l]
	}
	p.Do(m, func(i, _ int) {
		row := c[i*ldc : i*ldc+n]
		if beta == 0 {
			clear(row)
		}
		for l := range k {
			x := at(i, l)
			if transB {
				for j := range row {
					row[j] += x * b[j*ldb+l]
				}
				continue
			}
			bl := b[l*ldb : l*ldb+n]
			for j := range row {
				row[j] += x * bl[j]
			}
		}
	})
}

// MatMulT computes Y = X Wᵀ + beta Y: the forward pass of a linear map.
// X is [t, K] with row stride ldx, W is [N, K], Y is [t, N] with row stride ldy.
func MatMulT(p *Pool, t int, x []float32, ldx int, w Matrix, beta float32, y []float32, ldy int) {
	n, k := w.Rows(), w.Cols()
	buf := make([]float32, n*k)
	w.DequantRows(buf, k, 0, n)
	Gemm(p, false, true, t, n, k, x, ldx, buf, k, beta, y, ldy)
}

// MatMul computes DX = DY W + beta DX: the gradient of MatMulT with respect to
// its input. DY is [t, N] with row stride lddy, DX is [t, K] with row stride lddx.
func MatMul(p *Pool, t int, dy []float32, lddy int, w Matrix, beta float32, dx []float32, lddx int) {
	n, k := w.Rows(), w.Cols()
	buf := make([]float32, n*k)
	w.DequantRows(buf, k, 0, n)
	Gemm(p, false, false, t, k, n, dy, lddy, buf, k, beta, dx, lddx)
}
