package quant

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/detox-surgery/detox-surgery/simd"
)

// editable are the types whose codes and carriers can be moved.
var editable = []Type{Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4K, Q5K, Q6K}

// randomRow is a row of four blocks with any codes and sub-scales and with
// finite carriers.
func randomRow(t Type, r *rand.Rand) []byte {
	b := make([]byte, 4*t.Bytes())
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	g, _ := t.Grid()
	n := 4 * t.Block() / g.Group
	d, m := make([]float32, n), make([]float32, n)
	for i := range d {
		d[i], m[i] = float32(r.NormFloat64()), float32(r.NormFloat64())
	}
	t.SetCarriers(b, d, m)
	return b
}

func TestEditableTypesHaveGrids(t *testing.T) {
	for i := range table {
		typ := Type(i)
		_, ok := typ.Grid()
		if ok != slices.Contains(editable, typ) {
			t.Errorf("%v: grid %v", typ, ok)
		}
		if ok && !(typ.CanDecode() && typ.CanEncode()) {
			t.Errorf("%v has a grid but no decoder or no encoder", typ)
		}
	}
}

// TestGridEqualsDecode: codes*scale + offset are the decoded weights, bit for bit.
func TestGridEqualsDecode(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, typ := range editable {
		g, _ := typ.Grid()
		for range 50 {
			b := randomRow(typ, r)
			n := 4 * typ.Block()
			w, c := make([]float32, n), make([]int16, n)
			s, o := make([]float32, n/g.Sub), make([]float32, n/g.Sub)
			typ.Decode(w, b)
			typ.Codes(c, b)
			typ.RowGrid(b, s, o)
			for i := range w {
				want := float32(float32(c[i])*s[i/g.Sub]) + o[i/g.Sub]
				if math.Float32bits(w[i]) != math.Float32bits(want) && w[i] != want {
					t.Fatalf("%v weight %d: %g, code %d * %g + %g = %g", typ, i, w[i], c[i], s[i/g.Sub], o[i/g.Sub], want)
				}
				if int(c[i]) < g.MinCode || int(c[i]) > g.MaxCode {
					t.Fatalf("%v: code %d outside %d..%d", typ, c[i], g.MinCode, g.MaxCode)
				}
			}
			if !g.HasMin && slices.ContainsFunc(o, func(x float32) bool { return x != 0 }) {
				t.Fatalf("%v has offsets", typ)
			}
		}
	}
}

// TestBlockRow: unsigned codes, counted from MinCode, for every type with products
// of codes, which are those with a grid.
func TestBlockRow(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for i := range table {
		typ := Type(i)
		if has := typ.Valid() && typ.Blocks() != simd.NoBlocks; has != slices.Contains(editable, typ) {
			t.Errorf("%v: products with codes %v", typ, has)
		}
	}
	for _, typ := range editable {
		g, _ := typ.Grid()
		b, n := randomRow(typ, r), 4*typ.Block()
		codes, want := make([]uint8, n), make([]int16, n)
		typ.Codes(want, b)
		s, o, s2, o2 := make([]float32, n/g.Sub), make([]float32, n/g.Sub), make([]float32, n/g.Sub), make([]float32, n/g.Sub)
		typ.BlockRow(codes, s, o, b)
		typ.RowGrid(b, s2, o2)
		if !slices.Equal(s, s2) || !slices.Equal(o, o2) {
			t.Errorf("%v: scales differ from RowGrid", typ)
		}
		for i, c := range codes {
			if int(c)+g.MinCode != int(want[i]) {
				t.Fatalf("%v: code %d is %d, want %d", typ, i, c, int(want[i])-g.MinCode)
			}
		}
	}
}

// TestSetCodes: codes written are codes read, nothing else moves, and writing
// back what was read changes no byte.
func TestSetCodes(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, typ := range editable {
		g, _ := typ.Grid()
		b := randomRow(typ, r)
		n := 4 * typ.Block()
		old, got := make([]int16, n), make([]int16, n)
		typ.Codes(old, b)
		same := slices.Clone(b)
		typ.SetCodes(same, old)
		if !slices.Equal(same, b) {
			t.Errorf("%v: writing the same codes changed bytes", typ)
		}
		want := make([]int16, n)
		for i := range want {
			want[i] = int16(g.MinCode + r.IntN(g.MaxCode-g.MinCode+1))
		}
		want[0], want[n-1] = int16(g.MinCode), int16(g.MaxCode)
		edited := slices.Clone(b)
		typ.SetCodes(edited, want)
		typ.Codes(got, edited)
		if !slices.Equal(got, want) {
			t.Errorf("%v: codes read are not those written", typ)
		}
		typ.SetCodes(edited, old)
		if !slices.Equal(edited, b) {
			t.Errorf("%v: SetCodes touched more than codes", typ)
		}
	}
}

// TestSetCodesRange: a code outside the range is refused, not cut.
func TestSetCodesRange(t *testing.T) {
	for _, typ := range editable {
		g, _ := typ.Grid()
		for _, bad := range []int{g.MinCode - 1, g.MaxCode + 1} {
			c := make([]int16, typ.Block())
			c[5] = int16(bad)
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%v: code %d was accepted", typ, bad)
					}
				}()
				typ.SetCodes(make([]byte, typ.Bytes()), c)
			}()
		}
	}
}

// TestCarriers: with the codes frozen, doubling d and m doubles every weight.
func TestCarriers(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, typ := range editable {
		g, _ := typ.Grid()
		b := randomRow(typ, r)
		n := 4 * typ.Block()
		w, w2 := make([]float32, n), make([]float32, n)
		typ.Decode(w, b)
		d, m := make([]float32, n/g.Group), make([]float32, n/g.Group)
		if !g.HasMin {
			m = nil
		}
		typ.Carriers(d, m, b)
		same := slices.Clone(b)
		typ.SetCarriers(same, d, m)
		if !slices.Equal(same, b) {
			t.Errorf("%v: writing the same carriers changed bytes", typ)
		}
		for i := range d {
			d[i] *= 2
		}
		for i := range m {
			m[i] *= 2
		}
		typ.SetCarriers(same, d, m)
		typ.Decode(w2, same)
		for i := range w {
			if w2[i] != 2*w[i] {
				t.Fatalf("%v weight %d: %g became %g", typ, i, w[i], w2[i])
			}
		}
		d[0] = 1e9
		typ.SetCarriers(same, d, nil)
		typ.Carriers(d, nil, same)
		if d[0] != 65504 {
			t.Errorf("%v: a carrier past the range became %g", typ, d[0])
		}
	}
}

// TestEncodeIsStable: the decoded values of an encoding, encoded again by the
// types that round without search, give the same values.
func TestEncodeIsStable(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, typ := range []Type{F32, F16, BF16, Q8_0} {
		x, y := make([]float32, 256), make([]float32, 256)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		b := make([]byte, typ.RowBytes(len(x)))
		typ.Encode(b, x)
		typ.Decode(x, b)
		typ.Encode(b, x)
		typ.Decode(y, b)
		if !slices.Equal(x, y) {
			t.Errorf("%v: encoding twice moved values", typ)
		}
	}
}

// TestFileForEveryRow walks the folder and the table both ways: a type with a
// decoder has a file named for it, and every such file has a row.
func TestFileForEveryRow(t *testing.T) {
	byFile := map[string]bool{}
	for i := range table {
		if typ := Type(i); typ.CanDecode() {
			byFile[strings.ToLower(typ.String())+".go"] = false
		}
	}
	other := []string{"doc.go", "type.go", "grid.go", "round.go", "search.go", "table.go"}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || slices.Contains(other, name) {
			continue
		}
		if _, ok := byFile[name]; !ok {
			t.Errorf("%s has no row in table.go", name)
		}
		byFile[name] = true
	}
	for name, found := range byFile {
		if !found {
			t.Errorf("table.go has a decoder without a file %s", name)
		}
	}
}
