//go:build !linux

package simd

// mapMemory leaves the memory to the Go heap.
func mapMemory(int) (mem []byte, free func() error) { return nil, nil }
