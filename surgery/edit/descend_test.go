package edit

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/simd"
)

// TestDescend: moving codes lowers the error of rows that are wrong, by nothing but
// moves to neighbours that the grid has, leaves exact rows alone, and gives the same
// for any number of workers.
func TestDescend(t *testing.T) {
	const rows, n = 6, 512
	curve := newCurvature(correlated(n))
	rng := rand.New(rand.NewPCG(17, 18))
	one, two := simd.NewPool(1), simd.NewPool(2)
	for _, typ := range slices.Concat(gridTypes, coarseTypes) {
		raw, want := make([]byte, rows*typ.RowBytes(n)), randoms(rng, rows*n, 0.05)
		typ.Encode(raw, want)
		typ.Decode(want, raw)
		for i, d := range randoms(rng, (rows-1)*n, 0.02) {
			want[i] += d // but for the last row
		}
		before := newChunk(typ, slices.Clone(raw), want, n, curve, one)
		ch, other := before.clone(), newChunk(typ, slices.Clone(raw), want, n, curve, two)
		ch.descend()
		other.descend()
		if !slices.Equal(ch.raw, other.raw) {
			t.Errorf("%v: two workers give other codes than one", typ)
		}
		lower := 0
		for r := range rows {
			if a, b := ch.cost(r), before.cost(r); a > b*(1+1e-6) {
				t.Errorf("%v: row %d went from %g to %g", typ, r, b, a)
			} else if a < 0.99*b {
				lower++
			}
		}
		if lower < rows-1 && typ != quant.TQ1_0 && typ != quant.TQ2_0 && typ != quant.Q1_0 {
			t.Errorf("%v: %d of %d rows became better", typ, lower, rows-1)
		}
		size := typ.RowBytes(n)
		if !slices.Equal(ch.raw[(rows-1)*size:], raw[(rows-1)*size:]) {
			t.Errorf("%v: the exact row changed", typ)
		}
		if !slices.Equal(ch.d, before.d) {
			t.Errorf("%v: scales changed", typ)
		}
	}
}
