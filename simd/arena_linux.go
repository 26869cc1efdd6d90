package simd

import (
	"syscall"
	"unsafe"
)

const hugePage = 2 << 20

// mapMemory maps n bytes, from the start of a huge page if they fill one. It
// returns nil if the system refuses.
func mapMemory(n int) (mem []byte, free func() error) {
	size := n
	if n >= hugePage {
		size += hugePage
	}
	raw, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return nil, nil
	}
	free = func() error { return syscall.Munmap(raw) }
	if n < hugePage {
		return raw, free
	}
	skip := int(-uintptr(unsafe.Pointer(&raw[0])) % hugePage)
	mem = raw[skip : skip+n]
	// Only advice: without huge pages the memory is as good, a little slower.
	_ = syscall.Madvise(mem, syscall.MADV_HUGEPAGE)
	return mem, free
}
