package nn

import (
	"slices"

	"github.com/detox-surgery/detox-surgery/simd"
)

// Value is a [T, D] float32 activation on a tape, row-major without padding.
type Value struct {
	T, D int
	X    []float32 // nil once released
	G    []float32 // gradient; nil until something flows into it, and again after it was consumed

	needs    bool    // a gradient must be computed for it
	keepG    bool    // G survives Backward
	keepX    bool    // Release is ignored
	borrowed bool    // X belongs to the caller
	released bool    // the caller reads X no more
	saves    int     // recorded ops whose backward reads X
	remake   *record // recomputes X from inputs that are saved anyway; nil if none
	cheap    bool    // a tape that records would set remake
	counted  bool    // in Tape.kept
	op       int     // number of the op that made it
}

// record is one op: what its forward and backward work on.
type record struct {
	back    func(tp *Tape, r *record)
	forward taskFunc  // recomputes out by rows, of ops that can be remade
	a, b, c *Value    // inputs, unused ones nil
	out     *Value    // result
	saved   [4]*Value // values whose X backward reads
	lazy    [4]*Value // likewise, but cheaper to compute again than to keep
	w       simd.Matrix
	gain    *Gain
	bias    []float32
	aux     [2][]float32 // per-row results that backward needs, from the tape's memory
	beta    [3]float32   // whether the gradients of a, b, c hold something already
	ids     []int32
	stripes []stripe
	block   BlockFunc // of a block that backward runs again
	attn    AttnConfig
	rope    *ropeTable
	f       float32
	n       [2]int
}

// taskFunc is the part of an op that workers share.
type taskFunc func(tp *Tape, r *record, task, worker int)

// Tape owns the activations of a pass and records how to differentiate it. It is
// not safe for concurrent use.
type Tape struct {
	pool   *simd.Pool
	grad   bool
	int8   bool
	prec   Precision
	dry    bool // ops only tell whether they would record, see Block
	mem    memory
	values []*Value // the first live ones are in use
	live   int
	log    []*record // recorded ops in order
	spare  []*record
	ropes  map[*Rotation]*ropeTable
	scan   scan // of the loss that runs
	inner  []*record
	kept   int64 // bytes that records keep for Backward, see Block
	most   int64 // the most that kept was after a block
	ops    int   // begun so far
	wanted int   // last op of a dry block whose result backward reads
	tail   int   // ops after it need not compute their result; 0: all must
	perRow int64 // most bytes that a block keeps per row, as far as known

	cur     *record
	task    taskFunc
	call    func(task, worker int)
	scratch [][]float32 // per worker
}

// NewTape returns an empty tape whose ops run on p (nil: on the caller alone).
// With grad false nothing is recorded and Backward does nothing.
func NewTape(p *simd.Pool, grad bool) *Tape {
	tp := &Tape{pool: p, grad: grad, ropes: map[*Rotation]*ropeTable{}, scratch: make([][]float32, p.Workers())}
	tp.call = func(task, worker int) { tp.task(tp, tp.cur, task, worker) }
	return tp
}

// Pool is the pool that the tape's ops run on.
func (tp *Tape) Pool() *simd.Pool { return tp.pool }

// Grad reports whether the tape records ops for Backward.
func (tp *Tape) Grad() bool { return tp.grad }

// SetInt8 makes Linear round its input to 8 bits where the weight is stored in
// blocks of codes (simd.MatMulT8): several times as fast, with a relative error of
// about a hundredth per product. It is meant for generation and panics on a tape
// with gradients, since such a forward pass is piecewise constant.
func (tp *Tape) SetInt8(on bool) {
	if on && tp.grad {
		panic(errInt8)
	}
	tp.int8 = on
}

// Bytes is the memory that the tape holds for activations, used and spare.
func (tp *Tape) Bytes() int64 { return tp.mem.bytes }

