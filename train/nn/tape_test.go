package nn

import (
	"math"
	"testing"

	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/simd"
)

// stack is a small Llama: what the tape does in a training step.
type stack struct {
	rot               *Rotation
	embed             simd.Matrix
	q, k, v, o        simd.Matrix
	gate, up          simd.Matrix
	down              []simd.Matrix
	norm              *Gain
	ids, pos          []int32
	spans             []Span
	targets           []int32
	weight            []float32
	width, heads, kvs int
	release           bool
	budget            int64
}

func newStack(width, ffn, blocks, tokens int, down func(l int, w *blockMatrix) simd.Matrix) *stack {
	return newStackOf(4, 2, 40, 512, width, ffn, blocks, tokens, down)
}

func newStackOf(heads, kvs, length, vocab, width, ffn, blocks, tokens int, down func(l int, w *blockMatrix) simd.Matrix) *stack {
	typ, kv := quant.Q4_1, width*kvs/heads
	s := &stack{width: width, heads: heads, kvs: kvs, release: true}
	s.embed = quantized(1, quant.Q8_0, vocab, width)
	s.q, s.o = quantized(2, typ, width, width), quantized(3, typ, width, width)
	s.k, s.v = quantized(4, typ, kv, width), quantized(5, typ, kv, width)
	s.gate, s.up = quantized(6, typ, ffn, width), quantized(7, typ, ffn, width)
	for l := range blocks {
		s.down = append(s.down, down(l, quantized(uint64(8+l), typ, width, ffn)))
	}
	s.norm = NewGain(make([]float32, width))
	fill(s.norm.X, 1)
	for start := 0; start < tokens; start += length {
		n := min(length, tokens-start)
		s.spans = append(s.spans, Span{start, n})
		for i := range n {
			s.pos = append(s.pos, int32(i))
			s.ids = append(s.ids, int32((start+i)*7%512))
			s.targets = append(s.targets, int32((start+i)*11%512))
			s.weight = append(s.weight, 0.01)
		}
	}
	return s
}

func (s *stack) step(tp *Tape) float64 {
	tp.Reset()
	hd := s.width / s.heads
	if s.rot == nil {
		s.rot = &Rotation{HeadDim: hd, Dim: hd, Base: 1e4, Scale: 1}
	}
	rot := s.rot
	x := Embed(tp, s.embed, s.ids, 1)
	block := func(l int, x *Value) *Value {
		a := RMSNorm(tp, x, s.norm, 1e-5)
		q := RoPE(tp, Linear(tp, a, s.q), s.pos, rot)
		k := RoPE(tp, Linear(tp, a, s.k), s.pos, rot)
		o := Attention(tp, q, k, Linear(tp, a, s.v), AttnConfig{Heads: s.heads, KVHeads: s.kvs, HeadDim: hd, Scale: 0.2, Spans: s.spans})
		x = Add(tp, x, Linear(tp, o, s.o))
		f := RMSNorm(tp, x, s.norm, 1e-5)
		return Add(tp, x, Linear(tp, SiLUMul(tp, Linear(tp, f, s.gate), Linear(tp, f, s.up)), s.down[l]))
	}
	for l := range s.down {
		mark, in := tp.Mark(), x
		x = tp.Block(x, l, len(s.down)-l, s.budget, block)
		if s.release {
			tp.ReleaseSince(mark, x)
			tp.Release(in)
		}
	}
	loss := CrossEntropy(tp, RMSNorm(tp, x, s.norm, 1e-5), s.embed, s.targets, s.weight)
	tp.Backward()
	return loss
}

func carriersFrom(from int) func(l int, w *blockMatrix) simd.Matrix {
	return func(l int, w *blockMatrix) simd.Matrix {
		if l < from {
			return w
		}
		c, err := NewCarriers("down", w, w.typ, w.raw)
		if err != nil {
			panic(err)
		}
		return c
	}
}

func grads(s *stack) (all []float32) {
	for _, d := range s.down {
		if t, ok := d.(Trainable); ok {
			for _, p := range t.Params() {
				all = append(all, p.G...)
				clear(p.G)
			}
		}
	}
	return all
}

// Releasing values early, reusing the tape and sharing the work change no bit.
func TestStepIsReproducible(t *testing.T) {
	s := newStack(64, 128, 3, 100, carriersFrom(1))
	s.release = false
	tp := NewTape(nil, true)
	loss := s.step(tp)
	want := grads(s)
	kept := tp.Bytes()
	pool := simd.NewPool(2)
	defer pool.Close()
	s.release = true
	for _, p := range []*simd.Pool{nil, pool} {
		tp := NewTape(p, true)
		for range 3 {
			if got := s.step(tp); got != loss {
				t.Errorf("loss %g, want %g", got, loss)
			}
			same(t, "gradient", grads(s), want, 0)
		}
		if tp.Bytes() >= kept {
			t.Errorf("releasing uses %d bytes, keeping everything %d", tp.Bytes(), kept)
		}
	}
	if n := weighted(want, want); n == 0 || math.IsNaN(n) {
		t.Errorf("gradient has squared norm %g", n)
	}
}

// The gradient of the whole stack, through values that are released and remade,
// agrees with differences.
func TestStepGradient(t *testing.T) {
	s := newStack(32, 32, 2, 12, carriersFrom(0))
	tp := NewTape(nil, true)
	s.step(tp)
	want := grads(s)
	at := 0
	for _, d := range s.down {
		c := d.(*Carriers)
		for _, p := range c.Params() {
			differences(t, p.Name, p.X, want[at:at+len(p.X)], 0.05, 2e-2, func() float64 {
				c.Sync()
				return s.step(NewTape(nil, false))
			})
			c.Sync()
			at += len(p.X)
		}
	}
}

// Blocks that are computed again change no bit and keep to the budget.
func TestBudget(t *testing.T) {
	for name, down := range map[string]func(l int, w *blockMatrix) simd.Matrix{
		"carriers": carriersFrom(1),
		"delta":    func(_ int, w *blockMatrix) simd.Matrix { return NewDelta("down", w) },
		"columns":  func(_ int, w *blockMatrix) simd.Matrix { return NewColumns("down", w, []int32{3, 50, 127}) },
	} {
		t.Run(name, func(t *testing.T) { checkBudget(t, down) })
	}
}

func checkBudget(t *testing.T, down func(l int, w *blockMatrix) simd.Matrix) {
	t.Helper()
	const rows, width, blocks = 100, 64, 16
	s := newStack(width, 128, blocks, rows, down)
	tp := NewTape(nil, true)
	loss := s.step(tp)
	want := grads(s)
	full := tp.Bytes()
	pool := simd.NewPool(2)
	defer pool.Close()
	budgets := []int64{1, 20 * rows * width * 4, 60 * rows * width * 4, 1 << 40}
	if testing.Short() {
		budgets = budgets[:2]
	}
	for _, budget := range budgets {
		for _, p := range []*simd.Pool{nil, pool} {
			s.budget = budget
			tp := NewTape(p, true)
			for range 3 {
				if got := s.step(tp); got != loss {
					t.Errorf("budget %d: loss %g, want %g", budget, got, loss)
				}
				same(t, "gradient", grads(s), want, 0)
			}
			if stream := int64(blocks * rows * width * 4); tp.kept != 0 || tp.most > max(budget, stream) && budget < full {
				t.Errorf("budget %d: kept %d, at most %d bytes", budget, tp.kept, tp.most)
			}
			if budget < full/4 && tp.Bytes() > full/2 {
				t.Errorf("budget %d: tape holds %d bytes, without budget %d", budget, tp.Bytes(), full)
			}
		}
	}
}

// Below the lowest trainable weight nothing is recorded.
func TestBackwardStopsAtLowestTrainable(t *testing.T) {
	count := func(from int) int {
		s := newStack(32, 32, 3, 12, carriersFrom(from))
		tp := NewTape(nil, true)
		x := Embed(tp, s.embed, s.ids, 1)
		for _, down := range s.down {
			x = Linear(tp, SiLUMul(tp, x, x), down)
		}
		return len(tp.log)
	}
	if a, b := count(0), count(2); a != 5 || b != 1 {
		t.Errorf("%d and %d ops recorded, want 5 and 1", a, b)
	}
	if n := count(3); n != 0 {
		t.Errorf("%d ops recorded without trainable weights", n)
	}
}

// Any op may read a value that is remade for it, also another gate.
func TestRemade(t *testing.T) {
	in := []input{leaf(1, 5, 12), leaf(2, 5, 12)}
	checkOp(t, "remade", func(tp *Tape, in []*Value) *Value {
		m := SiLUMul(tp, in[0], in[1])
		n := GeLUMul(tp, m, in[0])
		out := Add(tp, RMSNorm(tp, m, nil, 1e-2), Linear(tp, n, denseOf(3, 12, 12)))
		tp.Release(m, n)
		if m.X != nil || n.remake != nil {
			t.Fatal("the inner gate was kept, or the outer would be remade from a remade one")
		}
		return out
	}, 60, in...)
}

func TestBadCallers(t *testing.T) {
	tp := NewTape(nil, true)
	x, w := tp.Const(2, 4, random(1, 8)), denseOf(2, 3, 4)
	gone := Scale(tp, x, 1)
	tp.Release(gone)
	for name, f := range map[string]func(){
		errShape:    func() { Linear(tp, x, denseOf(2, 3, 5)) },
		errReleased: func() { Linear(tp, gone, w) },
		errInt8:     func() { tp.SetInt8(true) },
		errTarget:   func() { CrossEntropy(tp, x, w, []int32{0, 3}, []float32{1, 1}) },
	} {
		func() {
			defer func() {
				if got := recover(); got != name {
					t.Errorf("panic %v, want %q", got, name)
				}
			}()
			f()
		}()
	}
}

func TestStepAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("under the race detector sync.Pool drops what it is given")
	}
	s := newStack(64, 128, 3, 100, carriersFrom(0))
	tp := NewTape(nil, true)
	if n := testing.AllocsPerRun(5, func() { s.step(tp) }); n > 8 {
		t.Errorf("%g allocations per step after warm-up", n)
	}
	s.budget = 1 // all blocks twice
	if n := testing.AllocsPerRun(5, func() { s.step(tp) }); n > 8 {
		t.Errorf("%g allocations per step with a budget", n)
	}
	// Without gradients a second pass over more tokens needs no more than what is live at once.
	free := NewTape(nil, false)
	s.step(free)
	before := free.Bytes()
	s.step(free)
	if free.Bytes() != before {
		t.Errorf("second pass took memory: %d, then %d bytes", before, free.Bytes())
	}
}

func TestWatchKeepsGradient(t *testing.T) {
	w := denseOf(1, 4, 4)
	tp := NewTape(nil, true)
	x := tp.Const(2, 4, random(2, 8))
	m := Scale(tp, x, 2)
	tp.Watch(m)
	y := Linear(tp, m, w)
	copy(tp.Seed(y), random(3, 8))
	want := make([]float32, 8)
	simd.MatMul(nil, 2, y.G, 4, w, 0, want, 4)
	tp.Backward()
	same(t, "watched gradient", m.G, want, 0)
	if x.G != nil {
		t.Error("a gradient was computed for a frozen input")
	}
}

func TestSizeClass(t *testing.T) {
	last := 0
	for n := 1; n < 100000; n++ {
		c, size := sizeClass(n)
		if size < n || size > n+n/4+smallest {
			t.Fatalf("%d floats get %d", n, size)
		}
		if c2, s2 := sizeClass(size); c2 != c || s2 != size {
			t.Fatalf("class of %d is %d of size %d, but %d again is %d of %d", n, c, size, size, c2, s2)
		}
		if c != last && c != last+1 {
			t.Fatalf("class jumps from %d to %d at %d", last, c, n)
		}
		last = c
	}
}

// BenchmarkStep is a training step of a model of the size of SmolLM2-135M, with
// the carriers of all ffn_down trained.
func BenchmarkStep(b *testing.B) {
	for _, c := range []struct {
		name    string
		workers int
		down    func(l int, w *blockMatrix) simd.Matrix
	}{
		{"carriers/1", 1, carriersFrom(0)},
		{"carriers/2", 2, carriersFrom(0)},
		{"delta/2", 2, func(_ int, w *blockMatrix) simd.Matrix { return NewDelta("down", w) }},
		{"upper third/2", 2, carriersFrom(20)},
	} {
		b.Run(c.name, func(b *testing.B) {
			const tokens = 512
			s := newStackOf(9, 3, 64, 49152, 576, 1536, 30, tokens, c.down)
			pool := simd.NewPool(c.workers)
			defer pool.Close()
			tp := NewTape(pool, true)
			s.step(tp)
			b.ReportAllocs()
			for b.Loop() {
				s.step(tp)
			}
			b.ReportMetric(tokens*float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
			b.ReportMetric(float64(tp.Bytes())/(1<<20), "tape-MiB")
		})
	}
}
