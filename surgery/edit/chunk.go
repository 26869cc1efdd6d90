package edit

import (
	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/simd"
)

// chunkRows is how many rows are rounded together, so that memory stays bounded.
const chunkRows = 1024

// chunk is a run of rows of a quantized tensor taken apart for rounding: what is
// wanted, the codes and carriers chosen so far, and the error they leave.
type chunk struct {
	typ        quant.Type
	grid       quant.Grid
	pool       *simd.Pool
	curve      *curvature // nil: errors count by their own square
	rows, cols int

	raw           []byte    // [rows] as stored
	want          []float32 // [rows, cols]
	codes         []int16   // [rows, cols]
	scale, offset []float32 // [rows, cols/Sub]
	d, m          []float32 // [rows, cols/Group]; m nil without minimum
	err           []float32 // [rows, cols] value minus want
	curved        []float32 // [rows, cols] err H
}

func newChunk(typ quant.Type, raw []byte, want []float32, cols int, c *curvature, p *simd.Pool) *chunk {
	g, _ := typ.Grid()
	n := len(want)
	ch := &chunk{typ: typ, grid: g, pool: p, curve: c, rows: n / cols, cols: cols, raw: raw, want: want}
	ch.codes = make([]int16, n)
	ch.scale, ch.offset = make([]float32, n/g.Sub), make([]float32, n/g.Sub)
	ch.d = make([]float32, n/g.Group)
	if g.HasMin {
		ch.m = make([]float32, n/g.Group)
	}
	ch.err = make([]float32, n)
	if c != nil {
		ch.curved = make([]float32, n)
	}
	ch.load()
	return ch
}

func (ch *chunk) rowRaw(r int) []byte {
	n := ch.typ.RowBytes(ch.cols)
	return ch.raw[r*n : (r+1)*n]
}

// row is row r of x, which has cols/per values a row; nil stays nil.
func row[T any](ch *chunk, x []T, r, per int) []T {
	if x == nil {
		return nil
	}
	n := ch.cols / per
	return x[r*n : (r+1)*n]
}

// load reads codes and grid from raw and computes the error.
func (ch *chunk) load() {
	ch.pool.Do(ch.rows, func(r, _ int) {
		ch.typ.Codes(row(ch, ch.codes, r, 1), ch.rowRaw(r))
		ch.loadGrid(r)
		e := row(ch, ch.err, r, 1)
		ch.typ.Decode(e, ch.rowRaw(r))
		for j, w := range row(ch, ch.want, r, 1) {
			e[j] -= w
		}
	})
	ch.curve.apply(ch.pool, ch.rows, ch.err, ch.curved)
}

func (ch *chunk) loadGrid(r int) {
	ch.typ.RowGrid(ch.rowRaw(r), row(ch, ch.scale, r, ch.grid.Sub), row(ch, ch.offset, r, ch.grid.Sub))
	ch.typ.Carriers(row(ch, ch.d, r, ch.grid.Group), row(ch, ch.m, r, ch.grid.Group), ch.rowRaw(r))
}

// apply computes y = x H for n rows; without curvature there is nothing to do.
func (c *curvature) apply(p *simd.Pool, n int, x, y []float32) {
	if c != nil {
		simd.Gemm(p, false, false, n, c.n, c.n, x, c.n, c.h, c.n, 0, y, c.n)
	}
}

// grad is err H: half the gradient of the squared output error in the weights.
func (ch *chunk) grad() []float32 {
	if ch.curve == nil {
		return ch.err
	}
	return ch.curved
}

// cost is the squared output error of row r.
func (ch *chunk) cost(r int) float64 {
	return dot(row(ch, ch.err, r, 1), row(ch, ch.grad(), r, 1))
}

func dot(a, b []float32) float64 {
	var s float64
	for i, x := range a {
		s += float64(x) * float64(b[i])
	}
	return s
}

// nearestCode is the code whose value s c + o is nearest to w.
func nearestCode(g *quant.Grid, w, s, o float32) int16 {
	if s == 0 {
		return g.Nearest(0)
	}
	return g.Nearest((w - o) / s)
}

// clone copies what rounding changes.
func (ch *chunk) clone() *chunk {
	c := newChunk(ch.typ, append([]byte(nil), ch.raw...), ch.want, ch.cols, ch.curve, ch.pool)
	return c
}

// takeBetter replaces the rows of ch for which o has the smaller cost.
func (ch *chunk) takeBetter(o *chunk) {
	for r := range ch.rows {
		if o.cost(r) < ch.cost(r) {
			copy(ch.rowRaw(r), o.rowRaw(r))
		}
	}
	ch.load()
}
