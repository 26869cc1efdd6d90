// The exponential and what is made of it, for amd64; continues vec_amd64.h, which
// says what the including file defines.

// EXPCONST loads what EXP keeps in registers: V12, V13.
#define EXPCONST VBROADCASTSS C_EXPMAX, V12; VBROADCASTSS C_EXPMIN, V13

// EXP: V0 = e^V0, as expOf does it. Clobbers V1..V4. The operand order of
// VMINPS and VMAXPS lets a NaN in V0 pass.
#define EXP \
	VMINPS V0, V12, V0; \
	VMAXPS V0, V13, V0; \
	B(VMULPS) C_LOG2E, V0, V1; \
	VCVTPS2DQ V1, V1; \
	VCVTDQ2PS V1, V2; \
	B(VFMADD231PS) C_NLN2HI, V2, V0; \
	B(VFMADD231PS) C_NLN2LO, V2, V0; \
	VBROADCASTSS C_P0, V3; \
	B(VFMADD213PS) C_P1, V0, V3; \
	B(VFMADD213PS) C_P2, V0, V3; \
	B(VFMADD213PS) C_P3, V0, V3; \
	B(VFMADD213PS) C_P4, V0, V3; \
	B(VFMADD213PS) C_P5, V0, V3; \
	VMULPS V0, V0, V4; \
	VFMADD213PS V0, V4, V3; \
	B(VADDPS) C_ONE, V3, V3; \
	SCALE2N

// SIGMOID: V0 = 1 / (1 + e^-V0). Clobbers V1..V4.
#define SIGMOID \
	B(VXORPS) C_SIGN, V0, V0; \
	EXP; \
	B(VADDPS) C_ONE, V0, V0; \
	VBROADCASTSS C_ONE, V3; \
	VDIVPS V0, V3, V0

// func exp(dst, x []float32)
TEXT EXPV(SB), NOSPLIT, $0-48
	MOVQ dst_base+0(FP), DI
	MOVQ dst_len+8(FP), CX
	MOVQ x_base+24(FP), SI
	EXPCONST
	BEGIN
loop:
	VMOVUPS (SI)(BX*4), V0
	EXP
	VMOVUPS V0, (DI)(BX*4)
	NEXT
tail:
	TAIL
	LDT((SI)(BX*4), V0)
	EXP
	STT(V0, (DI)(BX*4))
done:
	VZEROUPPER
	RET

// func expSum(dst, x []float32, shift float32) float32
TEXT EXPSUM(SB), NOSPLIT, $0-60
	MOVQ dst_base+0(FP), DI
	MOVQ dst_len+8(FP), CX
	MOVQ x_base+24(FP), SI
	VBROADCASTSS shift+48(FP), V6
	VXORPS X7, X7, X7
	EXPCONST
	BEGIN
loop:
	VMOVUPS (SI)(BX*4), V0
	VSUBPS V6, V0, V0
	EXP
	VMOVUPS V0, (DI)(BX*4)
	VADDPS V0, V7, V7
	NEXT
tail:
	TAIL
	LDT((SI)(BX*4), V0)
	VSUBPS V6, V0, V0
	EXP
	STT(V0, (DI)(BX*4))
	ZEROT(V0)
	VADDPS V0, V7, V7
done:
	VMOVAPS V7, V0
	FOLDADD
	SUM_Y0
	VMOVSS X0, ret+56(FP)
	VZEROUPPER
	RET

#define SILU_BODY(L, S) \
	L((SI)(BX*4), V0); \
	L((R8)(BX*4), V6); \
	VMOVAPS V0, V5; \
	SIGMOID; \
	VMULPS V5, V0, V0; \
	VMULPS V6, V0, V0; \
	S(V0, (DI)(BX*4))

// func siluMul(dst, gate, up []float32)
TEXT SILUMUL(SB), NOSPLIT, $0-72
	MOVQ dst_base+0(FP), DI
	MOVQ dst_len+8(FP), CX
	MOVQ gate_base+24(FP), SI
	MOVQ up_base+48(FP), R8
	EXPCONST
	BEGIN
loop:
	SILU_BODY(LD, ST)
	NEXT
tail:
	TAIL
	SILU_BODY(LDT, STT)
done:
	VZEROUPPER
	RET

// GLUBACK: with x in V5, s in V0 and (1-s) z' in V1, where z' is the slope
// of the sigmoid's argument, adds dy up s (1 + x V1) to dgate and dy x s to dup.
#define GLUBACK(L, S) \
	VBROADCASTSS C_ONE, V3; \
	VFMADD213PS V3, V5, V1; \
	VMULPS V0, V1, V1; \
	VMULPS V5, V0, V0; \
	L((R8)(BX*4), V2); \
	L((R10)(BX*4), V3); \
	VMULPS V2, V3, V3; \
	L((DI)(BX*4), V4); \
	VFMADD231PS V1, V3, V4; \
	S(V4, (DI)(BX*4)); \
	L((R9)(BX*4), V4); \
	VFMADD231PS V0, V2, V4; \
	S(V4, (R9)(BX*4))

#define SILUBACK_BODY(L, S) \
	L((SI)(BX*4), V0); \
	VMOVAPS V0, V5; \
	SIGMOID; \
	VBROADCASTSS C_ONE, V1; \
	VSUBPS V0, V1, V1; \
	GLUBACK(L, S)

// func siluMulBack(dgate, dup, dy, gate, up []float32)
TEXT SILUMULBACK(SB), NOSPLIT, $0-120
	MOVQ dgate_base+0(FP), DI
	MOVQ dup_base+24(FP), R9
	MOVQ dy_base+48(FP), R8
	MOVQ dy_len+56(FP), CX
	MOVQ gate_base+72(FP), SI
	MOVQ up_base+96(FP), R10
	EXPCONST
	BEGIN
loop:
	SILUBACK_BODY(LD, ST)
	NEXT
tail:
	TAIL
	SILUBACK_BODY(LDT, STT)
done:
	VZEROUPPER
	RET

// GELUARG: with x in V0, V5 = x, V7 = x², V0 = x (geluLin + geluCub x²).
#define GELUARG \
	VMOVAPS V0, V5; \
	VMULPS V0, V0, V7; \
	VBROADCASTSS C_GELULIN, V1; \
	B(VFMADD231PS) C_GELUCUB, V7, V1; \
	VMULPS V1, V0, V0

#define GELU_BODY(L, S) \
	L((SI)(BX*4), V0); \
	L((R8)(BX*4), V6); \
	GELUARG; \
	SIGMOID; \
	VMULPS V5, V0, V0; \
	VMULPS V6, V0, V0; \
	S(V0, (DI)(BX*4))

// func geluMul(dst, gate, up []float32)
TEXT GELUMUL(SB), NOSPLIT, $0-72
	MOVQ dst_base+0(FP), DI
	MOVQ dst_len+8(FP), CX
	MOVQ gate_base+24(FP), SI
	MOVQ up_base+48(FP), R8
	EXPCONST
	BEGIN
loop:
	GELU_BODY(LD, ST)
	NEXT
tail:
	TAIL
	GELU_BODY(LDT, STT)
done:
	VZEROUPPER
	RET

#define GELUBACK_BODY(L, S) \
	L((SI)(BX*4), V0); \
	GELUARG; \
	SIGMOID; \
	VBROADCASTSS C_GELULIN, V2; \
	B(VFMADD231PS) C_GELUCUB3, V7, V2; \
	VBROADCASTSS C_ONE, V1; \
	VSUBPS V0, V1, V1; \
	VMULPS V2, V1, V1; \
	GLUBACK(L, S)

// func geluMulBack(dgate, dup, dy, gate, up []float32)
TEXT GELUMULBACK(SB), NOSPLIT, $0-120
	MOVQ dgate_base+0(FP), DI
	MOVQ dup_base+24(FP), R9
	MOVQ dy_base+48(FP), R8
	MOVQ dy_len+56(FP), CX
	MOVQ gate_base+72(FP), SI
	MOVQ up_base+96(FP), R10
	EXPCONST
	BEGIN
loop:
	GELUBACK_BODY(LD, ST)
	NEXT
tail:
	TAIL
	GELUBACK_BODY(LDT, STT)
done:
	VZEROUPPER
	RET
