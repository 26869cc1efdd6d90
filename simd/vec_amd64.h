// The vector functions of vec.go for amd64, written once for both widths. The
// including file defines
//	V0..V13		vector registers (AVX2: 8 floats, AVX-512: 16)
//	LANES, BYTES	floats and bytes of a register
//	B(op)		op with a memory operand of one float, repeated
//	SETMASK		makes the tail mask of CX elements, 0 < CX < LANES; may use DX
//	LDT, STT	load and store under the tail mask (other lanes load 0)
//	ZEROT(r)	clears the lanes of r beyond the tail
//	FILLT(r, f)	sets the lanes of r beyond the tail to those of f
//	FOLDADD, FOLDMAX, FOLDPD	fold V0 (AVX-512) to the width of Y0
//	SCALE2N		V0 = V3 * 2^n, n as float in V2 and as int in V1
//	PDTAIL		V0, V1 = the halves of V0 as float64
// and a name for each function.
//
// Each function walks its slices with the index BX; CX counts what is left.

#define C_LOG2E ·vecTable+0(SB)
#define C_NLN2HI ·vecTable+32(SB)
#define C_NLN2LO ·vecTable+64(SB)
#define C_P0 ·vecTable+96(SB)
#define C_P1 ·vecTable+128(SB)
#define C_P2 ·vecTable+160(SB)
#define C_P3 ·vecTable+192(SB)
#define C_P4 ·vecTable+224(SB)
#define C_P5 ·vecTable+256(SB)
#define C_ONE ·vecTable+288(SB)
#define C_BIAS ·vecTable+320(SB)
#define C_SIGN ·vecTable+352(SB)
#define C_GELULIN ·vecTable+384(SB)
#define C_GELUCUB ·vecTable+416(SB)
#define C_GELUCUB3 ·vecTable+448(SB)
#define C_EXPMAX ·vecTable+480(SB)
#define C_EXPMIN ·vecTable+512(SB)
#define C_NEGINF ·vecTable+544(SB)

#define LD(mem, reg) VMOVUPS mem, reg
#define ST(reg, mem) VMOVUPS reg, mem

#define BEGIN XORL BX, BX; SUBQ $LANES, CX; JLT tail
#define NEXT ADDQ $LANES, BX; SUBQ $LANES, CX; JGE loop
#define TAIL ADDQ $LANES, CX; JEQ done; SETMASK

#define SUM_Y0 \
	VEXTRACTF128 $1, Y0, X1; \
	VADDPS X1, X0, X0; \
	VPERMILPS $0x4E, X0, X1; \
	VADDPS X1, X0, X0; \
	VPERMILPS $0xB1, X0, X1; \
	VADDPS X1, X0, X0

#define SUMPD_Y0 \
	VEXTRACTF128 $1, Y0, X1; \
	VADDPD X1, X0, X0; \
	VPERMILPD $1, X0, X1; \
	VADDPD X1, X0, X0

// func dot(a, b []float32) float32
TEXT DOT(SB), NOSPLIT, $0-52
	MOVQ a_base+0(FP), SI
	MOVQ a_len+8(FP), CX
	MOVQ b_base+24(FP), DI
	VXORPS X0, X0, X0
	VXORPS X1, X1, X1
	VXORPS X2, X2, X2
	VXORPS X3, X3, X3
	XORL BX, BX
	SUBQ $(4*LANES), CX
	JLT  rest
loop4:
	VMOVUPS (SI)(BX*4), V4
	VMOVUPS (1*BYTES)(SI)(BX*4), V5
	VMOVUPS (2*BYTES)(SI)(BX*4), V6
	VMOVUPS (3*BYTES)(SI)(BX*4), V7
	VFMADD231PS (DI)(BX*4), V4, V0
	VFMADD231PS (1*BYTES)(DI)(BX*4), V5, V1
	VFMADD231PS (2*BYTES)(DI)(BX*4), V6, V2
	VFMADD231PS (3*BYTES)(DI)(BX*4), V7, V3
	ADDQ $(4*LANES), BX
	SUBQ $(4*LANES), CX
	JGE  loop4
rest:
	ADDQ $(3*LANES), CX
	JLT  tail
