package quant

import (
	"encoding/binary"
	"math"
	"strconv"
)

// Zero is the kind of zero point that a scaled type has.
type Zero uint8

// Kinds of zero points.
const (
	FixedZero Zero = iota // the same for all blocks: codes are signed
	IntZero               // an integer for each block, not to be moved
	FloatZero             // a number for each block, which moves like a minimum
)

// Scaled describes a type of ONNX: integer codes with a scale, and perhaps a zero
// point, for each block of weights. Files hold the parts in tensors of their own;
// in memory they lie together in blocks, so that what works on ggml's types works
// on these. A block is
//
//	scale   float32
//	zero    float32, in codes
//	codes   a byte each, unsigned
//
// and w = (code - zero)*scale, all in float32 and in this order, as onnxruntime
// computes it. Such types have ids that no GGUF file may contain.
type Scaled struct {
	Bits  int  // 2, 4 or 8
	Block int  // 16, 32, 64, 128 or 256
	Zero  Zero // of FixedZero: half of the range
	Scale Type // F32, F16 or BF16: what the file rounds scales and float zero points to
	// Shared says that blocks share their scale with others, as where there is one
	// for each output channel: then only codes can move.
	Shared bool
}

// firstScaled is far above the ids of ggml.
const firstScaled Type = 1 << 16

var (
	scaledBits   = []int{2, 4, 8}
	scaledBlocks = []int{16, 32, 64, 128, 256}
	scaledScales = []Type{F32, F16, BF16}
)

// scaledTable has a row for every Scaled, in the order of [Scaled.index].
var scaledTable = makeScaled()

func makeScaled() []codec {
	var rows []codec
	for _, bits := range scaledBits {
		for _, block := range scaledBlocks {
			for zero := FixedZero; zero <= FloatZero; zero++ {
				for _, scale := range scaledScales {
					for _, shared := range []bool{false, true} {
						rows = append(rows, Scaled{bits, block, zero, scale, shared}.codec())
					}
				}
			}
		}
	}
	return rows
}

// ScaledType is the type of s, false if there is none.
func ScaledType(s Scaled) (Type, bool) {
	i := 0
	for _, f := range []struct{ at, n int }{
		{index(scaledBits, s.Bits), len(scaledBits)}, {index(scaledBlocks, s.Block), len(scaledBlocks)}, {int(s.Zero), int(FloatZero) + 1},
		{index(scaledScales, s.Scale), len(scaledScales)}, {index([]bool{false, true}, s.Shared), 2},
	} {
		if f.at < 0 || f.at >= f.n {
			return 0, false
		}
		i = i*f.n + f.at
	}
	return firstScaled + Type(i), true
}

func index[T comparable](list []T, x T) int {
	for i, y := range list {
		if x == y {
			return i
		}
	}
	return -1
}

// scaledHead is the size of scale and zero point.
const scaledHead = 8

func scaleOf(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }

// PutScaled writes the head of a block of a scaled type.
func PutScaled(b []byte, scale, zero float32) {
	binary.LittleEndian.PutUint32(b, math.Float32bits(scale))
	binary.LittleEndian.PutUint32(b[4:], math.Float32bits(zero))
}

// ScaledBlock reads a block of a scaled type: scale, zero point and the codes,
// which are a part of b.
func ScaledBlock(b []byte) (scale, zero float32, codes []byte) {
	return scaleOf(b), scaleOf(b[4:]), b[scaledHead:]
}

func (s Scaled) name() string {
	n := "INT" + strconv.Itoa(s.Bits) + "x" + strconv.Itoa(s.Block) + [...]string{"", "+Z", "+M"}[s.Zero] + ":" + table[s.Scale].name
	if s.Shared {
		n += "/ROW"
	}
	return n
}

func (s Scaled) codec() codec {
	return codec{
		name: s.name(), block: s.Block, bytes: scaledHead + s.Block,
		decode: s.decode, encode: s.encode, grid: s.gridder(),
	}
}

func (s Scaled) decode(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[s.Block:], src[scaledHead+s.Block:] {
		scale, zero, codes := ScaledBlock(src[:scaledHead+s.Block])
		y := dst[:len(codes)]
		for i, c := range codes {
			y[i] = (float32(c) - zero) * scale
		}
	}
}

// encode keeps nothing of what dst holds: the scale covers the largest weight, as
// onnxruntime's quantizer chooses it without zero points, and by range with them.
func (s Scaled) encode(dst []byte, src []float32) {
	top := float32(int(1)<<s.Bits - 1)
	for ; len(src) > 0; dst, src = dst[scaledHead+s.Block:], src[s.Block:] {
		scale, zero := s.choose(src[:s.Block], top)
		PutScaled(dst, scale, zero)
		for i, x := range src[:s.Block] {
			c := float32(math.RoundToEven(float64(zero + x*inverse(scale))))
			dst[scaledHead+i] = byte(min(max(c, 0), top))
		}
	}
}

func (s Scaled) choose(x []float32, top float32) (scale, zero float32) {
	half := (top + 1) / 2
	if s.Zero == FixedZero {
		return s.round(abs32(extreme(x)) / (half - 1)), half
	}
	lo, hi := bounds(x)
	lo, hi = min(lo, 0), max(hi, 0)
	scale = s.round((hi - lo) / top)
	zero = -lo * inverse(scale)
	if s.Zero == IntZero {
		zero = float32(math.RoundToEven(float64(zero)))
	}
	return scale, min(max(zero, 0), top)
}

// round rounds a scale to what the file can hold.
func (s Scaled) round(x float32) float32 {
	switch s.Scale {
	case F16:
		return roundF16(x)
	case BF16:
		return BF16ToF32(F32ToBF16(x))
	}
	return x
}

// gridder counts codes from the zero point where that is a whole number, so that w
// = code*scale; with a float zero point codes are those of the file and the second
// carrier is the weight of code 0.
func (s Scaled) gridder() *gridder {
	top := 1<<s.Bits - 1
	g := &gridder{Grid: Grid{Sub: s.Block, Group: s.Block, MinCode: -(top + 1) / 2, MaxCode: top / 2, Coarse: s.Shared}, m: -1}
	switch s.Zero {
	case IntZero:
		g.MinCode, g.MaxCode = -top, top
	case FloatZero:
		g.MinCode, g.MaxCode, g.HasMin, g.m = 0, top, true, 4
	case FixedZero:
	}
	g.grid = func(src []byte, scale, offset []float32) {
		scale[0], offset[0] = scaleOf(src), 0
		if s.Zero == FloatZero {
			offset[0] = -scaleOf(src[4:]) * scale[0]
		}
	}
	g.codes = func(dst []int16, src []byte) {
		z := s.origin(src)
		for i := range dst {
			dst[i] = int16(src[scaledHead+i]) - z
		}
	}
	// Codes that the block's own zero point does not leave room for are held at
	// the end of the range.
	g.setCodes = func(dst []byte, codes []int16) {
		z := s.origin(dst)
		for i, c := range codes {
			dst[scaledHead+i] = byte(min(max(c+z, 0), int16(top)))
		}
	}
	g.carrier = s.carrier()
	return g
}

// origin is what codes are counted from.
func (s Scaled) origin(b []byte) int16 {
	if s.Zero == FloatZero {
		return 0
	}
	return int16(scaleOf(b[4:]))
}

// carrier reads and writes the scale at 0 and, at 4, the weight of code 0.
// Scales that are shared stay as they are.
func (s Scaled) carrier() *carrier {
	return &carrier{
		read: func(b []byte, at int) float32 {
			if at == 0 {
				return scaleOf(b)
			}
			return -scaleOf(b[4:]) * scaleOf(b)
		},
		write: func(b []byte, at int, x float32) {
			switch scale, zero, _ := ScaledBlock(b); {
			case s.Shared:
			case at == 0:
				// The second carrier keeps its value; it is written after this one.
				x = s.round(x)
				if s.Zero == FloatZero {
					zero = zero * scale * inverse(x)
				}
				PutScaled(b, x, zero)
			default:
				PutScaled(b, scale, s.round(-x*inverse(scale)))
			}
		},
		round: s.round,
	}
}
