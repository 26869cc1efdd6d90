package main

// Registers of the NEON kernels: B in V0-V2, two columns of four rows of A in V3
// and V4, accumulators from V8 on, three of them to a row.
const (
	armB, armA, armAcc = 0, 3, 8
)

func arm64() []byte {
	f := newFile(`// Registers: R0 depth left, R1 A (columns of 8 or 4 rows, R3 bytes apart), R4 B,
// R5 its depth stride, R6 C, R7 its row stride, R8 whether to add to C, R10 tiles
// left, R11 A of the tile, R12 from there to that of the next.
//
// The Go assembler has no multiply-add by element and no vector addition of
// floats: those are words, with the instruction in the comment.`)
	for _, rows := range []int{8, 4} {
		f.kernelARM("", rows, (*file).fmlaElement)
	}
	return f.Bytes()
}

// lowARM64 are the same kernels on words of two bfloat16 numbers.
func lowARM64() []byte {
	f := newFile("// As gemm_arm64.s, a step being two values in a word.")
	for _, rows := range []int{8, 4} {
		f.kernelARM("BF16", rows, (*file).bfdotElement)
	}
	return f.Bytes()
}

// bfdotElement is BFDOT Vd.4S, Vn.8H, Vm.2H[lane]: d += the products of both halves of
// n with those of m[lane].
func (f *file) bfdotElement(d, n, m, lane int) {
	word := 0x4f40f000 | m<<16 | n<<5 | d | lane&1<<21 | lane>>1<<11
	f.opf("WORD $0x%08x // BFDOT V%d.S4, V%d.H8, V%d.H2[%d]", word, d, n, m, lane)
}

// fmlaElement is FMLA Vd.4S, Vn.4S, Vm.S[lane]: d += n * m[lane].
func (f *file) fmlaElement(d, n, m, lane int) {
	word := 0x4f801000 | m<<16 | n<<5 | d | lane&1<<21 | lane>>1<<11
	f.opf("WORD $0x%08x // FMLA V%d.S4, V%d.S4, V%d.S[%d]", word, d, n, m, lane)
}

// fadd is FADD Vd.4S, Vn.4S, Vm.4S.
func (f *file) fadd(d, n, m int) {
	f.opf("WORD $0x%08x // FADD V%d.S4, V%d.S4, V%d.S4", 0x4e20d400|m<<16|n<<5|d, d, n, m)
}

func (f *file) kernelARM(suffix string, rows int, multiply func(f *file, d, n, m, lane int)) {
	f.linef("\n// func gemm%dx12%s(k, tiles int, a *float32, aks, step int, b *float32, bks int, c *float32, ldc int, add bool)", rows, suffix)
	f.linef("TEXT ·gemm%dx12%s(SB), NOSPLIT, $0-73", rows, suffix)
	for _, arg := range [...]string{"tiles+8(FP), R10", "a+16(FP), R11", "aks+24(FP), R3", "step+32(FP), R12", "bks+48(FP), R5", "c+56(FP), R6", "ldc+64(FP), R7"} {
		f.opf("MOVD %s", arg)
	}
	f.opf("MOVBU add+72(FP), R8")
	for _, r := range [...]string{"R3", "R5", "R7", "R12"} {
		f.opf("LSL $2, %s, %s", r, r)
	}
	f.linef("tile:")
	f.opf("MOVD k+0(FP), R0")
	f.opf("MOVD R11, R1")
	f.opf("MOVD b+40(FP), R4")
	for i := range 3 * rows {
		f.opf("VEOR V%d.B16, V%d.B16, V%d.B16", armAcc+i, armAcc+i, armAcc+i)
	}
	f.opf("CBZ R0, done")
	f.opf("PCALIGN $16")
	f.linef("loop:")
	f.opf("VLD1 (R4), [V0.S4, V1.S4, V2.S4]")
	if rows == 8 {
		f.opf("VLD1 (R1), [V3.S4, V4.S4]")
	} else {
		f.opf("VLD1 (R1), [V3.S4]")
	}
	f.opf("ADD R5, R4, R4")
	f.opf("ADD R3, R1, R1")
	for r := range rows {
		for v := range 3 {
			multiply(f, armAcc+3*r+v, armB+v, armA+r/4, r%4)
		}
	}
	f.opf("SUBS $1, R0, R0")
	f.opf("BNE loop")
	f.storeARM(rows)
}

func (f *file) storeARM(rows int) {
	f.linef("done:")
	f.opf("CBZ R8, store")
	f.opf("MOVD R6, R9")
	for r := range rows {
		f.opf("VLD1 (R9), [V0.S4, V1.S4, V2.S4]")
		for v := range 3 {
			f.fadd(armAcc+3*r+v, armAcc+3*r+v, v)
		}
		f.opf("ADD R7, R9, R9")
	}
	f.linef("store:")
	for r := range rows {
		d := armAcc + 3*r
		f.opf("VST1 [V%d.S4, V%d.S4, V%d.S4], (R6)", d, d+1, d+2)
		f.opf("ADD R7, R6, R6")
	}
	f.opf("ADD R12, R11, R11")
	f.opf("SUBS $1, R10, R10")
	f.opf("BNE tile")
	f.opf("RET")
}