loop:
	VMOVUPS (SI)(BX*4), V4
	VFMADD231PS (DI)(BX*4), V4, V0
	NEXT
tail:
	TAIL
	LDT((SI)(BX*4), V4)
	LDT((DI)(BX*4), V5)
	VFMADD231PS V5, V4, V1
done:
	VADDPS V1, V0, V0
	VADDPS V3, V2, V2
	VADDPS V2, V0, V0
	FOLDADD
	SUM_Y0
	VMOVSS X0, ret+48(FP)
	VZEROUPPER
	RET

#define DOT3_BODY(L) \
	L((SI)(BX*4), V2); \
	L((DI)(BX*4), V3); \
	L((R8)(BX*4), V4); \
	VMULPS V3, V2, V2; \
	VFMADD231PS V4, V2, V0

// func dot3(a, b, c []float32) float32
TEXT DOT3(SB), NOSPLIT, $0-76
	MOVQ a_base+0(FP), SI
	MOVQ a_len+8(FP), CX
	MOVQ b_base+24(FP), DI
	MOVQ c_base+48(FP), R8
	VXORPS X0, X0, X0
	BEGIN
loop:
	DOT3_BODY(LD)
	NEXT
tail:
	TAIL
	DOT3_BODY(LDT)
done:
	FOLDADD
	SUM_Y0
	VMOVSS X0, ret+72(FP)
	VZEROUPPER
	RET

#define AXPY_BODY(L, S) \
	L((SI)(BX*4), V0); \
	L((DI)(BX*4), V1); \
	VFMADD231PS V5, V0, V1; \
	S(V1, (DI)(BX*4))

// func axpy(dst []float32, alpha float32, x []float32)
TEXT AXPY(SB), NOSPLIT, $0-56
	MOVQ dst_base+0(FP), DI
	MOVQ dst_len+8(FP), CX
	VBROADCASTSS alpha+24(FP), V5
	MOVQ x_base+32(FP), SI
	BEGIN
loop:
	AXPY_BODY(LD, ST)
	NEXT
tail:
	TAIL
	AXPY_BODY(LDT, STT)
done:
	VZEROUPPER
	RET

#define AXPYMUL_BODY(L, S) \
	L((SI)(BX*4), V0); \
	L((R8)(BX*4), V1); \
	L((R9)(BX*4), V2); \
	L((DI)(BX*4), V3); \
	VMULPS V1, V0, V0; \
	VFMADD231PS V5, V0, V3; \
	VFMADD231PS V6, V2, V3; \
	S(V3, (DI)(BX*4))

// func axpyMul(dst []float32, alpha float32, x, y []float32, beta float32, z []float32)
TEXT AXPYMUL(SB), NOSPLIT, $0-112
	MOVQ dst_base+0(FP), DI
	MOVQ dst_len+8(FP), CX
	VBROADCASTSS alpha+24(FP), V5
	MOVQ x_base+32(FP), SI
	MOVQ y_base+56(FP), R8
	VBROADCASTSS beta+80(FP), V6
	MOVQ z_base+88(FP), R9
	BEGIN
loop:
	AXPYMUL_BODY(LD, ST)
	NEXT
tail:
	TAIL
	AXPYMUL_BODY(LDT, STT)
done:
	VZEROUPPER
	RET

#define ADD_BODY(L, S) \
	L((SI)(BX*4), V0); \
	L((R8)(BX*4), V1); \
	VADDPS V1, V0, V0; \
	S(V0, (DI)(BX*4))

// func add(dst, a, b []float32)
TEXT ADD(SB), NOSPLIT, $0-72
	MOVQ dst_base+0(FP), DI
	MOVQ dst_len+8(FP), CX
	MOVQ a_base+24(FP), SI
	MOVQ b_base+48(FP), R8
	BEGIN
loop:
	ADD_BODY(LD, ST)
	NEXT
tail:
	TAIL
	ADD_BODY(LDT, STT)
done:
	VZEROUPPER
	RET

#define MUL_BODY(L, S) \
	L((SI)(BX*4), V0); \
	L((R8)(BX*4), V1); \
	VMULPS V1, V0, V0; \
	S(V0, (DI)(BX*4))

// func mul(dst, a, b []float32)
TEXT MUL(SB), NOSPLIT, $0-72
	MOVQ dst_base+0(FP), DI
	MOVQ dst_len+8(FP), CX
	MOVQ a_base+24(FP), SI
	MOVQ b_base+48(FP), R8
	BEGIN
loop:
	MUL_BODY(LD, ST)
	NEXT
tail:
	TAIL
	MUL_BODY(LDT, STT)
done:
	VZEROUPPER
	RET

#define SCALE_BODY(L, S) \
	L((SI)(BX*4), V0); \
	VMULPS V5, V0, V0; \
	S(V0, (DI)(BX*4))

// func scale(dst []float32, alpha float32, x []float32)
TEXT SCALE(SB), NOSPLIT, $0-56
	MOVQ dst_base+0(FP), DI
	MOVQ dst_len+8(FP), CX
	VBROADCASTSS alpha+24(FP), V5
	MOVQ x_base+32(FP), SI
	BEGIN
loop:
	SCALE_BODY(LD, ST)
	NEXT
tail:
	TAIL
	SCALE_BODY(LDT, STT)
done:
	VZEROUPPER
	RET

#define SCALEADD_BODY(L, S) \
	L((DI)(BX*4), V0); \
	VFMADD213PS V6, V5, V0; \
	S(V0, (DI)(BX*4))

// func scaleAdd(w []float32, s, t float32)
TEXT SCALEADD(SB), NOSPLIT, $0-32
	MOVQ w_base+0(FP), DI
	MOVQ w_len+8(FP), CX
	VBROADCASTSS s+24(FP), V5
	VBROADCASTSS t+28(FP), V6
	BEGIN
loop:
	SCALEADD_BODY(LD, ST)
	NEXT
tail:
	TAIL
	SCALEADD_BODY(LDT, STT)
done:
	VZEROUPPER
	RET

#define SCALEMUL_BODY(L, S) \
	L((SI)(BX*4), V0); \
	L((R8)(BX*4), V1); \
	VMULPS V5, V0, V0; \
	VMULPS V1, V0, V0; \
	S(V0, (DI)(BX*4))

// func scaleMul(dst []float32, alpha float32, x, y []float32)
TEXT SCALEMUL(SB), NOSPLIT, $0-80
	MOVQ dst_base+0(FP), DI
	MOVQ dst_len+8(FP), CX
	VBROADCASTSS alpha+24(FP), V5
	MOVQ x_base+32(FP), SI
	MOVQ y_base+56(FP), R8
	BEGIN
loop:
	SCALEMUL_BODY(LD, ST)
	NEXT
tail:
	TAIL
	SCALEMUL_BODY(LDT, STT)
done:
	VZEROUPPER
	RET

// func max(x []float32) float32
//
// VMAXPS returns its first operand here, the running maximum, if the element is NaN.
TEXT MAX(SB), NOSPLIT, $0-28
	MOVQ x_base+0(FP), SI
	MOVQ x_len+8(FP), CX
	VBROADCASTSS C_NEGINF, V0
	VMOVAPS V0, V5
	BEGIN
loop:
	VMOVUPS (SI)(BX*4), V1
	VMAXPS V0, V1, V0
	NEXT
tail:
	TAIL
	LDT((SI)(BX*4), V1)
	FILLT(V1, V5)
	VMAXPS V0, V1, V0
done:
	FOLDMAX
	VEXTRACTF128 $1, Y0, X1
	VMAXPS X1, X0, X0
	VPERMILPS $0x4E, X0, X1
	VMAXPS X1, X0, X0
	VPERMILPS $0xB1, X0, X1
	VMAXPS X1, X0, X0
	VMOVSS X0, ret+24(FP)
	VZEROUPPER
	RET

// func sum(x []float32) float64
TEXT SUM(SB), NOSPLIT, $0-32
	MOVQ x_base+0(FP), SI
	MOVQ x_len+8(FP), CX
	VXORPS X4, X4, X4
	VXORPS X5, X5, X5
	BEGIN
loop:
	VCVTPS2PD (SI)(BX*4), V0
	VCVTPS2PD (BYTES/2)(SI)(BX*4), V1
	VADDPD V0, V4, V4
	VADDPD V1, V5, V5
	NEXT
tail:
	TAIL
	LDT((SI)(BX*4), V0)
	PDTAIL
	VADDPD V0, V4, V4
	VADDPD V1, V5, V5
done:
	VADDPD V5, V4, V0
	FOLDPD
	SUMPD_Y0
	VMOVSD X0, ret+24(FP)
	VZEROUPPER
	RET

// func sumSquares(x []float32) float64
TEXT SUMSQUARES(SB), NOSPLIT, $0-32
	MOVQ x_base+0(FP), SI
	MOVQ x_len+8(FP), CX
	VXORPS X4, X4, X4
	VXORPS X5, X5, X5
	VXORPS X6, X6, X6
	VXORPS X7, X7, X7
	XORL BX, BX
	SUBQ $(2*LANES), CX
	JLT  rest
loop2:
	VCVTPS2PD (SI)(BX*4), V0
	VCVTPS2PD (BYTES/2)(SI)(BX*4), V1
	VCVTPS2PD (BYTES)(SI)(BX*4), V2
	VCVTPS2PD (3*BYTES/2)(SI)(BX*4), V3
	VFMADD231PD V0, V0, V4
	VFMADD231PD V1, V1, V5
	VFMADD231PD V2, V2, V6
	VFMADD231PD V3, V3, V7
	ADDQ $(2*LANES), BX
	SUBQ $(2*LANES), CX
	JGE  loop2
rest:
	ADDQ $LANES, CX
	JLT  tail
loop:
	VCVTPS2PD (SI)(BX*4), V0
	VCVTPS2PD (BYTES/2)(SI)(BX*4), V1
	VFMADD231PD V0, V0, V4
	VFMADD231PD V1, V1, V5
	NEXT
tail:
	TAIL
	LDT((SI)(BX*4), V0)
	PDTAIL
	VFMADD231PD V0, V0, V6
	VFMADD231PD V1, V1, V7
done:
	VADDPD V5, V4, V0
	VADDPD V7, V6, V1
	VADDPD V1, V0, V0
	FOLDPD
	SUMPD_Y0
	VMOVSD X0, ret+24(FP)
	VZEROUPPER
	RET

// V6..V13 hold the fields of adamCoef.
#define ADAMW_BODY(L, S) \
	L((SI)(BX*4), V0); \
	L((R8)(BX*4), V1); \
	L((R9)(BX*4), V2); \
	L((DI)(BX*4), V3); \
	VMULPS V0, V7, V4; \
	VFMADD231PS V6, V1, V4; \
	S(V4, (R8)(BX*4)); \
	VMULPS V0, V0, V0; \
	VMULPS V0, V9, V0; \
	VFMADD231PS V8, V2, V0; \
	S(V0, (R9)(BX*4)); \
	VSQRTPS V0, V0; \
	VFMADD213PS V13, V12, V0; \
	VMULPS V11, V4, V4; \
	VDIVPS V0, V4, V4; \
	VFMSUB213PS V4, V10, V3; \
	S(V3, (DI)(BX*4))

// func adamW(p, g, m, v []float32, k *adamCoef)
TEXT ADAMW(SB), NOSPLIT, $0-104
	MOVQ p_base+0(FP), DI
	MOVQ p_len+8(FP), CX
	MOVQ g_base+24(FP), SI
	MOVQ m_base+48(FP), R8
	MOVQ v_base+72(FP), R9
	MOVQ k+96(FP), AX
	VBROADCASTSS 0(AX), V6
	VBROADCASTSS 4(AX), V7
	VBROADCASTSS 8(AX), V8
	VBROADCASTSS 12(AX), V9
	VBROADCASTSS 16(AX), V10
	VBROADCASTSS 20(AX), V11
	VBROADCASTSS 24(AX), V12
	VBROADCASTSS 28(AX), V13
	BEGIN
loop:
	ADAMW_BODY(LD, ST)
	NEXT
tail:
	TAIL
	ADAMW_BODY(LDT, STT)
done:
	VZEROUPPER
	RET
