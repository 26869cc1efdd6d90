//go:build !purego

#include "textflag.h"

// Functions of this file round blocks of a row of X, as quantizeGeneric does. AVX2
// only. SI walks x, DI dst, CX counts blocks, R8 is -zero, 0 for offsets.

DATA magnitude<>+0(SB)/4, $0x7fffffff
GLOBL magnitude<>(SB), RODATA|NOPTR, $4
DATA top127<>+0(SB)/4, $0x42fe0000
GLOBL top127<>(SB), RODATA|NOPTR, $4
DATA quiet<>+0(SB)/4, $0x7fc00000
GLOBL quiet<>(SB), RODATA|NOPTR, $4
DATA order<>+0(SB)/8, $0x0000000400000000
DATA order<>+8(SB)/8, $0x0000000500000001
DATA order<>+16(SB)/8, $0x0000000600000002
DATA order<>+24(SB)/8, $0x0000000700000003
GLOBL order<>(SB), RODATA|NOPTR, $32

#define ARGS \
	MOVQ dst+0(FP), DI; \
	MOVQ x+8(FP), SI; \
	MOVQ blocks+16(FP), CX; \
	MOVQ zero+24(FP), R8; \
	NEGQ R8; \
	VPBROADCASTD magnitude<>(SB), Y15; \
	VMOVSS top127<>(SB), X14; \
	VMOVDQU order<>(SB), Y13

// TOP: AX = the largest of the lanes of Y4 as unsigned; X4 holds it as float. The
// block is zeroed unless AX is a magnitude to divide by.
#define TOP \
	VEXTRACTI128 $1, Y4, X5; \
	VPMAXUD X5, X4, X4; \
	VPSHUFD $0x4E, X4, X5; \
	VPMAXUD X5, X4, X4; \
	VPSHUFD $0xB1, X4, X5; \
	VPMAXUD X5, X4, X4; \
	VMOVD X4, AX; \
	CMPL AX, $0x7f800000; \
	JCC  notfinite; \
	CMPL AX, $0x04000000; \
	JCS  zero; \
	VDIVSS X14, X4, X5; \
	VMOVSS X5, (DI); \
	VDIVSS X4, X14, X4; \
	VBROADCASTSS X4, Y4

// FINISH: R9 = the sum of the lanes of Y6 goes to dst in the form that R8 asks for.
#define FINISH \
	VEXTRACTI128 $1, Y6, X7; \
	VPADDD X7, X6, X6; \
	VPSHUFD $0x4E, X6, X7; \
	VPADDD X7, X6, X6; \
	VPSHUFD $0xB1, X6, X7; \
	VPADDD X7, X6, X6; \
	TESTQ R8, R8; \
	JEQ  scaled; \
	VMOVD X6, R9; \
	IMULL R8, R9; \
	MOVL R9, 4(DI); \
	JMP  next; \
scaled: \
	VCVTDQ2PS X6, X6; \
	VMULSS X5, X6, X6; \
	VMOVSS X6, 4(DI)

#define ROUND(off, y) \
	VMULPS off(SI), Y4, y; \
	VCVTPS2DQ y, y

// func quantize32AVX2(dst *byte, x *float32, blocks, zero int)
TEXT ·quantize32AVX2(SB), NOSPLIT, $0-32
	ARGS
loop:
	VPAND (SI), Y15, Y0
	VPAND 32(SI), Y15, Y1
	VPAND 64(SI), Y15, Y2
	VPAND 96(SI), Y15, Y3
	VPMAXUD Y1, Y0, Y0
	VPMAXUD Y3, Y2, Y2
	VPMAXUD Y2, Y0, Y4
	TOP
	ROUND(0, Y0)
	ROUND(32, Y1)
	ROUND(64, Y2)
	ROUND(96, Y3)
	VPADDD Y1, Y0, Y6
	VPADDD Y3, Y2, Y7
	VPADDD Y7, Y6, Y6
	VPACKSSDW Y1, Y0, Y0
	VPACKSSDW Y3, Y2, Y2
	VPACKSSWB Y2, Y0, Y0
	VPERMD Y0, Y13, Y0
	VMOVDQU Y0, 8(DI)
	FINISH
next:
	ADDQ $128, SI
	ADDQ $40, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET
notfinite:
	VMOVSS quiet<>(SB), X5
	JMP  empty
zero:
	VXORPS X5, X5, X5
empty:
	VMOVSS X5, (DI)
	VXORPS Y0, Y0, Y0
	VMOVUPS Y0, 8(DI)
	VPXOR Y6, Y6, Y6
	MOVL $0, 4(DI)
	TESTQ R8, R8
	JNE  next
	VMULSS X5, X6, X6
	VMOVSS X6, 4(DI)
	JMP  next

// func quantize16AVX2(dst *byte, x *float32, blocks, zero int)
TEXT ·quantize16AVX2(SB), NOSPLIT, $0-32
	ARGS
loop:
	VPAND (SI), Y15, Y0
	VPAND 32(SI), Y15, Y1
	VPMAXUD Y1, Y0, Y4
	TOP
	ROUND(0, Y0)
	ROUND(32, Y1)
	VPADDD Y1, Y0, Y6
	VPACKSSDW Y1, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPACKSSWB X1, X0, X0
	VPSHUFD $0xD8, X0, X0
	VMOVDQU X0, 8(DI)
	FINISH
next:
	ADDQ $64, SI
	ADDQ $24, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET
notfinite:
	VMOVSS quiet<>(SB), X5
	JMP  empty
zero:
	VXORPS X5, X5, X5
empty:
	VMOVSS X5, (DI)
	VXORPS X0, X0, X0
	VMOVUPS X0, 8(DI)
	VPXOR X6, X6, X6
	MOVL $0, 4(DI)
	TESTQ R8, R8
	JNE  next
	VMULSS X5, X6, X6
	VMOVSS X6, 4(DI)
	JMP  next