// Reset forgets all values and recorded ops and keeps their memory for reuse.
// Values of the tape are invalid afterwards.
func (tp *Tape) Reset() {
	for _, r := range tp.log {
		tp.drop(r)
	}
	tp.log = tp.log[:0]
	for _, v := range tp.values[:tp.live] {
		tp.freeX(v)
		tp.freeG(v)
	}
	tp.live, tp.kept = 0, 0
}

// NewValue returns a value of uninitialised memory.
func (tp *Tape) NewValue(t, d int) *Value {
	v := tp.value(t, d)
	v.X = tp.mem.get(t * d)
	return v
}

// Const returns a value over x, which is read in place and must not change while
// the tape uses it.
func (tp *Tape) Const(t, d int, x []float32) *Value {
	v := tp.value(t, d)
	v.X, v.borrowed = x[:t*d:t*d], true
	return v
}

func (tp *Tape) value(t, d int) *Value {
	if t < 0 || d < 0 {
		panic(errShape)
	}
	if tp.live == len(tp.values) {
		tp.values = append(tp.values, new(Value))
	}
	v := tp.values[tp.live]
	tp.live++
	*v = Value{T: t, D: d}
	return v
}

// Watch makes Backward compute the gradient of v and leave it in v.G. It must be
// called before v is used. On a tape without gradients it does nothing.
func (tp *Tape) Watch(v *Value) {
	if tp.grad {
		v.needs, v.keepG = true, true
	}
}

// Needs reports whether Backward computes a gradient for v.
func (v *Value) Needs() bool { return v.needs }

// Keep makes v.X stay until Reset: later calls of Release leave it alone.
func (tp *Tape) Keep(vs ...*Value) {
	for _, v := range vs {
		v.keepX = true
	}
}

// Release says that the caller reads vs no more. Their memory is reused as soon
// as no recorded op needs it.
func (tp *Tape) Release(vs ...*Value) {
	for _, v := range vs {
		v.released = true
		if v.saves == 0 {
			tp.freeX(v)
		}
	}
}

// Mark names a point in the life of the tape for ReleaseSince.
func (tp *Tape) Mark() int { return tp.live }

// ReleaseSince releases all values made after mark, except keep and those that
// were given to Keep or Watch.
func (tp *Tape) ReleaseSince(mark int, keep ...*Value) {
	for _, v := range tp.values[mark:tp.live] {
		if v.keepX || v.keepG {
			continue
		}
		kept := false
		for _, k := range keep {
			kept = kept || k == v
		}
		if !kept {
			v.released = true
			if v.saves == 0 {
				tp.freeX(v)
			}
		}
	}
}

// Seed returns the gradient of v for a loss to add to: zero, or what earlier
// losses left.
func (tp *Tape) Seed(v *Value) []float32 {
	g, beta := tp.gradOf(v)
	if beta == 0 {
		clear(g)
	}
	return g
}

// Backward runs the recorded ops in reverse from the gradients that losses have
// seeded, adds to the gradients of parameters, and empties the record.
func (tp *Tape) Backward() {
	tp.reverse(tp.log)
	tp.log, tp.kept = tp.log[:0], 0
}

func (tp *Tape) reverse(log []*record) {
	for _, r := range slices.Backward(log) {
		if r.out.G != nil {
			tp.restore(r)
			r.back(tp, r)
		}
		if !r.out.keepG {
			tp.freeG(r.out)
		}
		tp.drop(r)
	}
}

// restore computes the lazily saved values of r again, for the time of its backward.
func (tp *Tape) restore(r *record) {
	for i, v := range r.lazy {
		if v == nil || v.X != nil {
			continue
		}
		v.X = tp.mem.get(v.T * v.D)
		v.saves++
		r.saved[i] = v
		tp.do(v.remake, tasksFor(v.T, rowsPerTask), v.remake.forward)
	}
}

