package nn

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/simd"
)

// block is a quantized weight held in memory.
type blockMatrix struct {
	n, k int
	typ  quant.Type
	raw  []byte
}

func (b *blockMatrix) Rows() int { return b.n }
func (b *blockMatrix) Cols() int { return b.k }
func (b *blockMatrix) DequantRows(dst []float32, ld, r0, r1 int) {
	size := b.typ.RowBytes(b.k)
	for r := r0; r < r1; r++ {
		b.typ.Decode(dst[(r-r0)*ld:(r-r0)*ld+b.k], b.raw[r*size:(r+1)*size])
	}
}

func quantized(seed uint64, typ quant.Type, n, k int) *blockMatrix {
	m := &blockMatrix{n, k, typ, make([]byte, n*typ.RowBytes(k))}
	x := random(seed, n*k)
	for i := range x {
		x[i] = 0.1*x[i] + 0.02 // a mean, so that minimums matter
	}
	if typ.CanEncode() {
		typ.Encode(m.raw, x)
		return m
	}
	// Any bytes, with small scales.
	for i := range m.raw {
		m.raw[i] = byte(math.Float32bits(x[i]) >> 7)
	}
	g, _ := typ.Grid()
	d := make([]float32, k/g.Group)
	for i := range d {
		d[i] = 1e-3 * float32(i+1)
	}
	for r := range n {
		typ.SetCarriers(m.raw[r*typ.RowBytes(k):(r+1)*typ.RowBytes(k)], d, nil)
	}
	return m
}

// gridTypes are the types with a grid on which codes and carriers train,
// vectorTypes those of which carriers alone train.
var (
	gridTypes = []quant.Type{
		quant.Q4_0, quant.Q4_1, quant.Q5_0, quant.Q5_1, quant.Q8_0, quant.Q2K, quant.Q3K, quant.Q4K, quant.Q5K, quant.Q6K,
		quant.IQ4NL, quant.IQ4XS, quant.TQ1_0, quant.TQ2_0, quant.Q1_0, quant.Q2_0,
	}
	vectorTypes = []quant.Type{quant.IQ1S, quant.IQ1M, quant.IQ2XXS, quant.IQ2XS, quant.IQ2S, quant.IQ3XXS, quant.IQ3S}
)

func TestAdjoint(t *testing.T) {
	for _, typ := range append([]quant.Type{quant.F32, quant.F16, quant.BF16}, gridTypes...) {
		w := quantized(1, typ, 7, 512)
		x, dy := random(2, 3*512), random(3, 3*7)
		tp := NewTape(nil, true)
		in := tp.Const(3, 512, x)
		tp.Watch(in)
		y := Linear(tp, in, w)
		copy(tp.Seed(y), dy)
		a := weighted(y.X, dy)
		tp.Backward()
		b := weighted(in.G, x)
		if math.Abs(a-b) > 1e-4*(1+math.Abs(a)) {
			t.Errorf("%v: <dy, x Wt> = %g, <dy W, x> = %g", typ, a, b)
		}
	}
}

// trainGradient compares the gradients of w's parameters with differences of
// Σ coef * (x Wt).
func trainGradient(t *testing.T, name string, w Trainable, step float32) {
	t.Helper()
	n, k := w.Rows(), w.Cols()
	x, coef := random(11, 4*k), random(12, 4*n)
	f := func(tp *Tape) *Value { return Linear(tp, tp.Const(4, k, x), w) }
	tp := NewTape(nil, true)
	copy(tp.Seed(f(tp)), coef)
	tp.Backward()
	for _, p := range w.Params() {
		differences(t, name+" "+p.Name, p.X, p.G, step, 2e-3, func() float64 {
			w.Sync()
			return weighted(f(NewTape(nil, false)).X, coef)
		})
	}
}

func TestDenseWeights(t *testing.T) {
	base := denseOf(1, 5, 9)
	trainGradient(t, "dense", NewDense("w", 5, 9), 0.1)
	trainGradient(t, "delta", NewDelta("w", base), 0.1)
	trainGradient(t, "columns", NewColumns("w", base, []int32{7, 0, 3}), 0.1)
}

// The paths through AddGrad and through the gradient in place agree.
func TestAddGrad(t *testing.T) {
	base := denseOf(1, 5, 9)
	dw := random(2, 5*9)
	d, c := NewDelta("w", base), NewColumns("w", base, []int32{7, 3})
	d.AddGrad(dw[9:], 9, 1, 5)
	c.AddGrad(dw, 9, 0, 5)
	for r := range 5 {
		for i, col := range []int{7, 3} {
			if got := c.Params()[0].G[r*2+i]; got != dw[r*9+col] {
				t.Fatalf("columns: gradient of row %d column %d is %g, want %g", r, col, got, dw[r*9+col])
			}
		}
		for j := range 9 {
			want := dw[r*9+j]
			if r == 0 {
				want = 0
			}
			if got := d.Params()[0].G[r*9+j]; got != want {
				t.Fatalf("delta: gradient of row %d column %d is %g, want %g", r, j, got, want)
			}
		}
	}
}

func TestCarriersGradient(t *testing.T) {
	for _, typ := range slices.Concat(gridTypes, vectorTypes) {
		m := quantized(4, typ, 3, 512)
		c, err := NewCarriers("w", m, typ, m.raw)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range c.Params() {
			for i := range p.X {
				p.X[i] = 0.01 * float32(i%5-2)
			}
		}
		c.Sync()
		trainGradient(t, typ.String(), c, 0.02)
	}
}

// What is trained through rounded carriers is what the written bytes decode to.
func TestCarriersWritten(t *testing.T) {
	for _, typ := range slices.Concat(gridTypes, vectorTypes) {
		m := quantized(5, typ, 4, 512)
		c, err := NewCarriers("w", m, typ, m.raw)
		if err != nil {
			t.Fatal(err)
		}
		before, after := make([]float32, 4*512), make([]float32, 4*512)
		m.DequantRows(before, 512, 0, 4)
		c.DequantRows(after, 512, 0, 4)
		same(t, typ.String()+" untouched", after, before, 0)
		for _, p := range c.Params() {
			for i, r := range random(6, len(p.X)) {
				p.X[i] = 0.03 * r
			}
		}
		c.Round(true)
		c.DequantRows(after, 512, 0, 4)
		written := *m
		written.raw = append([]byte(nil), m.raw...)
		d, mn := make([]float32, c.Groups()), make([]float32, c.Groups())
		size := typ.RowBytes(512)
		for r := range 4 {
			c.Written(d, mn, r)
			if !c.HasMin() {
				mn = nil
			}
			typ.SetCarriers(written.raw[r*size:(r+1)*size], d, mn)
		}
		got := make([]float32, 4*512)
		written.DequantRows(got, 512, 0, 4)
		same(t, typ.String()+" written", got, after, 1e-6)
		if d := distance(got, before); d < 1e-3 {
			t.Errorf("%v: carriers moved nothing (%g)", typ, d)
		}
	}
}

func distance(a, b []float32) (worst float64) {
	for i := range a {
		worst = max(worst, math.Abs(float64(a[i])-float64(b[i])))
	}
	return worst
}

func same(t *testing.T, name string, got, want []float32, tol float64) {
	t.Helper()
	for i := range want {
		if !(math.Abs(float64(got[i])-float64(want[i])) <= tol) {
			t.Fatalf("%s: value %d is %g, want %g", name, i, got[i], want[i])
		}
	}
}

func TestNoGrid(t *testing.T) {
	m := quantized(1, quant.F16, 2, 64)
	if _, err := NewCarriers("w", m, m.typ, m.raw); !errors.Is(err, ErrNoGrid) {
		t.Errorf("carriers of F16: %v", err)
	}
	if _, err := NewGrid("w", m, m.typ, m.raw, false); !errors.Is(err, ErrNoGrid) {
		t.Errorf("grid of F16: %v", err)
	}
	m = quantized(1, quant.MXFP4, 2, 64)
	if _, err := NewCarriers("w", m, m.typ, m.raw); !errors.Is(err, ErrNoGrid) {
		t.Errorf("carriers of MXFP4: %v", err)
	}
	testGrid(t, quant.MXFP4, false)
	testGrid(t, quant.NVFP4, false)
	v := &blockMatrix{2, 256, quant.IQ2XS, make([]byte, 2*quant.IQ2XS.Bytes())}
	if _, err := NewGrid("w", v, v.typ, v.raw, false); !errors.Is(err, ErrNoGrid) {
		t.Errorf("grid of IQ2_XS: %v", err)
	}
	if _, err := NewCarriers("w", v, v.typ, v.raw); err != nil {
		t.Errorf("carriers of IQ2_XS: %v", err)
	}
}

