//go:build !purego

#include "textflag.h"
#include "neon_arm64.h"
#include "dequant_arm64.h"

// SCALES_Q4K: R8 = the eight 6-bit scales as bytes, R9 = the eight minimums; the
// layout is explained in dequant_amd64.h.
#define SCALES_Q4K \
	MOVWU 4(R1), R8; \
	MOVWU 8(R1), R9; \
	MOVWU 12(R1), R10; \
	LSR $2, R8, R11; \
	AND $0x30303030, R11, R11; \
	AND $0x0f0f0f0f, R10, R12; \
	ORR R12, R11, R11; \
	AND $0x3f3f3f3f, R8, R8; \
	ORR R11<<32, R8, R8; \
	LSR $2, R9, R11; \
	AND $0x30303030, R11, R11; \
	LSR $4, R10, R10; \
	AND $0x0f0f0f0f, R10, R10; \
	ORR R10, R11, R11; \
	AND $0x3f3f3f3f, R9, R9; \
	ORR R11<<32, R9, R9

// FRAME_Q4K: the eight scales d*sc to V20 and V21, -dmin*mn to V22 and V23.
#define FRAME_Q4K \
	SCALES_Q4K; \
	VMOV R8, V3.D[0]; \
	VMOV R9, V3.D[1]; \
	FLOATS16(3, 20); \
	HALF(0, F0, V0); \
	HALF(2, F1, V1); \
	FNEG(1, 1); \
	FMUL(0, 20, 20); \
	FMUL(0, 21, 21); \
	FMUL(1, 22, 22); \
	FMUL(1, 23, 23)

// PAIR_Q4K: 64 weights from 32 bytes at R4; their scales are lanes i and j of sc,
// their negated minimums the same lanes of mn.
#define PAIR_Q4K(sc, mn, i, j) \
	VLD1.P 32(R4), [V8.B16, V9.B16]; \
	VUSHR $4, V8.B16, V10.B16; \
	VUSHR $4, V9.B16, V11.B16; \
	VAND V16.B16, V8.B16, V8.B16; \
	VAND V16.B16, V9.B16, V9.B16; \
	VDUP sc.S[i], V1.S4; \
	VDUP mn.S[i], V2.S4; \
	RUN_M(8, V1, V2); \
	RUN_M(9, V1, V2); \
	VDUP sc.S[j], V1.S4; \
	VDUP mn.S[j], V2.S4; \
	RUN_M(10, V1, V2); \
	RUN_M(11, V1, V2)

// func dequantQ4KNEON(dst *float32, src *byte, n int)
TEXT ·dequantQ4KNEON(SB), NOSPLIT, $0-24
	ARGS
	VMOVI $15, V16.B16
loop:
	FRAME_Q4K
	ADD  $16, R1, R4
	PAIR_Q4K(V20, V22, 0, 1)
	PAIR_Q4K(V20, V22, 2, 3)
	PAIR_Q4K(V21, V23, 0, 1)
	PAIR_Q4K(V21, V23, 2, 3)
	ADD  $144, R1, R1
	SUBS $1, R2, R2
	BNE  loop
	RET

// RUN_Q6K: 16 codes in v, number c, with the scale in lane i of sc, to R0.
#define RUN_Q6K(v, c, sc, i) \
	VSUB V18.B16, v.B16, v.B16; \
	VDUP sc.S[i], V1.S4; \
	FLOATS16(c, 4); \
	FMUL4(1, 4); \
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(R0)

// Q6K_LOW, Q6K_HIGH: v = the low or high nibbles of q with the high bits, at 4
// and 5 of the bytes of h; V16 is 0x0f, V17 0x30.
#define Q6K_LOW(q, h, v) \
	VAND V17.B16, h.B16, h.B16; \
	VAND V16.B16, q.B16, v.B16; \
	VORR h.B16, v.B16, v.B16

#define Q6K_HIGH(q, h, v) \
	VAND V17.B16, h.B16, h.B16; \
	VUSHR $4, q.B16, v.B16; \
	VORR h.B16, v.B16, v.B16

// HALF_Q6K: 128 weights from nibbles at R4, high bits at R5, scales in s0, s1.
#define HALF_Q6K(s0, s1) \
	VLD1.P 64(R4), [V8.B16, V9.B16, V10.B16, V11.B16]; \
	VLD1.P 32(R5), [V12.B16, V13.B16]; \
	VSHL $4, V12.B16, V14.B16; \
	VSHL $4, V13.B16, V15.B16; \
	Q6K_LOW(V8, V14, V2); \
	Q6K_LOW(V9, V15, V3); \
	RUN_Q6K(V2, 2, s0, 0); \
	RUN_Q6K(V3, 3, s0, 1); \
	VSHL $2, V12.B16, V14.B16; \
	VSHL $2, V13.B16, V15.B16; \
	Q6K_LOW(V10, V14, V2); \
	Q6K_LOW(V11, V15, V3); \
	RUN_Q6K(V2, 2, s0, 2); \
	RUN_Q6K(V3, 3, s0, 3); \
	VUSHR $2, V12.B16, V14.B16; \
	VUSHR $2, V13.B16, V15.B16; \
	Q6K_HIGH(V8, V12, V2); \
	Q6K_HIGH(V9, V13, V3); \
	RUN_Q6K(V2, 2, s1, 0); \
	RUN_Q6K(V3, 3, s1, 1); \
	Q6K_HIGH(V10, V14, V2); \
	Q6K_HIGH(V11, V15, V3); \
	RUN_Q6K(V2, 2, s1, 2); \
	RUN_Q6K(V3, 3, s1, 3)

// func dequantQ6KNEON(dst *float32, src *byte, n int)
TEXT ·dequantQ6KNEON(SB), NOSPLIT, $0-24
	ARGS
	VMOVI $15, V16.B16
	VMOVI $48, V17.B16
	VMOVI $32, V18.B16
loop:
	ADD  $192, R1, R4
	VLD1 (R4), [V2.B16]
	HALF(208, F0, V0)
	FLOATS16(2, 20)
	FMUL4(0, 20)
	MOVD R1, R4
	ADD  $128, R1, R5
	HALF_Q6K(V20, V21)
	HALF_Q6K(V22, V23)
	ADD  $210, R1, R1
	SUBS $1, R2, R2
	BNE  loop
	RET

// SUB_Q5K: the 32 weights of a sub-block, scale and negated minimum in lane i of
// sc and mn, nibbles in V2 and V3. op by sh moves the high bits in V12 and V13 to
// bit 4; V17 is 0x10 in every byte.
#define SUB_Q5K(op, sh, sc, mn, i) \
	op $sh, V12.B16, V14.B16; \
	op $sh, V13.B16, V15.B16; \
	VAND V17.B16, V14.B16, V14.B16; \
	VAND V17.B16, V15.B16, V15.B16; \
	VORR V14.B16, V2.B16, V2.B16; \
	VORR V15.B16, V3.B16, V3.B16; \
	VDUP sc.S[i], V0.S4; \
	VDUP mn.S[i], V1.S4; \
	RUN_M(2, V0, V1); \
	RUN_M(3, V0, V1)

// NIBBLES_Q5K: the next 32 bytes at R4 to V8 and V9, their low halves to V2 and V3.
#define NIBBLES_Q5K \
	VLD1.P 32(R4), [V8.B16, V9.B16]; \
	VAND V16.B16, V8.B16, V2.B16; \
	VAND V16.B16, V9.B16, V3.B16

#define HIGH_Q5K \
	VUSHR $4, V8.B16, V2.B16; \
	VUSHR $4, V9.B16, V3.B16

// func dequantQ5KNEON(dst *float32, src *byte, n int)
TEXT ·dequantQ5KNEON(SB), NOSPLIT, $0-24
	ARGS
	VMOVI $15, V16.B16
	VMOVI $16, V17.B16
loop:
	FRAME_Q4K
	ADD  $16, R1, R4
	VLD1.P 32(R4), [V12.B16, V13.B16]
	NIBBLES_Q5K
	SUB_Q5K(VSHL, 4, V20, V22, 0)
	HIGH_Q5K
	SUB_Q5K(VSHL, 3, V20, V22, 1)
	NIBBLES_Q5K
	SUB_Q5K(VSHL, 2, V20, V22, 2)
	HIGH_Q5K
	SUB_Q5K(VSHL, 1, V20, V22, 3)
	NIBBLES_Q5K
	SUB_Q5K(VSHL, 0, V21, V23, 0)
	HIGH_Q5K
	SUB_Q5K(VUSHR, 1, V21, V23, 1)
	NIBBLES_Q5K
	SUB_Q5K(VUSHR, 2, V21, V23, 2)
	HIGH_Q5K
	SUB_Q5K(VUSHR, 3, V21, V23, 3)
	ADD  $176, R1, R1
	SUBS $1, R2, R2
	BNE  loop
	RET

// RUN_Q2K: sub-block with scale and negated minimum in lane i of sc and mn, codes
// in number c of the registers that TWO_Q2K sets.
#define RUN_Q2K(c, sc, mn, i) \
	VDUP sc.S[i], V0.S4; \
	VDUP mn.S[i], V1.S4; \
	RUN_M(c, V0, V1)

// TWO_Q2K: V2 and V3 = the low two bits of the bytes of V8 and V9, which then move
// down by two; V17 is 3 in every byte.
#define TWO_Q2K \
	VAND V17.B16, V8.B16, V2.B16; \
	VAND V17.B16, V9.B16, V3.B16; \
	VUSHR $2, V8.B16, V8.B16; \
	VUSHR $2, V9.B16, V9.B16

// HALF_Q2K: 128 weights from 32 bytes at R4, scales in s0, s1, minimums in m0, m1.
#define HALF_Q2K(s0, s1, m0, m1) \
	VLD1.P 32(R4), [V8.B16, V9.B16]; \
	TWO_Q2K; \
	RUN_Q2K(2, s0, m0, 0); \
	RUN_Q2K(3, s0, m0, 1); \
	TWO_Q2K; \
	RUN_Q2K(2, s0, m0, 2); \
	RUN_Q2K(3, s0, m0, 3); \
	TWO_Q2K; \
	RUN_Q2K(2, s1, m1, 0); \
	RUN_Q2K(3, s1, m1, 1); \
	TWO_Q2K; \
	RUN_Q2K(2, s1, m1, 2); \
	RUN_Q2K(3, s1, m1, 3)

// func dequantQ2KNEON(dst *float32, src *byte, n int)
TEXT ·dequantQ2KNEON(SB), NOSPLIT, $0-24
	ARGS
	VMOVI $15, V16.B16
	VMOVI $3, V17.B16
loop:
	HALF(80, F0, V0)
	HALF(82, F1, V1)
	FNEG(1, 1)
	VLD1 (R1), [V2.B16]
	VUSHR $4, V2.B16, V3.B16
	VAND V16.B16, V2.B16, V2.B16
	FLOATS16(2, 20)
	FLOATS16(3, 24)
	FMUL4(0, 20)
	FMUL4(1, 24)
	ADD  $16, R1, R4
	HALF_Q2K(V20, V21, V24, V25)
	HALF_Q2K(V22, V23, V26, V27)
	ADD  $84, R1, R1
	SUBS $1, R2, R2
	BNE  loop
	RET

// RUN_Q3K: 16 codes, less 4, in Vc, with the scale in lane i of sc. V18 is 4 in
// every byte.
#define RUN_Q3K(v, c, sc, i) \
	VSUB V18.B16, v.B16, v.B16; \
	VDUP sc.S[i], V1.S4; \
	FLOATS16(c, 4); \
	FMUL4(1, 4); \
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(R0)

// PAIR_Q3K: two sub-blocks, scales in lanes i and j of sc; op by hs moves their
// high bits in V12 and V13 to bit 2.
#define PAIR_Q3K(op, hs, sc, i, j) \
	TWO_Q2K; \
	op $hs, V12.B16, V14.B16; \
	op $hs, V13.B16, V15.B16; \
	VAND V18.B16, V14.B16, V14.B16; \
	VAND V18.B16, V15.B16, V15.B16; \
	VORR V14.B16, V2.B16, V2.B16; \
	VORR V15.B16, V3.B16, V3.B16; \
	RUN_Q3K(V2, 2, sc, i); \
	RUN_Q3K(V3, 3, sc, j)

// SCALES_Q3K: R8 and R9 = scales 0..7 and 8..15 as bytes, plus 32. Bytes 96..103
// hold the low four bits of scales j and j+8, bytes 104..107 the upper two of
// scales i, i+4, i+8 and i+12. R6 repeats 0x0f, R7 0x30.
#define SCALES_Q3K \
	MOVD 96(R1), R8; \
	MOVWU 104(R1), R10; \
	LSR $4, R8, R9; \
	AND R6, R8, R8; \
	AND R6, R9, R9; \
	LSL $4, R10, R11; \
	LSL $2, R10, R12; \
	ORR R12<<32, R11, R11; \
	AND R7, R11, R11; \
	ORR R11, R8, R8; \
	LSR $2, R10, R12; \
	ORR R12<<32, R10, R10; \
	AND R7, R10, R10; \
	ORR R10, R9, R9

// func dequantQ3KNEON(dst *float32, src *byte, n int)
TEXT ·dequantQ3KNEON(SB), NOSPLIT, $0-24
	ARGS
	VMOVI $3, V17.B16
	VMOVI $4, V18.B16
	VMOVI $32, V19.B16
	MOVD $0x0f0f0f0f0f0f0f0f, R6
	MOVD $0x3030303030303030, R7
loop:
	SCALES_Q3K
	VMOV R8, V2.D[0]
	VMOV R9, V2.D[1]
	VSUB V19.B16, V2.B16, V2.B16
	HALF(108, F0, V0)
	FLOATS16(2, 20)
	FMUL4(0, 20)
	MOVD R1, R4
	VLD1.P 32(R4), [V12.B16, V13.B16]
	VLD1.P 32(R4), [V8.B16, V9.B16]
	PAIR_Q3K(VSHL, 2, V20, 0, 1)
	PAIR_Q3K(VSHL, 1, V20, 2, 3)
	PAIR_Q3K(VSHL, 0, V21, 0, 1)
	PAIR_Q3K(VUSHR, 1, V21, 2, 3)
	VLD1.P 32(R4), [V8.B16, V9.B16]
	PAIR_Q3K(VUSHR, 2, V22, 0, 1)
	PAIR_Q3K(VUSHR, 3, V22, 2, 3)
	PAIR_Q3K(VUSHR, 4, V23, 0, 1)
	PAIR_Q3K(VUSHR, 5, V23, 2, 3)
	ADD  $110, R1, R1
	SUBS $1, R2, R2
	BNE  loop
	RET

// SCALES_IQ4XS: R8 = the eight 6-bit scales, plus 32, as bytes: nibble i of the 32
// bits at 4 and above it bits 2i and 2i+1 of the 16 bits at 2. R6 repeats 0x0f, R7
// 0x03. Each step doubles the distance of its fields.
#define SCALES_IQ4XS \
	MOVWU 4(R1), R8; \
	MOVHU 2(R1), R9; \
	ORR R8<<16, R8, R8; \
	AND $0x0000ffff0000ffff, R8, R8; \
	ORR R8<<8, R8, R8; \
	AND $0x00ff00ff00ff00ff, R8, R8; \
	ORR R8<<4, R8, R8; \
	AND R6, R8, R8; \
	ORR R9<<24, R9, R9; \
	AND $0x000000ff000000ff, R9, R9; \
	ORR R9<<12, R9, R9; \
	AND $0x000f000f000f000f, R9, R9; \
	ORR R9<<6, R9, R9; \
	AND R7, R9, R9; \
	ORR R9<<4, R8, R8

// SUB_IQ4XS: the 32 weights of 16 bytes at R4, scale in lane i of sc.
#define SUB_IQ4XS(sc, i) \
	VLD1.P 16(R4), [V2.B16]; \
	VUSHR $4, V2.B16, V3.B16; \
	VAND V16.B16, V2.B16, V2.B16; \
	VTBL V2.B16, [V17.B16], V2.B16; \
	VTBL V3.B16, [V17.B16], V3.B16; \
	VDUP sc.S[i], V1.S4; \
	FLOATS16(2, 4); \
	FLOATS16(3, 8); \
	FMUL4(1, 4); \
	FMUL4(1, 8); \
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(R0); \
	VST1.P [V8.S4, V9.S4, V10.S4, V11.S4], 64(R0)

// func dequantIQ4XSNEON(dst *float32, src *byte, n int)
TEXT ·dequantIQ4XSNEON(SB), NOSPLIT, $0-24
	ARGS
	VMOVI $15, V16.B16
	VMOVI $32, V19.B16
	MOVD $·iq4Codes(SB), R4
	VLD1 (R4), [V17.B16]
	MOVD $0x0f0f0f0f0f0f0f0f, R6
	MOVD $0x0303030303030303, R7
loop:
	SCALES_IQ4XS
	VEOR V2.B16, V2.B16, V2.B16
	VMOV R8, V2.D[0]
	VSUB V19.B16, V2.B16, V2.B16
	HALF(0, F0, V0)
	FLOATS16(2, 20)
	FMUL(0, 20, 20)
	FMUL(0, 21, 21)
	ADD  $8, R1, R4
	SUB_IQ4XS(V20, 0)
	SUB_IQ4XS(V20, 1)
	SUB_IQ4XS(V20, 2)
	SUB_IQ4XS(V20, 3)
	SUB_IQ4XS(V21, 0)
	SUB_IQ4XS(V21, 1)
	SUB_IQ4XS(V21, 2)
	SUB_IQ4XS(V21, 3)
	ADD  $136, R1, R1
	SUBS $1, R2, R2
	BNE  loop
	RET
