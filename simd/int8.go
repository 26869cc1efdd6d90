package simd

import (
	"math"
	"sync"
	"unsafe"
)

// BlockType is a way to store weights in blocks that the 8-bit products read.
type BlockType int

// The block types, by ggml's names. NoBlocks is every other way.
const (
	NoBlocks BlockType = iota
	BlocksQ4_0
	BlocksQ4_1
	BlocksQ5_0
	BlocksQ5_1
	BlocksQ8_0
	BlocksQ4K
	BlocksQ5K
	BlocksQ6K
	blockTypes
)

// BlockMatrix is a Matrix of codes: within a block of Sub weights (16 of Q6_K, 32
// of others) w = scale (code - zero) + offset, where only types with zero 0 have
// an offset.
type BlockMatrix interface {
	Matrix
	// Blocks returns the type of the blocks, and all of them as stored, row after
	// row. NoBlocks says that the matrix is none of codes after all.
	Blocks() (BlockType, []byte)
	// BlockRow writes the K codes of row r and the scale and offset of each Sub of
	// them. It is what the assembly reads out of Blocks.
	BlockRow(codes []uint8, scale, offset []float32, r int)
}

// int8Kind is what the products know of a block type.
type int8Kind struct {
	blockLayout
	sub     int // weights per scale
	zero    int32
	variant int8Variant
}

// int8Variant is a group of block types that a multiplying kernel serves.
type int8Variant int

const (
	int8Min    int8Variant = iota // 32 weights per scale, codes up to 31 with an offset
	int8Zero                      // 32 weights per scale, codes up to 31 and a zero
	int8Zero16                    // 16 weights per scale, codes up to 63 and a zero
	int8Full                      // 32 weights per scale, codes up to 255, zero 128
	int8Variants
)

var int8Kinds = [blockTypes]int8Kind{
	BlocksQ4_0: {blockLayouts[blockQ4_0], 32, 8, int8Zero},
	BlocksQ4_1: {blockLayouts[blockQ4_1], 32, 0, int8Min},
	BlocksQ5_0: {blockLayouts[blockQ5_0], 32, 16, int8Zero},
	BlocksQ5_1: {blockLayouts[blockQ5_1], 32, 0, int8Min},
	BlocksQ8_0: {blockLayouts[blockQ8_0], 32, 128, int8Full},
	BlocksQ4K:  {blockLayouts[blockQ4K], 32, 0, int8Min},
	BlocksQ5K:  {blockLayouts[blockQ5K], 32, 0, int8Min},
	BlocksQ6K:  {blockLayouts[blockQ6K], 16, 32, int8Zero16},
}

const (
	stripCols = 16 // rows of W, columns of Y, that a kernel computes at once
	// int8Strips is how many strips of large products are multiplied with a few
	// rows of X before the next rows: they and the rows lie in L2.
	int8Strips = 4
	// int8Rows is about how many rows of X those are.
	int8Rows = 48
	// int8Few is up to how many rows of X a product is bound by reading W.
	int8Few = 4
	// int8Most bounds the strips of one task of such a product.
	int8Most = 16
)

// head is the bytes before the codes of a block in a panel: scales and offsets of
// the strip.
func (k *int8Kind) head() int {
	if k.variant == int8Min {
		return 2 * 4 * stripCols
	}
	return 4 * stripCols
}

// panelBlock is the bytes of a block in a panel.
func (k *int8Kind) panelBlock() int { return k.head() + stripCols*k.sub }

// rowBlock is the bytes of a block in a quantized row of X.
func (k *int8Kind) rowBlock() int { return rowHead + k.sub }

// HasInt8 tells whether MatMulT8 can multiply with w.
func HasInt8(w Matrix) bool {
	b, ok := w.(BlockMatrix)
	if !ok {
		return false
	}
	typ, _ := b.Blocks()
	return typ > NoBlocks && typ < blockTypes && w.Cols() > 0 && w.Cols()%int8Kinds[typ].weights == 0
}

