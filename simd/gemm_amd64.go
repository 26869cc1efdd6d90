//go:build !purego

package simd

// gemmKernels holds the kernels of each tier; a tier of another machine has none.
var gemmKernels = [...]kernelSet{
	Generic: genericKernels,
	AVX2: {nr: 16, format: plainFormat, transpose: transpose8AVX2, copyRows: copyRowsAVX2, byRows: []kernel{
		{6, tile6x16}, {4, tile4x16}, {2, tile2x16}, {1, tile1x16},
	}},
	AVX512: {nr: 32, format: plainFormat, transpose: transpose8AVX2, copyRows: copyRowsAVX2, byRows: []kernel{
		{12, tile12x32}, {8, tile8x32}, {4, tile4x32}, {1, tile1x32},
	}},
}

func transpose8AVX2(dst []float32, dstLd int, src []float32, srcLd, k int) int {
	k &^= 7
	if k == 0 {
		return 0
	}
	_ = dst[(k-1)*dstLd+7]
	_ = src[7*srcLd+k-1]
	transpose8(&dst[0], dstLd, &src[0], srcLd, k)
	return k
}

func copyRowsAVX2(dst []float32, width int, src []float32, srcLd, rows int) bool {
	if rows == 0 {
		return true
	}
	_ = dst[rows*width-1]
	_ = src[(rows-1)*srcLd+width-1]
	switch width {
	case 32:
		copyRows32(&dst[0], &src[0], srcLd, rows)
	case 16:
		copyRows16(&dst[0], &src[0], srcLd, rows)
	case 12:
		copyRows12(&dst[0], &src[0], srcLd, rows)
	case 6:
		copyRows6(&dst[0], &src[0], srcLd, rows)
	default:
		return false
	}
	return true
}

// transpose8 writes dst[l*dstLd+i] = src[i*srcLd+l] for 8 rows i and k columns l,
// k a positive multiple of 8.
//
//go:noescape
func transpose8(dst *float32, dstLd int, src *float32, srcLd, k int)

//go:noescape
func gemm12x32(k, tiles int, a *float32, ars, aks, step int, b *float32, bks int, c *float32, ldc int, add bool)

func tile12x32(k, tiles int, a []float32, ars, aks, step int, b []float32, bks int, c []float32, ldc int, add bool) {
	checkTiles(12, 32, 1, k, tiles, a, ars, aks, step, b, bks, c, ldc)
	gemm12x32(k, tiles, &a[0], ars, aks, step, &b[0], bks, &c[0], ldc, add)
}

//go:noescape
func gemm8x32(k, tiles int, a *float32, ars, aks, step int, b *float32, bks int, c *float32, ldc int, add bool)

func tile8x32(k, tiles int, a []float32, ars, aks, step int, b []float32, bks int, c []float32, ldc int, add bool) {
	checkTiles(8, 32, 1, k, tiles, a, ars, aks, step, b, bks, c, ldc)
	gemm8x32(k, tiles, &a[0], ars, aks, step, &b[0], bks, &c[0], ldc, add)
}

//go:noescape
func gemm4x32(k, tiles int, a *float32, ars, aks, step int, b *float32, bks int, c *float32, ldc int, add bool)

func tile4x32(k, tiles int, a []float32, ars, aks, step int, b []float32, bks int, c []float32, ldc int, add bool) {
	checkTiles(4, 32, 1, k, tiles, a, ars, aks, step, b, bks, c, ldc)
	gemm4x32(k, tiles, &a[0], ars, aks, step, &b[0], bks, &c[0], ldc, add)
}

//go:noescape
func gemm1x32(k, tiles int, a *float32, ars, aks, step int, b *float32, bks int, c *float32, ldc int, add bool)

func tile1x32(k, tiles int, a []float32, ars, aks, step int, b []float32, bks int, c []float32, ldc int, add bool) {
	checkTiles(1, 32, 1, k, tiles, a, ars, aks, step, b, bks, c, ldc)
	gemm1x32(k, tiles, &a[0], ars, aks, step, &b[0], bks, &c[0], ldc, add)
}

//go:noescape
func gemm6x16(k, tiles int, a *float32, ars, aks, step int, b *float32, bks int, c *float32, ldc int, add bool)

func tile6x16(k, tiles int, a []float32, ars, aks, step int, b []float32, bks int, c []float32, ldc int, add bool) {
	checkTiles(6, 16, 1, k, tiles, a, ars, aks, step, b, bks, c, ldc)
	gemm6x16(k, tiles, &a[0], ars, aks, step, &b[0], bks, &c[0], ldc, add)
}

//go:noescape
func gemm4x16(k, tiles int, a *float32, ars, aks, step int, b *float32, bks int, c *float32, ldc int, add bool)

func tile4x16(k, tiles int, a []float32, ars, aks, step int, b []float32, bks int, c []float32, ldc int, add bool) {
	checkTiles(4, 16, 1, k, tiles, a, ars, aks, step, b, bks, c, ldc)
	gemm4x16(k, tiles, &a[0], ars, aks, step, &b[0], bks, &c[0], ldc, add)
}

//go:noescape
func gemm2x16(k, tiles int, a *float32, ars, aks, step int, b *float32, bks int, c *float32, ldc int, add bool)

func tile2x16(k, tiles int, a []float32, ars, aks, step int, b []float32, bks int, c []float32, ldc int, add bool) {
	checkTiles(2, 16, 1, k, tiles, a, ars, aks, step, b, bks, c, ldc)
	gemm2x16(k, tiles, &a[0], ars, aks, step, &b[0], bks, &c[0], ldc, add)
}

//go:noescape
func gemm1x16(k, tiles int, a *float32, ars, aks, step int, b *float32, bks int, c *float32, ldc int, add bool)

func tile1x16(k, tiles int, a []float32, ars, aks, step int, b []float32, bks int, c []float32, ldc int, add bool) {
	checkTiles(1, 16, 1, k, tiles, a, ars, aks, step, b, bks, c, ldc)
	gemm1x16(k, tiles, &a[0], ars, aks, step, &b[0], bks, &c[0], ldc, add)
}

// copyRows32 copies at least one row of 32 values.
//
//go:noescape
func copyRows32(dst, src *float32, srcLd, rows int)

// copyRows16 copies at least one row of 16 values.
//
//go:noescape
func copyRows16(dst, src *float32, srcLd, rows int)

// copyRows12 copies at least one row of 12 values.
//
//go:noescape
func copyRows12(dst, src *float32, srcLd, rows int)

// copyRows6 copies at least one row of 6 values.
//
//go:noescape
func copyRows6(dst, src *float32, srcLd, rows int)
