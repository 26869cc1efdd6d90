package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"syscall"
	"testing"
	"unsafe"
)

// guarded returns n floats that end right before (or begin right after) a page
// that must not be touched.
func guarded(t *testing.T, n int, atEnd bool) []float32 {
	t.Helper()
	page := syscall.Getpagesize()
	body := (n*4 + page - 1) / page * page
	mem, err := syscall.Mmap(-1, 0, body+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(mem) })
	for _, guard := range [][]byte{mem[:page], mem[page+body:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	start := page
	if atEnd {
		start = page + body - 4*n
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&mem[start])), n)
}

// TestGemmStaysInside runs products whose operands all touch forbidden pages.
func TestGemmStaysInside(t *testing.T) {
	if emulated() {
		t.Skip("the emulator's pages are not the test's")
	}
	eachTier(t, func(t *testing.T) { staysInside(t, Float32) }) //nolint:thelper // a subtest, not a helper
	eachPrecision(t, staysInside)
}

func staysInside(t *testing.T, prec Precision) {
	t.Helper()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	r := rand.New(rand.NewPCG(21, 22))
	for i := range 200 {
		p := newProduct(r, i&1 != 0, i&2 != 0, 1+r.IntN(30), 1+r.IntN(70), 1+r.IntN(70), float32(i>>2&1))
		p.lda, p.ldb, p.ldc = tight(p.transA, p.m, p.k), tight(p.transB, p.k, p.n), p.n
		atEnd := i>>3&1 == 0
		a, b, c := guarded(t, p.m*p.k, atEnd), guarded(t, p.k*p.n, atEnd), guarded(t, p.m*p.n, atEnd)
		copy(a, p.a)
		copy(b, p.b)
		copy(c, p.c)
		p.a, p.b, p.c = a, b, append([]float32(nil), c...)
		t.Run(fmt.Sprintf("%v,end=%v", p, atEnd), func(t *testing.T) {
			prec.Gemm(nil, p.transA, p.transB, p.m, p.n, p.k, a, p.lda, b, p.ldb, p.beta, c, p.ldc)
			p.rounded(prec).check(t, c)
		})
	}
}

// TestPackingStaysInside packs rows that end at forbidden pages into words that do,
// and words over the rows that they come from.
func TestPackingStaysInside(t *testing.T) {
	if emulated() {
		t.Skip("the emulator's pages are not the test's")
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	eachPrecision(t, func(t *testing.T, prec Precision) { //nolint:thelper // a subtest, not a helper
		r, f := rand.New(rand.NewPCG(23, 24)), prec.kernels(false).format
		for n := 1; n < 100; n++ {
			for _, atEnd := range []bool{true, false} {
				x, next := guarded(t, n, atEnd), guarded(t, n, atEnd)
				copy(x, randoms(r, n))
				words := guarded(t, f.steps(n)*f.words, atEnd)
				f.row(words, x)
				over := append(append([]float32(nil), x...), make([]float32, 32)...)
				f.row(over, over[:n])
				for i, w := range words {
					if math.Float32bits(over[i]) != math.Float32bits(w) {
						t.Fatalf("%d values: word %d differs when packed in place", n, i)
					}
				}
				if f.pairs != nil {
					pair := guarded(t, n, atEnd)
					f.pairs(pair, x, next)
					f.pairs(pair, x, nil)
				}
			}
		}
	})
}

// tight is the row stride of a matrix stored without gaps.
func tight(trans bool, rows, cols int) int {
	if trans {
		return rows
	}
	return cols
}

// TestGuardFaults shows that the guard pages above do catch a read too far.
func TestGuardFaults(t *testing.T) {
	if emulated() {
		t.Skip("the emulator's pages are not the test's")
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	x := guarded(t, 5, true)
	defer func() {
		if recover() == nil {
			t.Error("reading behind the guard went unnoticed")
		}
	}()
	y := unsafe.Slice(&x[0], 6)
	t.Log(y[5])
}

func TestXorStaysInside(t *testing.T) {
	if emulated() {
		t.Skip("the emulator's pages are not the test's")
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	eachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
		for _, atEnd := range []bool{false, true} {
			for _, n := range []int{xorStep, 9 * xorStep} {
				xorAll(guarded(t, n, atEnd))
			}
		}
	})
}