// MatMulT8 computes Y = X Wᵀ with X rounded to 8 bits: X is [t, K] with row stride
// ldx, Y is [t, N] with row stride ldy. It returns false, with Y untouched, if W
// has no 8-bit products (HasInt8).
//
// Every Sub values of a row of X are rounded to x = d*q with d = max|x|/127 and
// whole q, |q| <= 127, ties to even; values below 2^-119 become 0, and NaN or Inf
// makes the outputs of its row NaN. Products of q with codes are summed in
// integers, the sums of blocks by one chain of fused multiply-adds from the first
// block to the last. So a row of Y depends on its row of X and on W alone, not on
// the number of rows or workers, and is the same in every tier.
func MatMulT8(p *Pool, t int, x []float32, ldx int, w Matrix, y []float32, ldy int) bool {
	if !HasInt8(w) {
		return false
	}
	b := w.(BlockMatrix)
	typ, src := b.Blocks()
	n, k := w.Rows(), w.Cols()
	if t < 0 {
		panic("simd: MatMulT8: negative dimension")
	}
	if t == 0 || n == 0 {
		return true
	}
	checkMatrix(t, k, x, ldx, "simd: MatMulT8: X does not hold [t, K]")
	checkMatrix(t, n, y, ldy, "simd: MatMulT8: Y does not hold [t, N]")
	j := takeInt8(p)
	j.kind, j.typ = &int8Kinds[typ], typ
	j.w, j.src, j.rowBytes = b, src, k/j.kind.weights*j.kind.bytes
	if len(src) < n*j.rowBytes {
		panic("simd: MatMulT8: Blocks does not hold [N, K]")
	}
	j.t, j.n, j.k, j.blocks = t, n, k, k/j.kind.sub
	j.x, j.ldx, j.y, j.ldy = x, ldx, y, ldy
	j.run(p)
	return true
}

// int8Job is one product while it runs, and the memory it needs, kept for reuse.
type int8Job struct {
	kind            *int8Kind
	typ             BlockType
	set             *int8Set
	w               BlockMatrix
	src             []byte
	rowBytes        int
	t, n, k, blocks int
	x, y            []float32
	ldx, ldy        int
	rows            []byte // [t, stride] quantized X
	stride          int
	perTask, batch  int // strips of a task, and of those that are unpacked at once
	work            []int8Scratch
	quantize, mul   func(task, worker int)
}

// int8Scratch is the memory of one worker.
type int8Scratch struct {
	panel         []byte // unpacked strips
	tile          []float32
	codes         []uint8
	scale, offset []float32
	_             [64]byte
}

// int8Jobs are the jobs not in use, as gemmJobs.
var int8Jobs struct {
	sync.Mutex
	free []*int8Job
}

func takeInt8(p *Pool) (j *int8Job) {
	int8Jobs.Lock()
	if last := len(int8Jobs.free) - 1; last >= 0 {
		j = int8Jobs.free[last]
		int8Jobs.free = int8Jobs.free[:last]
	}
	int8Jobs.Unlock()
	if j == nil {
		j = new(int8Job)
		j.quantize, j.mul = j.quantizeTask, j.mulTask
	}
	for len(j.work) < p.Workers() {
		j.work = append(j.work, int8Scratch{})
	}
	return j
}

func (j *int8Job) release() {
	j.w, j.src, j.x, j.y = nil, nil, nil, nil
	int8Jobs.Lock()
	defer int8Jobs.Unlock()
	int8Jobs.free = append(int8Jobs.free, j)
}

func (j *int8Job) run(p *Pool) {
	j.set = activeInt8()
	j.stride = j.blocks * j.kind.rowBlock()
	j.rows = growBytes(j.rows, j.t*j.stride)
	if tasks := (j.t + quantizeRows - 1) / quantizeRows; tasks > 1 {
		p.Do(tasks, j.quantize)
	} else {
		j.quantizeTask(0, 0)
	}
	strips := (j.n + stripCols - 1) / stripCols
	most := int8Strips
	j.batch = int8Strips
	if j.t <= int8Few {
		most, j.batch = int8Most, 1 // one panel stays in L1
	}
	j.perTask = max(1, min(most, strips/(4*p.Workers())))
	p.Do((strips+j.perTask-1)/j.perTask, j.mul)
	j.release()
}

// quantizeRows is the rows of a task.
const quantizeRows = 16

func (j *int8Job) quantizeTask(task, _ int) {
	for t := task * quantizeRows; t < min(j.t, (task+1)*quantizeRows); t++ {
		j.set.quantize(j.kind, j.rows[t*j.stride:(t+1)*j.stride], j.x[t*j.ldx:t*j.ldx+j.k])
	}
}

