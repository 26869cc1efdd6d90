package simd_test

import (
	"encoding/binary"
	"math"
)

// The scalar decoders that the kernels are compared with.

// half converts the float16 at b.
func half(b []byte) float32 {
	h := binary.LittleEndian.Uint16(b)
	sign, e, m := uint32(h>>15)<<31, int(h>>10&31), uint32(h&1023)
	switch e {
	case 0:
		f := float32(m) * 0x1p-24
		return math.Float32frombits(math.Float32bits(f) | sign)
	case 31:
		return math.Float32frombits(sign | 0x7f800000 | m<<13)
	}
	return math.Float32frombits(sign | uint32(e+112)<<23 | m<<13)
}

func decodeQ4_1(y []float32, b []byte) {
	d, m := half(b), half(b[2:])
	for j, q := range b[4:20] {
		y[j] = float32(float32(q&15)*d) + m
		y[j+16] = float32(float32(q>>4)*d) + m
	}
}

func decodeQ5_0(y []float32, b []byte) {
	d, qh := half(b), binary.LittleEndian.Uint32(b[2:])
	for j, q := range b[6:22] {
		x0 := int(q&15) | int(qh>>j&1)<<4
		x1 := int(q>>4) | int(qh>>(j+16)&1)<<4
		y[j], y[j+16] = float32(x0-16)*d, float32(x1-16)*d
	}
}

func decodeQ8_0(y []float32, b []byte) {
	d := half(b)
	for j, q := range b[2:34] {
		y[j] = float32(int8(q)) * d
	}
}

// scaleMinK4 is ggml's get_scale_min_k4.
func scaleMinK4(j int, q []byte) (sc, m byte) {
	if j < 4 {
		return q[j] & 63, q[j+4] & 63
	}
	return q[j+4]&15 | q[j-4]>>6<<4, q[j+4]>>4 | q[j]>>6<<4
}

func decodeQ4K(y []float32, b []byte) {
	d, dmin := half(b), half(b[2:])
	for i := range 8 {
		sc, m := scaleMinK4(i, b[4:16])
		d1, m1 := d*float32(sc), dmin*float32(m)
		for l, q := range b[16+i/2*32:][:32] {
			y[32*i+l] = float32(d1*float32(q>>(i%2*4)&15)) - m1
		}
	}
}

func decodeQ6K(y []float32, b []byte) {
	d := half(b[208:])
	for i := range 256 {
		n, k, l := i/128, i/32%4, i%32
		q := b[64*n+k%2*32+l] >> (k / 2 * 4) & 15
		q |= b[128+32*n+l] >> (2 * k) & 3 << 4
		sc := int8(b[192+8*n+2*k+l/16])
		y[i] = float32(d*float32(sc)) * float32(int(q)-32)
	}
}

func decodeQ4_0(y []float32, b []byte) {
	d := half(b)
	for j, q := range b[2:18] {
		y[j], y[j+16] = float32(int(q&15)-8)*d, float32(int(q>>4)-8)*d
	}
}

func decodeQ5_1(y []float32, b []byte) {
	d, m, qh := half(b), half(b[2:]), binary.LittleEndian.Uint32(b[4:])
	for j, q := range b[8:24] {
		x0 := int(q&15) | int(qh>>j&1)<<4
		x1 := int(q>>4) | int(qh>>(j+16)&1)<<4
		y[j], y[j+16] = float32(float32(x0)*d)+m, float32(float32(x1)*d)+m
	}
}

func decodeQ2K(y []float32, b []byte) {
	d, dmin := half(b[80:]), half(b[82:])
	for i := range 256 {
		n, j, l := i/128, i/32%4, i%32
		sc := b[8*n+2*j+l/16]
		q := b[16+32*n+l] >> (2 * j) & 3
		y[i] = float32(float32(d*float32(sc&15))*float32(q)) - float32(dmin*float32(sc>>4))
	}
}

func decodeQ3K(y []float32, b []byte) {
	d := half(b[108:])
	for i := range 256 {
		n, j, l := i/128, i/32%4, i%32
		is := i / 16
		sc := b[96+is%8] >> (is / 8 * 4) & 15
		sc |= b[104+is%4] >> (is / 4 * 2) & 3 << 4
		q := int(b[32+32*n+l] >> (2 * j) & 3)
		if b[l]>>(4*n+j)&1 == 0 {
			q -= 4
		}
		y[i] = float32(d*float32(int(sc)-32)) * float32(q)
	}
}

func decodeQ5K(y []float32, b []byte) {
	d, dmin := half(b), half(b[2:])
	for i := range 8 {
		sc, m := scaleMinK4(i, b[4:16])
		d1, m1 := d*float32(sc), dmin*float32(m)
		for l, q := range b[48+i/2*32:][:32] {
			c := q>>(i%2*4)&15 | b[16+l]>>i&1<<4
			y[32*i+l] = float32(d1*float32(c)) - m1
		}
	}
}

var iq4 = [16]float32{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

func decodeIQ4NL(y []float32, b []byte) {
	d := half(b)
	for j, q := range b[2:18] {
		y[j], y[j+16] = d*iq4[q&15], d*iq4[q>>4]
	}
}

func decodeIQ4XS(y []float32, b []byte) {
	d, h := half(b), binary.LittleEndian.Uint16(b[2:])
	for i := range 8 {
		ls := int(b[4+i/2]>>(i%2*4)&15) | int(h>>(2*i)&3)<<4
		dl := d * float32(ls-32)
		for j, q := range b[8+16*i:][:16] {
			y[32*i+j], y[32*i+j+16] = dl*iq4[q&15], dl*iq4[q>>4]
		}
	}
}

func decodeF16(y []float32, b []byte) { y[0] = half(b) }

func decodeBF16(y []float32, b []byte) {
	y[0] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16)
}
