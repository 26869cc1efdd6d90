//go:build !purego

#include "textflag.h"
#include "dequant_amd64.h"

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

// SUB_Q5K: the 32 weights of sub-block j to off(DI), from the nibbles in dwords of
// ql and qh. Their high bits are bit j of Z30 and Z31; op by sh moves it to bit 4.
// The table of all 32 values is Z4 and Z5.
#define SUB_Q5K(j, ql, qh, op, sh, off) \
	VBROADCASTSS (4*j)(SP), Z4; \
	VMOVAPS Z4, Z5; \
	VFMSUB213PS.BCST (4*j+32)(SP), Z16, Z4; \
	VFMSUB213PS.BCST (4*j+32)(SP), Z17, Z5; \
	op $sh, Z30, Z6; \
	op $sh, Z31, Z7; \
	VPTERNLOGD $0xe4, Z18, ql, Z6; \
	VPTERNLOGD $0xe4, Z18, qh, Z7; \
	VPERMI2PS Z5, Z4, Z6; \
	VPERMI2PS Z5, Z4, Z7; \
	VMOVUPS Z6, (off)(DI); \
	VMOVUPS Z7, (off+64)(DI)

// PAIR_Q5K: sub-blocks 2i and 2i+1, which share 32 bytes.
#define PAIR_Q5K(i, op0, sh0, op1, sh1) \
	VPMOVZXBD (32*i+48)(SI), Z20; \
	VPMOVZXBD (32*i+64)(SI), Z21; \
	VPSRLD $4, Z20, Z22; \
	VPSRLD $4, Z21, Z23; \
	SUB_Q5K((2*i), Z20, Z21, op0, sh0, 256*i); \
	SUB_Q5K((2*i+1), Z22, Z23, op1, sh1, 256*i+128)

// func dequantQ5KAVX512(dst *float32, src *byte, n int)
TEXT ·dequantQ5KAVX512(SB), NOSPLIT, $64-24
	ARGS
	VMOVUPS ·codeFloats+64(SB), Z16
	VMOVUPS ·codeFloats+128(SB), Z17
	MOVL $16, AX
	VPBROADCASTD AX, Z18
loop:
	FRAME_Q4K
	VPMOVZXBD 16(SI), Z30
	VPMOVZXBD 32(SI), Z31
	PAIR_Q5K(0, VPSLLD, 4, VPSLLD, 3)
	PAIR_Q5K(1, VPSLLD, 2, VPSLLD, 1)
	PAIR_Q5K(2, VPSLLD, 0, VPSRLD, 1)
	PAIR_Q5K(3, VPSRLD, 2, VPSRLD, 3)
	ADDQ $176, SI
	ADDQ $1024, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// SUB_Q2K: the 16 weights of sub-block k from bits sh and sh+1 of the dwords of q.
// The table in Z4 repeats the four values, so that other bits do not matter.
#define SUB_Q2K(k, q, sh) \
	VBROADCASTSS (4*k)(SP), Z4; \
	VFMSUB213PS.BCST (4*k+64)(SP), Z16, Z4; \
	VPSRLD $sh, q, Z5; \
	VPERMPS Z4, Z5, Z5; \
	VMOVUPS Z5, (64*k)(DI)

// HALF_Q2K: sub-blocks k..k+7 from 32 bytes at q.
#define HALF_Q2K(k, q) \
	VPMOVZXBD (q)(SI), Z20; \
	VPMOVZXBD (q+16)(SI), Z21; \
	SUB_Q2K((k), Z20, 0); \
	SUB_Q2K((k+1), Z21, 0); \
	SUB_Q2K((k+2), Z20, 2); \
	SUB_Q2K((k+3), Z21, 2); \
	SUB_Q2K((k+4), Z20, 4); \
	SUB_Q2K((k+5), Z21, 4); \
	SUB_Q2K((k+6), Z20, 6); \
	SUB_Q2K((k+7), Z21, 6)

// func dequantQ2KAVX512(dst *float32, src *byte, n int)
TEXT ·dequantQ2KAVX512(SB), NOSPLIT, $128-24
	ARGS
	VBROADCASTF32X4 ·codeFloats+64(SB), Z16 // 0..3, repeated
	MOVL $15, AX
	VPBROADCASTD AX, Z17
