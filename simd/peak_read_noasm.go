//go:build purego || !(amd64 || arm64)

package simd

var xorLoops = [AVX512 + 1]func(x []float32) uint64{Generic: xorGeneric}
