//go:build !purego

#include "textflag.h"
#include "dequant_amd64.h"

// RUN_Q6K: the 32 codes at in of the frame, scales s and s+1 of the frame.
#define RUN_Q6K(in, s, out) \
	VBROADCASTSS (4*(s))(SP), Y11; \
	VBROADCASTSS (4*(s)+4)(SP), Y12; \
	OUT16(in, Y11, out); \
	OUT16(in+16, Y12, out+64)

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

// SUB_Q5K: the 32 weights of sub-block j, from nibbles in the bytes of q and their
// high bits, which op by sh moves from bit j of Y8 to bit 4; Y14 is 0x10 and Y15
// 0x0f in every byte.
#define SUB_Q5K(j, q, op, sh, off) \
	op $sh, Y8, Y3; \
	VPAND Y14, Y3, Y3; \
	VPAND Y15, q, Y2; \
	VPOR Y3, Y2, Y2; \
	VMOVDQU Y2, (64+off/4)(SP); \
	VBROADCASTSS (4*j)(SP), Y4; \
	VBROADCASTSS (4*j+32)(SP), Y5; \
	OUTM32(64+off/4, Y4, Y5, off)

// PAIR_Q5K: sub-blocks 2i and 2i+1, which share 32 bytes.
#define PAIR_Q5K(i, op0, sh0, op1, sh1) \
	VMOVDQU (32*i+48)(SI), Y6; \
	VPSRLW $4, Y6, Y7; \
	SUB_Q5K((2*i), Y6, op0, sh0, (256*i)); \
	SUB_Q5K((2*i+1), Y7, op1, sh1, (256*i+128))

// func dequantQ5KAVX2(dst *float32, src *byte, n int)
TEXT ·dequantQ5KAVX2(SB), NOSPLIT, $320-24
	ARGS
	DWORDS($0x0f0f0f0f, X15, Y15)
	DWORDS($0x10101010, X14, Y14)
loop:
	FRAME_Q4K
	VMOVDQU 16(SI), Y8
	PAIR_Q5K(0, VPSLLW, 4, VPSLLW, 3)
	PAIR_Q5K(1, VPSLLW, 2, VPSLLW, 1)
	PAIR_Q5K(2, VPSLLW, 0, VPSRLW, 1)
	PAIR_Q5K(3, VPSRLW, 2, VPSRLW, 3)
	ADDQ $176, SI
	ADDQ $1024, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// SUB_Q2K: sub-blocks k and k+1 from bits sh and sh+1 of the bytes of Y6; Y15 is 3
// in every byte.
#define SUB_Q2K(k, sh) \
	VPSRLW $sh, Y6, Y2; \
	VPAND Y15, Y2, Y2; \
	VMOVDQU Y2, (128+16*k)(SP); \
	VBROADCASTSS (4*k)(SP), Y4; \
	VBROADCASTSS (4*k+64)(SP), Y5; \
	OUTM16(128+16*k, Y4, Y5, 64*k); \
	VBROADCASTSS (4*k+4)(SP), Y4; \
	VBROADCASTSS (4*k+68)(SP), Y5; \
	OUTM16(144+16*k, Y4, Y5, 64*k+64)

// SCALE8_Q2K: the scales of 8 bytes at off to the frame; Y14 is 15 in every dword.
#define SCALE8_Q2K(off) \
	VPMOVZXBD off(SI), Y2; \
	VPSRLD $4, Y2, Y3; \
	VPAND Y14, Y2, Y2; \
	VCVTDQ2PS Y2, Y2; \
	VCVTDQ2PS Y3, Y3; \
	VMULPS Y2, Y0, Y2; \
	VMULPS Y3, Y1, Y3; \
	VMOVUPS Y2, (4*off)(SP); \
	VMOVUPS Y3, (4*off+64)(SP)

// func dequantQ2KAVX2(dst *float32, src *byte, n int)
TEXT ·dequantQ2KAVX2(SB), NOSPLIT, $384-24
	ARGS
	DWORDS($0x03030303, X15, Y15)
	DWORDS($15, X14, Y14)
loop:
	HALF(80, X0, Y0)
	HALF(82, X1, Y1)
	SCALE8_Q2K(0)
	SCALE8_Q2K(8)
	VMOVDQU 16(SI), Y6
	SUB_Q2K(0, 0)
	SUB_Q2K(2, 2)
	SUB_Q2K(4, 4)
	SUB_Q2K(6, 6)
	VMOVDQU 48(SI), Y6
	SUB_Q2K(8, 0)
	SUB_Q2K(10, 2)
	SUB_Q2K(12, 4)
	SUB_Q2K(14, 6)
	ADDQ $84, SI
	ADDQ $1024, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// SUB_Q3K: sub-blocks k and k+1: bits sh and sh+1 of the bytes of Y6, and bit 2
// where op by hs moves the high bits of Y7. Y13 is 3, Y15 4 in every byte.
#define SUB_Q3K(k, sh, op, hs) \
	VPSRLW $sh, Y6, Y2; \
	op $hs, Y7, Y3; \
	VPAND Y13, Y2, Y2; \
	VPAND Y15, Y3, Y3; \
	VPOR Y3, Y2, Y2; \
	VPSUBB Y15, Y2, Y2; \
	VMOVDQU Y2, (64+16*k)(SP); \
	VBROADCASTSS (4*k)(SP), Y4; \
	VBROADCASTSS (4*k+4)(SP), Y5; \
	OUT16(64+16*k, Y4, 64*k); \
	OUT16(80+16*k, Y5, 64*k+64)

// func dequantQ3KAVX2(dst *float32, src *byte, n int)
TEXT ·dequantQ3KAVX2(SB), NOSPLIT, $320-24
	ARGS
	CONSTS_Q3K
	DWORDS($0x04040404, X15, Y15)
loop:
	SCALES_Q3K
	HALF(108, X0, Y0)
	VPSRLDQ $8, X2, X3
	VPMOVSXBD X2, Y2
	VPMOVSXBD X3, Y3
	VCVTDQ2PS Y2, Y2
	VCVTDQ2PS Y3, Y3
	VMULPS Y2, Y0, Y2
	VMULPS Y3, Y0, Y3
	VMOVUPS Y2, 0(SP)
	VMOVUPS Y3, 32(SP)
	VMOVDQU (SI), Y7
	VMOVDQU 32(SI), Y6
	SUB_Q3K(0, 0, VPSLLW, 2)
	SUB_Q3K(2, 2, VPSLLW, 1)
	SUB_Q3K(4, 4, VPSLLW, 0)
	SUB_Q3K(6, 6, VPSRLW, 1)
	VMOVDQU 64(SI), Y6
	SUB_Q3K(8, 0, VPSRLW, 2)
	SUB_Q3K(10, 2, VPSRLW, 3)
	SUB_Q3K(12, 4, VPSRLW, 4)
	SUB_Q3K(14, 6, VPSRLW, 5)
	ADDQ $110, SI
	ADDQ $1024, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// SUB_IQ4XS: the 32 weights of sub-block i; Y8 is 0x0f in every byte, Y9 the codes
// of all nibbles in both halves.
#define SUB_IQ4XS(i) \
	VMOVDQU (16*i+8)(SI), X2; \
	VPSRLW $4, X2, X3; \
	VINSERTI128 $1, X3, Y2, Y2; \
	VPAND Y8, Y2, Y2; \
	VPSHUFB Y2, Y9, Y2; \
	VMOVDQU Y2, (32*i+32)(SP); \
	VBROADCASTSS (4*i)(SP), Y4; \
	OUT32(32*i+32, Y4, 128*i)

// func dequantIQ4XSAVX2(dst *float32, src *byte, n int)
TEXT ·dequantIQ4XSAVX2(SB), NOSPLIT, $288-24
	ARGS
	CONSTS_IQ4XS
	DWORDS($0x0f0f0f0f, X8, Y8)
	VBROADCASTI128 ·nibbleCodes+0(SB), Y9
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
