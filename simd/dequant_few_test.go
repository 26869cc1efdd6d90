package simd_test

import "math"

// Oracles of the types of few levels, after ggml's dequantize_row_*.

func decodeTQ1_0(y []float32, b []byte) {
	d := half(b[52:])
	at := 0
	for _, run := range []struct{ first, bytes, digits int }{{0, 32, 5}, {32, 16, 5}, {48, 4, 4}} {
		power := 1
		for range run.digits {
			for _, q := range b[run.first:][:run.bytes] {
				digit := int(byte(int(q)*power)) * 3 >> 8
				y[at] = float32(digit-1) * d
				at++
			}
			power *= 3
		}
	}
}

func decodeTQ2_0(y []float32, b []byte) {
	d := half(b[64:])
	for i := range y[:256] {
		q := b[i/128*32+i%32] >> (i / 32 % 4 * 2) & 3
		y[i] = float32(int(q)-1) * d
	}
}

var fp4 = [16]float32{0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12}

func decodeMXFP4(y []float32, b []byte) {
	d := float32(math.Ldexp(1, int(b[0])-128))
	for j, q := range b[1:17] {
		y[j], y[j+16] = d*fp4[q&15], d*fp4[q>>4]
	}
}

func decodeNVFP4(y []float32, b []byte) {
	for run := range 4 {
		e, m := int(b[run]>>3&15), float64(b[run]&7)
		d := float32(math.Ldexp(8+m, e-11))
		switch {
		case b[run] == 0x7f:
			d = 0
		case e == 0:
			d = float32(math.Ldexp(m, -10))
		}
		for j, q := range b[4+8*run:][:8] {
			y[16*run+j], y[16*run+j+8] = d*fp4[q&15], d*fp4[q>>4]
		}
	}
}

func decodeQ1_0(y []float32, b []byte) {
	d := half(b)
	for i := range y[:128] {
		y[i] = -d
		if b[2+i/8]>>(i%8)&1 == 1 {
			y[i] = d
		}
	}
}

func decodeQ2_0(y []float32, b []byte) {
	d := half(b)
	for i := range y[:64] {
		y[i] = float32(int(b[2+i/4]>>(i%4*2)&3)-1) * d
	}
}