func TestGrid(t *testing.T) {
	for _, typ := range gridTypes {
		for _, move := range []bool{false, true} {
			testGrid(t, typ, move)
		}
	}
}

// step is the distance of a code to the next, 0 from the last level.
func step(g *quant.Grid, c int16) float32 {
	if g.Levels == nil {
		return 1
	}
	i, _ := slices.BinarySearch(g.Levels, c)
	return float32(g.Levels[min(i+1, len(g.Levels)-1)] - c)
}

// testGrid checks that an untouched master decodes to the original, that a
// master moved by most of a step changes the code by one, and that written codes
// and carriers decode to what the forward pass used.
func testGrid(t *testing.T, typ quant.Type, move bool) {
	t.Helper()
	const n, k = 2, 512
	m := quantized(8, typ, n, k)
	g, err := NewGrid("w", m, typ, m.raw, move)
	if err != nil {
		t.Fatal(err)
	}
	before, after := make([]float32, n*k), make([]float32, n*k)
	m.DequantRows(before, k, 0, n)
	g.DequantRows(after, k, 0, n)
	same(t, typ.String()+" untouched", after, before, 0)
	for r := range n {
		codes := make([]int16, k)
		typ.Codes(codes, m.raw[r*typ.RowBytes(k):])
		for i, c := range codes {
			at := r*k + i
			g.master.X[at] += 0.7 * step(&g.grid, c) * g.scale[at/g.grid.Sub] * float32(i%2)
		}
	}
	if move {
		for _, p := range g.params() {
			for i := range p.X {
				p.X[i] = 0.02 * float32(i%3-1)
			}
		}
	}
	g.Round(true)
	g.DequantRows(after, k, 0, n)
	changed := 0
	raw := append([]byte(nil), m.raw...)
	codes, old := make([]int16, k), make([]int16, k)
	d, mn := make([]float32, g.Groups()), make([]float32, g.Groups())
	for r := range n {
		row := raw[r*typ.RowBytes(k) : (r+1)*typ.RowBytes(k)]
		g.Codes(codes, r)
		typ.Codes(old, row)
		for i := range codes {
			if codes[i] != old[i] {
				changed++
			}
		}
		typ.SetCodes(row, codes)
		g.Written(d, mn, r)
		if g.HasMin() {
			typ.SetCarriers(row, d, mn)
		} else {
			typ.SetCarriers(row, d, nil)
		}
	}
	got := make([]float32, n*k)
	(&blockMatrix{n, k, typ, raw}).DequantRows(got, k, 0, n)
	same(t, typ.String()+" written", got, after, 1e-6)
	if changed < n*k/5 {
		t.Errorf("%v: %d of %d codes changed, want about half", typ, changed, n*k)
	}
}

// The gradient of a grid is straight through to the master; that of its carriers
// is that of the values with the codes held.
func TestGridGradient(t *testing.T) {
	for _, typ := range []quant.Type{quant.Q4_1, quant.Q4K, quant.Q6K} {
		m := quantized(9, typ, 2, 512)
		g, err := NewGrid("w", m, typ, m.raw, true)
		if err != nil {
			t.Fatal(err)
		}
		c, err := NewCarriers("w", m, typ, m.raw)
		if err != nil {
			t.Fatal(err)
		}
		x, coef := random(1, 3*512), random(2, 3*2)
		want := make([]float32, 2*512)
		simd.Gemm(nil, true, false, 2, 512, 3, coef, 2, x, 512, 0, want, 512)
		for _, w := range []Trainable{g, c} {
			tp := NewTape(nil, true)
			copy(tp.Seed(Linear(tp, tp.Const(3, 512, x), w)), coef)
			tp.Backward()
		}
		same(t, typ.String()+" master", g.master.G, want, 1e-5)
		for i, p := range c.Params() {
			same(t, typ.String()+" "+p.Name, g.params()[i].G, p.G, 1e-4)
		}
	}
}
