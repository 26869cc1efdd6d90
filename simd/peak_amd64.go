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

var precisionLoops = [precisions]peakLoop{
	BFloat16: {peakBF16, 24 * 32 * 2},
	Int16:    {peakInt16, 24 * 32 * 2},
}

// peakBF16 runs rounds of 24 independent sums of 32 products of bfloat16.
func peakBF16(rounds int)

// peakInt16 runs rounds of 24 independent sums of 32 products of int16.
func peakInt16(rounds int)
