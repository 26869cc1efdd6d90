//go:build !purego && (amd64 || arm64)

package simd

// pause lets about a microsecond pass without giving up the processor.
func pause()
