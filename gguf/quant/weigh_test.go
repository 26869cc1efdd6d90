package quant

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"
)

// TestEncodeWeighted: weights lower the weighted error and the error where they are
// large; types that ignore them, nil and equal lengths are as documented.
func TestEncodeWeighted(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	const n = 2048
	x, w := make([]float32, n), make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
		w[i] = float32(math.Exp(3 * r.NormFloat64()))
	}
	for i := range table {
		typ := Type(i)
		if !typ.CanEncode() {
			continue
		}
		plain, got := make([]byte, typ.RowBytes(n)), make([]byte, typ.RowBytes(n))
		typ.Encode(plain, x)
		typ.EncodeWeighted(got, x, nil)
		if !bytes.Equal(got, plain) {
			t.Errorf("%v: no weights differ from Encode", typ)
		}
		typ.EncodeWeighted(got, x, w)
		if bytes.Equal(got, plain) == typ.Weighs() {
			t.Errorf("%v: weights change the bytes: %v", typ, !typ.Weighs())
		}
		if !typ.Weighs() {
			continue
		}
		if a, b := weightedSquares(typ, got, x, w), weightedSquares(typ, plain, x, w); a > 0.9*b {
			t.Errorf("%v: weighted error %g, without weights %g", typ, a, b)
		}
		if !panics(func() { typ.EncodeWeighted(got, x, w[:n-1]) }) {
			t.Errorf("%v: too few weights were accepted", typ)
		}
	}
}

func weightedSquares(typ Type, b []byte, x, w []float32) (e float64) {
	y := make([]float32, len(x))
	typ.Decode(y, b)
	for i, v := range x {
		d := float64(y[i]) - float64(v)
		e += float64(w[i]) * d * d
	}
	return e
}

// FuzzEncode: any finite weights give a block that decodes, by every encoder, and
// importance weights do not change that.
func FuzzEncode(f *testing.F) {
	g := readGolden(f)
	for _, e := range g.Types {
		f.Add(e.ID, g.file(f, "src.f32.bin")[:2048], g.file(f, "weights.f32.bin"))
		f.Add(e.ID, g.file(f, "edge.f32.bin")[2048:4096], g.file(f, "weights.f32.bin"))
	}
	f.Fuzz(func(t *testing.T, id uint32, b, weights []byte) {
		typ := Type(id)
		if !typ.CanEncode() {
			return
		}
		n := min(len(b), len(weights)) / 4 / typ.Block() * typ.Block()
		x, w, y := floats(b[:4*n]), floats(weights[:4*n]), make([]float32, n)
		for i := range x {
			if !(abs32(x[i]) <= math.MaxFloat32) {
				x[i] = 0
			}
			if w[i] = abs32(w[i]); !(w[i] <= math.MaxFloat32) {
				w[i] = 0
			}
		}
		out := make([]byte, typ.RowBytes(n))
		typ.EncodeWeighted(out, x, w)
		typ.Decode(y, out)
		typ.Encode(out, x)
		typ.Decode(y, out)
	})
}
