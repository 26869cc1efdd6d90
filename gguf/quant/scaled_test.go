package quant

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestScaled holds every scaled type to its own definition: decoding, codes, carriers.
func TestScaled(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range scaledTable {
		typ := firstScaled + Type(i)
		if back, ok := Parse(typ.String()); !ok || back != typ || typ.Valid() {
			t.Fatalf("%v: parsed as %v", typ, back)
		}
		g, ok := typ.Grid()
		if !ok {
			t.Fatalf("%v has no grid", typ)
		}
		n := 3 * typ.Block()
		x, y := make([]float32, n), make([]float32, n)
		for j := range x {
			x[j] = float32(r.NormFloat64())
		}
		raw := make([]byte, typ.RowBytes(n))
		typ.Encode(raw, x)
		typ.Decode(y, raw)
		scale, offset, codes := make([]float32, 3), make([]float32, 3), make([]int16, n)
		typ.RowGrid(raw, scale, offset)
		typ.Codes(codes, raw)
		for j, w := range y {
			s := float64(scale[j/typ.Block()])
			if got := s*float64(codes[j]) + float64(offset[j/typ.Block()]); math.Abs(got-float64(w)) > 1e-4*(1+math.Abs(float64(w))) {
				t.Fatalf("%v: weight %d is %g, its grid says %g", typ, j, w, got)
			}
			if int(codes[j]) < g.MinCode || int(codes[j]) > g.MaxCode {
				t.Fatalf("%v: code %d", typ, codes[j])
			}
			if e := math.Abs(float64(w - x[j])); e > 1.02*s+0.01*math.Abs(float64(x[j])) { // scales of 16 bits may end below the largest weight
				t.Fatalf("%v: weight %g became %g, a step is %g", typ, x[j], w, s)
			}
		}
		before := string(raw)
		if typ.SetCodes(raw, codes); string(raw) != before {
			t.Fatalf("%v: the same codes change the row", typ)
		}
		checkScaledCarriers(t, typ, &g, raw)
	}
}

// checkScaledCarriers moves the carriers of a row of three blocks and reads them back.
func checkScaledCarriers(t *testing.T, typ Type, g *Grid, raw []byte) {
	before := string(raw)
	d, m := make([]float32, 3), make([]float32, 3)
	typ.Carriers(d, m, raw)
	for i := range d {
		d[i] = typ.RoundCarrier(d[i] * 1.03)
		m[i] += 0.1 * d[i]
	}
	typ.SetCarriers(raw, d, m)
	if g.Coarse {
		if string(raw) != before {
			t.Fatalf("%v: a shared scale moved", typ)
		}
		return
	}
	d2, m2 := make([]float32, 3), make([]float32, 3)
	typ.Carriers(d2, m2, raw)
	for i := range d {
		if d[i] != d2[i] {
			t.Fatalf("%v: scale %g was stored as %g", typ, d[i], d2[i])
		}
		if g.HasMin && math.Abs(float64(m[i]-m2[i])) > 0.02*math.Abs(float64(m[i])) {
			t.Fatalf("%v: minimum %g was stored as %g", typ, m[i], m2[i])
		}
	}
}
