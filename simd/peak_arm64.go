//go:build !purego

package simd

var peakLoops [AVX512 + 1]peakLoop
