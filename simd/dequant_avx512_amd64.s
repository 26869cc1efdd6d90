//go:build !purego

#include "textflag.h"

// All functions: SI walks src, DI dst, CX counts blocks. Scales are read by a
// broadcast of two bytes, never more, so that the last block may end at the end
// of a mapping. Small codes go through a table of all values of the block, made by
// one multiplication, in which VPERMPS looks up 16 codes at once; it ignores the
// bits above the lane number, so nibbles need no mask.

#define ARGS \
	MOVQ dst+0(FP), DI; \
	MOVQ src+8(FP), SI; \
	MOVQ n+16(FP), CX

// HALF(off, y, z): z = the float16 at off(SI) in all lanes.
#define HALF(off, y, z) \
	VPBROADCASTW off(SI), y; \
	VCVTPH2PS y, z

// func dequantQ4_1AVX512(dst *float32, src *byte, n int)
TEXT ·dequantQ4_1AVX512(SB), NOSPLIT, $0-24
	ARGS
	VMOVUPS ·codeFloats+64(SB), Z16 // 0..15
	PCALIGN $32
loop:
	HALF(0, Y0, Z0)
	HALF(2, Y1, Z1)
	VPMOVZXBD 4(SI), Z2
	VFMADD132PS Z16, Z1, Z0         // the block's values: d*c + m
	VPSRLD $4, Z2, Z3
	VPERMPS Z0, Z2, Z4
	VPERMPS Z0, Z3, Z5
	VMOVUPS Z4, (DI)
	VMOVUPS Z5, 64(DI)
	ADDQ $20, SI
	ADDQ $128, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// func dequantQ5_0AVX512(dst *float32, src *byte, n int)
TEXT ·dequantQ5_0AVX512(SB), NOSPLIT, $0-24
	ARGS
	VMOVUPS ·codeFloats+0(SB), Z16  // -16..-1, fifth bit clear
	VMOVUPS ·codeFloats+64(SB), Z17 // 0..15, fifth bit set
	PCALIGN $32
loop:
	HALF(0, Y0, Z0)
	KMOVW 2(SI), K1
	KMOVW 4(SI), K2
	VPMOVZXBD 6(SI), Z2
	VMULPS Z17, Z0, Z1
	VMULPS Z16, Z0, Z0
	VPSRLD $4, Z2, Z3
	VPERMPS Z0, Z2, Z4
	VPERMPS Z0, Z3, Z5
	VPERMPS Z1, Z2, K1, Z4
	VPERMPS Z1, Z3, K2, Z5
	VMOVUPS Z4, (DI)
	VMOVUPS Z5, 64(DI)
	ADDQ $22, SI
	ADDQ $128, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// func dequantQ8_0AVX512(dst *float32, src *byte, n int)
TEXT ·dequantQ8_0AVX512(SB), NOSPLIT, $0-24
	ARGS
	PCALIGN $32
loop:
	HALF(0, Y0, Z0)
	VPMOVSXBD 2(SI), Z1
	VPMOVSXBD 18(SI), Z2
	VCVTDQ2PS Z1, Z1
	VCVTDQ2PS Z2, Z2
	VMULPS Z0, Z1, Z1
	VMULPS Z0, Z2, Z2
	VMOVUPS Z1, (DI)
	VMOVUPS Z2, 64(DI)
	ADDQ $34, SI
	ADDQ $128, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// SCALES_Q4K: R8 = the eight 6-bit scales as bytes, R9 = the eight minimums.
// Bytes 0..3 of the field hold scales 0..3 in their low 6 bits, bytes 4..7
// minimums 0..3; bytes 8..11 hold the low nibbles of scales 4..7 (low) and
// minimums 4..7 (high), whose upper bits are the top bits of bytes 0..7.
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

// PAIR_Q4K: 64 weights from 32 bytes at off; their scales and minimums are lanes
// a and b of Z0 and Z1.
#define PAIR_Q4K(off, a, b) \
	VPMOVZXBD (16+off)(SI), Z2; \
	VPMOVZXBD (32+off)(SI), Z3; \
	VPERMPS Z0, a, Z4; \
	VPERMPS Z1, a, Z5; \
	VPERMPS Z0, b, Z6; \
	VPERMPS Z1, b, Z7; \
	VFMSUB132PS Z16, Z5, Z4; \
	VFMSUB132PS Z16, Z7, Z6; \
	VPSRLD $4, Z2, Z8; \
	VPSRLD $4, Z3, Z9; \
	VPERMPS Z4, Z2, Z2; \
	VPERMPS Z4, Z3, Z3; \
	VPERMPS Z6, Z8, Z8; \
	VPERMPS Z6, Z9, Z9; \
	VMOVUPS Z2, (8*off)(DI); \
	VMOVUPS Z3, (8*off+64)(DI); \
	VMOVUPS Z8, (8*off+128)(DI); \
	VMOVUPS Z9, (8*off+192)(DI)

// func dequantQ4KAVX512(dst *float32, src *byte, n int)
TEXT ·dequantQ4KAVX512(SB), NOSPLIT, $0-24
	ARGS
	VMOVUPS ·codeFloats+64(SB), Z16 // 0..15
	VPBROADCASTD ·laneNumbers+0(SB), Z17
	VPBROADCASTD ·laneNumbers+4(SB), Z18
	VPBROADCASTD ·laneNumbers+8(SB), Z19
	VPBROADCASTD ·laneNumbers+12(SB), Z20
	VPBROADCASTD ·laneNumbers+16(SB), Z21
	VPBROADCASTD ·laneNumbers+20(SB), Z22
	VPBROADCASTD ·laneNumbers+24(SB), Z23
	VPBROADCASTD ·laneNumbers+28(SB), Z24
loop:
	SCALES_Q4K
	VMOVQ R8, X2
	VMOVQ R9, X3
	HALF(0, Y0, Z0)
	HALF(2, Y1, Z1)
	VPMOVZXBD X2, Z2
	VPMOVZXBD X3, Z3
	VCVTDQ2PS Z2, Z2
	VCVTDQ2PS Z3, Z3
	VMULPS Z2, Z0, Z0               // d*sc in lanes 0..7
	VMULPS Z3, Z1, Z1               // dmin*mn
	PAIR_Q4K(0, Z17, Z18)
	PAIR_Q4K(32, Z19, Z20)
	PAIR_Q4K(64, Z21, Z22)
	PAIR_Q4K(96, Z23, Z24)
	ADDQ $144, SI
	ADDQ $1024, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// OUT_Q6K: the 32 codes in the bytes of y, with x its low half, become floats
// times lanes a and b of Z0, at off.
#define OUT_Q6K(y, x, a, b, off) \
	VPMOVSXBD x, Z10; \
	VEXTRACTI128 $1, y, X11; \
	VPMOVSXBD X11, Z11; \
	VPERMPS Z0, a, Z12; \
	VPERMPS Z0, b, Z13; \
	VCVTDQ2PS Z10, Z10; \
	VCVTDQ2PS Z11, Z11; \
	VMULPS Z12, Z10, Z10; \
	VMULPS Z13, Z11, Z11; \
	VMOVUPS Z10, (off)(DI); \
	VMOVUPS Z11, (off+64)(DI)

// HALF_Q6K: 128 weights: nibbles at ql, high bits at qh, scale lanes s0..s7. Y14
// is 0x0f, Y15 0x30, Y8 32 in every byte.
#define HALF_Q6K(ql, qh, off, s0, s1, s2, s3, s4, s5, s6, s7) \
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
	VPSUBB Y8, Y4, Y4; \
	VPSUBB Y8, Y5, Y5; \
	VPSUBB Y8, Y6, Y6; \
	VPSUBB Y8, Y7, Y7; \
	OUT_Q6K(Y4, X4, s0, s1, off); \
	OUT_Q6K(Y5, X5, s2, s3, off+128); \
	OUT_Q6K(Y6, X6, s4, s5, off+256); \
	OUT_Q6K(Y7, X7, s6, s7, off+384)

// func dequantQ6KAVX512(dst *float32, src *byte, n int)
TEXT ·dequantQ6KAVX512(SB), NOSPLIT, $0-24
	ARGS
	MOVL $0x0f0f0f0f, AX
	VPBROADCASTD AX, Y14
	MOVL $0x30303030, AX
	VPBROADCASTD AX, Y15
	MOVL $0x20202020, AX
	VPBROADCASTD AX, Y8
	VPBROADCASTD ·laneNumbers+0(SB), Z16
	VPBROADCASTD ·laneNumbers+4(SB), Z17
	VPBROADCASTD ·laneNumbers+8(SB), Z18
	VPBROADCASTD ·laneNumbers+12(SB), Z19
	VPBROADCASTD ·laneNumbers+16(SB), Z20
	VPBROADCASTD ·laneNumbers+20(SB), Z21
	VPBROADCASTD ·laneNumbers+24(SB), Z22
	VPBROADCASTD ·laneNumbers+28(SB), Z23
	VPBROADCASTD ·laneNumbers+32(SB), Z24
	VPBROADCASTD ·laneNumbers+36(SB), Z25
	VPBROADCASTD ·laneNumbers+40(SB), Z26
	VPBROADCASTD ·laneNumbers+44(SB), Z27
	VPBROADCASTD ·laneNumbers+48(SB), Z28
	VPBROADCASTD ·laneNumbers+52(SB), Z29
	VPBROADCASTD ·laneNumbers+56(SB), Z30
	VPBROADCASTD ·laneNumbers+60(SB), Z31
loop:
	VPMOVSXBD 192(SI), Z1
	HALF(208, Y0, Z0)
	VCVTDQ2PS Z1, Z1
	VMULPS Z1, Z0, Z0               // d*sc
	HALF_Q6K(0, 128, 0, Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23)
	HALF_Q6K(64, 160, 512, Z24, Z25, Z26, Z27, Z28, Z29, Z30, Z31)
	ADDQ $210, SI
	ADDQ $1024, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET
