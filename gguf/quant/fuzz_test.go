package quant

import "testing"

// FuzzDecode: no bytes make a decoder or a grid fail, and the fast path agrees
// with the oracle.
func FuzzDecode(f *testing.F) {
	g := readGolden(f)
	for i := range table { // also those without a golden
		if typ := Type(i); typ.CanDecode() {
			b := make([]byte, 2*typ.Bytes())
			for j := range b {
				b[j] = byte(37*j + 11*i)
			}
			f.Add(uint32(i), b)
		}
	}
	for _, e := range g.Types {
		if b := g.files[e.Type+".random.enc.bin"]; b != nil && Type(e.ID).CanDecode() {
			f.Add(e.ID, b[:2*Type(e.ID).Bytes()])
		}
	}
	f.Fuzz(func(t *testing.T, id uint32, b []byte) {
		typ := Type(id)
		if !typ.CanDecode() {
			return
		}
		n := len(b) / typ.Bytes()
		w, v := make([]float32, n*typ.Block()), make([]float32, n*typ.Block())
		typ.Decode(w, b)
		typ.DecodeScalar(v, b)
		for i := range w {
			if w[i] != v[i] && (w[i] == w[i] || v[i] == v[i]) {
				t.Fatalf("%v: weight %d is %g, oracle %g", typ, i, w[i], v[i])
			}
		}
		if _, ok := typ.Grid(); ok {
			c, out := make([]int16, len(w)), append([]byte(nil), b...)
			typ.Codes(c, b)
			typ.SetCodes(out, c)
			typ.Decode(v, out)
			for i := range w {
				if w[i] != v[i] && (w[i] == w[i] || v[i] == v[i]) {
					t.Fatalf("%v: rewriting codes moved weight %d from %g to %g", typ, i, w[i], v[i])
				}
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	for i := range table {
		typ := Type(i)
		if !typ.CanDecode() {
			continue
		}
		b.Run(typ.String(), func(b *testing.B) {
			dst, src := make([]float32, 4096), make([]byte, typ.RowBytes(4096))
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				typ.Decode(dst, src)
			}
			b.ReportMetric(float64(b.N)*4096/b.Elapsed().Seconds()/1e9, "Gweights/s")
		})
	}
}
