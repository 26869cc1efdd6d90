//go:build !purego

package simd

var xorLoops = [AVX512 + 1]func(x []float32) uint64{Generic: xorGeneric, AVX2: xorAVX2, AVX512: xorAVX512}

// xorAVX2 is xorAll over a multiple of 128 values.
//
//go:noescape
func xorAVX2(x []float32) uint64

// xorAVX512 is xorAll over a multiple of 128 values.
//
//go:noescape
func xorAVX512(x []float32) uint64
