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

// editable are the types whose codes and carriers can be moved; of coarse ones the
// carriers move in large steps only, of vectors the codes move together.
var (
	editable = []Type{
		Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2K, Q3K, Q4K, Q5K, Q6K, IQ2XXS, IQ2XS, IQ3XXS, IQ1S,
		IQ4NL, IQ3S, IQ2S, IQ4XS, IQ1M, TQ1_0, TQ2_0, MXFP4, NVFP4, Q1_0, Q2_0,
	}
	vectors = []Type{IQ2XXS, IQ2XS, IQ3XXS, IQ1S, IQ3S, IQ2S, IQ1M}
	coarse  = []Type{MXFP4, NVFP4}
	// redundant types have several bits for one code.
	redundant = []Type{TQ1_0, MXFP4, NVFP4}
)

// codesOf are the codes of a grid.
func codesOf(g *Grid) []int16 {
	if g.Levels != nil {
		return g.Levels
	}
	var all []int16
	for c := g.MinCode; c <= g.MaxCode; c++ {
		all = append(all, int16(c))
	}
	return all
}

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
		g, ok := typ.Grid()
		if ok != slices.Contains(editable, typ) {
			t.Errorf("%v: grid %v", typ, ok)
		}
		if g.Vector > 0 != slices.Contains(vectors, typ) || g.Coarse != slices.Contains(coarse, typ) {
			t.Errorf("%v: vectors of %d, coarse %v", typ, g.Vector, g.Coarse)
		}
		if ok && (!typ.CanDecode() || g.Vector == 0 && !typ.CanEncode()) {
			t.Errorf("%v has a grid but no decoder or no encoder", typ)
		}
		if ok && g.Levels != nil && (!slices.IsSorted(g.Levels) || int(g.Levels[0]) != g.MinCode || int(g.Levels[len(g.Levels)-1]) != g.MaxCode) {
			t.Errorf("%v: levels %v, codes %d..%d", typ, g.Levels, g.MinCode, g.MaxCode)
		}
		if ok && (typ.Block()%g.Group != 0 || g.Group%g.Sub != 0) {
			t.Errorf("%v: blocks of %d, groups of %d, scales of %d", typ, typ.Block(), g.Group, g.Sub)
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
// of codes; all of those have a grid.
func TestBlockRow(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	products := 0
	for i := range table {
		typ := Type(i)
		if !typ.Valid() || typ.Blocks() == simd.NoBlocks {
			continue
		}
		products++
		g, ok := typ.Grid()
		if !ok {
			t.Fatalf("%v has products with codes and no grid", typ)
		}
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
	if products != 8 {
		t.Errorf("%d types have products with codes, want 8", products)
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
			all := codesOf(&g)
			want[i] = all[r.IntN(len(all))]
		}
		want[0], want[n-1] = int16(g.MinCode), int16(g.MaxCode)
		if g.Vector > 0 {
			randomVectors(typ, want, old, r)
		}
		edited := slices.Clone(b)
		typ.SetCodes(edited, want)
		typ.Codes(got, edited)
		if !slices.Equal(got, want) {
			t.Errorf("%v: codes read are not those written", typ)
		}
		typ.SetCodes(edited, old)
		if slices.Contains(redundant, typ) {
			typ.Codes(got, edited)
			for i := range edited { // what is not part of a code
				if at := i % typ.Bytes(); typ == TQ1_0 && at >= 52 || typ == MXFP4 && at < 1 || typ == NVFP4 && at < 4 {
					edited[i] ^= b[i]
				} else {
					edited[i] = 0
				}
			}
			if !slices.Equal(got, old) || slices.ContainsFunc(edited, func(x byte) bool { return x != 0 }) {
				t.Errorf("%v: SetCodes touched more than codes", typ)
			}
		} else if !slices.Equal(edited, b) {
			t.Errorf("%v: SetCodes touched more than codes", typ)
		}
	}
}

// randomVectors makes codes that are in the codebook: those nearest to random ones.
func randomVectors(typ Type, codes, old []int16, r *rand.Rand) {
	g, _ := typ.Grid()
	aim := make([]float32, g.Vector)
	copy(codes, old)
	for i := 0; i < len(codes); i += g.Vector {
		for j := range aim {
			aim[j] = float32(r.NormFloat64() * float64(g.MaxCode) / 2)
		}
		typ.NearestVector(codes[i:i+g.Vector], aim)
	}
}

// TestNearestVector: codes are nearest to themselves, and no vector that a random
// block holds is nearer to a random aim than the one that is found.
func TestNearestVector(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	for _, typ := range vectors {
		g, _ := typ.Grid()
		b := randomRow(typ, r)
		codes := make([]int16, 4*typ.Block())
		typ.Codes(codes, b)
		aim, found := make([]float32, g.Vector), make([]int16, g.Vector)
		for i := 0; i < len(codes); i += g.Vector {
			now := codes[i : i+g.Vector]
			for j, c := range now {
				aim[j] = float32(c)
			}
			copy(found, now)
			typ.NearestVector(found, aim)
			if !slices.Equal(found, now) {
				t.Fatalf("%v: nearest to %v is %v", typ, now, found)
			}
			for j := range aim {
				aim[j] = float32(r.NormFloat64() * float64(g.MaxCode) / 2)
			}
			typ.NearestVector(found, aim)
			best := distance(found, aim)
			for k := 0; k < len(codes); k += g.Vector {
				other := codes[k : k+g.Vector]
				if typ == IQ1S && (other[0]-now[0])%8 != 0 {
					continue // moved the other way
				}
				if d := distance(other, aim); d < best*(1-1e-5) {
					t.Fatalf("%v: %v is at %g of %v, %v at %g", typ, found, best, aim, other, d)
				}
			}
		}
	}
}

func distance(codes []int16, aim []float32) (d float64) {
	for j, c := range codes {
		e := float64(c) - float64(aim[j])
		d += e * e
	}
	return d
}

// TestCodebooks: vectors are in order and differ, and no other codes are accepted.
func TestCodebooks(t *testing.T) {
	for _, b := range []*codebook{&cbIQ2XXS, &cbIQ2XS, &cbIQ2S, &cbIQ3XXS, &cbIQ3S, &cbIQ1} {
		codes := make([]int16, b.size)
		for i, w := range b.words {
			if i > 0 && w <= b.words[i-1] {
				t.Fatalf("word %d out of order", i)
			}
			b.expand(codes, i, 0)
			if b.find(codes) != i {
				t.Fatalf("vector %d found elsewhere", i)
			}
		}
	}
	for _, typ := range vectors {
		b, codes := make([]byte, typ.Bytes()), make([]int16, typ.Block())
		typ.Codes(codes, b)
		for _, bad := range []int16{codes[3] + 1, -codes[3], 0} {
			old := codes[3]
			codes[3] = bad
			free := bad == -old && (typ == IQ2S || typ == IQ3S)
			if refused := panics(func() { typ.SetCodes(b, codes) }); refused == free {
				t.Errorf("%v: code %d in place of %d refused: %v", typ, bad, old, refused)
			}
			codes[3] = old
		}
	}
}

func panics(f func()) (yes bool) {
	defer func() { yes = recover() != nil }()
	f()
	return false
}

// TestSetCodesRange: a code outside the range is refused, not cut.
func TestSetCodesRange(t *testing.T) {
	for _, typ := range editable {
		g, _ := typ.Grid()
		bads := []int{g.MinCode - 1, g.MaxCode + 1}
		if g.Levels != nil && typ != Q1_0 {
			bads = append(bads, -7, 7)
		}
		for _, bad := range bads {
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
		d[0] = float32(math.Inf(1))
		top := map[Type]float32{MXFP4: 0x1p124, NVFP4: 224}[typ]
		if !g.Coarse {
			top = 65504
		}
		typ.SetCarriers(same, d, nil)
		typ.Carriers(d, nil, same)
		if d[0] != top || typ.RoundCarrier(d[0]) != top {
			t.Errorf("%v: a carrier past the range became %g", typ, d[0])
		}
		typ.Decode(w, same)
		if slices.ContainsFunc(w, func(x float32) bool { return math.IsInf(float64(x), 0) }) {
			t.Errorf("%v: a carrier past the range made weights infinite", typ)
		}
	}
}

// TestEncodeIsStable: the decoded values of an encoding, encoded again by the
// types that round without search, give the same values.
func TestEncodeIsStable(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, typ := range []Type{F32, F16, BF16, Q8_0, TQ1_0, TQ2_0, MXFP4, NVFP4, Q1_0, Q2_0} {
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
	other := []string{"doc.go", "type.go", "grid.go", "round.go", "search.go", "weigh.go", "table.go", "scaled.go", "codebook.go", "codebook_data.go"}
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
