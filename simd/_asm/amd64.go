package main

import "strconv"

// shape is a microkernel's tile: rows broadcast operands against two vectors.
type shape struct {
	rows, width int    // width in floats per vector: 8 (Y registers) or 16 (Z)
	reg         byte   // 'Y' or 'Z'
	suffix      string // of the name, for the format of the operands
	step        func(*file, shape)
}

// rowBase holds the address of rows 0, 3, 6 and 9; rows between are reached by
// the index register R11 (row stride) scaled by 1 and 2.
var rowBase = [...]string{"SI", "R8", "R9", "R10"}

func amd64() []byte {
	f := newFile(`// Registers: CX depth left, SI R8 R9 R10 rows 0, 3, 6, 9 of A, R11 row stride,
// R13 depth stride of A, DI B, R12 depth stride of B, DX C, BX row stride of C,
// AX whether to add to C. All strides in bytes. The tiles below each other share
// B; the argument a moves from one to the next.`)
	for _, rows := range []int{12, 8, 4, 1} {
		f.kernelX86(shape{rows, 16, 'Z', "", (*file).stepX86})
	}
	for _, rows := range []int{6, 4, 2, 1} {
		f.kernelX86(shape{rows, 8, 'Y', "", (*file).stepX86})
	}
	return f.Bytes()
}

// lowAMD64 writes the kernels of lower precision: the same tiles with another step.
func lowAMD64() []byte {
	f := newFile(`// Registers as in gemm_amd64.s. Strides count words of 32 bits: two bfloat16, or
// of 32 int16 a float32 scale and 16 words.`)
	f.linef("#include \"evex_amd64.h\"")
	for _, rows := range []int{12, 8, 4, 1} {
		f.kernelX86(shape{rows, 16, 'Z', "BF16", (*file).stepBF16})
	}
	for _, rows := range []int{6, 4, 2, 1} {
		f.kernelX86(shape{rows, 16, 'Z', "Int16", (*file).stepInt16})
	}
	return f.Bytes()
}

// kernelX86 writes one microkernel: accumulators first, then the two vectors of
// B, then the broadcast registers in rotation. It computes a column of tiles: a
// call for each cost 3 % of a product.
func (f *file) kernelX86(s shape) {
	f.linef("\n// func gemm%dx%d%s(k, tiles int, a *float32, ars, aks, step int, b *float32, bks int, c *float32, ldc int, add bool)", s.rows, 2*s.width, s.suffix)
	f.linef("TEXT ·gemm%dx%d%s(SB), NOSPLIT, $0-81", s.rows, 2*s.width, s.suffix)
	for _, arg := range [...]string{"ars+24(FP), R11", "aks+32(FP), R13", "bks+56(FP), R12", "c+64(FP), DX", "ldc+72(FP), BX", "step+40(FP), R14"} {
		f.opf("MOVQ %s", arg)
	}
	f.opf("MOVBLZX add+80(FP), AX")
	for _, r := range [...]string{"R11", "R13", "R12", "BX", "R14"} {
		f.opf("SHLQ $2, %s", r)
	}
	f.opf("MOVQ R14, step+40(FP)")
	f.linef("tile:")
	f.opf("MOVQ k+0(FP), CX")
	f.opf("MOVQ a+16(FP), SI")
	f.opf("MOVQ b+48(FP), DI")
	bases := (s.rows + 2) / 3
	for i := 1; i < bases; i++ {
		f.opf("LEAQ (%s)(R11*2), %s", rowBase[i-1], rowBase[i])
		f.opf("ADDQ R11, %s", rowBase[i])
	}
	f.opf("MOVQ DX, R14")
	for r := range s.rows { // C is needed last and comes from far: fetch it behind the loop
		f.opf("PREFETCHT0 (R14)")
		if s.reg == 'Z' {
			f.opf("PREFETCHT0 64(R14)")
		}
		if r < s.rows-1 {
			f.opf("ADDQ BX, R14")
		}
	}
	for i := range 2 * s.rows {
		f.opf("VXORPS %c%d, %c%d, %c%d", s.reg, i, s.reg, i, s.reg, i)
	}
	f.opf("TESTQ CX, CX")
	f.opf("JE   done")
	f.opf("PCALIGN $32")
	f.linef("loop:")
	s.step(f, s)
	for i := range bases {
		f.opf("ADDQ R13, %s", rowBase[i])
	}
	f.opf("ADDQ R12, DI")
	f.opf("DECQ CX")
	f.opf("JNE  loop")
	f.storeX86(s)
}

// stepX86 is one step in depth: load two vectors, broadcast each row once.
func (f *file) stepX86(s shape) {
	b := 2 * s.rows
	regs := 16
	if s.reg == 'Z' {
		regs = 32
	}
	f.opf("VMOVUPS (DI), %c%d", s.reg, b)
	f.opf("VMOVUPS %d(DI), %c%d", 4*s.width, s.reg, b+1)
	for r := range s.rows {
		x := b + 2 + r%(regs-b-2)
		f.opf("VBROADCASTSS %s, %c%d", rowAt(r, 0), s.reg, x)
		for h := range 2 {
			f.opf("VFMADD231PS %c%d, %c%d, %c%d", s.reg, b+h, s.reg, x, s.reg, 2*r+h)
		}
	}
}

// rowAt is the operand at a byte offset from row r of A.
func rowAt(r, offset int) string {
	at := ""
	if offset != 0 {
		at = strconv.Itoa(offset)
	}
	return at + "(" + rowBase[r/3] + ")" + [...]string{"", "(R11*1)", "(R11*2)"}[r%3]
}

// stepBF16 is stepX86 with two products to a word.
func (f *file) stepBF16(s shape) {
	b := 2 * s.rows
	f.opf("VMOVUPS (DI), Z%d", b)
	f.opf("VMOVUPS 64(DI), Z%d", b+1)
	for r := range s.rows {
		x := b + 2 + r%(30-b)
		f.opf("VBROADCASTSS %s, Z%d", rowAt(r, 0), x)
		for h := range 2 {
			f.opf("VDPBF16PS(%d, %d, %d)", b+h, x, 2*r+h)
		}
	}
}

// stepInt16 multiplies 32 values in depth as integers, in accumulators of their
// own, and adds the sums times the scale of the row and those of the columns.
func (f *file) stepInt16(s shape) {
	sum, b := 2*s.rows, 4*s.rows
	broadcasts := 30 - b
	for i := range 2 * s.rows {
		f.opf("VPXORD Z%d, Z%d, Z%d", sum+i, sum+i, sum+i)
	}
	for w := 1; w <= 16; w++ {
		f.opf("VMOVUPS %d(DI), Z%d", 128*w, b)
		f.opf("VMOVUPS %d(DI), Z%d", 128*w+64, b+1)
		for r := range s.rows {
			x := b + 2 + r%broadcasts
			f.opf("VPBROADCASTD %s, Z%d", rowAt(r, 4*w), x)
			for h := range 2 {
				f.opf("VPDPWSSD Z%d, Z%d, Z%d", b+h, x, sum+2*r+h)
			}
		}
	}
	f.opf("VMOVUPS (DI), Z%d", b)
	f.opf("VMOVUPS 64(DI), Z%d", b+1)
	for r := range s.rows {
		x := b + 2 + r%broadcasts
		f.opf("VBROADCASTSS %s, Z%d", rowAt(r, 0), x)
		for h := range 2 {
			i := sum + 2*r + h
			f.opf("VCVTDQ2PS Z%d, Z%d", i, i)
			f.opf("VMULPS Z%d, Z%d, Z%d", b+h, i, i)
			f.opf("VFMADD231PS Z%d, Z%d, Z%d", x, i, 2*r+h)
		}
	}
}

func (f *file) storeX86(s shape) {
	f.linef("done:")
	f.opf("TESTL AX, AX")
	f.opf("JE   store")
	f.opf("MOVQ DX, R14")
	for r := range s.rows {
		f.opf("VADDPS (R14), %c%d, %c%d", s.reg, 2*r, s.reg, 2*r)
		f.opf("VADDPS %d(R14), %c%d, %c%d", 4*s.width, s.reg, 2*r+1, s.reg, 2*r+1)
		f.opf("ADDQ BX, R14")
	}
	f.linef("store:")
	for r := range s.rows {
		f.opf("VMOVUPS %c%d, (DX)", s.reg, 2*r)
		f.opf("VMOVUPS %c%d, %d(DX)", s.reg, 2*r+1, 4*s.width)
		f.opf("ADDQ BX, DX")
	}
	f.opf("MOVQ step+40(FP), R14")
	f.opf("ADDQ R14, a+16(FP)")
	f.opf("DECQ tiles+8(FP)")
	f.opf("JNE  tile")
	f.opf("VZEROUPPER")
	f.opf("RET")
}
