package simd

//go:generate go run ./_asm

// kernel computes tiles C = A B (add: C += A B) of a fixed shape [rows, nr] that
// lie below each other and share B, each element by one chain of operations over
// ascending depth. Element (i, l) of A of a tile is a[i*ars+l*aks], and step further
// for each tile after the first; element (l, j) of B is b[l*bks+j]. In the formats
// of lower precision l counts steps, of which each holds several values of depth
// in one or more words of 32 bits.
type kernel struct {
	rows int
	run  func(k, tiles int, a []float32, ars, aks, step int, b []float32, bks int, c []float32, ldc int, add bool)
}

// kernelSet is what a tier brings: its kernels by falling number of rows, the
// first being the full tile.
type kernelSet struct {
	nr     int
	byRows []kernel
	format // of the operands as packed
	// depthMajor asks for A as [depth][rows], for kernels that load a column of A
	// as a vector instead of broadcasting from memory.
	depthMajor bool
	// transpose writes 8 rows of src as 8 columns of dst: dst[l*dstLd+i] =
	// src[i*srcLd+l] for l below the result, which is at most k. May be nil.
	transpose func(dst []float32, dstLd int, src []float32, srcLd, k int) int
	// copyRows copies rows of width values, srcLd apart in src and without gaps in
	// dst, or tells that it has no loop for the width. May be nil.
	copyRows func(dst []float32, width int, src []float32, srcLd, rows int) bool
}

func (s *kernelSet) mr() int { return s.byRows[0].rows }

// format says how packed operands hold the values that one step in depth of a
// kernel multiplies. Words are kept in float32 slices whatever they hold: they are
// only ever copied. The functions are nil in the format of float32.
type format struct {
	values int // of depth in a step
	words  int // of 32 bits that a row of A or a column of B holds them in
	block  int // steps of one kernel call
	// row packs a row of values of ascending depth: words for each step begun, the
	// missing values being zero. dst may begin where src does.
	row func(dst, src []float32)
	// pairs packs two neighbours in depth, r0 and r1 (nil: zeros), of as many rows
	// as dst has words. nil if a step is not one word of two values.
	pairs func(dst, r0, r1 []float32)
}

var plainFormat = format{values: 1, words: 1, block: depthBlock}

// steps is how many steps a depth of k values takes.
func (f *format) steps(k int) int { return (k + f.values - 1) / f.values }

// fit is the smallest kernel for a tile of so many rows.
func (s *kernelSet) fit(rows int) *kernel {
	best := &s.byRows[0]
	for i := range s.byRows {
		if s.byRows[i].rows >= rows {
			best = &s.byRows[i]
		}
	}
	return best
}

var genericKernels = kernelSet{nr: 4, format: plainFormat, byRows: []kernel{{4, gemmGeneric}}}

// gemmGeneric is the 4x4 kernel in Go.
func gemmGeneric(k, tiles int, a []float32, ars, aks, step int, b []float32, bks int, c []float32, ldc int, add bool) {
	for t := range tiles {
		gemmTile(k, a[t*step:], ars, aks, b, bks, c[4*t*ldc:], ldc, add)
	}
}

func gemmTile(k int, a []float32, ars, aks int, b []float32, bks int, c []float32, ldc int, add bool) {
	var acc [4][4]float32
	for l := range k {
		bl := b[l*bks : l*bks+4 : l*bks+4]
		b0, b1, b2, b3 := bl[0], bl[1], bl[2], bl[3]
		for i := range acc {
			x := a[i*ars+l*aks]
			acc[i][0] += x * b0
			acc[i][1] += x * b1
			acc[i][2] += x * b2
			acc[i][3] += x * b3
		}
	}
	for i := range acc {
		row := c[i*ldc : i*ldc+4]
		for j := range row {
			if add {
				row[j] += acc[i][j]
			} else {
				row[j] = acc[i][j]
			}
		}
	}
}

// checkTiles panics unless the operands of a kernel of shape [mr, nr], words to a
// step, lie within their slices: assembly does not check.
func checkTiles(mr, nr, words, k, tiles int, a []float32, ars, aks, step int, b []float32, bks int, c []float32, ldc int) {
	_ = a[(tiles-1)*step+(mr-1)*ars+(k-1)*aks+words-1]
	_ = b[(k-1)*bks+words*nr-1]
	_ = c[(tiles*mr-1)*ldc+nr-1]
}
