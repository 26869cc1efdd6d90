package simd

import "unsafe"

// Arena hands out float32 slices from one piece of memory, outside the Go heap
// where the system allows it: the collector neither scans nor counts it, and the
// kernel may back it with huge pages. An Arena serves one goroutine at a time.
type Arena struct {
	mem  []float32
	used int
	free func() error
}

const (
	arenaAlign = 16 // floats: one cache line
	errArena   = "simd: arena is too small"
)

// NewArena returns an arena of at least the given number of bytes. Its memory is
// zero.
func NewArena(bytes int) *Arena {
	n := max(arenaAlign, (bytes+4*arenaAlign-1)/(4*arenaAlign)*arenaAlign)
	raw, free := mapMemory(4 * n)
	if raw == nil {
		// Room to start on a cache line.
		buf := make([]float32, n+arenaAlign)
		skip := int(-uintptr(unsafe.Pointer(&buf[0]))%(4*arenaAlign)) / 4
		return &Arena{mem: buf[skip : skip+n]}
	}
	return &Arena{mem: unsafe.Slice((*float32)(unsafe.Pointer(&raw[0])), n), free: free}
}

// Alloc returns n floats that start on a cache line, with whatever an earlier
// use left in them. It panics if the arena has no room for them.
func (a *Arena) Alloc(n int) []float32 {
	size := (n + arenaAlign - 1) / arenaAlign * arenaAlign
	if n < 0 || size > len(a.mem)-a.used {
		panic(errArena)
	}
	s := a.mem[a.used : a.used+n : a.used+n]
	a.used += size
	return s
}

// Reset takes back all that Alloc handed out.
func (a *Arena) Reset() { a.used = 0 }

// Close returns the memory to the system. No slice of the arena may be used
// afterwards.
func (a *Arena) Close() error {
	free := a.free
	a.mem, a.used, a.free = nil, 0, nil
	if free == nil {
		return nil
	}
	return free()
}
