package quant

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"testing"

	"github.com/detox-surgery/detox-surgery/internal/testenv"
	"github.com/detox-surgery/detox-surgery/simd"
)

// golden is what testdata/golden.zip and testdata/blocks.zip hold; pack.py and
// blocks.py in gguf/testdata make them.
type golden struct {
	Shape []int        `json:"shape"`
	Rows  []string     `json:"rows"`
	Types []goldenType `json:"types"`
	files map[string][]byte
}

type goldenType struct {
	Type     string            `json:"type"`
	ID       uint32            `json:"id"`
	Block    int               `json:"block"`
	Bytes    int               `json:"bytes"`
	Encoders map[string]string `json:"encoders"` // name of the encoder -> sha256 of the decoded f32
}

func readGolden(tb testing.TB) *golden {
	tb.Helper()
	g := &golden{files: map[string][]byte{}}
	var types []goldenType
	for _, name := range []string{"golden.zip", "blocks.zip"} {
		for file, b := range testenv.Zip(tb, "testdata/"+name) {
			g.files[file] = b
		}
		if err := json.Unmarshal(g.files["index.json"], g); err != nil {
			tb.Fatal(err)
		}
		types = append(types, g.Types...)
		g.Types = nil
	}
	g.Types = types
	return g
}

func (g *golden) file(tb testing.TB, name string) []byte {
	tb.Helper()
	b := g.files[name]
	if len(b) == 0 {
		tb.Fatalf("golden.zip has no %s", name)
	}
	return b
}

func floats(b []byte) []float32 {
	out := make([]float32, len(b)/4)
	decodeF32(out, b)
	return out
}

// digest counts every NaN as the same.
func digest(x []float32) string {
	b := make([]byte, 4*len(x))
	encodeF32(b, x)
	for i, v := range x {
		if v != v {
			binary.LittleEndian.PutUint32(b[4*i:], 0x7fc00000)
		}
	}
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// TestTableAgainstGGML checks ids and sizes; every type of the library that made
// the goldens must have a row.
func TestTableAgainstGGML(t *testing.T) {
	g := readGolden(t)
	if len(g.Types) < 29 {
		t.Fatalf("only %d types in the golden index", len(g.Types))
	}
	for _, e := range g.Types {
		typ := Type(e.ID)
		if !typ.Valid() || typ.String() != e.Type {
			t.Errorf("id %d is %v, want %s", e.ID, typ, e.Type)
			continue
		}
		if p, ok := Parse(e.Type); !ok || p != typ {
			t.Errorf("Parse(%q) = %v, %v", e.Type, p, ok)
		}
		if e.Block > 0 && (typ.Block() != e.Block || typ.Bytes() != e.Bytes) {
			t.Errorf("%v: %d weights in %d bytes, want %d in %d", typ, typ.Block(), typ.Bytes(), e.Block, e.Bytes)
		}
	}
}

// TestDecodeGolden compares bits with the decoders of gguf-py and ggml, through
// the assembly of every tier of this machine and without it.
func TestDecodeGolden(t *testing.T) {
	g := readGolden(t)
	seen := map[Type]bool{F32: true}
	for _, e := range g.Types {
		for enc, want := range e.Encoders {
			typ, b := Type(e.ID), g.file(t, e.Type+"."+enc+".enc.bin")
			dst := make([]float32, len(b)/typ.Bytes()*typ.Block())
			typ.DecodeScalar(dst, b)
			if digest(dst) != want {
				t.Errorf("%v.%s: scalar decoder differs from the golden", typ, enc)
			}
			for _, tier := range simd.Tiers() {
				restore := simd.SetTier(tier)
				clear(dst)
				typ.Decode(dst, b)
				restore()
				if digest(dst) != want {
					t.Errorf("%v.%s: decoder differs from the golden in tier %v", typ, enc, tier)
				}
			}
			seen[typ] = true
		}
	}
	for i := range table {
		if typ := Type(i); typ.CanDecode() && !seen[typ] {
			t.Errorf("%v has a decoder and no golden", typ)
		}
	}
}

// TestEncodeGolden compares bytes with ggml's encoders: of ordinary and of hard
// rows, and with importance weights.
func TestEncodeGolden(t *testing.T) {
	g := readGolden(t)
	src, edge, weights := floats(g.file(t, "src.f32.bin")), floats(g.file(t, "edge.f32.bin")), floats(g.file(t, "weights.f32.bin"))
	seen := map[Type]bool{F32: true}
	for _, e := range g.Types {
		typ := Type(e.ID)
		for name := range e.Encoders {
			rows, w := src, []float32(nil)
			switch name {
			case "random", "special":
				continue
			case "edge":
				rows = edge
			case "weighted":
				w = weights
			case "edge-weighted":
				rows, w = edge, weights
			}
			if !typ.CanEncode() {
				t.Errorf("%v has a golden %s and no encoder", typ, name)
				continue
			}
			g.compareEncoder(t, typ, name, rows, w)
			seen[typ] = true
		}
	}
	for i := range table {
		if typ := Type(i); typ.CanEncode() && !seen[typ] {
			t.Errorf("%v has an encoder and no golden", typ)
		}
	}
}

func (g *golden) compareEncoder(t *testing.T, typ Type, name string, src, weights []float32) {
	t.Helper()
	cols := g.Shape[1]
	n, want := typ.RowBytes(cols), g.file(t, typ.String()+"."+name+".enc.bin")
	got := make([]byte, n)
	for r := range len(src) / cols {
		x, b := src[r*cols:(r+1)*cols], want[r*n:(r+1)*n]
		typ.EncodeWeighted(got, x, weights)
		if !bytes.Equal(got, b) {
			t.Errorf("%v.%s, row %d: %d of %d bytes differ; mse %.6g, reference %.6g", typ, name, r, differing(got, b), n, mse(typ, got, x), mse(typ, b, x))
		}
	}
}

func differing(a, b []byte) (n int) {
	for i := range a {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

func mse(typ Type, b []byte, src []float32) (e float64) {
	dst := make([]float32, len(src))
	typ.DecodeScalar(dst, b)
	for i, x := range src {
		d := float64(dst[i]) - float64(x)
		e += d * d / float64(len(src))
	}
	return e
}

// TestConvertGolden checks every hard case of rounding to 16 bits.
func TestConvertGolden(t *testing.T) {
	g := readGolden(t)
	src := floats(g.file(t, "convert.f32.bin"))
	f16, bf16 := g.file(t, "convert.f16.bin"), g.file(t, "convert.bf16.bin")
	for i, x := range src {
		if got, want := F32ToF16(x), binary.LittleEndian.Uint16(f16[2*i:]); got != want {
			t.Errorf("F32ToF16(%g) = %#04x, want %#04x", x, got, want)
		}
		if got, want := F32ToBF16(x), binary.LittleEndian.Uint16(bf16[2*i:]); got != want {
			t.Errorf("F32ToBF16(%g) = %#04x, want %#04x", x, got, want)
		}
	}
	for h := range 1 << 16 {
		f := F16ToF32(uint16(h))
		if f == f && F32ToF16(f) != uint16(h) {
			t.Errorf("half %#04x does not survive float32", h)
		}
		if f != f && F32ToF16(f)&0x7fff != 0x7e00 {
			t.Errorf("half NaN %#04x became %#04x", h, F32ToF16(f))
		}
		b := BF16ToF32(uint16(h))
		if b == b && F32ToBF16(b) != uint16(h) {
			t.Errorf("bfloat16 %#04x does not survive float32", h)
		}
		if b != b && !math.IsNaN(float64(BF16ToF32(F32ToBF16(b)))) {
			t.Errorf("bfloat16 NaN %#04x became %#04x", h, F32ToBF16(b))
		}
	}
}
