//go:build !purego

#include "textflag.h"
#include "quantize_amd64.h"

// Registers of the block functions, set before the loop:
//	Y15	dwordOrder
//	Y14	the largest code in every byte
//	Y13	the sign bit
//	Y12	what is added before truncation
//	Y11	where the maximum starts
//	Y10	where the minimum starts
//	Y9	0x0f in every byte
//	Y8	divisor or factor of d
#define LOAD \
	VMOVUPS (SI), Y0; \
	VMOVUPS 32(SI), Y1; \
	VMOVUPS 64(SI), Y2; \
	VMOVUPS 96(SI), Y3

// BOUNDS: lane 0 of X4 = the maximum of Y0..Y3 and Y11, lane 1 the negated minimum
// of Y0..Y3 and Y10; the same in lanes 2 and 3.
#define BOUNDS \
	VMAXPS Y11, Y0, Y4; \
	VMAXPS Y11, Y1, Y5; \
	VMINPS Y10, Y0, Y6; \
	VMINPS Y10, Y1, Y7; \
	VMAXPS Y4, Y2, Y4; \
	VMAXPS Y5, Y3, Y5; \
	VMINPS Y6, Y2, Y6; \
	VMINPS Y7, Y3, Y7; \
	VMAXPS Y5, Y4, Y4; \
	VMINPS Y7, Y6, Y6; \
	VEXTRACTF128 $1, Y4, X5; \
	VEXTRACTF128 $1, Y6, X7; \
	VMAXPS X5, X4, X4; \
	VMINPS X7, X6, X6; \
	VXORPS X13, X6, X6; \
	VUNPCKLPS X6, X4, X5; \
	VUNPCKHPS X6, X4, X4; \
	VMAXPS X5, X4, X4; \
	VPERMILPS $0x4e, X4, X5; \
	VMAXPS X5, X4, X4

// BITS(a, b, c, d, t, r): r = the sign bits of the 32 lanes of a..d, in order.
#define BITS(a, b, c, d, t, r) \
	VPACKSSDW b, a, t; \
	VPACKSSDW d, c, d; \
	VPACKSSWB d, t, t; \
	VPERMD t, Y15, t; \
	VPMOVMSKB t, r

// FIRSTSIGN: X5 = the sign, as a sign bit, of the first of Y0..Y3 that equals all
// lanes of Y4; + if there is none. The signs are those in memory, and Y0..Y3 are
// read again.
#define FIRSTSIGN \
	VCMPPS $0, Y4, Y0, Y5; \
	VCMPPS $0, Y4, Y1, Y6; \
	VCMPPS $0, Y4, Y2, Y7; \
	VCMPPS $0, Y4, Y3, Y3; \
	BITS(Y5, Y6, Y7, Y3, Y5, R8); \
	LOAD; \
	BITS(Y0, Y1, Y2, Y3, Y0, R9); \
	LOAD; \
	MOVL R8, R10; \
	NEGL R10; \
	ANDL R10, R8; \
	ANDL R9, R8; \
	NEGL R8; \
	SBBL R8, R8; \
	SHLL $31, R8; \
	VMOVD R8, X5

// INVERSE: all lanes of Y5 = 1/d, 0 if d in lane 0 of X4 is 0.
#define INVERSE \
	VXORPS X7, X7, X7; \
	VMOVSS C_ONE, X5; \
	VDIVSS X4, X5, X5; \
	VCMPSS $4, X7, X4, X7; \
	VANDPS X7, X5, X5; \
	VBROADCASTSS X5, Y5

// UNSIGNED: Y0 = the codes Y0..Y3 + Y12, cut to integers in 0..Y14, as bytes in
// order. What has no 32-bit integer becomes the least one and then 0.
#define UNSIGNED \
	VADDPS Y12, Y0, Y0; \
	VADDPS Y12, Y1, Y1; \
	VADDPS Y12, Y2, Y2; \
	VADDPS Y12, Y3, Y3; \
	VCVTTPS2DQ Y0, Y0; \
	VCVTTPS2DQ Y1, Y1; \
	VCVTTPS2DQ Y2, Y2; \
	VCVTTPS2DQ Y3, Y3; \
	VPACKSSDW Y1, Y0, Y0; \
	VPACKSSDW Y3, Y2, Y2; \
	VPACKUSWB Y2, Y0, Y0; \
	VPMINUB Y14, Y0, Y0; \
	VPERMD Y0, Y15, Y0

#define TIMES(y) \
	VMULPS y, Y0, Y0; \
	VMULPS y, Y1, Y1; \
	VMULPS y, Y2, Y2; \
	VMULPS y, Y3, Y3

// NIBBLES(off): the codes, below 16, of Y0.
#define NIBBLES(off) \
	VEXTRACTI128 $1, Y0, X1; \
	VPSLLW $4, X1, X1; \
	VPOR X1, X0, X0; \
	VMOVDQU X0, off(DI)

// FIVEBITS(off): the codes, below 32, of Y0.
#define FIVEBITS(off) \
	VPSLLW $3, Y0, Y1; \
	VPMOVMSKB Y1, AX; \
	MOVL AX, off(DI); \
	VPAND Y9, Y0, Y0; \
	NIBBLES(off+4)

