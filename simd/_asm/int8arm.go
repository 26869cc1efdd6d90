package main

// armWay is how a set of NEON kernels multiplies codes.
type armWay struct {
	name string
	rows []int
	sums func(f *file, m mode, rows int) // the sums of one block, to armSum and up
	full bool                            // codes up to 255 are multiplied as they are
}

var armWays = [...]armWay{
	{"NEON", []int{1}, (*file).sumsNEON, false},
	{"DotProd", []int{4, 1}, (*file).sumsDotProd, false},
	{"I8MM", []int{4}, (*file).sumsI8MM, true},
}

// armSum is the first register of sums: four for each row, a column to each lane.
const armSum = 8

const int8ARMComment = `// Registers: R0 blocks left, R1 panel, R2 to R5 rows of X, R6 Y, R7 its row stride,
// R8 that of X, R10 tiles left. The sums of a block are in V8 and up, four registers
// to a row; outputs are kept in Y. The operands are laid out as int8Kernel describes.
//
// Of vector integers and floats the Go assembler has few instructions: words stand
// for the others, with the instruction in the comment.`

func int8ARM64() []byte {
	f := newFile(int8ARMComment)
	for _, w := range armWays {
		for _, m := range modes {
			for _, rows := range w.rows {
				f.kernelInt8ARM(&w, m, rows)
			}
		}
	}
	return f.Bytes()
}

// word3 is an instruction with three vector registers.
func (f *file) word3(op int, name string, d, n, m int) {
	f.opf("WORD $0x%08x // %s V%d, V%d, V%d", op|m<<16|n<<5|d, name, d, n, m)
}

// word2 is one with two.
func (f *file) word2(op int, name string, d, n int) {
	f.opf("WORD $0x%08x // %s V%d, V%d", op|n<<5|d, name, d, n)
}

// element is one whose last operand is a 32-bit lane.
func (f *file) element(op int, name string, d, n, m, lane int) {
	f.opf("WORD $0x%08x // %s V%d, V%d, V%d[%d]", op|m<<16|n<<5|d|lane&1<<21|lane>>1<<11, name, d, n, m, lane)
}

func (f *file) kernelInt8ARM(w *armWay, m mode, rows int) {
	f.linef("\n// func int8%s%d%s(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)", m.name, rows, w.name)
	f.linef("TEXT ·int8%s%d%s(SB), NOSPLIT, $0-56", m.name, rows, w.name)
	f.opf("MOVD x+16(FP), R11")
	f.opf("MOVD stride+24(FP), R8")
	f.opf("MOVD tiles+32(FP), R10")
	f.opf("MOVD y+40(FP), R6")
	f.opf("MOVD ldy+48(FP), R7")
	f.opf("LSL $2, R7, R7")
	f.linef("tile:")
	f.opf("MOVD panel+0(FP), R1")
	f.opf("MOVD blocks+8(FP), R0")
	f.opf("MOVD R6, R9")
	for r := range 4 {
		f.opf("VEOR V%d.B16, V%d.B16, V%d.B16", r, r, r)
	}
	for r := range rows {
		f.opf("MOVD R11, R%d", 2+r)
		f.opf("ADD R8, R11, R11")
		f.opf("VST1 [V0.S4, V1.S4, V2.S4, V3.S4], (R9)")
		f.opf("ADD R7, R9, R9")
	}
	f.linef("loop:")
	f.opf("MOVD R1, R12")
	f.opf("ADD $%d, R1, R1", m.head())
	w.sums(f, m, rows)
	f.weighInt8ARM(m, rows, m.signed && !w.full)
	for r := range rows {
		f.opf("ADD $%d, R%d, R%d", 8+m.sub, 2+r, 2+r)
	}
	f.opf("SUBS $1, R0, R0")
	f.opf("BNE loop")
	f.opf("MOVD R9, R6")
	f.opf("SUBS $1, R10, R10")
	f.opf("BNE tile")
	f.opf("RET")
}

// weighInt8ARM adds the sums times scales to the outputs. centered: the sums are of
// codes less their zero.
func (f *file) weighInt8ARM(m mode, rows int, centered bool) {
	f.opf("VLD1.P 64(R12), [V24.S4, V25.S4, V26.S4, V27.S4]")
	if m.min {
		f.opf("VLD1 (R12), [V28.S4, V29.S4, V30.S4, V31.S4]")
	}
	f.opf("MOVD R6, R9")
	for r := range rows {
		f.opf("VLD1 (R9), [V4.S4, V5.S4, V6.S4, V7.S4]")
		f.opf("FMOVD (R%d), F0", 2+r)
		if !m.min && !centered {
			f.opf("VDUP V0.S[1], V2.S4")
		}
		for i := range 4 {
			sum := armSum + 4*r + i
			if !m.min && !centered {
				f.opf("VADD V2.S4, V%d.S4, V%d.S4", sum, sum)
			}
			f.word2(0x4e21d800, "SCVTF.S4", sum, sum)
			f.element(0x4f809000, "FMUL.S4", 1, 24+i, 0, 0)
			f.opf("VFMLA V1.S4, V%d.S4, V%d.S4", sum, 4+i)
			if m.min {
				f.element(0x4f801000, "FMLA.S4", 4+i, 28+i, 0, 1)
			}
		}
		f.opf("VST1 [V4.S4, V5.S4, V6.S4, V7.S4], (R9)")
		f.opf("ADD R7, R9, R9")
	}
}

func (f *file) clearARM(n int) {
	for i := range n {
		f.opf("VEOR V%d.B16, V%d.B16, V%d.B16", armSum+i, armSum+i, armSum+i)
	}
}

// panelARM loads the codes of four depths, less 128 where that makes them signed.
func (f *file) panelARM(m mode) {
	f.opf("VLD1.P 64(R1), [V0.B16, V1.B16, V2.B16, V3.B16]")
	if m.signed {
		for c := range 4 {
			f.opf("VEOR V31.B16, V%d.B16, V%d.B16", c, c)
		}
	}
}

// highARM makes V31 what panelARM subtracts.
func (f *file) highARM(m mode) {
	if m.signed {
		f.opf("VMOVI $128, V31.B16")
	}
}

func (f *file) sumsDotProd(m mode, rows int) {
	f.clearARM(4 * rows)
	f.highARM(m)
	for half := range m.sub / 16 {
		for r := range rows {
			f.opf("FMOVQ %d(R%d), F%d", 8+16*half, 2+r, 4+r)
		}
		for g := range 4 {
			f.panelARM(m)
			for r := range rows {
				for c := range 4 {
					f.element(0x4f80e000, "SDOT.S4", armSum+4*r+c, c, 4+r, g)
				}
			}
		}
	}
}

// sumsNEON has two sums of 16-bit products for each column, of neighbouring depths.
func (f *file) sumsNEON(m mode, _ int) {
	f.clearARM(8)
	f.highARM(m)
	for half := range m.sub / 16 {
		f.opf("FMOVQ %d(R2), F4", 8+16*half)
		for g := range 4 {
			f.panelARM(m)
			f.opf("VDUP V4.S[%d], V5.S4", g)
			for c := range 4 {
				f.word3(0x0e20c000, "SMULL.H8", 6, c, 5)
				f.word3(0x4e20c000, "SMULL2.H8", 7, c, 5)
				f.word2(0x4e606800, "SADALP.S4", armSum+2*c, 6)
				f.word2(0x4e606800, "SADALP.S4", armSum+2*c+1, 7)
			}
		}
	}
	for c := range 4 {
		f.opf("VADDP V%d.S4, V%d.S4, V%d.S4", armSum+2*c+1, armSum+2*c, armSum+c)
	}
}

// sumsI8MM multiplies two columns with two rows at once, eight depths each.
func (f *file) sumsI8MM(m mode, rows int) {
	f.clearARM(4 * rows)
	for g := range m.sub / 8 {
		f.opf("VLD1.P 64(R1), [V0.S4, V1.S4, V2.S4, V3.S4]")
		f.opf("VLD1.P 64(R1), [V4.S4, V5.S4, V6.S4, V7.S4]")
		for c := range 4 {
			f.opf("VZIP1 V%d.S4, V%d.S4, V%d.S4", 4+c, c, 24+2*c)
			f.opf("VZIP2 V%d.S4, V%d.S4, V%d.S4", 4+c, c, 25+2*c)
		}
		for pair := range rows / 2 {
			f.opf("FMOVD %d(R%d), F0", 8+8*g, 2+2*pair)
			f.opf("FMOVD %d(R%d), F1", 8+8*g, 3+2*pair)
			f.opf("VMOV V1.D[0], V0.D[1]")
			for c := range 8 {
				f.word3(0x4e80ac00, "USMMLA.S4", armSum+8*pair+c, 24+c, 0)
			}
		}
	}
	// From column, row to row, column.
	for pair := range rows / 2 {
		first := armSum + 8*pair
		for c := range 4 {
			f.opf("VUZP1 V%d.S4, V%d.S4, V%d.S4", first+2*c+1, first+2*c, c)
			f.opf("VUZP2 V%d.S4, V%d.S4, V%d.S4", first+2*c+1, first+2*c, 4+c)
		}
		for c := range 8 {
			f.opf("VMOV V%d.B16, V%d.B16", c, first+c)
		}
	}
}
