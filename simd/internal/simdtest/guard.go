package simdtest

import (
	"runtime/debug"
	"testing"
	"unsafe"
)

// Guard is memory between two pages that fault on any access. Where the system
// has no such pages it is plain memory.
type Guard struct{ mem []byte }

// NewGuard returns a Guard of at least the given number of bytes, which lasts as
// long as the test.
func NewGuard(tb testing.TB, bytes int) *Guard {
	tb.Helper()
	mem, free, err := guardedMemory(bytes)
	if err != nil {
		tb.Fatalf("guard pages: %v", err)
	}
	tb.Cleanup(func() {
		if err := free(); err != nil {
			tb.Errorf("guard pages: %v", err)
		}
	})
	return &Guard{mem}
}

// Last returns the last n bytes before the upper guard page.
func (g *Guard) Last(n int) []byte { return g.mem[len(g.mem)-n:] }

// First returns the first n bytes after the lower guard page.
func (g *Guard) First(n int) []byte { return g.mem[:n:n] }

// LastFloats is Last for n float32.
func (g *Guard) LastFloats(n int) []float32 { return floats(g.Last(4 * n)) }

// FirstFloats is First for n float32.
func (g *Guard) FirstFloats(n int) []float32 { return floats(g.First(4 * n)) }

func floats(b []byte) []float32 {
	if len(b) == 0 {
		return []float32{}
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&b[0])), len(b)/4)
}

// NoFault calls f and reports an access to a guard page as a failure of the test.
func NoFault(tb testing.TB, f func()) {
	tb.Helper()
	if fault := Fault(f); fault != nil {
		tb.Errorf("access outside of a slice: %v", fault)
	}
}

// Fault calls f and returns what an access to a guard page panicked with, nil if
// f returned. Any other panic goes on.
func Fault(f func()) (fault error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		addr, ok := r.(interface {
			error
			Addr() uintptr
		})
		if !ok {
			panic(r)
		}
		fault = addr
	}()
	f()
	return nil
}

// at reads the byte at offset i of b without a bounds check.
func at(b []byte, i int) byte { return *(*byte)(unsafe.Add(unsafe.Pointer(&b[0]), i)) }
