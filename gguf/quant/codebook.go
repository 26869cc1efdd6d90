package quant

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"sync"
)

// The IQ1, IQ2 and IQ3 types store an index into a codebook for each 4 or 8
// weights. The vectors are data of the format; codebook_data.go holds them as
// positions among the few values that each type knows, in ascending order. A
// vector stands for whole numbers, w = code*scale like everywhere; its codes move
// together or not at all, hence Grid.Vector.

// codebook is a set of vectors.
type codebook struct {
	words  []uint16 // a position in levels for each weight, the first lowest
	size   int      // weights in a vector: 8 with 2 bits each or 4 with 4 bits
	levels []int16  // magnitudes, or values for IQ1

	once    sync.Once
	codes   [][8]int16   // of the words without signs; vectors of 4 are followed by zeros
	values  [][8]float32 // the same
	squares []float32    // their length squared
}

var (
	cbIQ2XXS = codebook{words: bookIQ2XXS[:], size: 8, levels: []int16{8, 25, 43}}
	cbIQ2XS  = codebook{words: bookIQ2XS[:], size: 8, levels: []int16{8, 25, 43}}
	cbIQ2S   = codebook{words: bookIQ2S[:], size: 8, levels: []int16{8, 25, 43}}
	cbIQ3XXS = codebook{words: bookIQ3XXS[:], size: 4, levels: []int16{4, 12, 20, 28, 36, 44, 52, 62}}
	cbIQ3S   = codebook{words: bookIQ3S[:], size: 4, levels: []int16{1, 3, 5, 7, 9, 11, 13, 15}}
	cbIQ1    = codebook{words: bookIQ1S[:], size: 8, levels: []int16{-8, 0, 8}} // in eighths
)

// make expands the words, once.
func (b *codebook) make() {
	b.codes = make([][8]int16, len(b.words))
	b.values = make([][8]float32, len(b.words))
	b.squares = make([]float32, len(b.words))
	width := 16 / b.size
	for i, w := range b.words {
		for j := range b.size {
			c := b.levels[w&(1<<width-1)]
			w >>= width
			b.codes[i][j], b.values[i][j] = c, float32(c)
			b.squares[i] += float32(c) * float32(c)
		}
	}
}

// expand writes the codes of a vector, negative where a bit of signs is set.
func (b *codebook) expand(dst []int16, index int, signs uint8) {
	b.once.Do(b.make)
	v, s := &b.codes[index], int16(signs)
	if b.size == 4 {
		d := (*[4]int16)(dst)
		d[0], d[1], d[2], d[3] = signed(v[0], s), signed(v[1], s>>1), signed(v[2], s>>2), signed(v[3], s>>3)
		return
	}
	d := (*[8]int16)(dst)
	d[0], d[1], d[2], d[3] = signed(v[0], s), signed(v[1], s>>1), signed(v[2], s>>2), signed(v[3], s>>3)
	d[4], d[5], d[6], d[7] = signed(v[4], s>>4), signed(v[5], s>>5), signed(v[6], s>>6), signed(v[7], s>>7)
}

// signed is -c if the lowest bit of s is set.
func signed(c, s int16) int16 {
	m := -(s & 1)
	return (c ^ m) - m
}

// find is the index of a vector, which must be there.
func (b *codebook) find(values []int16) int {
	var v uint16
	for j, c := range values[:b.size] {
		v |= uint16(slices.Index(b.levels, c)) << (j * 16 / b.size)
	}
	i, ok := slices.BinarySearch(b.words, v)
	if !ok {
		panic(badCode)
	}
	return i
}

// findSigned is find for magnitudes, and the signs.
func (b *codebook) findSigned(codes []int16) (index int, signs uint8) {
	var space [8]int16
	for j, c := range codes[:b.size] {
		space[j] = max(c, -c)
		if c < 0 {
			signs |= 1 << j
		}
	}
	return b.find(space[:b.size]), signs
}

// nearest is the vector nearest to aim, its distance squared less that of aim to
// zero. With odd, one value of the vector, flip, is to be taken with the sign
// turned. An aim of 4 is followed by zeros.
func (b *codebook) nearest(aim *[8]float32, odd bool) (index, flip int, cost float32) {
	b.once.Do(b.make)
	cost = float32(math.Inf(1))
	for i := range b.values {
		v := &b.values[i]
		p0, p1, p2, p3 := v[0]*aim[0], v[1]*aim[1], v[2]*aim[2], v[3]*aim[3]
		p4, p5, p6, p7 := v[4]*aim[4], v[5]*aim[5], v[6]*aim[6], v[7]*aim[7]
		c := b.squares[i] - 2*(((p0+p1)+(p2+p3))+((p4+p5)+(p6+p7)))
		turn := 0
		if odd {
			ps := [8]float32{p0, p1, p2, p3, p4, p5, p6, p7}
			for j, p := range ps[:b.size] {
				if p < ps[turn] {
					turn = j
				}
			}
			c += 4 * ps[turn]
		}
		if c < cost {
			index, flip, cost = i, turn, c
		}
	}
	return index, flip, cost
}

// magnitudes splits 8 numbers or less.
func magnitudes(dst, x []float32) (signs uint8) {
	for j, v := range x {
		dst[j] = abs32(v)
		if v < 0 {
			signs |= 1 << j
		}
	}
	return signs
}

// nearestFree chooses a vector and any signs.
func (b *codebook) nearestFree(codes []int16, aim []float32) {
	var a [8]float32
	signs := magnitudes(a[:], aim[:b.size])
	i, _, _ := b.nearest(&a, false)
	b.expand(codes, i, signs)
}

// nearestEven chooses vectors for 8 weights whose negative signs are even in
// number: if they are not, the one is turned that costs least.
func (b *codebook) nearestEven(codes []int16, aim []float32) {
	var a [8]float32
	signs := magnitudes(a[:], aim[:8])
	odd := bits.OnesCount8(signs)&1 != 0
	if b.size == 8 {
		i, flip, _ := b.nearest(&a, odd)
		if odd {
			signs ^= 1 << flip
		}
		b.expand(codes, i, signs)
		return
	}
	var first, second [8]float32
	copy(first[:4], a[:4])
	copy(second[:4], a[4:])
	lo, _, costLo := b.nearest(&first, false)
	hi, _, costHi := b.nearest(&second, false)
	if odd {
		turnLo, flipLo, c := b.nearest(&first, true)
		turnHi, flipHi, d := b.nearest(&second, true)
		if c+costHi <= costLo+d {
			lo = turnLo
			signs ^= 1 << flipLo
		} else {
			hi = turnHi
			signs ^= 16 << flipHi
		}
	}
	b.expand(codes, lo, signs)
	b.expand(codes[4:], hi, signs>>4)
}

// evenSigns completes 7 stored signs by an eighth: their number is even.
func evenSigns(s uint32) uint8 {
	s &= 127
	return uint8(s | uint32(bits.OnesCount32(s))&1<<7)
}

// storedSigns are the 7 signs of which evenSigns makes s.
func storedSigns(s uint8) uint32 {
	if bits.OnesCount8(s)&1 != 0 {
		panic(badCode)
	}
	return uint32(s & 127)
}

func u16At(b []byte, i int) int    { return int(binary.LittleEndian.Uint16(b[i:])) }
func u32At(b []byte, i int) uint32 { return binary.LittleEndian.Uint32(b[i:]) }

// gridScratch is the memory of decodeByGrid, which would escape through the
// gridder's functions.
type gridScratch struct {
	codes         [256]int16
	scale, offset [16]float32
}

var gridScratches = sync.Pool{New: func() any { return new(gridScratch) }}

// decodeByGrid decodes blocks of a number of weights and bytes as code*scale.
func decodeByGrid(dst []float32, src []byte, g *gridder, block, bytes int) {
	w := gridScratches.Get().(*gridScratch)
	defer gridScratches.Put(w)
	codes, scale, offset := &w.codes, &w.scale, &w.offset
	n := block / g.Sub
	for ; len(dst) > 0; dst, src = dst[block:], src[bytes:] {
		g.codes(codes[:block], src[:bytes])
		g.grid(src[:bytes], scale[:n], offset[:n])
		for j, s := range scale[:n] {
			c := codes[j*g.Sub : (j+1)*g.Sub]
			y := dst[j*g.Sub:][:len(c)]
			for i, v := range c {
				y[i] = float32(v) * s
			}
		}
	}
}
