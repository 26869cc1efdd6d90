package quant

import "encoding/binary"

// A Q5_0 block is 22 bytes for 32 weights: f16 d, 4 bytes with the fifth bits
// (bit i for weight i), then 16 bytes with the low four bits, weight i in the
// low and weight i+16 in the high half of byte i. w = (code-16)*d.

var gridQ5_0 = gridder{
	Grid:     Grid{Sub: 32, MinCode: -16, MaxCode: 15, Group: 32},
	grid:     gridPlain,
	codes:    func(dst []int16, src []byte) { unpack5(dst, src[2:22], -16) },
	setCodes: func(dst []byte, c []int16) { pack5(dst[2:22], c, 16) },
	m:        -1,
}

// unpack5 reads 32 five-bit codes, each moved by bias.
func unpack5(dst []int16, src []byte, bias int16) {
	h := binary.LittleEndian.Uint32(src)
	for i, b := range src[4:20] {
		dst[i] = int16(b&15) | int16(h>>i&1<<4)
		dst[i+16] = int16(b>>4) | int16(h>>(i+16)&1<<4)
	}
	for i := range dst[:32] {
		dst[i] += bias
	}
}

// pack5 writes 32 five-bit codes, each moved by bias first.
func pack5(dst []byte, c []int16, bias int16) {
	var h uint32
	for i := range 16 {
		a, b := uint32(c[i]+bias), uint32(c[i+16]+bias)
		dst[4+i] = byte(a&15 | b&15<<4)
		h |= a>>4<<i | b>>4<<(i+16)
	}
	binary.LittleEndian.PutUint32(dst, h)
}

func decodeQ5_0(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[32:], src[22:] {
		d, h, q, y := f16At(src, 0), binary.LittleEndian.Uint32(src[2:]), src[6:22], dst[:32]
		for i, b := range q {
			y[i] = float32(int32(b&15)|int32(h>>i&1<<4)-16) * d
			y[i+16] = float32(int32(b>>4)|int32(h>>(i+16)&1<<4)-16) * d
		}
	}
}

func encodeQ5_0(dst []byte, src []float32) {
	var c [32]int16
	for ; len(src) > 0; dst, src = dst[22:], src[32:] {
		d := extreme(src[:32]) / -16
		id := inverse(d)
		putF16(dst, 0, d)
		for i, x := range src[:32] {
			c[i] = int16(roundUp(fma32(x, id, 16.5), 31))
		}
		pack5(dst[2:], c[:], 0)
	}
}

func weighQ5_0(dst []byte, src, weights []float32) {
	var codes [32]uint8
	weighBlocks(dst, src, weights, 22, func(dst []byte, x, weight []float32) {
		putF16(dst, 0, weighed5.symmetric(codes[:], x, weight))
		packBytes5(dst[2:], &codes)
	})
}

// packBytes5 is pack5 of codes that were counted from 0.
func packBytes5(dst []byte, codes *[32]uint8) {
	var c [32]int16
	for i, v := range codes {
		c[i] = int16(v)
	}
	pack5(dst, c[:], 0)
}
