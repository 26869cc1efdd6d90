package simd

// The formats of lower precision: op(A) is brought into words once, before the
// blocks of a product, since every strip of C reads it again.

const (
	// formatRows is how many rows of A a task brings into words.
	formatRows = 16
	// formatSteps is how many steps, where A is stored by depth.
	formatSteps = 8
)

// formatA replaces op(A) by words in the format of the kernels: rows of whole
// tiles, or as stored transposed, whole steps.
func (j *gemmJob) formatA(p *Pool) {
	if j.ks.row == nil {
		return
	}
	if j.aks == 1 {
		mr, ld := j.ks.mr(), expandedLd(j.steps*j.ks.words)
		j.words = grow(j.words, (j.m+mr-1)/mr*mr*ld)
		p.Do((j.m+formatRows-1)/formatRows, j.wordRows)
		j.a, j.ars, j.aks = j.words, ld, j.ks.words
		return
	}
	ld := expandedLd(j.m)
	j.words = grow(j.words, j.steps*ld)
	p.Do((j.steps+formatSteps-1)/formatSteps, j.wordPairs)
	j.a, j.ars, j.aks = j.words, 1, ld
}

func (j *gemmJob) wordRowsTask(task, _ int) {
	ld := expandedLd(j.steps * j.ks.words)
	for i := task * formatRows; i < min((task+1)*formatRows, j.m); i++ {
		j.ks.row(j.words[i*ld:], j.a[i*j.ars:i*j.ars+j.k])
	}
}

func (j *gemmJob) wordPairsTask(task, _ int) {
	ld := expandedLd(j.m)
	for l := task * formatSteps; l < min((task+1)*formatSteps, j.steps); l++ {
		j.pairRow(j.words[l*ld:l*ld+j.m], j.a, j.aks, j.k, l, 0, j.m)
	}
}

// pairRow packs step l of n columns from col of a matrix of k rows, ld apart, and
// fills the rest of dst with zeros.
func (j *gemmJob) pairRow(dst, x []float32, ld, k, l, col, n int) {
	at := 2*l*ld + col
	var second []float32
	if 2*l+1 < k {
		second = x[at+ld : at+ld+n]
	}
	j.ks.pairs(dst[:n], x[at:at+n], second)
	clear(dst[n:])
}
