package simd_test

import (
	"testing"
	"unsafe"

	"github.com/detox-surgery/detox-surgery/simd"
)

func TestArena(t *testing.T) {
	for _, bytes := range []int{0, 1, 4096, 5 << 20} {
		a := simd.NewArena(bytes)
		x, y := a.Alloc(min(7, bytes/8)), a.Alloc(0)
		for _, s := range [][]float32{x, y} {
			if p := uintptr(unsafe.Pointer(unsafe.SliceData(s))); cap(s) > 0 && p%64 != 0 {
				t.Errorf("%d bytes: slice at %#x is not on a cache line", bytes, p)
			}
		}
		if len(x) > 0 && x[0] != 0 {
			t.Errorf("%d bytes: fresh memory holds %g", bytes, x[0])
		}
		a.Reset()
		whole := a.Alloc(bytes / 4)
		for i := range whole {
			whole[i] = 1
		}
		if cap(whole) != bytes/4 {
			t.Errorf("%d bytes: capacity %d reaches beyond the slice", bytes, cap(whole))
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestArenaFull(t *testing.T) {
	for name, n := range map[string]int{"too much": 1025, "negative": -1} {
		t.Run(name, func(t *testing.T) {
			a := simd.NewArena(4096)
			defer func() { _ = a.Close() }() // the panic is what is tested
			defer func() {
				if recover() == nil {
					t.Errorf("Alloc(%d) of 1024 floats did not panic", n)
				}
			}()
			a.Alloc(n)
		})
	}
}
