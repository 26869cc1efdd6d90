//go:build !purego

#include "textflag.h"

// func transpose8(dst *float32, dstLd int, src *float32, srcLd, k int)
// Eight rows by eight columns at a time: interleave pairs, quads, then halves.
TEXT ·transpose8(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ dstLd+8(FP), R8
	MOVQ src+16(FP), SI
	MOVQ srcLd+24(FP), R9
	MOVQ k+32(FP), CX
	SHLQ $2, R8
	SHLQ $2, R9
	LEAQ (R9)(R9*2), R10 // 3 rows of src
	LEAQ (SI)(R9*4), R11 // row 4 of src
	LEAQ (R8)(R8*2), R12 // 3 rows of dst

loop:
	VMOVUPS (SI), Y0
	VMOVUPS (SI)(R9*1), Y1
	VMOVUPS (SI)(R9*2), Y2
	VMOVUPS (SI)(R10*1), Y3
	VMOVUPS (R11), Y4
	VMOVUPS (R11)(R9*1), Y5
	VMOVUPS (R11)(R9*2), Y6
	VMOVUPS (R11)(R10*1), Y7

	VUNPCKLPS Y1, Y0, Y8
	VUNPCKHPS Y1, Y0, Y9
	VUNPCKLPS Y3, Y2, Y10
	VUNPCKHPS Y3, Y2, Y11
	VUNPCKLPS Y5, Y4, Y12
	VUNPCKHPS Y5, Y4, Y13
	VUNPCKLPS Y7, Y6, Y14
	VUNPCKHPS Y7, Y6, Y15

	VUNPCKLPD Y10, Y8, Y0  // column 0 and 4 of rows 0-3
	VUNPCKHPD Y10, Y8, Y1  // 1, 5
	VUNPCKLPD Y11, Y9, Y2  // 2, 6
	VUNPCKHPD Y11, Y9, Y3  // 3, 7
	VUNPCKLPD Y14, Y12, Y4 // the same of rows 4-7
	VUNPCKHPD Y14, Y12, Y5
	VUNPCKLPD Y15, Y13, Y6
	VUNPCKHPD Y15, Y13, Y7

	VINSERTF128 $1, X4, Y0, Y8
	VINSERTF128 $1, X5, Y1, Y9
	VINSERTF128 $1, X6, Y2, Y10
	VINSERTF128 $1, X7, Y3, Y11
	VPERM2F128  $0x31, Y4, Y0, Y12
	VPERM2F128  $0x31, Y5, Y1, Y13
	VPERM2F128  $0x31, Y6, Y2, Y14
	VPERM2F128  $0x31, Y7, Y3, Y15

	LEAQ (DI)(R8*4), DX
	VMOVUPS Y8, (DI)
	VMOVUPS Y9, (DI)(R8*1)
	VMOVUPS Y10, (DI)(R8*2)
	VMOVUPS Y11, (DI)(R12*1)
	VMOVUPS Y12, (DX)
	VMOVUPS Y13, (DX)(R8*1)
	VMOVUPS Y14, (DX)(R8*2)
	VMOVUPS Y15, (DX)(R12*1)

	ADDQ $32, SI
	ADDQ $32, R11
	LEAQ (DI)(R8*8), DI
	SUBQ $8, CX
	JNE  loop
	VZEROUPPER
	RET

// func copyRows32(dst, src *float32, srcLd, rows int)
TEXT ·copyRows32(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ srcLd+16(FP), R9
	MOVQ rows+24(FP), CX
	SHLQ $2, R9

loop:
	VMOVUPS (SI), Y0
	VMOVUPS 32(SI), Y1
	VMOVUPS 64(SI), Y2
	VMOVUPS 96(SI), Y3
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	VMOVUPS Y2, 64(DI)
	VMOVUPS Y3, 96(DI)
	ADDQ R9, SI
	ADDQ $128, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// func copyRows16(dst, src *float32, srcLd, rows int)
TEXT ·copyRows16(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ srcLd+16(FP), R9
	MOVQ rows+24(FP), CX
	SHLQ $2, R9

loop:
	VMOVUPS (SI), Y0
	VMOVUPS 32(SI), Y1
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	ADDQ R9, SI
	ADDQ $64, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// func copyRows12(dst, src *float32, srcLd, rows int)
TEXT ·copyRows12(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ srcLd+16(FP), R9
	MOVQ rows+24(FP), CX
	SHLQ $2, R9

loop:
	VMOVUPS (SI), Y0
	VMOVUPS 32(SI), X1
	VMOVUPS Y0, (DI)
	VMOVUPS X1, 32(DI)
	ADDQ R9, SI
	ADDQ $48, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// func copyRows6(dst, src *float32, srcLd, rows int)
TEXT ·copyRows6(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ srcLd+16(FP), R9
	MOVQ rows+24(FP), CX
	SHLQ $2, R9

loop:
	VMOVUPS (SI), X0
	VMOVSD 16(SI), X1
	VMOVUPS X0, (DI)
	VMOVSD X1, 16(DI)
	ADDQ R9, SI
	ADDQ $24, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET
