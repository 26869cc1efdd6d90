//go:build !purego

#include "textflag.h"
#include "dequant_amd64.h"

// Types of few levels: ternary, one-bit and two-bit codes and 4-bit floats. As in
// dequant_avx2_amd64.s codes become bytes of the frame, then floats times a scale.

// PAIRS(shift, at, out): the two bits at shift of the 32 bytes Y5, less 1, times Y0.
// Y15 is 3, Y14 is 1 in every byte.
#define PAIRS(shift, at, out) \
	VPSRLW $shift, Y5, Y2; \
	VPAND Y15, Y2, Y2; \
	VPSUBB Y14, Y2, Y2; \
	VMOVDQU Y2, at(SP); \
	OUT32(at, Y0, out)

// func dequantTQ2_0AVX2(dst *float32, src *byte, n int)
TEXT ·dequantTQ2_0AVX2(SB), NOSPLIT, $128-24
	ARGS
	DWORDS($0x03030303, X15, Y15)
	DWORDS($0x01010101, X14, Y14)
loop:
	HALF(64, X0, Y0)
	VMOVDQU (SI), Y5
	PAIRS(0, 0, 0)
	PAIRS(2, 32, 128)
	PAIRS(4, 64, 256)
	PAIRS(6, 96, 384)
	VMOVDQU 32(SI), Y5
	PAIRS(0, 0, 512)
	PAIRS(2, 32, 640)
	PAIRS(4, 64, 768)
	PAIRS(6, 96, 896)
	ADDQ $66, SI
	ADDQ $1024, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// TRIT(at): the first ternary digit of the bytes Y5, less 1, to the frame, and Y5
// moved to the next. The digit is 3*byte/256: 1 from 86 on, 2 from 171. Y15 is 86,
// Y14 171, Y13 -1 in every byte.
#define TRIT(at) \
	VPMAXUB Y5, Y15, Y2; \
	VPMAXUB Y5, Y14, Y3; \
	VPCMPEQB Y5, Y2, Y2; \
	VPCMPEQB Y5, Y3, Y3; \
	VPSUBB Y2, Y13, Y2; \
	VPSUBB Y3, Y2, Y2; \
	VMOVDQU Y2, at(SP); \
	VPADDB Y5, Y5, Y4; \
	VPADDB Y4, Y5, Y5

// func dequantTQ1_0AVX2(dst *float32, src *byte, n int)
TEXT ·dequantTQ1_0AVX2(SB), NOSPLIT, $288-24
	ARGS
	DWORDS($0x56565656, X15, Y15)
	DWORDS($0xabababab, X14, Y14)
	VPCMPEQD Y13, Y13, Y13
loop:
	HALF(52, X0, Y0)
	VMOVDQU (SI), Y5                // five digits of 32 bytes
	TRIT(0)
	TRIT(32)
	TRIT(64)
	TRIT(96)
	TRIT(128)
	VMOVDQU 32(SI), X5              // five digits of 16 bytes, half of each store is overwritten
	TRIT(160)
	TRIT(176)
	TRIT(192)
	TRIT(208)
	TRIT(224)
	VMOVD 48(SI), X5                // four digits of 4 bytes
	TRIT(240)
	TRIT(244)
	TRIT(248)
	TRIT(252)
	OUT32(0, Y0, 0)
	OUT32(32, Y0, 128)
	OUT32(64, Y0, 256)
	OUT32(96, Y0, 384)
	OUT32(128, Y0, 512)
	OUT32(160, Y0, 640)
	OUT32(192, Y0, 768)
	OUT32(224, Y0, 896)
	ADDQ $54, SI
	ADDQ $1024, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// func dequantMXFP4AVX2(dst *float32, src *byte, n int)
TEXT ·dequantMXFP4AVX2(SB), NOSPLIT, $32-24
	ARGS
	DWORDS($0x0f0f0f0f, X15, Y15)
	VBROADCASTI128 ·fp4Codes+0(SB), Y14
loop:
	// The scale is 2^(e-128), below the least normal number for e = 0 and 1.
	MOVBLZX (SI), AX
	LEAL -1(AX), BX
	SHLL $23, BX
	MOVL $0x00200000, DX
	CMPL AX, $1
	JA   normal
	JNE  scale
	ADDL DX, DX
scale:
	MOVL DX, BX
