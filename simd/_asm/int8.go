package main

import "strconv"

// mode is a variant of the 8-bit kernels, see int8Variant of package simd.
type mode struct {
	name   string
	sub    int  // weights per scale
	min    bool // offsets after the scales
	signed bool // AVX2: codes up to 255, to be taken as signed after subtracting 128
}

var modes = [...]mode{{"Min", 32, true, false}, {"Zero", 32, false, false}, {"Zero16", 16, false, false}, {"Full", 32, false, true}}

// head is the bytes before the codes of a block of the panel, block all of it.
func (m mode) head() int {
	if m.min {
		return 128
	}
	return 64
}

func (m mode) block() int { return m.head() + 16*m.sub }

const int8Comment = `// Registers: CX blocks left, SI R8 R9 R10 rows 0, 3, 6, 9 of X, R11 their stride,
// DI panel, DX Y, BX row stride of Y. The tiles below each other share the panel;
// the argument x moves from one to the next. The operands are laid out as
// int8Kernel describes.`

func int8VNNI() []byte {
	f := newFile(int8Comment)
	for _, m := range modes {
		for _, rows := range []int{12, 4, 1} {
			if !m.signed { // unsigned codes of 8 bits are as good as others
				f.kernelVNNI(m, rows)
			}
		}
	}
	return f.Bytes()
}

func int8AVX2() []byte {
	f := newFile(int8Comment)
	f.linef("\n// ones are sixteen int16 ones.\nDATA ones<>+0(SB)/8, $0x0001000100010001")
	for i := 1; i < 4; i++ {
		f.linef("DATA ones<>+%d(SB)/8, $0x0001000100010001", 8*i)
	}
	f.linef("GLOBL ones<>(SB), RODATA|NOPTR, $32\n\nDATA high<>+0(SB)/8, $0x8080808080808080")
	for i := 1; i < 4; i++ {
		f.linef("DATA high<>+%d(SB)/8, $0x8080808080808080", 8*i)
	}
	f.linef("GLOBL high<>(SB), RODATA|NOPTR, $32")
	for _, m := range modes {
		for _, rows := range []int{2, 1} {
			f.kernelAVX2(m, rows)
		}
	}
	return f.Bytes()
}

// int8Begin writes the head of a kernel up to its block loop.
func (f *file) int8Begin(m mode, rows int, tier string, reg byte, floats []int) {
	f.linef("\n// func int8%s%d%s(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)", m.name, rows, tier)
	f.linef("TEXT ·int8%s%d%s(SB), NOSPLIT, $0-56", m.name, rows, tier)
	f.opf("MOVQ stride+24(FP), R11")
	f.opf("MOVQ y+40(FP), DX")
	f.opf("MOVQ ldy+48(FP), BX")
	f.opf("SHLQ $2, BX")
	f.linef("tile:")
	f.opf("MOVQ panel+0(FP), DI")
	f.opf("MOVQ blocks+8(FP), CX")
	f.opf("MOVQ x+16(FP), SI")
	for i := 1; i < (rows+2)/3; i++ {
		f.opf("LEAQ (%s)(R11*2), %s", rowBase[i-1], rowBase[i])
		f.opf("ADDQ R11, %s", rowBase[i])
	}
	for _, r := range floats {
		f.opf("VXORPS %c%d, %c%d, %c%d", reg, r, reg, r, reg, r)
	}
	f.opf("PCALIGN $32")
	f.linef("loop:")
}

// int8Next ends the block loop.
func (f *file) int8Next(m mode, rows int) {
	for i := range (rows + 2) / 3 {
		f.opf("ADDQ $%d, %s", 8+m.sub, rowBase[i])
	}
	f.opf("ADDQ $%d, DI", m.block())
	f.opf("DECQ CX")
	f.opf("JNE  loop")
}

// int8End ends the tile loop after its stores.
func (f *file) int8End(rows int) {
	f.opf("MOVQ R11, R12")
	f.opf("IMULQ $%d, R12", rows)
	f.opf("ADDQ R12, x+16(FP)")
	f.opf("DECQ tiles+32(FP)")
	f.opf("JNE  tile")
	f.opf("VZEROUPPER")
	f.opf("RET")
}

// at is byte off of row r of X.
func at(r, off int) string {
	return strconv.Itoa(off) + "(" + rowBase[r/3] + ")" + [...]string{"", "(R11*1)", "(R11*2)"}[r%3]
}

// kernelVNNI sums codes in Z0 and up, outputs in Z12 and up.
func (f *file) kernelVNNI(m mode, rows int) {
	floats := make([]int, rows)
	for r := range floats {
		floats[r] = 12 + r
	}
	f.int8Begin(m, rows, "VNNI", 'Z', floats)
	f.opf("VMOVUPS (DI), Z24")
	if m.min {
		f.opf("VMOVUPS 64(DI), Z25")
	}
	for r := range rows {
		if m.min {
			f.opf("VPXORD Z%d, Z%d, Z%d", r, r, r)
		} else {
			f.opf("VPBROADCASTD %s, Z%d", at(r, 4), r)
		}
	}
	for d := range m.sub / 4 {
		w := 26 + d%2
		f.opf("VMOVDQU32 %d(DI), Z%d", m.head()+64*d, w)
		for r := range rows {
			f.opf("VPDPBUSD.BCST %s, Z%d, Z%d", at(r, 8+4*d), w, r)
		}
	}
	for r := range rows {
		t := 28 + r%4
		f.opf("VCVTDQ2PS Z%d, Z%d", r, r)
		f.opf("VMULPS.BCST %s, Z24, Z%d", at(r, 0), t)
		f.opf("VFMADD231PS Z%d, Z%d, Z%d", r, t, floats[r])
		if m.min {
			f.opf("VFMADD231PS.BCST %s, Z25, Z%d", at(r, 4), floats[r])
		}
	}
	f.int8Next(m, rows)
	for _, z := range floats {
		f.opf("VMOVUPS Z%d, (DX)", z)
		f.opf("ADDQ BX, DX")
	}
	f.int8End(rows)
}

// kernelAVX2 sums codes in Y0..Y3 and outputs in Y4..Y7, two registers a row.
// Sums of four products of codes up to 63 fit an int16, of signed codes those of
// two.
func (f *file) kernelAVX2(m mode, rows int) {
	floats := []int{4, 5, 6, 7}[:2*rows]
	f.int8Begin(m, rows, "AVX2", 'Y', floats)
	for r := range rows {
		switch {
		case m.min || m.signed:
			f.opf("VPXOR Y%d, Y%d, Y%d", 2*r, 2*r, 2*r)
		default:
			f.opf("VPBROADCASTD %s, Y%d", at(r, 4), 2*r)
		}
		f.opf("VMOVDQA Y%d, Y%d", 2*r, 2*r+1)
	}
	if m.signed {
		f.signedAVX2(m, rows)
	} else {
		f.unsignedAVX2(m, rows)
	}
	for h := range 2 {
		f.opf("VMOVUPS %d(DI), Y%d", 32*h, 8+h)
		if m.min {
			f.opf("VMOVUPS %d(DI), Y%d", 64+32*h, 10+h)
		}
	}
	for r := range rows {
		f.opf("VBROADCASTSS %s, Y12", at(r, 0))
		if m.min {
			f.opf("VBROADCASTSS %s, Y14", at(r, 4))
		}
		for h := range 2 {
			i := 2*r + h
			f.opf("VCVTDQ2PS Y%d, Y%d", i, i)
			f.opf("VMULPS Y12, Y%d, Y13", 8+h)
			f.opf("VFMADD231PS Y%d, Y13, Y%d", i, floats[i])
			if m.min {
				f.opf("VFMADD231PS Y14, Y%d, Y%d", 10+h, floats[i])
			}
		}
	}
	f.int8Next(m, rows)
	for i, y := range floats {
		f.opf("VMOVUPS Y%d, %d(DX)", y, i%2*32)
		if i%2 == 1 {
			f.opf("ADDQ BX, DX")
		}
	}
	f.int8End(rows)
}

func (f *file) unsignedAVX2(m mode, rows int) {
	for d := 0; d < m.sub/4; d += 2 {
		for h := range 4 {
			f.opf("VMOVDQU %d(DI), Y%d", m.head()+64*d+32*h, 8+h)
		}
		for r := range rows {
			f.opf("VPBROADCASTD %s, Y12", at(r, 8+4*d))
			f.opf("VPMADDUBSW Y12, Y8, Y13")
			f.opf("VPMADDUBSW Y12, Y9, Y14")
			f.opf("VPBROADCASTD %s, Y12", at(r, 12+4*d))
			f.opf("VPMADDUBSW Y12, Y10, Y15")
			f.opf("VPADDW Y15, Y13, Y13")
			f.opf("VPMADDUBSW Y12, Y11, Y15")
			f.opf("VPADDW Y15, Y14, Y14")
			f.addPairs(r)
		}
	}
}

// signedAVX2 multiplies |w| with x of the sign of w: |w| <= 128 is unsigned.
func (f *file) signedAVX2(m mode, rows int) {
	f.opf("VMOVDQU high<>(SB), Y15")
	for d := range m.sub / 4 {
		for h := range 2 {
			f.opf("VPXOR %d(DI), Y15, Y%d", m.head()+64*d+32*h, 8+h)
			f.opf("VPABSB Y%d, Y%d", 8+h, 10+h)
		}
		for r := range rows {
			f.opf("VPBROADCASTD %s, Y12", at(r, 8+4*d))
			f.opf("VPSIGNB Y8, Y12, Y13")
			f.opf("VPSIGNB Y9, Y12, Y14")
			f.opf("VPMADDUBSW Y13, Y10, Y13")
			f.opf("VPMADDUBSW Y14, Y11, Y14")
			f.addPairs(r)
		}
	}
}

// addPairs adds the sums of Y13 and Y14 to those of row r.
func (f *file) addPairs(r int) {
	for h := range 2 {
		f.opf("VPMADDWD ones<>(SB), Y%d, Y%d", 13+h, 13+h)
		f.opf("VPADDD Y%d, Y%d, Y%d", 13+h, 2*r+h, 2*r+h)
	}
}
