//go:build !purego

#include "textflag.h"
#include "neon_arm64.h"

// All functions: R0 walks dst, R1 src, R2 counts blocks. No load reaches beyond a
// block.

#define ARGS \
	MOVD dst+0(FP), R0; \
	MOVD src+8(FP), R1; \
	MOVD n+16(FP), R2

// HALF(off, f, v): all lanes of v, whose lane 0 is f, = the float16 at off(R1).
#define HALF(off, f, v) \
	MOVHU off(R1), R3; \
	FMOVS R3, f; \
	FCVTHS f, f; \
	VDUP v.S[0], v.S4

// NIBBLES splits the bytes of V2 into low nibbles in V2 and high ones in V3; V16
// is 0x0f in every byte.
#define NIBBLES \
	VUSHR $4, V2.B16, V3.B16; \
	VAND V16.B16, V2.B16, V2.B16

// func dequantQ4_1NEON(dst *float32, src *byte, n int)
TEXT ·dequantQ4_1NEON(SB), NOSPLIT, $0-24
	ARGS
	VMOVI $15, V16.B16
loop:
	HALF(0, F0, V0)
	HALF(2, F1, V1)
	ADD  $4, R1, R4
	VLD1 (R4), [V2.B16]
	NIBBLES
	FLOATS16(2, 4)
	FLOATS16(3, 8)
	VMOV V1.B16, V20.B16
	VMOV V1.B16, V21.B16
	VMOV V1.B16, V22.B16
	VMOV V1.B16, V23.B16
	VMOV V1.B16, V24.B16
	VMOV V1.B16, V25.B16
	VMOV V1.B16, V26.B16
	VMOV V1.B16, V27.B16
	VFMLA V0.S4, V4.S4, V20.S4
	VFMLA V0.S4, V5.S4, V21.S4
	VFMLA V0.S4, V6.S4, V22.S4
	VFMLA V0.S4, V7.S4, V23.S4
	VFMLA V0.S4, V8.S4, V24.S4
	VFMLA V0.S4, V9.S4, V25.S4
	VFMLA V0.S4, V10.S4, V26.S4
	VFMLA V0.S4, V11.S4, V27.S4
	VST1.P [V20.S4, V21.S4, V22.S4, V23.S4], 64(R0)
	VST1.P [V24.S4, V25.S4, V26.S4, V27.S4], 64(R0)
	ADD  $20, R1, R1
	SUBS $1, R2, R2
	BNE  loop
	RET

// FIFTH_Q50: the bytes of v, nibbles, lose 16 where their bit of the 16 bits at
// off(R1) is clear. R5 repeats a byte eight times, V17 selects bit i%8 in byte i,
// V18 is 16.
#define FIFTH_Q50(off, v) \
	MOVBU off(R1), R3; \
	MOVBU (off+1)(R1), R4; \
	MUL  R5, R3, R3; \
	MUL  R5, R4, R4; \
	VMOV R3, V1.D[0]; \
	VMOV R4, V1.D[1]; \
	VCMTST V17.B16, V1.B16, V1.B16; \
	VAND V18.B16, V1.B16, V1.B16; \
	VADD V1.B16, v.B16, v.B16; \
	VSUB V18.B16, v.B16, v.B16

// func dequantQ5_0NEON(dst *float32, src *byte, n int)
TEXT ·dequantQ5_0NEON(SB), NOSPLIT, $0-24
	ARGS
	VMOVI $15, V16.B16
	VMOVI $16, V18.B16
	MOVD $0x8040201008040201, R3
	VDUP R3, V17.D2
	MOVD $0x0101010101010101, R5
loop:
	ADD  $6, R1, R4
	VLD1 (R4), [V2.B16]
	NIBBLES
	FIFTH_Q50(2, V2)
	FIFTH_Q50(4, V3)
	HALF(0, F0, V0)
	FLOATS16(2, 4)
	FLOATS16(3, 8)
	FMUL4(0, 4)
	FMUL4(0, 8)
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(R0)
	VST1.P [V8.S4, V9.S4, V10.S4, V11.S4], 64(R0)
	ADD  $22, R1, R1
	SUBS $1, R2, R2
	BNE  loop
	RET

// func dequantQ8_0NEON(dst *float32, src *byte, n int)
TEXT ·dequantQ8_0NEON(SB), NOSPLIT, $0-24
	ARGS
loop:
	HALF(0, F0, V0)
	ADD  $2, R1, R4
	VLD1 (R4), [V2.B16, V3.B16]
	FLOATS16(2, 4)
	FLOATS16(3, 8)
	FMUL4(0, 4)
	FMUL4(0, 8)
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(R0)
	VST1.P [V8.S4, V9.S4, V10.S4, V11.S4], 64(R0)
	ADD  $34, R1, R1
	SUBS $1, R2, R2
	BNE  loop
	RET

// SCALES_Q4K: R8 = the eight 6-bit scales as bytes, R9 = the eight minimums; the
// layout is explained in dequant_avx512_amd64.s.
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

// RUN_Q4K: 16 codes in Vc with scale V1 and negated minimum V2, stored at R0.
#define RUN_Q4K(c) \
	FLOATS16(c, 4); \
	VMOV V2.B16, V24.B16; \
	VMOV V2.B16, V25.B16; \
	VMOV V2.B16, V26.B16; \
	VMOV V2.B16, V27.B16; \
	VFMLA V1.S4, V4.S4, V24.S4; \
	VFMLA V1.S4, V5.S4, V25.S4; \
	VFMLA V1.S4, V6.S4, V26.S4; \
	VFMLA V1.S4, V7.S4, V27.S4; \
	VST1.P [V24.S4, V25.S4, V26.S4, V27.S4], 64(R0)

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
	RUN_Q4K(8); \
	RUN_Q4K(9); \
	VDUP sc.S[j], V1.S4; \
	VDUP mn.S[j], V2.S4; \
	RUN_Q4K(10); \
	RUN_Q4K(11)

// func dequantQ4KNEON(dst *float32, src *byte, n int)
TEXT ·dequantQ4KNEON(SB), NOSPLIT, $0-24
	ARGS
	VMOVI $15, V16.B16
loop:
	SCALES_Q4K
	VMOV R8, V3.D[0]
	VMOV R9, V3.D[1]
	FLOATS16(3, 20)                 // scales in V20, V21, minimums in V22, V23
	HALF(0, F0, V0)
	HALF(2, F1, V1)
	FNEG(1, 1)
	FMUL(0, 20, 20)
	FMUL(0, 21, 21)
	FMUL(1, 22, 22)
	FMUL(1, 23, 23)
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
