package simd

// packA brings rows i0 to i1 of op(A), depth steps from l, into the form that
// the kernels read best, and tells how far apart their groups of mr rows are.
func (j *gemmJob) packA(s *gemmScratch, i0, i1, l, depth int) (step int) {
	mr := j.ks.mr()
	rows := i1 - i0
	whole := (rows + mr - 1) / mr * mr
	if j.ks.row != nil && j.ars != 1 && !j.ks.depthMajor { // formatA has left whole tiles
		s.src, s.ars, s.aks = j.a[i0*j.ars+l*j.aks:], j.ars, j.aks
		return mr * j.ars
	}
	if j.aks == 1 && !j.ks.depthMajor {
		if rest := rows % mr; j.ars%1024 != 0 && (rest == 0 || j.ks.fit(rest).rows == rest) {
			// Rows a multiple of 4 kB apart would compete for the same cache sets.
			s.src, s.ars, s.aks = j.a[i0*j.ars+l:], j.ars, 1
			return mr * j.ars
		}
		return j.copyA(s, i0, i1, l, depth)
	}
	s.a = grow(s.a, whole*depth)
	s.src, s.ars, s.aks = s.a, 1, mr
	for i := 0; i < whole; i += mr {
		dst := s.a[i*depth : (i+mr)*depth]
		n := min(mr, rows-i)
		if j.aks == 1 {
			packTransposed(j.ks, dst, mr, mr, j.a[(i0+i)*j.ars+l:], j.ars, n, depth)
		} else {
			packCopied(j.ks, dst, mr, j.a[i0+i+l*j.aks:], j.aks, depth, n)
		}
	}
	return mr * depth
}

// copyA copies rows as they are, an odd number of cache lines apart and with rows
// of zeros up to a whole tile.
func (j *gemmJob) copyA(s *gemmScratch, i0, i1, l, depth int) (step int) {
	mr := j.ks.mr()
	whole := (i1 - i0 + mr - 1) / mr * mr
	ld := (depth+31)/32*32 + 16
	s.a = grow(s.a, whole*ld)
	s.src, s.ars, s.aks = s.a, ld, 1
	for i := range whole {
		dst := s.a[i*ld : i*ld+depth]
		if i0+i >= i1 {
			clear(dst)
			continue
		}
		copy(dst, j.a[(i0+i)*j.ars+l:])
	}
	return mr * ld
}

// packCopied writes rows of n values of src to dst, width apart, with zeros up to
// width values.
func packCopied(ks *kernelSet, dst []float32, width int, src []float32, srcLd, rows, n int) {
	if n == width && ks.copyRows != nil && ks.copyRows(dst, width, src, srcLd, rows) {
		return
	}
	for r := range rows {
		d := dst[r*width : (r+1)*width]
		clear(d[copy(d, src[r*srcLd:r*srcLd+n]):])
	}
}

// packTransposed writes n rows of src, depth values each, as columns of dst, its
// rows ld apart, with zeros in columns n to width.
func packTransposed(ks *kernelSet, dst []float32, ld, width int, src []float32, srcLd, n, depth int) {
	i := 0
	for ; i+8 <= n; i += 8 {
		done := 0
		if ks.transpose != nil {
			done = ks.transpose(dst[i:], ld, src[i*srcLd:], srcLd, depth)
		}
		for r := i; r < i+8; r++ {
			packColumn(dst[r:], ld, src[r*srcLd:r*srcLd+depth], done)
		}
	}
	for ; i < n; i++ {
		packColumn(dst[i:], ld, src[i*srcLd:i*srcLd+depth], 0)
	}
	for ; i < width; i++ {
		for l := range depth {
			dst[l*ld+i] = 0
		}
	}
}

func packColumn(dst []float32, ld int, src []float32, from int) {
	for l := from; l < len(src); l++ {
		dst[l*ld] = src[l]
	}
}

// packRowsTask packs one strip of B as stored, [k, n].
func (j *gemmJob) packRowsTask(strip, _ int) {
	nr := j.ks.nr
	col := j.j0 + strip*nr
	n := min(nr, j.j0+j.nc-col)
	dst := j.packed[strip*j.bStrip:]
	if j.ks.row == nil {
		packCopied(j.ks, dst, nr, j.b[j.l0*j.ldb+col:], j.ldb, j.kb, n)
		return
	}
	for l := range j.kb {
		j.pairRow(dst[l*nr:(l+1)*nr], j.b, j.ldb, j.k, j.l0+l, col, n)
	}
}

// packColumnsTask packs one strip of B stored transposed, [n, k].
func (j *gemmJob) packColumnsTask(strip, worker int) {
	nr := j.ks.nr
	col := j.j0 + strip*nr
	n := min(nr, j.j0+j.nc-col)
	dst := j.packed[strip*j.bStrip:]
	if j.ks.row == nil {
		packTransposed(j.ks, dst, nr, nr, j.b[col*j.ldb+j.l0:], j.ldb, n, j.kb)
		return
	}
	lo := j.l0 * j.ks.values
	hi := min(lo+j.kb*j.ks.values, j.k)
	s := &j.work[worker]
	ld := expandedLd(j.kb * j.ks.words)
	s.w = grow(s.w, expandRows*ld)
	for i := 0; i < nr; i += expandRows {
		rows := min(expandRows, max(0, n-i))
		for r := range rows {
			at := (col + i + r) * j.ldb
			j.ks.row(s.w[r*ld:], j.b[at+lo:at+hi])
		}
		packTransposed(j.ks, dst[i:], nr, min(expandRows, nr-i), s.w, ld, rows, j.kb*j.ks.words)
	}
}

// expandedLd is the row stride of a scratch matrix of cols values: whole cache
// lines, an odd number of them.
func expandedLd(cols int) int { return (cols+31)/32*32 + 16 }