loop:
	HALF(80, Y0, Z0)
	HALF(82, Y1, Z1)
	VPMOVZXBD (SI), Z2
	VPSRLD $4, Z2, Z3
	VPANDD Z17, Z2, Z2
	VCVTDQ2PS Z2, Z2
	VCVTDQ2PS Z3, Z3
	VMULPS Z2, Z0, Z0
	VMULPS Z3, Z1, Z1
	VMOVUPS Z0, 0(SP)               // d*sc
	VMOVUPS Z1, 64(SP)              // dmin*mn
	HALF_Q2K(0, 16)
	HALF_Q2K(8, 48)
	ADDQ $84, SI
	ADDQ $1024, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// SUB_Q3K: the 16 weights of sub-block k: bits sh and sh+1 of q below the bit of
// h that op by hs moves to bit 2.
#define SUB_Q3K(k, q, sh, h, op, hs) \
	VMULPS.BCST (4*k)(SP), Z16, Z4; \
	VPSRLD $sh, q, Z5; \
	op $hs, h, Z6; \
	VPTERNLOGD $0xe4, Z17, Z5, Z6; \
	VPERMPS Z4, Z6, Z6; \
	VMOVUPS Z6, (64*k)(DI)

#define PAIR_Q3K(k, sh, op, hs) \
	SUB_Q3K((k), Z20, sh, Z30, op, hs); \
	SUB_Q3K((k+1), Z21, sh, Z31, op, hs)

// func dequantQ3KAVX512(dst *float32, src *byte, n int)
TEXT ·dequantQ3KAVX512(SB), NOSPLIT, $64-24
	ARGS
	CONSTS_Q3K
	VBROADCASTF32X8 ·codeFloats+48(SB), Z16 // -4..3, repeated
	MOVL $4, AX
	VPBROADCASTD AX, Z17
loop:
	SCALES_Q3K
	HALF(108, Y0, Z0)
	VPMOVSXBD X2, Z2
	VCVTDQ2PS Z2, Z2
	VMULPS Z2, Z0, Z0
	VMOVUPS Z0, 0(SP)               // d*sc
	VPMOVZXBD (SI), Z30
	VPMOVZXBD 16(SI), Z31
	VPMOVZXBD 32(SI), Z20
	VPMOVZXBD 48(SI), Z21
	PAIR_Q3K(0, 0, VPSLLD, 2)
	PAIR_Q3K(2, 2, VPSLLD, 1)
	PAIR_Q3K(4, 4, VPSLLD, 0)
	PAIR_Q3K(6, 6, VPSRLD, 1)
	VPMOVZXBD 64(SI), Z20
	VPMOVZXBD 80(SI), Z21
	PAIR_Q3K(8, 0, VPSRLD, 2)
	PAIR_Q3K(10, 2, VPSRLD, 3)
	PAIR_Q3K(12, 4, VPSRLD, 4)
	PAIR_Q3K(14, 6, VPSRLD, 5)
	ADDQ $110, SI
	ADDQ $1024, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// SUB_IQ4XS: the 32 weights of sub-block i.
#define SUB_IQ4XS(i) \
	VMULPS.BCST (4*i)(SP), Z16, Z4; \
	VPMOVZXBD (16*i+8)(SI), Z5; \
	VPSRLD $4, Z5, Z6; \
	VPERMPS Z4, Z5, Z5; \
	VPERMPS Z4, Z6, Z6; \
	VMOVUPS Z5, (128*i)(DI); \
	VMOVUPS Z6, (128*i+64)(DI)

// func dequantIQ4XSAVX512(dst *float32, src *byte, n int)
TEXT ·dequantIQ4XSAVX512(SB), NOSPLIT, $32-24
	ARGS
	CONSTS_IQ4XS
	VMOVUPS ·iq4Floats+0(SB), Z16
loop:
	FRAME_IQ4XS
	SUB_IQ4XS(0)
	SUB_IQ4XS(1)
	SUB_IQ4XS(2)
	SUB_IQ4XS(3)
	SUB_IQ4XS(4)
	SUB_IQ4XS(5)
	SUB_IQ4XS(6)
	SUB_IQ4XS(7)
	ADDQ $136, SI
	ADDQ $1024, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET
