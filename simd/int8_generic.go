package simd

import (
	"encoding/binary"
	"math"
)

// int8Kernel multiplies the strip in panel with tiles of rows quantized rows of X
// that lie below each other, stride bytes apart.
//
// A panel has blocks of: 16 scales, 16 offsets (variant int8Min only), then for
// each 4 depths the 4 codes of each of the 16 columns. A row of X has blocks of:
// its scale, then 4 bytes that depend on the variant, then the codes. The 4 bytes
// are, with the sum s of the codes, the float32 s*scale to multiply with the
// offsets (int8Min), or the int32 -zero*s, where the sum of products begins.
type int8Kernel struct {
	rows int
	run  func(k *int8Kind, panel []byte, blocks int, x []byte, stride, tiles int, y []float32, ldy int)
}

// int8Set is what a tier brings.
type int8Set struct {
	kernels [int8Variants][]int8Kernel // by falling number of rows, the last 1
	// unpack writes 8 rows of blocks, rowBytes apart, as columns of a panel, dst
	// being the scale of the first. May be nil.
	unpack [blockTypes]func(dst, src *byte, rowBytes, blocks int)
	// quantize rounds a row of X.
	quantize func(k *int8Kind, dst []byte, x []float32)
}

const (
	rowHead  = 8                 // bytes before the codes of a block of X
	tinyBits = (127 - 119) << 23 // of 2^-119, below which 127/max|x| is not to be trusted
	infBits  = 0x7f800000
)

var genericInt8 = int8Set{
	kernels: [int8Variants][]int8Kernel{
		{{1, int8Generic}}, {{1, int8Generic}}, {{1, int8Generic}}, {{1, int8Generic}},
	},
	quantize: quantizeGeneric,
}

func quantizeGeneric(k *int8Kind, dst []byte, x []float32) {
	for ; len(x) > 0; dst, x = dst[k.rowBlock():], x[k.sub:] {
		block := x[:k.sub]
		top := uint32(0)
		for _, v := range block {
			top = max(top, math.Float32bits(v)&^(1<<31))
		}
		codes := dst[rowHead : rowHead+k.sub]
		clear(codes)
		sum, d := int32(0), float32(0)
		switch {
		case top >= infBits:
			d = float32(math.NaN())
		case top >= tinyBits:
			largest := math.Float32frombits(top)
			d = largest / 127
			inverse := 127 / largest
			for i, v := range block {
				q := int8(math.RoundToEven(float64(v * inverse)))
				codes[i] = byte(q)
				sum += int32(q)
			}
		}
		putFloat(dst, d)
		if k.variant == int8Min {
			putFloat(dst[4:], float32(sum)*d)
		} else {
			putInt(dst[4:], -k.zero*sum)
		}
	}
}

func int8Generic(k *int8Kind, panel []byte, blocks int, x []byte, stride, tiles int, y []float32, ldy int) {
	for t := range tiles {
		var acc [stripCols]float32
		for b := range blocks {
			int8Block(k, &acc, panel[b*k.panelBlock():(b+1)*k.panelBlock()], x[t*stride+b*k.rowBlock():][:k.rowBlock()])
		}
		copy(y[t*ldy:t*ldy+stripCols], acc[:])
	}
}

// int8Block adds the products of one block to the 16 outputs of a row.
func int8Block(k *int8Kind, acc *[stripCols]float32, p, x []byte) {
	d, s := getFloat(x), getFloat(x[4:])
	q := x[rowHead:]
	for c := range acc {
		sum := int32(0)
		if k.variant != int8Min {
			sum = int32(binary.LittleEndian.Uint32(x[4:]))
		}
		for i := 0; i < k.sub; i += 4 {
			w := p[k.head()+stripCols*i+4*c:][:4]
			for l, code := range w {
				sum += int32(code) * int32(int8(q[i+l]))
			}
		}
		acc[c] = fma32(float32(sum), float32(getFloat(p[4*c:])*d), acc[c])
		if k.variant == int8Min {
			acc[c] = fma32(getFloat(p[4*stripCols+4*c:]), s, acc[c])
		}
	}
}

// fma32 is a*b + c rounded once: the sum in float64, where the product is exact,
// is rounded to odd, so that rounding it again to float32 is right.
func fma32(a, b, c float32) float32 {
	p, z := float64(a)*float64(b), float64(c)
	s := p + z
	back := s - p
	e := (p - (s - back)) + (z - back) // what s lacks
	bits := math.Float64bits(s)
	if e == 0 || e != e || bits&1 != 0 {
		return float32(s)
	}
	if (e > 0) == (s > 0) {
		bits++
	} else {
		bits--
	}
	return float32(math.Float64frombits(bits))
}

func getFloat(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }

func putInt(b []byte, x int32) { binary.LittleEndian.PutUint32(b, uint32(x)) }