// mulTask computes a few strips of Y: all rows of X at a time if they are few,
// else in groups that share the unpacked strips.
func (j *int8Job) mulTask(task, worker int) {
	s := &j.work[worker]
	size := j.blocks * j.kind.panelBlock()
	s.panel = growBytes(s.panel, min(j.perTask, j.batch)*size)
	first := task * j.perTask
	end := min(first+j.perTask, (j.n+stripCols-1)/stripCols)
	for ; first < end; first += j.batch {
		last := min(first+j.batch, end)
		for strip := first; strip < last; strip++ {
			j.unpack(s, s.panel[(strip-first)*size:(strip-first+1)*size], strip*stripCols)
		}
		for t := 0; t < j.t; t += int8Rows {
			for strip := first; strip < last; strip++ {
				j.column(s, s.panel[(strip-first)*size:(strip-first+1)*size], strip*stripCols, t, min(t+int8Rows, j.t))
			}
		}
	}
}

// unpack writes rows r and up of W to a panel, eight by assembly where it has
// them. Columns of Y that do not exist have scale 0.
func (j *int8Job) unpack(s *int8Scratch, panel []byte, r int) {
	for half := range 2 {
		lo := r + 8*half
		switch n := min(8, j.n-lo); {
		case n == 8 && j.set.unpack[j.typ] != nil:
			src := j.src[lo*j.rowBytes : (lo+8)*j.rowBytes]
			j.set.unpack[j.typ](&panel[32*half], &src[0], j.rowBytes, j.k/j.kind.weights)
		default:
			for i := range 8 {
				j.unpackRow(s, panel, lo+i, 8*half+i)
			}
		}
	}
}

// unpackRow writes row r of W as column col of a panel.
func (j *int8Job) unpackRow(s *int8Scratch, panel []byte, r, col int) {
	s.codes = growBytes(s.codes, j.k)
	s.scale, s.offset = grow(s.scale, j.blocks), grow(s.offset, j.blocks)
	if r < j.n {
		j.w.BlockRow(s.codes, s.scale, s.offset, r)
	} else {
		clear(s.codes)
		clear(s.scale)
		clear(s.offset)
	}
	for b := range j.blocks {
		p := panel[b*j.kind.panelBlock():][:j.kind.panelBlock()]
		putFloat(p[4*col:], s.scale[b])
		if j.kind.variant == int8Min {
			putFloat(p[4*stripCols+4*col:], s.offset[b])
		}
		codes := s.codes[b*j.kind.sub : (b+1)*j.kind.sub]
		for i := 0; i < len(codes); i += 4 {
			copy(p[j.kind.head()+stripCols*i+4*col:], codes[i:i+4])
		}
	}
}

// column computes rows t0 to t1 of the strip of Y that begins at column col.
func (j *int8Job) column(s *int8Scratch, panel []byte, col, t0, t1 int) {
	cols := min(stripCols, j.n-col)
	for _, k := range j.set.kernels[j.kind.variant] {
		tiles := (t1 - t0) / k.rows
		if tiles == 0 {
			continue
		}
		rows := tiles * k.rows
		x := j.rows[t0*j.stride : (t0+rows)*j.stride]
		if cols == stripCols {
			y := j.y[t0*j.ldy+col : (t0+rows-1)*j.ldy+col+stripCols]
			k.run(j.kind, panel, j.blocks, x, j.stride, tiles, y, j.ldy)
		} else {
			s.tile = grow(s.tile, int8Rows*stripCols)
			k.run(j.kind, panel, j.blocks, x, j.stride, tiles, s.tile, stripCols)
			for i := range rows {
				copy(j.y[(t0+i)*j.ldy+col:][:cols], s.tile[i*stripCols:])
			}
		}
		t0 += rows
	}
}

// growBytes returns n bytes that start on a cache line, b if it is large enough.
func growBytes(b []byte, n int) []byte {
	if cap(b) >= n {
		return b[:n]
	}
	b = make([]byte, n+63)
	skip := int(-uintptr(unsafe.Pointer(&b[0])) & 63)
	return b[skip : skip+n]
}

func putFloat(b []byte, x float32) { putInt(b, int32(math.Float32bits(x))) }
