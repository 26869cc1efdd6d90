//go:build !purego

package simd

var xorLoops = [AVX512 + 1]func(x []float32) uint64{Generic: xorGeneric, NEON: xorNEON}

// xorNEON is xorAll over a multiple of 128 values.
//
//go:noescape
func xorNEON(x []float32) uint64