// EXTREME: lane 0 of X4 = the value of largest magnitude, the first of equals. If
// none is larger than its opposite, the first decides; +0 is for all zeros.
#define EXTREME(tie, go) \
	BOUNDS; \
	VPERMILPS $0xb1, X4, X5; \
	VUCOMISS X5, X4; \
	JEQ  tie; \
	VCMPPS $14, X5, X4, X6; \
	VXORPS X13, X5, X5; \
	VBLENDVPS X6, X4, X5, X4; \
go:

// TIE: the other end of EXTREME.
#define TIE(tie, go) \
tie: \
	VBROADCASTSS X4, Y4; \
	VANDNPS Y0, Y13, Y0; \
	VANDNPS Y1, Y13, Y1; \
	VANDNPS Y2, Y13, Y2; \
	VANDNPS Y3, Y13, Y3; \
	FIRSTSIGN; \
	VXORPS X6, X6, X6; \
	VXORPS X5, X4, X4; \
	VADDSS X6, X4, X4; \
	JMP  go

#define CONSTANTS(top, add) \
	VMOVDQU ·dwordOrder+0(SB), Y15; \
	DWORDS(top, X14, Y14); \
	DWORDS($0x80000000, X13, Y13); \
	VBROADCASTSS add, Y12; \
	DWORDS($0x0f0f0f0f, X9, Y9)

#define FROMZERO \
	VXORPS Y11, Y11, Y11; \
	VXORPS Y10, Y10, Y10

#define FROMLIMITS \
	VBROADCASTSS C_NMAX, Y11; \
	VBROADCASTSS C_MAX, Y10

// func quantQ4_0AVX2(dst *byte, src *float32, n int)
TEXT ·quantQ4_0AVX2(SB), NOSPLIT, $0-24
	ARGS
	CONSTANTS($0x0f0f0f0f, C_8HALF)
	FROMZERO
	VMOVSS C_NEIGHTH, X8
loop:
	LOAD
	EXTREME(tie, go)
	VMULSS X8, X4, X4
	INVERSE
	STOREHALF(X4, 0)
	TIMES(Y5)
	UNSIGNED
	NIBBLES(2)
	ADDQ $128, SI
	ADDQ $18, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET
	TIE(tie, go)

// func quantQ5_0AVX2(dst *byte, src *float32, n int)
TEXT ·quantQ5_0AVX2(SB), NOSPLIT, $0-24
	ARGS
	CONSTANTS($0x1f1f1f1f, C_16HALF)
	FROMZERO
	VMOVSS C_NSIXTEENTH, X8
loop:
	LOAD
	EXTREME(tie, go)
	VMULSS X8, X4, X4
	INVERSE
	STOREHALF(X4, 0)
	TIMES(Y5)
	UNSIGNED
	FIVEBITS(2)
	ADDQ $128, SI
	ADDQ $22, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET
	TIE(tie, go)

// RANGE: lane 0 of X4 = max - min, X5 = min. The minimum of several zeros has the
// sign of the first.
#define RANGE(zero, go) \
	BOUNDS; \
	VPERMILPS $0xb1, X4, X5; \
	VXORPS X13, X5, X5; \
	VXORPS X6, X6, X6; \
	VUCOMISS X6, X5; \
	JEQ  zero; \
	VSUBSS X5, X4, X4; \
go:

// ZEROMIN: the other end of RANGE: the difference of two zeros is +0.
#define ZEROMIN(zero, go) \
zero: \
	VSUBSS X5, X4, X11; \
	VADDSS X6, X11, X11; \
	VXORPS Y4, Y4, Y4; \
	FIRSTSIGN; \
	VMOVAPS X11, X4; \
	VBROADCASTSS C_NMAX, Y11; \
	JMP  go

// LESSMIN: Y0..Y3 -= the minimum in X5; the minimum and d are stored.
#define LESSMIN \
	STOREHALF(X5, 2); \
	VBROADCASTSS X5, Y7; \
	VDIVSS X8, X4, X4; \
	VSUBPS Y7, Y0, Y0; \
	VSUBPS Y7, Y1, Y1; \
	VSUBPS Y7, Y2, Y2; \
	VSUBPS Y7, Y3, Y3; \
	INVERSE; \
	STOREHALF(X4, 0)

// func quantQ4_1AVX2(dst *byte, src *float32, n int)
TEXT ·quantQ4_1AVX2(SB), NOSPLIT, $0-24
	ARGS
	CONSTANTS($0x0f0f0f0f, C_HALF)
	FROMLIMITS
	VMOVSS C_15, X8
loop:
	LOAD
	RANGE(zero, go)
	LESSMIN
	TIMES(Y5)
	UNSIGNED
	NIBBLES(4)
	ADDQ $128, SI
	ADDQ $20, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET
	ZEROMIN(zero, go)

// func quantQ5_1AVX2(dst *byte, src *float32, n int)
TEXT ·quantQ5_1AVX2(SB), NOSPLIT, $0-24
	ARGS
	CONSTANTS($0x1f1f1f1f, C_HALF)
	FROMLIMITS
	VMOVSS C_31, X8
loop:
	LOAD
	RANGE(zero, go)
	LESSMIN
	TIMES(Y5)
	UNSIGNED
	FIVEBITS(4)
	ADDQ $128, SI
	ADDQ $24, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET
	ZEROMIN(zero, go)
