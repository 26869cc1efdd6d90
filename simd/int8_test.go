package simd_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/simd/internal/simdtest"
)

// codeType is a block type with the scalar reading of its codes, the oracle.
type codeType struct {
	name           string
	typ            simd.BlockType
	weights, bytes int
	sub, zero, top int   // weights per scale, code of weight 0, largest code
	halves         []int // offsets of the float16 fields
	code           func(b []byte, i int) byte
	scale          func(b []byte, s int) (scale, offset float32)
}

func plainScale(b []byte, _ int) (scale, offset float32) { return half(b), 0 }
func minScale(b []byte, _ int) (scale, offset float32)   { return half(b), half(b[2:]) }
func superScale(b []byte, s int) (scale, offset float32) {
	sc, m := scaleMinK4(s, b[4:16])
	return half(b) * float32(sc), -(half(b[2:]) * float32(m))
}

func nibble(b []byte, i int) byte { return b[i%16] >> (i / 16 * 4) & 15 }
func fifth(b []byte, i int) byte  { return byte(binary.LittleEndian.Uint32(b)>>i&1) << 4 }
func superNibble(b []byte, i int) byte {
	return b[i/64*32+i%32] >> (i / 32 % 2 * 4) & 15
}

var codeTypes = []codeType{
	{"Q4_0", simd.BlocksQ4_0, 32, 18, 32, 8, 15, []int{0}, func(b []byte, i int) byte { return nibble(b[2:], i) }, plainScale},
	{"Q4_1", simd.BlocksQ4_1, 32, 20, 32, 0, 15, []int{0, 2}, func(b []byte, i int) byte { return nibble(b[4:], i) }, minScale},
	{"Q5_0", simd.BlocksQ5_0, 32, 22, 32, 16, 31, []int{0}, func(b []byte, i int) byte { return nibble(b[6:], i) | fifth(b[2:], i) }, plainScale},
	{"Q5_1", simd.BlocksQ5_1, 32, 24, 32, 0, 31, []int{0, 2}, func(b []byte, i int) byte { return nibble(b[8:], i) | fifth(b[4:], i) }, minScale},
	{"Q8_0", simd.BlocksQ8_0, 32, 34, 32, 128, 255, []int{0}, func(b []byte, i int) byte { return b[2+i] ^ 128 }, plainScale},
	{"Q4_K", simd.BlocksQ4K, 256, 144, 32, 0, 15, []int{0, 2}, func(b []byte, i int) byte { return superNibble(b[16:], i) }, superScale},
	{"Q5_K", simd.BlocksQ5K, 256, 176, 32, 0, 31, []int{0, 2}, func(b []byte, i int) byte {
		return superNibble(b[48:], i) | b[16+i%32]>>(i/32)&1<<4
	}, superScale},
	{"Q6_K", simd.BlocksQ6K, 256, 210, 16, 32, 63, []int{208}, func(b []byte, i int) byte {
		n, k, l := i/128, i/32%4, i%32
		return b[64*n+k%2*32+l]>>(k/2*4)&15 | b[128+32*n+l]>>(2*k)&3<<4
	}, func(b []byte, s int) (scale, offset float32) { return half(b[208:]) * float32(int8(b[192+s])), 0 }},
}

// codeMatrix is a matrix of random blocks.
type codeMatrix struct {
	*codeType
	n, k int
	data []byte
}

// newCodes makes a matrix in data, whose length fits. Scales are finite.
func newCodes(rng *rand.Rand, ct *codeType, n, k int, data []byte) *codeMatrix {
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	m := &codeMatrix{ct, n, k, data}
	m.setHalves(func() uint16 { return uint16(rng.Uint32())&0x83ff | uint16(8+rng.IntN(10))<<10 })
	return m
}

func (m *codeMatrix) setHalves(f func() uint16) {
	for b := m.data; len(b) > 0; b = b[m.bytes:] {
		for _, h := range m.halves {
			binary.LittleEndian.PutUint16(b[h:], f())
		}
	}
}

func (ct *codeType) size(n, k int) int { return n * k / ct.weights * ct.bytes }

func (m *codeMatrix) Rows() int                        { return m.n }
func (m *codeMatrix) Cols() int                        { return m.k }
func (m *codeMatrix) Blocks() (simd.BlockType, []byte) { return m.typ, m.data }

func (m *codeMatrix) BlockRow(codes []uint8, scale, offset []float32, r int) {
	row := m.data[m.size(r, m.k):]
	for i := range codes {
		codes[i] = m.code(row[i/m.weights*m.bytes:], i%m.weights)
	}
	for s := range scale {
		per := m.weights / m.sub
		scale[s], offset[s] = m.scale(row[s/per*m.bytes:], s%per)
	}
}

func (m *codeMatrix) DequantRows([]float32, int, int, int) {
	panic("the 8-bit products expand nothing")
}

// round8 is the rounding of a row of X that MatMulT8 documents.
func round8(x []float32, sub int) (q []int32, d []float32) {
	for b := 0; b < len(x); b += sub {
		top := 0.0
		for _, v := range x[b : b+sub] {
			if v != v {
				top = math.Inf(1)
			}
			top = max(top, math.Abs(float64(v)))
		}
		if math.IsInf(top, 1) || math.IsNaN(top) {
			d = append(d, float32(math.NaN()))
			q = append(q, make([]int32, sub)...)
			continue
		}
		if top < 0x1p-119 {
			d = append(d, 0)
			q = append(q, make([]int32, sub)...)
			continue
		}
		d = append(d, float32(top)/127)
		for _, v := range x[b : b+sub] {
			q = append(q, int32(math.RoundToEven(float64(v*(127/float32(top))))))
		}
	}
	return q, d
}

// want is the product of rounded x with row r in float64, and the sum of the
// magnitudes of its terms.
func (m *codeMatrix) want(q []int32, d []float32, r int) (sum, size float64) {
	codes, blocks := make([]uint8, m.k), m.k/m.sub
	scale, offset := make([]float32, blocks), make([]float32, blocks)
	m.BlockRow(codes, scale, offset, r)
	for b := range blocks {
		dot, total := 0, 0
		for i := b * m.sub; i < (b+1)*m.sub; i++ {
			dot += (int(codes[i]) - m.zero) * int(q[i])
			total += int(q[i])
		}
		p := float64(scale[b]) * float64(d[b]) * float64(dot)
		o := float64(offset[b]) * float64(d[b]) * float64(total)
		sum += p + o
		size += math.Abs(p) + math.Abs(o)
	}
	return sum, size
}

func floatsOf(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64() * math.Exp(rng.NormFloat64()))
	}
	return x
}

func mustMul8(t *testing.T, p *simd.Pool, rows int, x []float32, ldx int, w simd.Matrix, y []float32, ldy int) {
	t.Helper()
	done := false
	simdtest.NoFault(t, func() { done = simd.MatMulT8(p, rows, x, ldx, w, y, ldy) })
	if !done {
		t.Fatal("no kernel for the type")
	}
}

// eachSet runs f in every tier and, in the widest, without extensions too.
func eachSet(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	simdtest.EachTier(t, f)
	t.Run("no extensions", func(t *testing.T) {
		defer simd.SetExtensions()()
		f(t)
	})
}

func TestMatMulT8AgainstFloat64(t *testing.T) {
	for i := range codeTypes {
		ct := &codeTypes[i]
		t.Run(ct.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(31, uint64(i)))
			const rows, n = 3, 19
			k := 3 * ct.weights
			m := newCodes(rng, ct, n, k, make([]byte, ct.size(n, k)))
			x, y := floatsOf(rng, rows*k), make([]float32, rows*n)
			eachSet(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
				mustMul8(t, nil, rows, x, k, m, y, n)
				for r := range rows {
					q, d := round8(x[r*k:(r+1)*k], ct.sub)
					for c := range n {
						want, size := m.want(q, d, c)
						if got := float64(y[r*n+c]); math.Abs(got-want) > 4*float64(k/ct.sub)*0x1p-24*size {
							t.Fatalf("row %d column %d: %g, want %g", r, c, got, want)
						}
					}
				}
			})
		})
	}
}

// shapes8 are rows, columns, and blocks of depth.
func shapes8() [][3]int {
	s := [][3]int{{1, 1, 1}, {1, 8, 1}, {2, 7, 2}, {3, 15, 1}, {4, 16, 3}, {5, 17, 2}, {7, 24, 5}, {12, 31, 2}, {13, 32, 1}, {1, 200, 3}}
	if !testing.Short() {
		s = append(s, [3]int{47, 33, 2}, [3]int{48, 40, 1}, [3]int{49, 63, 3}, [3]int{77, 130, 2}, [3]int{100, 80, 1})
	}
	return s
}

// TestMatMulT8SameInEveryTier compares bits with Generic, operands beside guard
// pages, for any number of workers, and every row with its product alone.
func TestMatMulT8SameInEveryTier(t *testing.T) {
	pool := simd.NewPool(3)
	defer pool.Close()
	for i := range codeTypes {
		ct := &codeTypes[i]
		t.Run(ct.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(33, uint64(i)))
			for _, s := range shapes8() {
				rows, n, k := s[0], s[1], s[2]*ct.weights
				gw, gx, gy := simdtest.NewGuard(t, ct.size(n, k)), simdtest.NewGuard(t, 4*rows*k), simdtest.NewGuard(t, 4*rows*n)
				m := newCodes(rng, ct, n, k, gw.Last(ct.size(n, k)))
				x, y := gx.LastFloats(rows*k), gy.LastFloats(rows*n)
				copy(x, floatsOf(rng, rows*k))
				restore := simd.SetTier(simd.Generic)
				want := make([]float32, rows*n)
				mustMul8(t, nil, rows, x, k, m, want, n)
				restore()
				t.Run(fmt.Sprint(s), func(t *testing.T) {
					eachSet(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
						for _, p := range []*simd.Pool{nil, pool} {
							clear(y)
							mustMul8(t, p, rows, x, k, m, y, n)
							equalBits(t, y, want)
						}
						one := make([]float32, n)
						mustMul8(t, nil, 1, x[(rows-1)*k:], k, m, one, n)
						equalBits(t, one, want[(rows-1)*n:])
					})
				})
			}
		})
	}
}

func equalBits(t *testing.T, got, want []float32) {
	t.Helper()
	for i := range want {
		if !sameBits(got[i], want[i]) {
			t.Fatalf("value %d is %g (%08x), want %g (%08x)", i, got[i], math.Float32bits(got[i]), want[i], math.Float32bits(want[i]))
		}
	}
}

// TestMatMulT8Offsets: operands at every alignment and with gaps between rows,
// which stay as they are.
func TestMatMulT8Offsets(t *testing.T) {
	for i := range codeTypes {
		ct := &codeTypes[i]
		rng := rand.New(rand.NewPCG(35, uint64(i)))
		const rows, n = 5, 20
		k := ct.weights
		m := newCodes(rng, ct, n, k, make([]byte, ct.size(n, k)))
		x, want := floatsOf(rng, rows*k), make([]float32, rows*n)
		mustMul8(t, nil, rows, x, k, m, want, n)
		for off := range 64 {
			data := make([]byte, off+len(m.data))
			copy(data[off:], m.data)
			at := *m
			at.data = data[off:]
			ldx, ldy, f := k+off%3, n+off%5, off%16
			xs, ys := make([]float32, f+rows*ldx), make([]float32, f+rows*ldy)
			for r := range rows {
				copy(xs[f+r*ldx:], x[r*k:(r+1)*k])
			}
			for j := range ys {
				ys[j] = 77
			}
			mustMul8(t, nil, rows, xs[f:], ldx, &at, ys[f:], ldy)
			for r := range rows {
				equalBits(t, ys[f+r*ldy:][:n], want[r*n:(r+1)*n])
				for j := f + r*ldy + n; j < f+(r+1)*ldy; j++ {
					if ys[j] != 77 {
						t.Fatalf("%s: wrote between rows", ct.name)
					}
				}
			}
		}
	}
}

// TestMatMulT8Extremes: the largest codes with the largest x, where 16-bit sums
// would overflow, and scales and x that are zero, denormal, infinite or NaN.
func TestMatMulT8Extremes(t *testing.T) {
	halves := []uint16{0, 0x8000, 1, 0x03ff, 0x0400, 0x7bff, 0xfbff, 0x7c00, 0xfc00, 0x7e00}
	values := []float32{
		0, float32(math.Copysign(0, -1)), 1, -1, 127, 1e-45, 0x1p-120, 0x1p-119, 0x1p-126, 3e38, -3e38, math.MaxFloat32,
		float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), 0.5, 1.5 / 127,
	}
	for i := range codeTypes {
		ct := &codeTypes[i]
		rng := rand.New(rand.NewPCG(37, uint64(i)))
		const rows, n = 14, 32
		k := 2 * ct.weights
		m := newCodes(rng, ct, n, k, make([]byte, ct.size(n, k)))
		x, want, y := make([]float32, rows*k), make([]float32, rows*n), make([]float32, rows*n)
		for round := range 40 {
			fillExtremes(m, rng, round, x, values, halves)
			restore := simd.SetTier(simd.Generic)
			mustMul8(t, nil, rows, x, k, m, want, n)
			restore()
			t.Run(fmt.Sprint(ct.name, round), func(t *testing.T) {
				eachSet(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
					mustMul8(t, nil, rows, x, k, m, y, n)
					equalBits(t, y, want)
				})
				for r := range rows {
					checkNaN(t, x[r*k:(r+1)*k], want[r*n:(r+1)*n])
				}
			})
		}
	}
}

