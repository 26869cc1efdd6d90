//go:build !purego

package simd

// precisionKernels are those that belong to the AVX-512 tier.
var precisionKernels = [precisions]lowKernels{
	BFloat16: {BF16, &bf16Kernels},
	Int16:    {VNNI, &int16Kernels},
}

var bf16Kernels = kernelSet{
	nr: 32, transpose: transpose8AVX2, copyRows: copyRowsAVX2,
	format: format{values: 2, words: 1, block: depthBlock, row: packBF16, pairs: packBF16Pairs},
	byRows: []kernel{{12, tile12x32BF16}, {8, tile8x32BF16}, {4, tile4x32BF16}, {1, tile1x32BF16}},
}

// int16Kernels have half the rows: each sum needs a second register.
var int16Kernels = kernelSet{
	nr: 32, transpose: transpose8AVX2, copyRows: copyRowsAVX2,
	format: format{values: int16Block, words: 1 + int16Block/2, block: 24, row: packInt16},
	byRows: []kernel{{6, tile6x32Int16}, {4, tile4x32Int16}, {2, tile2x32Int16}, {1, tile1x32Int16}},
}

const (
	// int16Block is how many values share a scale.
	int16Block = 32
	// int16Max is the largest code: 32 products of it fit 31 bits.
	int16Max = 8191
)

// int16Limits are the largest code, its reciprocal, and the least magnitude whose
// reciprocal times int16Max is no infinity by a wide margin.
var int16Limits = [4]float32{int16Max, 1.0 / int16Max, 0x1p-100}

// rowPart bounds how many values one assembly call packs.
const rowPart = 1 << 16

func packBF16(dst, src []float32) {
	for len(src) > 0 {
		n := min(rowPart, len(src))
		_ = dst[(n+1)/2-1]
		bf16Row(&dst[0], &src[0], n)
		dst, src = dst[(n+1)/2:], src[n:]
	}
}

func packBF16Pairs(dst, r0, r1 []float32) {
	n := len(dst)
	for lo := 0; lo < n; lo += rowPart {
		part := min(rowPart, n-lo)
		_ = r0[lo+part-1]
		var second *float32
		if r1 != nil {
			_ = r1[lo+part-1]
			second = &r1[lo]
		}
		bf16Pairs(&dst[lo], &r0[lo], second, part)
	}
}

func packInt16(dst, src []float32) {
	const words = 1 + int16Block/2
	var rest [int16Block]float32
	whole := len(src) / int16Block
	tail := copy(rest[:], src[whole*int16Block:])
	for b := 0; b < whole; b += rowPart / int16Block {
		n := min(rowPart/int16Block, whole-b)
		_ = dst[(b+n)*words-1]
		int16Row(&dst[b*words], &src[b*int16Block], n, &int16Limits)
	}
	if tail > 0 {
		_ = dst[(whole+1)*words-1]
		int16Row(&dst[whole*words], &rest[0], 1, &int16Limits)
	}
}

//go:noescape
func bf16Row(dst, src *float32, n int)

//go:noescape
func bf16Pairs(dst, r0, r1 *float32, n int)

//go:noescape
func int16Row(dst, src *float32, blocks int, limits *[4]float32)

//go:noescape
func gemm12x32BF16(k, tiles int, a *float32, ars, aks, step int, b *float32, bks int, c *float32, ldc int, add bool)

func tile12x32BF16(k, tiles int, a []float32, ars, aks, step int, b []float32, bks int, c []float32, ldc int, add bool) {
	checkTiles(12, 32, 1, k, tiles, a, ars, aks, step, b, bks, c, ldc)
	gemm12x32BF16(k, tiles, &a[0], ars, aks, step, &b[0], bks, &c[0], ldc, add)
}

//go:noescape
func gemm8x32BF16(k, tiles int, a *float32, ars, aks, step int, b *float32, bks int, c *float32, ldc int, add bool)

func tile8x32BF16(k, tiles int, a []float32, ars, aks, step int, b []float32, bks int, c []float32, ldc int, add bool) {
	checkTiles(8, 32, 1, k, tiles, a, ars, aks, step, b, bks, c, ldc)
	gemm8x32BF16(k, tiles, &a[0], ars, aks, step, &b[0], bks, &c[0], ldc, add)
}

//go:noescape
func gemm4x32BF16(k, tiles int, a *float32, ars, aks, step int, b *float32, bks int, c *float32, ldc int, add bool)

func tile4x32BF16(k, tiles int, a []float32, ars, aks, step int, b []float32, bks int, c []float32, ldc int, add bool) {
	checkTiles(4, 32, 1, k, tiles, a, ars, aks, step, b, bks, c, ldc)
	gemm4x32BF16(k, tiles, &a[0], ars, aks, step, &b[0], bks, &c[0], ldc, add)
}

//go:noescape
func gemm1x32BF16(k, tiles int, a *float32, ars, aks, step int, b *float32, bks int, c *float32, ldc int, add bool)

func tile1x32BF16(k, tiles int, a []float32, ars, aks, step int, b []float32, bks int, c []float32, ldc int, add bool) {
	checkTiles(1, 32, 1, k, tiles, a, ars, aks, step, b, bks, c, ldc)
	gemm1x32BF16(k, tiles, &a[0], ars, aks, step, &b[0], bks, &c[0], ldc, add)
}

//go:noescape
func gemm6x32Int16(k, tiles int, a *float32, ars, aks, step int, b *float32, bks int, c *float32, ldc int, add bool)

func tile6x32Int16(k, tiles int, a []float32, ars, aks, step int, b []float32, bks int, c []float32, ldc int, add bool) {
	checkTiles(6, 32, 1+int16Block/2, k, tiles, a, ars, aks, step, b, bks, c, ldc)
	gemm6x32Int16(k, tiles, &a[0], ars, aks, step, &b[0], bks, &c[0], ldc, add)
}

//go:noescape
func gemm4x32Int16(k, tiles int, a *float32, ars, aks, step int, b *float32, bks int, c *float32, ldc int, add bool)

func tile4x32Int16(k, tiles int, a []float32, ars, aks, step int, b []float32, bks int, c []float32, ldc int, add bool) {
	checkTiles(4, 32, 1+int16Block/2, k, tiles, a, ars, aks, step, b, bks, c, ldc)
	gemm4x32Int16(k, tiles, &a[0], ars, aks, step, &b[0], bks, &c[0], ldc, add)
}

//go:noescape
func gemm2x32Int16(k, tiles int, a *float32, ars, aks, step int, b *float32, bks int, c *float32, ldc int, add bool)

func tile2x32Int16(k, tiles int, a []float32, ars, aks, step int, b []float32, bks int, c []float32, ldc int, add bool) {
	checkTiles(2, 32, 1+int16Block/2, k, tiles, a, ars, aks, step, b, bks, c, ldc)
	gemm2x32Int16(k, tiles, &a[0], ars, aks, step, &b[0], bks, &c[0], ldc, add)
}

//go:noescape
func gemm1x32Int16(k, tiles int, a *float32, ars, aks, step int, b *float32, bks int, c *float32, ldc int, add bool)

func tile1x32Int16(k, tiles int, a []float32, ars, aks, step int, b []float32, bks int, c []float32, ldc int, add bool) {
	checkTiles(1, 32, 1+int16Block/2, k, tiles, a, ars, aks, step, b, bks, c, ldc)
	gemm1x32Int16(k, tiles, &a[0], ars, aks, step, &b[0], bks, &c[0], ldc, add)
}
