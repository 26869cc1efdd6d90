//go:build !purego

package simd

// precisionKernels are those of Armv8.6. BFDOT rounds the sum of both products of a
// step to odd before it is added, and takes denormals for zero, so that results
// differ from those of AVX-512 in their last bits. Integers of 16 bits have no
// instruction that sums products twice as fast as FMLA: Int16 is Float32 here.
var precisionKernels = [precisions]lowKernels{BFloat16: {BF16, &bf16Kernels}}

var bf16Kernels = kernelSet{
	nr: 12, depthMajor: true,
	format: format{values: 2, words: 1, block: depthBlock, row: packBF16, pairs: packBF16Pairs},
	byRows: []kernel{{8, tile8x12BF16}, {4, tile4x12BF16}},
}

// rowPart bounds how many values one assembly call packs.
const rowPart = 1 << 16

func packBF16(dst, src []float32) {
	whole := len(src) &^ 7
	for lo := 0; lo < whole; lo += rowPart {
		n := min(rowPart, whole-lo)
		_ = dst[(lo+n)/2-1]
		bf16Row(&dst[lo/2], &src[lo], n)
	}
	if tail := src[whole:]; len(tail) > 0 {
		var in [8]float32
		var out [4]float32
		copy(in[:], tail)
		bf16Row(&out[0], &in[0], 8)
		copy(dst[whole/2:], out[:(len(tail)+1)/2])
	}
}

func packBF16Pairs(dst, r0, r1 []float32) {
	if r1 == nil {
		r1 = noRow[:]
	}
	for lo := 0; lo < len(dst); lo += len(noRow) {
		n := min(len(noRow), len(dst)-lo)
		second := r1
		if len(r1) != len(noRow) || &r1[0] != &noRow[0] {
			second = r1[lo:]
		}
		packPart(dst[lo:lo+n], r0[lo:lo+n], second[:n])
	}
}

// noRow stands for a row of zeros.
var noRow [1 << 10]float32

func packPart(dst, r0, r1 []float32) {
	whole := len(dst) &^ 3
	if whole > 0 {
		bf16Pairs(&dst[0], &r0[0], &r1[0], whole)
	}
	if n := len(dst) - whole; n > 0 {
		var a, b, out [4]float32
		copy(a[:], r0[whole:])
		copy(b[:], r1[whole:])
		bf16Pairs(&out[0], &a[0], &b[0], 4)
		copy(dst[whole:], out[:n])
	}
}

// bf16Row packs n > 0 values, a multiple of 8.
//
//go:noescape
func bf16Row(dst, src *float32, n int)

// bf16Pairs packs n > 0 columns, a multiple of 4.
//
//go:noescape
func bf16Pairs(dst, r0, r1 *float32, n int)

//go:noescape
func gemm8x12BF16(k, tiles int, a *float32, aks, step int, b *float32, bks int, c *float32, ldc int, add bool)

func tile8x12BF16(k, tiles int, a []float32, ars, aks, step int, b []float32, bks int, c []float32, ldc int, add bool) {
	checkTiles(8, 12, 1, k, tiles, a, ars, aks, step, b, bks, c, ldc)
	gemm8x12BF16(k, tiles, &a[0], aks, step, &b[0], bks, &c[0], ldc, add)
}

//go:noescape
func gemm4x12BF16(k, tiles int, a *float32, aks, step int, b *float32, bks int, c *float32, ldc int, add bool)

func tile4x12BF16(k, tiles int, a []float32, ars, aks, step int, b []float32, bks int, c []float32, ldc int, add bool) {
	checkTiles(4, 12, 1, k, tiles, a, ars, aks, step, b, bks, c, ldc)
	gemm4x12BF16(k, tiles, &a[0], aks, step, &b[0], bks, &c[0], ldc, add)
}
