package quant

import "strconv"

// Type is a tensor type by its ggml id, as GGUF files store it.
type Type uint32

// The ggml type ids that files may contain. Ids 4, 5, 31..33 and 36..38 were
// removed from ggml and are invalid.
const (
	F32    Type = 0
	F16    Type = 1
	Q4_0   Type = 2
	Q4_1   Type = 3
	Q5_0   Type = 6
	Q5_1   Type = 7
	Q8_0   Type = 8
	Q8_1   Type = 9
	Q2K    Type = 10
	Q3K    Type = 11
	Q4K    Type = 12
	Q5K    Type = 13
	Q6K    Type = 14
	Q8K    Type = 15
	IQ2XXS Type = 16
	IQ2XS  Type = 17
	IQ3XXS Type = 18
	IQ1S   Type = 19
	IQ4NL  Type = 20
	IQ3S   Type = 21
	IQ2S   Type = 22
	IQ4XS  Type = 23
	I8     Type = 24
	I16    Type = 25
	I32    Type = 26
	I64    Type = 27
	F64    Type = 28
	IQ1M   Type = 29
	BF16   Type = 30
	TQ1_0  Type = 34 //nolint:staticcheck // ggml's name, like Q1_0
	TQ2_0  Type = 35 //nolint:staticcheck // ggml's name, like Q1_0
	MXFP4  Type = 39
	NVFP4  Type = 40
	Q1_0   Type = 41
	Q2_0   Type = 42
)

// Valid reports whether t is a type that a current file may contain.
func (t Type) Valid() bool { return int64(t) < int64(len(table)) && table[t].block > 0 }

// known reports whether t is valid or a scaled type.
func (t Type) known() bool {
	return t.Valid() || t >= firstScaled && int64(t-firstScaled) < int64(len(scaledTable))
}

// String is ggml's name in capitals, such as "Q4_1", or that of a scaled type, such
// as "INT4x32+Z:F16"; "type 99" for an invalid id.
func (t Type) String() string {
	if !t.known() {
		return "type " + strconv.FormatUint(uint64(t), 10)
	}
	return t.row().name
}

// Parse returns the type with that name (capitals, as [Type.String]).
func Parse(name string) (Type, bool) {
	for i := range table {
		if table[i].block > 0 && table[i].name == name {
			return Type(i), true
		}
	}
	for i := range scaledTable {
		if scaledTable[i].name == name {
			return firstScaled + Type(i), true
		}
	}
	return 0, false
}

// Block is the number of weights in a block; 1 for plain numbers.
func (t Type) Block() int { return t.row().block }

// Bytes is the size of a block in bytes.
func (t Type) Bytes() int { return t.row().bytes }

// RowBytes is the size in bytes of a row of cols weights, a multiple of Block.
func (t Type) RowBytes(cols int) int {
	r := t.row()
	if cols%r.block != 0 {
		panic(badRow)
	}
	return cols / r.block * r.bytes
}

// CanDecode reports whether Decode works for t.
func (t Type) CanDecode() bool { return t.known() && t.row().decode != nil }

// CanEncode reports whether Encode works for t.
func (t Type) CanEncode() bool { return t.known() && t.row().encode != nil }

// Decode expands len(dst) weights, a multiple of Block, from src. Leading
// blocks go through the assembly of the active tier where the type has some;
// the result is the same bit for bit.
func (t Type) Decode(dst []float32, src []byte) {
	r := t.row()
	if r.decode == nil {
		panic(noDecoder)
	}
	n := r.check(len(dst), len(src))
	done := 0
	if r.unpack != nil {
		done = r.unpack(dst, src[:n*r.bytes])
	}
	r.decode(dst[done*r.block:], src[done*r.bytes:n*r.bytes])
}

// DecodeScalar is Decode without assembly: the oracle that kernels are tested
// against.
func (t Type) DecodeScalar(dst []float32, src []byte) {
	r := t.row()
	if r.decode == nil {
		panic(noDecoder)
	}
	n := r.check(len(dst), len(src))
	r.decode(dst, src[:n*r.bytes])
}

// Encode rounds src, a multiple of Block weights, to t in the way of ggml's
// reference encoder without importance weights. src must be finite. Leading blocks
// go through the assembly of the active tier where the type has some; the result
// is the same bit for bit.
func (t Type) Encode(dst []byte, src []float32) {
	r := t.encoder()
	n := r.check(len(src), len(dst))
	done := 0
	if r.pack != nil {
		done = r.pack(dst[:n*r.bytes], src)
	}
	r.encode(dst[done*r.bytes:n*r.bytes], src[done*r.block:])
}

// EncodeWeighted is Encode of one row that minds how much each of its columns
// matters (an importance matrix), as ggml does with such weights: not below 0, nil
// for Encode. Types without a search for scales round as if there were none, see
// [Type.Weighs].
func (t Type) EncodeWeighted(dst []byte, src, weights []float32) {
	r := t.encoder()
	if weights == nil || r.weigh == nil {
		t.Encode(dst, src)
		return
	}
	if len(weights) != len(src) {
		panic(badLen)
	}
	n := r.check(len(src), len(dst))
	r.weigh(dst[:n*r.bytes], src, weights)
}

// Weighs reports whether EncodeWeighted of t looks at the weights.
func (t Type) Weighs() bool { return t.known() && t.row().weigh != nil }

// EncodeScalar is Encode without assembly: the oracle that kernels are tested
// against.
func (t Type) EncodeScalar(dst []byte, src []float32) {
	r := t.encoder()
	n := r.check(len(src), len(dst))
	r.encode(dst[:n*r.bytes], src)
}

func (t Type) encoder() *codec {
	r := t.row()
	if r.encode == nil {
		panic(noEncoder)
	}
	return r
}

const (
	badType   = "quant: invalid type"
	badRow    = "quant: weights are not whole blocks"
	short     = "quant: bytes too short"
	noDecoder = "quant: type has no decoder"
	noEncoder = "quant: type has no encoder"
	badCode   = "quant: code out of range"
	noGrid    = "quant: type has no grid"
	badLen    = "quant: slice length does not fit the row"
)

// row is t's table row. Asking for the layout of an invalid id is a mistake of
// the caller; files are checked with Valid first.
func (t Type) row() *codec {
	switch {
	case t.Valid():
		return &table[t]
	case t.known():
		return &scaledTable[t-firstScaled]
	}
	panic(badType)
}

// check returns the number of blocks of n weights and panics unless they are
// whole and the bytes suffice.
func (c *codec) check(n, bytes int) int {
	if n%c.block != 0 {
		panic(badRow)
	}
	n /= c.block
	if bytes < n*c.bytes {
		panic(short)
	}
	return n
}
