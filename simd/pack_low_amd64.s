//go:build !purego

#include "textflag.h"
#include "evex_amd64.h"

// The order of 32-bit pairs: word i of the lower half below word i of the upper.
DATA bf16Pair<>+0(SB)/8, $0x0011000100100000
DATA bf16Pair<>+8(SB)/8, $0x0013000300120002
DATA bf16Pair<>+16(SB)/8, $0x0015000500140004
DATA bf16Pair<>+24(SB)/8, $0x0017000700160006
DATA bf16Pair<>+32(SB)/8, $0x0019000900180008
DATA bf16Pair<>+40(SB)/8, $0x001b000b001a000a
DATA bf16Pair<>+48(SB)/8, $0x001d000d001c000c
DATA bf16Pair<>+56(SB)/8, $0x001f000f001e000e
GLOBL bf16Pair<>(SB), RODATA|NOPTR, $64

// MASK(n, k): the low n bits of k, n below 64; clobbers R8 and moves CX.
#define MASK(n, k) \
	MOVQ  n, CX; \
	MOVQ  $1, R8; \
	SHLQ  CX, R8; \
	DECQ  R8; \
	KMOVQ R8, k

// func bf16Row(dst, src *float32, n int)
// Writes n bfloat16, and a zero to fill the last word. dst may begin where src does.
TEXT ·bf16Row(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), DX
	SUBQ $32, DX
	JLT  tail
	PCALIGN $32

loop:
	VMOVUPS (SI), Z0
	VMOVUPS 64(SI), Z1
	VCVTNE2PS2BF16(0, 1, 2)
	VMOVUPS Z2, (DI)
	ADDQ $128, SI
	ADDQ $64, DI
	SUBQ $32, DX
	JGE  loop

tail:
	ADDQ $32, DX
	JE   end
	MASK(DX, K1)
	KSHIFTRQ $16, K1, K2
	VMOVUPS.Z (SI), K1, Z0
	VMOVUPS.Z 64(SI), K2, Z1
	VCVTNE2PS2BF16(0, 1, 2)
	INCQ DX
	ANDQ $~1, DX
	MASK(DX, K1)
	VMOVDQU16 Z2, K1, (DI)

end:
	VZEROUPPER
	RET

// func bf16Pairs(dst, r0, r1 *float32, n int)
// Writes n words; r1 may be nil for zeros.
TEXT ·bf16Pairs(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ r0+8(FP), SI
	MOVQ r1+16(FP), R9
	MOVQ n+24(FP), DX
	VMOVDQU64 bf16Pair<>(SB), Z31
	MOVQ $-1, R10
	TESTQ R9, R9
	JNE  both
	XORQ R10, R10
	MOVQ SI, R9 // not read

both:
	KMOVW R10, K3
	SUBQ $16, DX
	JLT  tail
	PCALIGN $32

loop:
	VMOVUPS (SI), Z0
	VMOVUPS.Z (R9), K3, Z1
	VCVTNE2PS2BF16(0, 1, 2)
	VPERMW Z2, Z31, Z2
	VMOVUPS Z2, (DI)
	ADDQ $64, SI
	ADDQ $64, R9
	ADDQ $64, DI
	SUBQ $16, DX
	JGE  loop

tail:
	ADDQ $16, DX
	JE   end
	MASK(DX, K1)
	KANDW K1, K3, K3
	VMOVUPS.Z (SI), K1, Z0
	VMOVUPS.Z (R9), K3, Z1
	VCVTNE2PS2BF16(0, 1, 2)
	VPERMW Z2, Z31, Z2
	VMOVUPS Z2, K1, (DI)

end:
	VZEROUPPER
	RET

// func int16Row(dst, src *float32, blocks int, limits *[4]float32)
// Per block of 32: the scale, then the codes in 16 words. limits are the largest
// code, its reciprocal and the least magnitude that counts. Magnitudes are compared
// as integers, in which Inf and NaN are the largest. dst may begin where src does:
// a block is read before its words, which lie no further, are written.
TEXT ·int16Row(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ blocks+16(FP), CX
	MOVQ limits+24(FP), DX
	VMOVSS (DX), X16
	VMOVSS 4(DX), X17
	VMOVSS 8(DX), X18
	VPTERNLOGD $0xff, Z19, Z19, Z19
	VPSRLD $1, Z19, Z19 // all bits but the sign
	PCALIGN $32

loop:
	VMOVUPS (SI), Z0
	VMOVUPS 64(SI), Z1
	VPANDD Z19, Z0, Z2
	VPANDD Z19, Z1, Z3
	VPMAXUD Z3, Z2, Z2
	VEXTRACTI64X4 $1, Z2, Y3
	VPMAXUD Y3, Y2, Y2
	VEXTRACTI128 $1, Y2, X3
	VPMAXUD X3, X2, X2
	VPSHUFD $0x4e, X2, X3
	VPMAXUD X3, X2, X2
	VPSHUFD $0xb1, X2, X3
	VPMAXUD X3, X2, X2
	VCMPSS $5, X18, X2, K1 // not below the least
	VMULSS X17, X2, X4
	VDIVSS.Z X2, X16, K1, X3
	VMOVSS X4, (DI)
	VBROADCASTSS X3, Z3
	VMULPS Z3, Z0, Z0
	VMULPS Z3, Z1, Z1
	VCVTPS2DQ Z0, Z0
	VCVTPS2DQ Z1, Z1
	VPMOVDW Z0, 4(DI)
	VPMOVDW Z1, 36(DI)
	ADDQ $128, SI
	ADDQ $68, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET
