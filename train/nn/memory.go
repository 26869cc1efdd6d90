package nn

import "math/bits"

// memory hands out float32 buffers and takes them back. Sizes are rounded up to
// classes 5, 6, 7, 8 times a power of two, so that steps of varying length reuse
// each other's buffers at a waste of at most a quarter.
type memory struct {
	free  [128][][]float32
	bytes int64 // handed out and free together
}

// smallest is the size of class 0 in floats.
const smallest = 64

// sizeClass returns the class that holds n floats and its size.
func sizeClass(n int) (class, size int) {
	if n <= smallest {
		return 0, smallest
	}
	e := bits.Len(uint(n-1)) - 3
	q := (n-1)>>e + 1 // 5..8
	return (e-4)*4 + q - 4, q << e
}

// get returns n floats of undefined content.
func (m *memory) get(n int) []float32 {
	class, size := sizeClass(n)
	// A buffer up to twice as large is better than a new one.
	for c := class; c < class+4 && c < len(m.free); c++ {
		if f := m.free[c]; len(f) > 0 {
			b := f[len(f)-1]
			m.free[c] = f[:len(f)-1]
			return b[:n]
		}
	}
	m.bytes += int64(size) * 4
	return make([]float32, n, size)
}

// put takes a buffer back; nil is allowed.
func (m *memory) put(b []float32) {
	if cap(b) == 0 {
		return
	}
	class, size := sizeClass(cap(b))
	if size != cap(b) {
		panic("nn: buffer does not belong to the tape")
	}
	m.free[class] = append(m.free[class], b[:0])
}
