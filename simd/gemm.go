package simd

import "sync"

// Gemm computes C = op(A) op(B) + beta C in float32, row-major, on the workers
// of p (nil: the caller alone). op transposes its operand where the flag is set,
// so that op(A) is [m, k], op(B) is [k, n] and C is [m, n]; lda, ldb, ldc are
// the row strides of A, B and C as stored. beta is 0 or 1; with 0, C is not read.
// C must not overlap A or B. The result does not depend on the number of workers.
func Gemm(p *Pool, transA, transB bool, m, n, k int, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	Float32.Gemm(p, transA, transB, m, n, k, a, lda, b, ldb, beta, c, ldc)
}

// Gemm is the function of that name with the operands in precision prec.
func (prec Precision) Gemm(p *Pool, transA, transB bool, m, n, k int, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	if m < 0 || n < 0 || k < 0 {
		panic("simd: Gemm: negative dimension")
	}
	if m == 0 || n == 0 {
		return
	}
	checkMatrix(m, n, c, ldc, "simd: Gemm: C does not hold [m, n]")
	if k == 0 {
		scaleRows(m, n, beta, c, ldc)
		return
	}
	j := newJob(p, prec.kernels(transA || !transB), m, n, k, beta, c, ldc)
	j.setA(transA, a, lda)
	if transB {
		checkMatrix(n, k, b, ldb, "simd: Gemm: B does not hold [n, k]")
		j.pack = j.packColumns
	} else {
		checkMatrix(k, n, b, ldb, "simd: Gemm: B does not hold [k, n]")
		j.pack = j.packRows
	}
	j.b, j.ldb = b, ldb
	j.run(p)
}

// checkMatrix panics with msg unless x holds rows of cols values ld apart.
func checkMatrix(rows, cols int, x []float32, ld int, msg string) {
	if ld < cols || rows > 0 && cols > 0 && (rows-1)*ld+cols > len(x) {
		panic(msg)
	}
}

// scaleRows is a product of depth 0: C = beta C.
func scaleRows(m, n int, beta float32, c []float32, ldc int) {
	for i := range m {
		if beta == 0 {
			clear(c[i*ldc : i*ldc+n])
		}
	}
}

const (
	// depthBlock is the depth of one float32 kernel call: it fixes the order of
	// additions, and with it every bit of the result of a tier.
	depthBlock = 384
	// rowBlock is about how many rows of A a task packs: with depthBlock they fill
	// a quarter of a megabyte of L2.
	rowBlock = 144
	// packFloats bounds the packed part of B that tasks share (2 MB, in L3: twice as
	// much was 3 % slower with other load on the machine).
	packFloats = 1 << 19
)

// gemmJob is one product while it runs, and the memory it needs. Jobs are kept
// for reuse, with their task functions bound once, so that a product allocates
// nothing after the first of its size.
type gemmJob struct {
	ks       *kernelSet
	m, n, k  int
	steps    int // of the kernels over depth k
	a        []float32
	ars, aks int       // element (i, l) of op(A) is a[i*ars+l*aks]
	words    []float32 // all of op(A) in the format of the kernels, where that is not float32
	b        []float32
	ldb      int
	w        Matrix // instead of b: the operand is a matrix to expand
	add      bool
	c        []float32
	ldc      int
	pack     func(task, worker int)

	// The block at hand: columns j0 and up of op(B), nc of them, steps l0 and up, kb
	// of them, packed in strips of nr columns, bStrip words apart, steps bks apart.
	j0, nc, l0, kb int
	bStrip, bks    int
	packed         []float32

	rows, strips, rowChunks int // of a task

	work                              []gemmScratch
	tile                              func(task, worker int)
	packRows, packColumns, packMatrix func(task, worker int)
	expand, dotRows                   func(task, worker int)
	wordRows, wordPairs               func(task, worker int)
}

// gemmScratch is the memory of one worker.
type gemmScratch struct {
	a        []float32 // packed rows of A
	src      []float32 // where the kernel reads A: a or the operand itself
	ars, aks int
	tile     []float32 // one tile, for edges
	w        []float32 // rows of W or B before they are transposed or joined
	_        [64]byte
}

// gemmJobs are the jobs not in use: as many as ever ran at once. A sync.Pool would
// lose their memory to the garbage collector in the middle of a training step.
var gemmJobs struct {
	sync.Mutex
	free []*gemmJob
}

func takeJob() *gemmJob {
	gemmJobs.Lock()
	defer gemmJobs.Unlock()
	if last := len(gemmJobs.free) - 1; last >= 0 {
		j := gemmJobs.free[last]
		gemmJobs.free = gemmJobs.free[:last]
		return j
	}
	j := new(gemmJob)
	j.tile = j.tileTask
	j.packRows, j.packColumns, j.packMatrix = j.packRowsTask, j.packColumnsTask, j.packMatrixTask
	j.expand, j.dotRows = j.expandTask, j.dotRowsTask
	j.wordRows, j.wordPairs = j.wordRowsTask, j.wordPairsTask
	return j
}

func newJob(p *Pool, ks *kernelSet, m, n, k int, beta float32, c []float32, ldc int) *gemmJob {
	if beta != 0 && beta != 1 {
		panic("simd: matrix product: beta is neither 0 nor 1")
	}
	j := takeJob()
	j.ks = ks
	j.m, j.n, j.k, j.steps = m, n, k, ks.steps(k)
	j.add, j.c, j.ldc = beta == 1, c, ldc
	for len(j.work) < p.Workers() {
		j.work = append(j.work, gemmScratch{})
	}
	return j
}