// begin returns a record for an op.
func (tp *Tape) begin(out, a, b, c *Value) *record {
	var r *record
	if n := len(tp.spare); n > 0 {
		r, tp.spare = tp.spare[n-1], tp.spare[:n-1]
		*r = record{ids: r.ids[:0], stripes: r.stripes[:0]}
	} else {
		r = new(record)
	}
	r.out, r.a, r.b, r.c = out, a, b, c
	tp.ops++
	out.op = tp.ops
	return r
}

// end records the op if a gradient can flow through it, and forgets it if not.
func (tp *Tape) end(r *record, trains bool, back func(tp *Tape, r *record), saved ...*Value) *Value {
	out := r.out
	if tp.dry && trains {
		out.needs = true
		tp.count(r, saved)
	}
	if !tp.grad || !trains {
		tp.drop(r)
		return out
	}
	out.needs = true
	r.back = back
	for i, v := range saved {
		if v.remake != nil {
			r.lazy[i] = v
			continue
		}
		r.saved[i] = v
		v.saves++
	}
	tp.count(r, saved)
	tp.log = append(tp.log, r)
	return out
}

// count adds to kept what r keeps and no record before it did.
func (tp *Tape) count(r *record, saved []*Value) {
	for _, v := range saved {
		if v.remake != nil || v.cheap {
			continue
		}
		tp.wanted = max(tp.wanted, v.op)
		if !v.counted && !v.borrowed {
			v.counted = true
			tp.kept += int64(v.T) * int64(v.D) * 4
		}
	}
	tp.kept += int64(len(r.aux[0])+len(r.aux[1])) * 4
}

// drop returns what a record holds.
func (tp *Tape) drop(r *record) {
	for i, v := range r.saved {
		if v != nil {
			tp.unsave(v)
			r.saved[i] = nil
		}
	}
	for i, b := range r.aux {
		tp.mem.put(b)
		r.aux[i] = nil
	}
	if r.out.remake == r {
		r.out.remake = nil
	}
	r.w, r.gain, r.bias, r.attn, r.block = nil, nil, nil, AttnConfig{}, nil
	tp.spare = append(tp.spare, r)
}

func (tp *Tape) unsave(v *Value) {
	v.saves--
	if v.saves == 0 && v.released {
		tp.freeX(v)
	}
}

func (tp *Tape) freeX(v *Value) {
	if !v.borrowed {
		tp.mem.put(v.X)
	}
	v.X = nil
}

func (tp *Tape) freeG(v *Value) {
	tp.mem.put(v.G)
	v.G = nil
}

// gradOf returns the gradient buffer of v; beta is 0 if it holds nothing yet and
// must be overwritten, 1 if it must be added to.
func (tp *Tape) gradOf(v *Value) (g []float32, beta float32) {
	if v.G != nil {
		return v.G, 1
	}
	v.G = tp.mem.get(v.T * v.D)
	return v.G, 0
}

// do shares tasks of r among the workers.
func (tp *Tape) do(r *record, tasks int, f taskFunc) {
	tp.cur, tp.task = r, f
	tp.pool.Do(tasks, tp.call)
	tp.cur, tp.task = nil, nil
}

// prepare makes every worker's scratch at least n floats.
func (tp *Tape) prepare(n int) {
	for i := range tp.scratch {
		if len(tp.scratch[i]) < n {
			tp.scratch[i] = make([]float32, n)
		}
	}
}

// rowsPerTask and floatsPerTask cut work into chunks that do not depend on the
// number of workers.
const (
	rowsPerTask   = 16
	floatsPerTask = 1 << 14
)

func tasksFor(n, size int) int { return (n + size - 1) / size }

// chunk is the half-open range of a task.
func chunk(task, size, n int) (lo, hi int) { return task * size, min(n, (task+1)*size) }

// What callers may get wrong.
const (
	errShape    = "nn: shapes do not match"
	errReleased = "nn: value was released"
	errInt8     = "nn: 8-bit products have no gradient"
)
