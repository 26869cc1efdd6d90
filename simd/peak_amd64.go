//go:build !purego

package simd

var peakLoops = [AVX512 + 1]peakLoop{
	AVX2:   {peakAVX2, 12 * 8 * 2},
	AVX512: {peakAVX512, 24 * 16 * 2},
}

// peakAVX2 runs rounds of 12 independent multiply-adds of 8 values.
func peakAVX2(rounds int)

// peakAVX512 runs rounds of 24 independent multiply-adds of 16 values.
func peakAVX512(rounds int)