func (j *gemmJob) setA(trans bool, a []float32, lda int) {
	j.a = a
	if trans {
		checkMatrix(j.k, j.m, a, lda, "simd: Gemm: A does not hold [k, m]")
		j.ars, j.aks = 1, lda
		return
	}
	checkMatrix(j.m, j.k, a, lda, "simd: Gemm: A does not hold [m, k]")
	j.ars, j.aks = lda, 1
}

// release gives the job's memory back for reuse, without the caller's slices.
func (j *gemmJob) release() {
	j.a, j.b, j.c, j.w, j.pack = nil, nil, nil, nil, nil
	for i := range j.work {
		j.work[i].src = nil
	}
	gemmJobs.Lock()
	defer gemmJobs.Unlock()
	gemmJobs.free = append(gemmJobs.free, j)
}

// run multiplies block by block: packs a block of op(B) for all to share, then
// computes what it adds to C.
func (j *gemmJob) run(p *Pool) {
	j.formatA(p)
	nr, words := j.ks.nr, j.ks.words
	kb := min(j.steps, 4*j.ks.block)
	nc := min(j.n, max(nr, packFloats/(kb*words)/nr*nr))
	for l0 := 0; l0 < j.steps; l0 += kb {
		for j0 := 0; j0 < j.n; j0 += nc {
			j.l0, j.kb = l0, min(kb, j.steps-l0)
			j.j0, j.nc = j0, min(nc, j.n-j0)
			strips := (j.nc + nr - 1) / nr
			j.bks, j.bStrip = nr*words, nr*words*j.kb
			j.packed = grow(j.packed, strips*j.bStrip)
			p.Do(strips, j.pack)
			p.Do(j.split(p.Workers(), strips), j.tile)
		}
	}
	j.release()
}

// split cuts C of this block into tasks: blocks of rows, and when those are too
// few to keep all workers busy to the end, also blocks of strips.
func (j *gemmJob) split(workers, strips int) (tasks int) {
	mr := j.ks.mr()
	j.rowChunks = (j.m + rowBlock - 1) / rowBlock
	j.rows = ((j.m+j.rowChunks-1)/j.rowChunks + mr - 1) / mr * mr
	j.rowChunks = (j.m + j.rows - 1) / j.rows
	j.strips = strips
	if workers > 1 {
		for j.strips > 1 && j.rowChunks*((strips+j.strips-1)/j.strips) < 4*workers {
			j.strips = (j.strips + 1) / 2
		}
	}
	return j.rowChunks * ((strips + j.strips - 1) / j.strips)
}

// tileTask computes the tiles of one block of rows and strips.
func (j *gemmJob) tileTask(task, worker int) {
	nr := j.ks.nr
	i0 := task % j.rowChunks * j.rows
	i1 := min(i0+j.rows, j.m)
	s0 := task / j.rowChunks * j.strips
	s1 := min(s0+j.strips, (j.nc+nr-1)/nr)
	s := &j.work[worker]
	for l := 0; l < j.kb; l += j.ks.block {
		depth := min(j.ks.block, j.kb-l)
		step := j.packA(s, i0, i1, j.l0+l, depth)
		add := j.add || j.l0+l > 0
		for strip := s0; strip < s1; strip++ {
			b := j.packed[strip*j.bStrip+l*j.bks:]
			j.oneStrip(s, i0, i1, depth, step, strip*nr, b, add)
		}
	}
}

// oneStrip computes rows i0 to i1 of the strip of C that begins at column j0+col:
// whole tiles in one call, then the rest.
func (j *gemmJob) oneStrip(s *gemmScratch, i0, i1, depth, step, col int, b []float32, add bool) {
	mr := j.ks.mr()
	cols := min(j.ks.nr, j.nc-col)
	whole := 0
	if cols == j.ks.nr {
		whole = (i1 - i0) / mr
	}
	if whole > 0 {
		j.ks.byRows[0].run(depth, whole, s.src, s.ars, s.aks, step, b, j.bks, j.c[i0*j.ldc+j.j0+col:], j.ldc, add)
	}
	for i := i0 + whole*mr; i < i1; i += mr {
		j.oneTile(s, min(mr, i1-i), cols, depth, s.src[(i-i0)/mr*step:], b, j.c[i*j.ldc+j.j0+col:], add)
	}
}

// oneTile computes rows x cols values of C; tiles that no kernel has go through
// a whole tile in scratch.
func (j *gemmJob) oneTile(s *gemmScratch, rows, cols, depth int, a, b, c []float32, add bool) {
	kern := j.ks.fit(rows)
	nr := j.ks.nr
	if kern.rows == rows && cols == nr {
		kern.run(depth, 1, a, s.ars, s.aks, 0, b, j.bks, c, j.ldc, add)
		return
	}
	s.tile = grow(s.tile, j.ks.mr()*nr)
	kern.run(depth, 1, a, s.ars, s.aks, 0, b, j.bks, s.tile, nr, false)
	for i := range rows {
		row, t := c[i*j.ldc:i*j.ldc+cols], s.tile[i*nr:i*nr+cols]
		if !add {
			copy(row, t)
			continue
		}
		for x, v := range t {
			row[x] += v
		}
	}
}

// grow returns a slice of length n, x if it is large enough.
func grow(x []float32, n int) []float32 {
	if cap(x) < n {
		return make([]float32, n)
	}
	return x[:n]
}
