//go:build !purego

package simd

// gemmKernels holds the kernels of each tier.
var gemmKernels = [...]kernelSet{
	Generic: genericKernels,
	NEON:    genericKernels,
}
