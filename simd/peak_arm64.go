//go:build !purego

package simd

var peakLoops = [AVX512 + 1]peakLoop{NEON: {peakNEON, 24 * 4 * 2}}

// peakNEON runs rounds of 24 independent multiply-adds of 4 values.
func peakNEON(rounds int)

var precisionLoops [precisions]peakLoop