normal:
	VMOVD BX, X0
	VBROADCASTSS X0, Y0
	VMOVDQU 1(SI), X2
	VPSRLW $4, X2, X3
	VINSERTI128 $1, X3, Y2, Y2
	VPAND Y15, Y2, Y2
	VPSHUFB Y2, Y14, Y2
	VMOVDQU Y2, 0(SP)
	OUT32(0, Y0, 0)
	ADDQ $17, SI
	ADDQ $128, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// UE4M3(in, y): y = half the 8-bit float at in, from the table at R8.
#define UE4M3(in, y) \
	MOVBLZX in(SI), AX; \
	VBROADCASTSS (R8)(AX*4), y

// func dequantNVFP4AVX2(dst *float32, src *byte, n int)
TEXT ·dequantNVFP4AVX2(SB), NOSPLIT, $64-24
	ARGS
	DWORDS($0x0f0f0f0f, X15, Y15)
	VBROADCASTI128 ·fp4Codes+0(SB), Y14
	LEAQ ·ue4m3Halves+0(SB), R8
loop:
	VMOVDQU 4(SI), Y2
	VPSRLW $4, Y2, Y3
	VPAND Y15, Y2, Y2
	VPAND Y15, Y3, Y3
	VPUNPCKLQDQ Y3, Y2, Y4          // both halves of the bytes of runs 0 and 2
	VPUNPCKHQDQ Y3, Y2, Y5          // of runs 1 and 3
	VPSHUFB Y4, Y14, Y4
	VPSHUFB Y5, Y14, Y5
	VMOVDQU Y4, 0(SP)
	VMOVDQU Y5, 32(SP)
	UE4M3(0, Y0)
	UE4M3(1, Y1)
	UE4M3(2, Y6)
	UE4M3(3, Y7)
	OUT16(0, Y0, 0)
	OUT16(32, Y1, 64)
	OUT16(16, Y6, 128)
	OUT16(48, Y7, 192)
	ADDQ $36, SI
	ADDQ $256, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// BITS32(in, out): 32 bits at in: Y0 where one is set, -Y0 where not. Y15 is bit i%8
// in byte i, Y14 bitSpread, Y13 2 and Y12 1 in every byte.
#define BITS32(in, out) \
	VPBROADCASTD in(SI), Y2; \
	VPSHUFB Y14, Y2, Y2; \
	VPAND Y15, Y2, Y2; \
	VPCMPEQB Y15, Y2, Y2; \
	VPAND Y13, Y2, Y2; \
	VPSUBB Y12, Y2, Y2; \
	VMOVDQU Y2, 0(SP); \
	OUT32(0, Y0, out)

// func dequantQ1_0AVX2(dst *float32, src *byte, n int)
TEXT ·dequantQ1_0AVX2(SB), NOSPLIT, $32-24
	ARGS
	MOVQ $0x8040201008040201, AX
	VMOVQ AX, X15
	VPBROADCASTQ X15, Y15
	VMOVDQU ·bitSpread+0(SB), Y14
	DWORDS($0x02020202, X13, Y13)
	DWORDS($0x01010101, X12, Y12)
loop:
	HALF(0, X0, Y0)
	BITS32(2, 0)
	BITS32(6, 128)
	BITS32(10, 256)
	BITS32(14, 384)
	ADDQ $18, SI
	ADDQ $512, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// FOURS(in, out): four codes in each of 8 bytes, less 1, times Y0: a byte b in a
// dword becomes b, b>>2, b>>4, b>>6 by shifts to the left. Y15 is 3, Y14 1 in every
// byte.
#define FOURS(in, at, out) \
	VPMOVZXBD in(SI), Y2; \
	VPSLLD $6, Y2, Y3; \
	VPOR Y3, Y2, Y2; \
	VPSLLD $12, Y2, Y3; \
	VPOR Y3, Y2, Y2; \
	VPAND Y15, Y2, Y2; \
	VPSUBB Y14, Y2, Y2; \
	VMOVDQU Y2, at(SP); \
	OUT32(at, Y0, out)

// func dequantQ2_0AVX2(dst *float32, src *byte, n int)
TEXT ·dequantQ2_0AVX2(SB), NOSPLIT, $64-24
	ARGS
	DWORDS($0x03030303, X15, Y15)
	DWORDS($0x01010101, X14, Y14)
loop:
	HALF(0, X0, Y0)
	FOURS(2, 0, 0)
	FOURS(10, 32, 128)
	ADDQ $18, SI
	ADDQ $256, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET
