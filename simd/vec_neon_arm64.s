//go:build !purego

#include "textflag.h"
#include "neon_arm64.h"

// All functions work on n > 0 floats, a multiple of 4, and count them down in R7.

#define NEXT SUBS $4, R7, R7; BNE loop

#define GLUARGS \
	MOVD dst+0(FP), R0; \
	MOVD gate+8(FP), R1; \
	MOVD up+16(FP), R2; \
	MOVD n+24(FP), R7; \
	CONSTANTS

#define GLUBACKARGS \
	MOVD dgate+0(FP), R0; \
	MOVD dup+8(FP), R1; \
	MOVD dy+16(FP), R2; \
	MOVD gate+24(FP), R3; \
	MOVD up+32(FP), R4; \
	MOVD n+40(FP), R7; \
	CONSTANTS

// func dotNEON(a, b *float32, n int) float32
TEXT ·dotNEON(SB), NOSPLIT, $0-28
	MOVD a+0(FP), R0
	MOVD b+8(FP), R1
	MOVD n+16(FP), R7
	VEOR V16.B16, V16.B16, V16.B16
	VEOR V17.B16, V17.B16, V17.B16
	VEOR V18.B16, V18.B16, V18.B16
	VEOR V19.B16, V19.B16, V19.B16
	SUBS $16, R7, R7
	BLT  rest
loop16:
	VLD1.P 64(R0), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1.P 64(R1), [V4.S4, V5.S4, V6.S4, V7.S4]
	VFMLA V0.S4, V4.S4, V16.S4
	VFMLA V1.S4, V5.S4, V17.S4
	VFMLA V2.S4, V6.S4, V18.S4
	VFMLA V3.S4, V7.S4, V19.S4
	SUBS $16, R7, R7
	BGE  loop16
rest:
	ADDS $16, R7, R7
	BEQ  done
loop:
	VLD1.P 16(R0), [V0.S4]
	VLD1.P 16(R1), [V4.S4]
	VFMLA V0.S4, V4.S4, V16.S4
	NEXT
done:
	FADD(17, 16, 16)
	FADD(19, 18, 18)
	FADD(18, 16, 16)
	FADDP(16, 16, 16)
	FADDP(16, 16, 16)
	FMOVS F16, ret+24(FP)
	RET

// func axpyNEON(dst, x *float32, n int, alpha float32)
TEXT ·axpyNEON(SB), NOSPLIT, $0-28
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R7
	FMOVS alpha+24(FP), F16
	VDUP V16.S[0], V16.S4
loop:
	VLD1 (R0), [V0.S4]
	VLD1.P 16(R1), [V1.S4]
	VFMLA V16.S4, V1.S4, V0.S4
	VST1.P [V0.S4], 16(R0)
	NEXT
	RET

// func addNEON(dst, a, b *float32, n int)
TEXT ·addNEON(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD a+8(FP), R1
	MOVD b+16(FP), R2
	MOVD n+24(FP), R7
loop:
	VLD1.P 16(R1), [V0.S4]
	VLD1.P 16(R2), [V1.S4]
	FADD(1, 0, 0)
	VST1.P [V0.S4], 16(R0)
	NEXT
	RET

// func mulNEON(dst, a, b *float32, n int)
TEXT ·mulNEON(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD a+8(FP), R1
	MOVD b+16(FP), R2
	MOVD n+24(FP), R7
loop:
	VLD1.P 16(R1), [V0.S4]
	VLD1.P 16(R2), [V1.S4]
	FMUL(1, 0, 0)
	VST1.P [V0.S4], 16(R0)
	NEXT
	RET

// func scaleNEON(dst, x *float32, n int, alpha float32)
TEXT ·scaleNEON(SB), NOSPLIT, $0-28
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R7
	FMOVS alpha+24(FP), F16
	VDUP V16.S[0], V16.S4
loop:
	VLD1.P 16(R1), [V0.S4]
	FMUL(16, 0, 0)
	VST1.P [V0.S4], 16(R0)
	NEXT
	RET

// CONSTANTS loads neonTable: V16 expMax, V17 expMin, V18 log2e, V19 -ln2Hi,
// V20 -ln2Lo, V21..V26 the polynomial, V27 1, V28 the exponent bias (integer),
// V29 geluLin, V30 geluCub, V31 3 geluCub.
#define CONSTANTS \
	MOVD $·neonTable(SB), R6; \
	VLD1.P 64(R6), [V16.S4, V17.S4, V18.S4, V19.S4]; \
	VLD1.P 64(R6), [V20.S4, V21.S4, V22.S4, V23.S4]; \
	VLD1.P 64(R6), [V24.S4, V25.S4, V26.S4, V27.S4]; \
	VLD1.P 64(R6), [V28.S4, V29.S4, V30.S4, V31.S4]

// HORNER: Vd = Vc + Vp V0, with Vc kept.
#define HORNER(c, p, d) \
	VMOV c.B16, d.B16; \
	VFMLA p.S4, V0.S4, d.S4

// EXP: V0 = e^V0, as expOf does it. Clobbers V1..V4. FMIN and FMAX pass NaN.
#define EXP \
	FMIN(16, 0, 0); \
	FMAX(17, 0, 0); \
	FMUL(18, 0, 1); \
	FCVTNS(1, 1); \
	SCVTF(1, 2); \
	VFMLA V19.S4, V2.S4, V0.S4; \
	VFMLA V20.S4, V2.S4, V0.S4; \
	HORNER(V22, V21, V3); \
	HORNER(V23, V3, V4); \
	HORNER(V24, V4, V3); \
	HORNER(V25, V3, V4); \
	HORNER(V26, V4, V3); \
	FMUL(0, 0, 4); \
	VFMLA V4.S4, V3.S4, V0.S4; \
	FADD(27, 0, 0); \
	SSHR1(1, 2); \
	VSUB V2.S4, V1.S4, V1.S4; \
	VADD V28.S4, V1.S4, V1.S4; \
	VADD V28.S4, V2.S4, V2.S4; \
	VSHL $23, V1.S4, V1.S4; \
	VSHL $23, V2.S4, V2.S4; \
	FMUL(2, 0, 0); \
	FMUL(1, 0, 0)

// SIGMOID: V0 = 1 / (1 + e^-V0). Clobbers V1..V4.
#define SIGMOID \
	FNEG(0, 0); \
	EXP; \
	FADD(27, 0, 0); \
	FDIV(0, 27, 0)

// GELUARG: with x in V0, V5 = x, V7 = x², V0 = x (geluLin + geluCub x²).
#define GELUARG \
	VMOV V0.B16, V5.B16; \
	FMUL(0, 0, 7); \
	VMOV V29.B16, V1.B16; \
	VFMLA V30.S4, V7.S4, V1.S4; \
	FMUL(1, 0, 0)

// GLUBACK: with x in V5, s in V0 and (1-s) z' in V1, where z' is the slope of the
// sigmoid's argument, adds dy up s (1 + x V1) to dgate (R0) and dy x s to dup (R1).
#define GLUBACK \
	VMOV V27.B16, V2.B16; \
	VFMLA V1.S4, V5.S4, V2.S4; \
	FMUL(0, 2, 2); \
	FMUL(5, 0, 0); \
	VLD1.P 16(R2), [V3.S4]; \
	VLD1.P 16(R4), [V4.S4]; \
	FMUL(3, 4, 4); \
	VLD1 (R0), [V6.S4]; \
	VFMLA V2.S4, V4.S4, V6.S4; \
	VST1.P [V6.S4], 16(R0); \
	VLD1 (R1), [V6.S4]; \
	VFMLA V0.S4, V3.S4, V6.S4; \
	VST1.P [V6.S4], 16(R1)

// func expNEON(dst, x *float32, n int)
TEXT ·expNEON(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R7
	CONSTANTS
loop:
	VLD1.P 16(R1), [V0.S4]
	EXP
	VST1.P [V0.S4], 16(R0)
	NEXT
	RET

// func expSumNEON(dst, x *float32, n int, shift float32) float32
TEXT ·expSumNEON(SB), NOSPLIT, $0-36
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R7
	FMOVS shift+24(FP), F5
	VDUP V5.S[0], V5.S4
	VEOR V6.B16, V6.B16, V6.B16
	CONSTANTS
loop:
	VLD1.P 16(R1), [V0.S4]
	FSUB(5, 0, 0)
	EXP
	VST1.P [V0.S4], 16(R0)
	FADD(0, 6, 6)
	NEXT
	FADDP(6, 6, 6)
	FADDP(6, 6, 6)
	FMOVS F6, ret+32(FP)
	RET

// func siluMulNEON(dst, gate, up *float32, n int)
TEXT ·siluMulNEON(SB), NOSPLIT, $0-32
	GLUARGS
loop:
	VLD1.P 16(R1), [V0.S4]
	VMOV V0.B16, V5.B16
	SIGMOID
	VLD1.P 16(R2), [V6.S4]
	FMUL(5, 0, 0)
	FMUL(6, 0, 0)
	VST1.P [V0.S4], 16(R0)
	NEXT
	RET

// func geluMulNEON(dst, gate, up *float32, n int)
TEXT ·geluMulNEON(SB), NOSPLIT, $0-32
	GLUARGS
loop:
	VLD1.P 16(R1), [V0.S4]
	GELUARG
	SIGMOID
	VLD1.P 16(R2), [V6.S4]
	FMUL(5, 0, 0)
	FMUL(6, 0, 0)
	VST1.P [V0.S4], 16(R0)
	NEXT
	RET

// func siluMulBackNEON(dgate, dup, dy, gate, up *float32, n int)
TEXT ·siluMulBackNEON(SB), NOSPLIT, $0-48
	GLUBACKARGS
loop:
	VLD1.P 16(R3), [V0.S4]
	VMOV V0.B16, V5.B16
	SIGMOID
	FSUB(0, 27, 1)
	GLUBACK
	NEXT
	RET

// func geluMulBackNEON(dgate, dup, dy, gate, up *float32, n int)
TEXT ·geluMulBackNEON(SB), NOSPLIT, $0-48
	GLUBACKARGS
loop:
	VLD1.P 16(R3), [V0.S4]
	GELUARG
	SIGMOID
	VMOV V29.B16, V2.B16
	VFMLA V31.S4, V7.S4, V2.S4
	FSUB(0, 27, 1)
	FMUL(2, 1, 1)
	GLUBACK
	NEXT
	RET

// func adamWNEON(p, grad, m, v *float32, n int, k *adamCoef)
TEXT ·adamWNEON(SB), NOSPLIT, $0-48
	MOVD p+0(FP), R0
	MOVD grad+8(FP), R1
	MOVD m+16(FP), R2
	MOVD v+24(FP), R3
	MOVD n+32(FP), R7
	MOVD k+40(FP), R6
	VLD1 (R6), [V30.S4, V31.S4]
	VDUP V30.S[0], V16.S4 // beta1
	VDUP V30.S[1], V17.S4 // 1-beta1
	VDUP V30.S[2], V18.S4 // beta2
	VDUP V30.S[3], V19.S4 // 1-beta2
	VDUP V31.S[0], V20.S4 // decay
	VDUP V31.S[1], V21.S4 // step
	VDUP V31.S[2], V22.S4 // root
	VDUP V31.S[3], V23.S4 // eps
loop:
	VLD1.P 16(R1), [V0.S4]
	VLD1 (R2), [V1.S4]
	VLD1 (R3), [V2.S4]
	VLD1 (R0), [V3.S4]
	FMUL(17, 0, 4)
	VFMLA V16.S4, V1.S4, V4.S4
	VST1.P [V4.S4], 16(R2)
	FMUL(0, 0, 0)
	FMUL(19, 0, 0)
	VFMLA V18.S4, V2.S4, V0.S4
	VST1.P [V0.S4], 16(R3)
	FSQRT(0, 0)
	VMOV V23.B16, V5.B16
	VFMLA V22.S4, V0.S4, V5.S4
	FMUL(21, 4, 4)
	FDIV(5, 4, 4)
	FNEG(4, 4)
	VFMLA V20.S4, V3.S4, V4.S4
	VST1.P [V4.S4], 16(R0)
	NEXT
	RET
