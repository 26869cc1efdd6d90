//go:build !purego

#include "textflag.h"

// All functions: SI walks src, DI dst, CX counts blocks. No load reaches beyond a
// block, so that the last one may end at the end of a mapping.

#define ARGS \
	MOVQ dst+0(FP), DI; \
	MOVQ src+8(FP), SI; \
	MOVQ n+16(FP), CX

// HALF(off, x, y): y = the float16 at off(SI) in all lanes.
#define HALF(off, x, y) \
	VPBROADCASTW off(SI), x; \
	VCVTPH2PS x, y

// DWORDS(v, x, y): y = the 32-bit v in all lanes.
#define DWORDS(v, x, y) \
	MOVL v, AX; \
	VMOVD AX, x; \
	VPBROADCASTD x, y

// OUT_Q6K: the 8 codes at in of the frame times the scale in y, to out.
#define OUT_Q6K(in, y, out) \
	VPMOVSXBD (in)(SP), Y10; \
	VCVTDQ2PS Y10, Y10; \
	VMULPS y, Y10, Y10; \
	VMOVUPS Y10, (out)(DI)

// RUN_Q6K: the 32 codes at in of the frame, scales s and s+1 of the frame.
#define RUN_Q6K(in, s, out) \
	VBROADCASTSS (4*(s))(SP), Y11; \
	VBROADCASTSS (4*(s)+4)(SP), Y12; \
	OUT_Q6K(in, Y11, out); \
	OUT_Q6K(in+8, Y11, out+32); \
	OUT_Q6K(in+16, Y12, out+64); \
	OUT_Q6K(in+24, Y12, out+96)

// HALF_Q6K: 128 weights: nibbles at ql, high bits at qh, scales from s on. The
// codes go through the frame, because widening reads bytes from the low end.
#define HALF_Q6K(ql, qh, s, out) \
	VMOVDQU ql(SI), Y1; \
	VMOVDQU (ql+32)(SI), Y2; \
	VMOVDQU qh(SI), Y3; \
	VPSLLW $4, Y3, Y4; \
	VPSLLW $2, Y3, Y5; \
	VPSRLW $2, Y3, Y7; \
	VPAND Y15, Y4, Y4; \
	VPAND Y15, Y5, Y5; \
	VPAND Y15, Y3, Y6; \
	VPAND Y15, Y7, Y7; \
	VPAND Y14, Y1, Y3; \
	VPOR Y3, Y4, Y4; \
	VPAND Y14, Y2, Y3; \
	VPOR Y3, Y5, Y5; \
	VPSRLW $4, Y1, Y1; \
	VPSRLW $4, Y2, Y2; \
	VPAND Y14, Y1, Y1; \
	VPAND Y14, Y2, Y2; \
	VPOR Y1, Y6, Y6; \
	VPOR Y2, Y7, Y7; \
	VPSUBB Y13, Y4, Y4; \
	VPSUBB Y13, Y5, Y5; \
	VPSUBB Y13, Y6, Y6; \
	VPSUBB Y13, Y7, Y7; \
	VMOVDQU Y4, 64(SP); \
	VMOVDQU Y5, 96(SP); \
	VMOVDQU Y6, 128(SP); \
	VMOVDQU Y7, 160(SP); \
	RUN_Q6K(64, s, out); \
	RUN_Q6K(96, s+2, out+128); \
	RUN_Q6K(128, s+4, out+256); \
	RUN_Q6K(160, s+6, out+384)

// func dequantQ6KAVX2(dst *float32, src *byte, n int)
TEXT ·dequantQ6KAVX2(SB), NOSPLIT, $192-24
	ARGS
	DWORDS($0x0f0f0f0f, X14, Y14)
	DWORDS($0x30303030, X15, Y15)
	DWORDS($0x20202020, X13, Y13)
loop:
	HALF(208, X0, Y0)
	VPMOVSXBD 192(SI), Y1
	VPMOVSXBD 200(SI), Y2
	VCVTDQ2PS Y1, Y1
	VCVTDQ2PS Y2, Y2
	VMULPS Y1, Y0, Y1
	VMULPS Y2, Y0, Y2
	VMOVUPS Y1, 0(SP)
	VMOVUPS Y2, 32(SP)
	HALF_Q6K(0, 128, 0, 0)
	HALF_Q6K(64, 160, 8, 512)
	ADDQ $210, SI
	ADDQ $1024, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// NIB_Q41: 8 bytes at in hold weights lo/4.. in their low nibbles and lo/4+16..
// in the high ones; w = d*c + m.
#define NIB_Q41(in, out) \
	VPMOVZXBD in(SI), Y2; \
	VPSRLD $4, Y2, Y3; \
	VPAND Y15, Y2, Y2; \
	VCVTDQ2PS Y2, Y2; \
	VCVTDQ2PS Y3, Y3; \
	VFMADD213PS Y1, Y0, Y2; \
	VFMADD213PS Y1, Y0, Y3; \
	VMOVUPS Y2, out(DI); \
	VMOVUPS Y3, (64+out)(DI)

// func dequantQ4_1AVX2(dst *float32, src *byte, n int)
TEXT ·dequantQ4_1AVX2(SB), NOSPLIT, $0-24
	ARGS
	DWORDS($15, X15, Y15)
loop:
	HALF(0, X0, Y0)
	HALF(2, X1, Y1)
	NIB_Q41(4, 0)
	NIB_Q41(12, 32)
	ADDQ $20, SI
	ADDQ $128, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// FIFTH_Q50: subtracts 16 from codes y whose bit of Y1, chosen by mask, is clear.
