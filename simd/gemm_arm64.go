//go:build !purego

package simd

// gemmKernels holds the kernels of each tier. The NEON kernels multiply by the
// elements of a vector that holds a column of A, so A comes packed by depth.
var gemmKernels = [...]kernelSet{
	Generic: genericKernels,
	NEON:    {nr: 12, format: plainFormat, depthMajor: true, byRows: []kernel{{8, tile8x12}, {4, tile4x12}}},
}

//go:noescape
func gemm8x12(k, tiles int, a *float32, aks, step int, b *float32, bks int, c *float32, ldc int, add bool)

func tile8x12(k, tiles int, a []float32, ars, aks, step int, b []float32, bks int, c []float32, ldc int, add bool) {
	checkTiles(8, 12, 1, k, tiles, a, ars, aks, step, b, bks, c, ldc)
	gemm8x12(k, tiles, &a[0], aks, step, &b[0], bks, &c[0], ldc, add)
}

//go:noescape
func gemm4x12(k, tiles int, a *float32, aks, step int, b *float32, bks int, c *float32, ldc int, add bool)

func tile4x12(k, tiles int, a []float32, ars, aks, step int, b []float32, bks int, c []float32, ldc int, add bool) {
	checkTiles(4, 12, 1, k, tiles, a, ars, aks, step, b, bks, c, ldc)
	gemm4x12(k, tiles, &a[0], aks, step, &b[0], bks, &c[0], ldc, add)
}
