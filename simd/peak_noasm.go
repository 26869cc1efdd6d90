//go:build purego || !(amd64 || arm64)

package simd

var peakLoops [AVX512 + 1]peakLoop

var precisionLoops [precisions]peakLoop
