//go:build purego || !(amd64 || arm64)

package simd

var gemmKernels = [...]kernelSet{Generic: genericKernels}

var precisionKernels [precisions]lowKernels