func fillExtremes(m *codeMatrix, rng *rand.Rand, round int, x, values []float32, halves []uint16) {
	for j := range m.data {
		m.data[j] = []byte{0, 0xff, 0x80, 0x7f}[round%4]
	}
	h := 0
	m.setHalves(func() uint16 {
		h++
		return []uint16{0x3c00, halves[h%len(halves)]}[round/4%2]
	})
	for j := range x {
		switch {
		case round < 8: // all largest, of one sign or alternating
			x[j] = float32(1 - 2*(j%2*(round/4%2)))
		case round < 24:
			x[j] = values[rng.IntN(11)]
		default:
			x[j] = values[j/16%len(values)]
		}
	}
}

// checkNaN: a row with a value that is not finite has no finite output.
func checkNaN(t *testing.T, x, y []float32) {
	t.Helper()
	for _, v := range x {
		if f := float64(v); !math.IsNaN(f) && !math.IsInf(f, 0) {
			continue
		}
		for i, w := range y {
			if w == w {
				t.Fatalf("output %d is %g despite NaN or Inf in x", i, w)
			}
		}
		return
	}
}

func TestMatMulT8Refuses(t *testing.T) {
	d := &simd.Dense{N: 2, K: 32, Data: make([]float32, 64)}
	y := []float32{5, 6}
	if simd.MatMulT8(nil, 1, d.Data, 32, d, y, 2) || y[0] != 5 {
		t.Error("a dense matrix has no codes")
	}
	m := &codeMatrix{&codeType{typ: simd.NoBlocks}, 2, 32, nil}
	if simd.MatMulT8(nil, 1, d.Data, 32, m, y, 2) || y[0] != 5 {
		t.Error("NoBlocks has no codes")
	}
	ok := newCodes(rand.New(rand.NewPCG(1, 1)), &codeTypes[0], 2, 32, make([]byte, codeTypes[0].size(2, 32)))
	if !simd.MatMulT8(nil, 0, nil, 32, ok, nil, 2) {
		t.Error("no rows are no reason to refuse")
	}
	for name, f := range map[string]func(){
		"t":    func() { simd.MatMulT8(nil, -1, d.Data, 32, ok, y, 2) },
		"x":    func() { simd.MatMulT8(nil, 3, d.Data, 32, ok, make([]float32, 6), 2) },
		"y":    func() { simd.MatMulT8(nil, 2, d.Data, 32, ok, y, 2) },
		"data": func() { ok.data = ok.data[1:]; simd.MatMulT8(nil, 1, d.Data, 32, ok, y, 2) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func TestMatMulT8AllocatesNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(39, 39))
	ct := &codeTypes[1]
	m := newCodes(rng, ct, 70, 96, make([]byte, ct.size(70, 96)))
	x, y := floatsOf(rng, 20*96), make([]float32, 20*70)
	pool := simd.NewPool(2)
	defer pool.Close()
	if n := testing.AllocsPerRun(20, func() {
		simd.MatMulT8(pool, 20, x, 96, m, y, 70)
		simd.MatMulT8(pool, 1, x, 96, m, y, 70)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkInt8(b *testing.B) {
	for i := range codeTypes {
		ct := &codeTypes[i]
		for _, s := range [][3]int{{1, 2048, 768}, {4, 2048, 768}, {64, 2048, 768}, {512, 2048, 768}} {
			rows, n, k := s[0], s[1], s[2]
			m := newCodes(rand.New(rand.NewPCG(1, 1)), ct, n, k, make([]byte, ct.size(n, k)))
			x, y := floatsOf(rand.New(rand.NewPCG(2, 2)), rows*k), make([]float32, rows*n)
			b.Run(fmt.Sprintf("%s/t=%d", ct.name, rows), func(b *testing.B) {
				simdtest.BenchEachTier(b, func(b *testing.B) { //nolint:thelper // a subtest, not a helper
					if simd.Active() == simd.Generic && rows > 1 {
						b.Skip("slow")
					}
					for b.Loop() {
						simd.MatMulT8(nil, rows, x, k, m, y, n)
					}
					b.ReportMetric(2*float64(rows)*float64(n)*float64(k)*float64(b.N)/1e9/b.Elapsed().Seconds(), "GOP/s")
					b.ReportMetric(float64(len(m.data))*float64(b.N)/1e9/b.Elapsed().Seconds(), "GB/s")
				})
			})
		}
	}
}