#define FIFTH_Q50(y, mask) \
	VPAND mask, Y1, Y4; \
	VPCMPEQD mask, Y4, Y4; \
	VPANDN Y14, Y4, Y4; \
	VPSUBD Y4, y, y

#define NIB_Q50(in, out, lo, hi) \
	VPMOVZXBD in(SI), Y2; \
	VPSRLD $4, Y2, Y3; \
	VPAND Y15, Y2, Y2; \
	FIFTH_Q50(Y2, lo); \
	FIFTH_Q50(Y3, hi); \
	VCVTDQ2PS Y2, Y2; \
	VCVTDQ2PS Y3, Y3; \
	VMULPS Y0, Y2, Y2; \
	VMULPS Y0, Y3, Y3; \
	VMOVUPS Y2, out(DI); \
	VMOVUPS Y3, (64+out)(DI)

// func dequantQ5_0AVX2(dst *float32, src *byte, n int)
TEXT ·dequantQ5_0AVX2(SB), NOSPLIT, $0-24
	ARGS
	DWORDS($15, X15, Y15)
	DWORDS($16, X14, Y14)
	DWORDS($1, X13, Y13)
	VPSLLVD ·laneNumbers+0(SB), Y13, Y10 // bits 0..7
	VPSLLD $8, Y10, Y11
	VPSLLD $16, Y10, Y12
	VPSLLD $24, Y10, Y13
loop:
	HALF(0, X0, Y0)
	VPBROADCASTD 2(SI), Y1
	NIB_Q50(6, 0, Y10, Y12)
	NIB_Q50(14, 32, Y11, Y13)
	ADDQ $22, SI
	ADDQ $128, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

#define BYTES_Q80(in, out, y) \
	VPMOVSXBD in(SI), y; \
	VCVTDQ2PS y, y; \
	VMULPS Y0, y, y; \
	VMOVUPS y, out(DI)

// func dequantQ8_0AVX2(dst *float32, src *byte, n int)
TEXT ·dequantQ8_0AVX2(SB), NOSPLIT, $0-24
	ARGS
loop:
	HALF(0, X0, Y0)
	BYTES_Q80(2, 0, Y1)
	BYTES_Q80(10, 32, Y2)
	BYTES_Q80(18, 64, Y3)
	BYTES_Q80(26, 96, Y4)
	ADDQ $34, SI
	ADDQ $128, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// SCALES_Q4K: R8 = the eight 6-bit scales as bytes, R9 = the eight minimums; the
// layout is explained in dequant_avx512_amd64.s.
#define SCALES_Q4K \
	MOVL 4(SI), R8; \
	MOVL 8(SI), R9; \
	MOVL 12(SI), R10; \
	MOVL R8, R11; \
	SHRL $2, R11; \
	ANDL $0x30303030, R11; \
	MOVL R10, R12; \
	ANDL $0x0f0f0f0f, R12; \
	ORL  R12, R11; \
	ANDL $0x3f3f3f3f, R8; \
	SHLQ $32, R11; \
	ORQ  R11, R8; \
	MOVL R9, R11; \
	SHRL $2, R11; \
	ANDL $0x30303030, R11; \
	SHRL $4, R10; \
	ANDL $0x0f0f0f0f, R10; \
	ORL  R10, R11; \
	ANDL $0x3f3f3f3f, R9; \
	SHLQ $32, R11; \
	ORQ  R11, R9

// NIB_Q4K: 8 bytes at in; scales in Y4 and Y6, minimums in Y5 and Y7.
#define NIB_Q4K(in, out) \
	VPMOVZXBD (in)(SI), Y2; \
	VPSRLD $4, Y2, Y3; \
	VPAND Y15, Y2, Y2; \
	VCVTDQ2PS Y2, Y2; \
	VCVTDQ2PS Y3, Y3; \
	VFMSUB213PS Y5, Y4, Y2; \
	VFMSUB213PS Y7, Y6, Y3; \
	VMOVUPS Y2, (out)(DI); \
	VMOVUPS Y3, (128+out)(DI)

// PAIR_Q4K: weights 64i..64i+63; the frame holds 8 scales and 8 minimums.
#define PAIR_Q4K(i) \
	VBROADCASTSS (8*i)(SP), Y4; \
	VBROADCASTSS (8*i+32)(SP), Y5; \
	VBROADCASTSS (8*i+4)(SP), Y6; \
	VBROADCASTSS (8*i+36)(SP), Y7; \
	NIB_Q4K(32*i+16, 256*i); \
	NIB_Q4K(32*i+24, 256*i+32); \
	NIB_Q4K(32*i+32, 256*i+64); \
	NIB_Q4K(32*i+40, 256*i+96)

// func dequantQ4KAVX2(dst *float32, src *byte, n int)
TEXT ·dequantQ4KAVX2(SB), NOSPLIT, $64-24
	ARGS
	DWORDS($15, X15, Y15)
loop:
	SCALES_Q4K
	VMOVQ R8, X2
	VMOVQ R9, X3
	HALF(0, X0, Y0)
	HALF(2, X1, Y1)
	VPMOVZXBD X2, Y2
	VPMOVZXBD X3, Y3
	VCVTDQ2PS Y2, Y2
	VCVTDQ2PS Y3, Y3
	VMULPS Y2, Y0, Y0
	VMULPS Y3, Y1, Y1
	VMOVUPS Y0, 0(SP)
	VMOVUPS Y1, 32(SP)
	PAIR_Q4K(0)
	PAIR_Q4K(1)
	PAIR_Q4K(2)
	PAIR_Q4K(3)
	ADDQ $144, SI
	ADDQ $1024, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET
