package quant

// A TQ1_0 block is 54 bytes for 256 weights -d, 0 or d: 48 bytes with five
// ternary digits each, 4 bytes with four, f16 d. A byte holds its digits as the
// binary fraction q/256, the first digit being the first behind the ternary point.
// w = (digit-1)*d.

var gridTQ1_0 = gridder{
	Grid:     Grid{Sub: 256, MinCode: -1, MaxCode: 1, Group: 256},
	grid:     func(src []byte, scale, offset []float32) { scale[0], offset[0] = f16At(src, 52), 0 },
	codes:    codesTQ1_0,
	setCodes: setCodesTQ1_0,
	d:        52,
	m:        -1,
}

// trits lists the runs of bytes: digit n of byte i belongs to weight
// at + n*count + i.
var trits = [...]struct{ first, count, digits, at int }{{0, 32, 5, 0}, {32, 16, 5, 160}, {48, 4, 4, 240}}

// powers3 move a digit of a byte behind the ternary point.
var powers3 = [5]uint8{1, 3, 9, 27, 81}

// digit3 is digit n of b.
func digit3(b uint8, n int) int16 { return int16(uint16(b*powers3[n]) * 3 >> 8) }

func codesTQ1_0(dst []int16, src []byte) {
	for _, r := range trits {
		for n, power := range powers3[:r.digits] {
			y := dst[r.at+n*r.count:][:r.count]
			for i, b := range src[r.first:][:len(y)] {
				y[i] = int16(uint16(b*power)*3>>8) - 1
			}
		}
	}
}

// setCodesTQ1_0 leaves a byte alone that has its digits: bytes are 256, numbers of
// five digits only 243.
func setCodesTQ1_0(dst []byte, c []int16) {
	for _, r := range trits {
		for i, b := range dst[r.first : r.first+r.count] {
			q, same := 0, true
			for n := range 5 {
				d := 0
				if n < r.digits {
					d = int(c[r.at+n*r.count+i]) + 1
					same = same && d == int(digit3(b, n))
				}
				q = 3*q + d
			}
			if !same {
				dst[r.first+i] = uint8((q*256 + 242) / 243)
			}
		}
	}
}

func decodeTQ1_0(dst []float32, src []byte) { decodeByGrid(dst, src, &gridTQ1_0, 256, 54) }

func encodeTQ1_0(dst []byte, src []float32) {
	var codes [256]int16
	for ; len(src) > 0; dst, src = dst[54:], src[256:] {
		putF16(dst, 52, ternary(&codes, src[:256]))
		for i := range 32 {
			c := codes[i:]
			dst[i] = byte3(81*c[0] + 27*c[32] + 9*c[64] + 3*c[96] + c[128])
		}
		for i := range 16 {
			c := codes[160+i:]
			dst[32+i] = byte3(81*c[0] + 27*c[16] + 9*c[32] + 3*c[48] + c[64])
		}
		for i := range 4 {
			c := codes[240+i:]
			dst[48+i] = byte3(81*c[0] + 27*c[4] + 9*c[8] + 3*c[12] - 1)
		}
	}
}

// byte3 is the byte of five ternary digits whose number is 121+n.
func byte3(n int16) uint8 { return uint8((uint32(n+121)*256 + 242) / 243) }

// ternary rounds x over its largest magnitude, which it returns.
func ternary(codes *[256]int16, x []float32) float32 {
	d := abs32(extreme(x))
	id := inverse(d)
	for i, v := range x {
		codes[i] = 0
		// Past 2 are the infinities that an overflow of 1/d makes.
		if q := v * id; q >= 0.5 && q <= 2 {
			codes[i] = 1
		} else if q <= -0.5 && q >= -2 {
			codes[i] = -1
		}
	}
	return d
}
