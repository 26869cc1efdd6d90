//go:build !purego

#include "textflag.h"

// Search, at SI: rows of 32 bytes, one weight of each run: weights x at 0, their
// importance w at 1024, codes l at 2048; then variables and the results.
#define HI 3072(SI)
#define LEAST 3104(SI)
#define BEST 3136(SI)
#define SUMW 3168(SI)
#define SUMX 3200(SI)
#define FLAT 3232(SI)
#define SCALE 3328(SI)
#define MIN 3392(SI)

#define C_MAGIC ·searchTable+0(SB)
#define C_32TH ·searchTable+4(SB)
#define C_BOUND ·searchTable+8(SB)
#define C_TINY ·searchTable+12(SB)
#define C_ONE ·searchTable+16(SB)

// Constants in registers: Y15 C_MAGIC, Y14 that plus the largest code, Y13 the sign
// bit; in searchSymmetric also Y12 C_MAGIC plus the least code.

#define SIGNBIT \
	VPCMPEQD Y13, Y13, Y13; \
	VPSLLD $31, Y13, Y13

// WEIGH: w = Y0 + |x|, Y1 += w, Y2 += w*x.
#define WEIGH \
	VMOVUPS (SI)(R8*1), Y3; \
	VANDNPS Y3, Y13, Y4; \
	VADDPS Y4, Y0, Y4; \
	VMOVUPS Y4, 1024(SI)(R8*1); \
	VADDPS Y4, Y1, Y1; \
	VMULPS Y3, Y4, Y4; \
	VADDPS Y4, Y2, Y2; \
	ADDQ $32, R8

// CODE: Y8 = the code of x (left in Y7) for the inverse scale Y3 and minimum Y4.
#define CODE(off) \
	VMOVUPS (off)(SI)(R8*1), Y7; \
	VSUBPS Y4, Y7, Y8; \
	VMULPS Y8, Y3, Y8; \
	VADDPS Y15, Y8, Y8; \
	VMAXPS Y15, Y8, Y8; \
	VMINPS Y14, Y8, Y8; \
	VSUBPS Y15, Y8, Y8; \
	VMOVUPS Y8, (2048+off)(SI)(R8*1)

// FIT: Y0 += w*l, Y1 += w*l*l, Y2 += w*l*x.
#define FIT(off) \
	CODE(off); \
	VMULPS (1024+off)(SI)(R8*1), Y8, Y9; \
	VMULPS Y8, Y9, Y10; \
	VADDPS Y9, Y0, Y0; \
	VMULPS Y7, Y9, Y11; \
	VADDPS Y10, Y1, Y1; \
	VADDPS Y11, Y2, Y2

// ERROR: Y0 += w*(Y5*l + Y6 - x)^2.
#define ERROR(off) \
	VMULPS (2048+off)(SI)(R8*1), Y5, Y7; \
	VADDPS Y6, Y7, Y7; \
	VSUBPS (off)(SI)(R8*1), Y7, Y7; \
	VMULPS Y7, Y7, Y7; \
	VMULPS (1024+off)(SI)(R8*1), Y7, Y7; \
	VADDPS Y7, Y0, Y0

// BOUNDED(fail): jumps if a code of a run that is not flat may be too large to be
// rounded by C_MAGIC: hi and the least weight bound all others.
#define BOUNDED(fail) \
	VMOVUPS HI, Y7; \
	VSUBPS Y4, Y7, Y7; \
	VMULPS Y3, Y7, Y7; \
	VMOVUPS LEAST, Y8; \
	VSUBPS Y4, Y8, Y8; \
	VMULPS Y3, Y8, Y8; \
	VANDNPS Y7, Y13, Y7; \
	VANDNPS Y8, Y13, Y8; \
	VBROADCASTSS C_BOUND, Y9; \
	VCMPPS $1, Y9, Y7, Y7; \
	VCMPPS $1, Y9, Y8, Y8; \
	VANDPS Y7, Y8, Y8; \
	VORPS FLAT, Y8, Y8; \
	VMOVMSKPS Y8, AX; \
	CMPL AX, $255; \
	JNE  fail

// func searchAffineAVX2(s *Search, top float32, numerators *float32, n int) bool
TEXT ·searchAffineAVX2(SB), NOSPLIT, $0-33
	MOVQ s+0(FP), SI
	MOVQ numerators+16(FP), DX
	MOVQ n+24(FP), CX
	VBROADCASTSS C_MAGIC, Y15
	VBROADCASTSS top+8(FP), Y14
	VADDPS Y15, Y14, Y14
	SIGNBIT

	VXORPS Y0, Y0, Y0
	VMOVUPS (SI), Y1
	VMOVAPS Y1, Y2
	XORL R8, R8
squares:
	VMOVUPS (SI)(R8*1), Y3
	VMULPS Y3, Y3, Y4
	VMINPS Y3, Y1, Y1
	VMAXPS Y3, Y2, Y2
	VADDPS Y4, Y0, Y0
	ADDQ $32, R8
	CMPQ R8, $1024
	JNE  squares
	VCMPPS $3, Y0, Y0, Y3           // NaN among the weights
	VMOVMSKPS Y3, AX
	TESTL AX, AX
	JNE  fail
	VMOVUPS Y1, LEAST
	VMOVUPS Y2, HI
	VXORPS Y3, Y3, Y3
	VMINPS Y3, Y1, Y12              // the minimum of the fit, not above 0; stays in Y12
	VCMPPS $0, Y12, Y2, Y3
	VMOVUPS Y3, FLAT
	VBROADCASTSS C_32TH, Y3
	VMULPS Y3, Y0, Y0
	VSQRTPS Y0, Y0

	VMOVAPS Y13, Y1                 // -0: the first addition changes no sign
	VMOVAPS Y13, Y2
	XORL R8, R8
weights:
	WEIGH
	WEIGH
	CMPQ R8, $1024
	JNE  weights
	VMOVUPS Y1, SUMW
	VMOVUPS Y2, SUMX

	VMOVAPS Y12, Y4
	VBROADCASTSS top+8(FP), Y3
	VMOVUPS HI, Y5
	VSUBPS Y4, Y5, Y5
	VDIVPS Y5, Y3, Y3
	VBROADCASTSS C_ONE, Y5
	VDIVPS Y3, Y5, Y5
	VMOVUPS Y5, SCALE
	VMOVAPS Y4, Y6
	BOUNDED(fail)
	XORL R8, R8
first:
	CODE(0)
	CODE(32)
	CODE(64)
	CODE(96)
	ADDQ $128, R8
	CMPQ R8, $1024
	JNE  first
	VXORPS Y0, Y0, Y0
	XORL R8, R8
firsterror:
	ERROR(0)
	ERROR(32)
	ERROR(64)
	ERROR(96)
	ADDQ $128, R8
	CMPQ R8, $1024
	JNE  firsterror
	VMOVUPS Y0, BEST

step:
	VMOVAPS Y12, Y4
	VMOVUPS HI, Y5
	VSUBPS Y4, Y5, Y5
	VBROADCASTSS (DX), Y3
	ADDQ $4, DX
	VDIVPS Y5, Y3, Y3
	BOUNDED(fail)
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	XORL R8, R8
fit:
	FIT(0)
	FIT(32)
	FIT(64)
	FIT(96)
	ADDQ $128, R8
	CMPQ R8, $1024
	JNE  fit

	// Y0 sum of w*l, Y1 of w*l*l, Y2 of w*l*x.
	VMOVUPS SUMW, Y7
	VMOVUPS SUMX, Y8
	VMULPS Y1, Y7, Y9
	VMULPS Y0, Y0, Y10
	VSUBPS Y10, Y9, Y9              // determinant
	VMULPS Y2, Y7, Y5
	VMULPS Y0, Y8, Y10
	VSUBPS Y10, Y5, Y5
	VDIVPS Y9, Y5, Y5               // scale
	VMULPS Y1, Y8, Y6
	VMULPS Y0, Y2, Y10
	VSUBPS Y10, Y6, Y6
	VDIVPS Y9, Y6, Y6               // minimum
	VDIVPS Y1, Y2, Y2               // scale without one
	VXORPS Y10, Y10, Y10
	VCMPPS $14, Y10, Y9, Y11        // determinant > 0; stays in Y11
	VCMPPS $14, Y10, Y6, Y10        // minimum > 0
	VBLENDVPS Y10, Y2, Y5, Y5
	VANDNPS Y6, Y10, Y6
	VXORPS Y0, Y0, Y0
	XORL R8, R8
error:
	ERROR(0)
	ERROR(32)
	ERROR(64)
	ERROR(96)
	ADDQ $128, R8
	CMPQ R8, $1024
	JNE  error
	VMOVUPS BEST, Y1
	VCMPPS $1, Y1, Y0, Y2
	VANDPS Y2, Y11, Y2
	VMOVUPS FLAT, Y3
	VANDNPS Y2, Y3, Y2              // runs that improved
	VBLENDVPS Y2, Y0, Y1, Y1
	VMOVUPS Y1, BEST
	VMOVUPS SCALE, Y1
	VBLENDVPS Y2, Y5, Y1, Y1
	VMOVUPS Y1, SCALE
	VBLENDVPS Y2, Y6, Y12, Y12
	DECQ CX
	JNE  step

	VMOVUPS FLAT, Y3
	VMOVUPS SCALE, Y1
	VANDNPS Y1, Y3, Y1
	VMOVUPS Y1, SCALE
	VXORPS Y13, Y12, Y12
	VMOVUPS Y12, MIN
	MOVB $1, ret+32(FP)
	VZEROUPPER
	RET
fail:
	MOVB $0, ret+32(FP)
	VZEROUPPER
	RET

// SUMS: Y0 += x^2*x*l, Y1 += x^2*l*l for the codes l of the inverse scale Y3; rows of
// w hold x^2, those of l x^2*x.
#define SUMS(off) \
	VMULPS (off)(SI)(R8*1), Y3, Y8; \
	VADDPS Y15, Y8, Y8; \
	VMAXPS Y12, Y8, Y8; \
	VMINPS Y14, Y8, Y8; \
	VSUBPS Y15, Y8, Y8; \
	VMULPS (2048+off)(SI)(R8*1), Y8, Y9; \
	VMULPS (1024+off)(SI)(R8*1), Y8, Y10; \
	VMULPS Y8, Y10, Y10; \
	VADDPS Y9, Y0, Y0; \
	VADDPS Y10, Y1, Y1

#define ALLSUMS \
	VXORPS Y0, Y0, Y0; \
	VXORPS Y1, Y1, Y1; \
	XORL R8, R8; \
	SUMS(0); \
	SUMS(32); \
	SUMS(64); \
	SUMS(96); \
	SUMS(128); \
	SUMS(160); \
	SUMS(192); \
	SUMS(224); \
	SUMS(256); \
	SUMS(288); \
	SUMS(320); \
	SUMS(352); \
	SUMS(384); \
	SUMS(416); \
	SUMS(448); \
	SUMS(480)

// func searchSymmetricAVX2(s *Search, scale *float32, top float32, numerators *float32, n int) bool
TEXT ·searchSymmetricAVX2(SB), NOSPLIT, $0-41
	MOVQ s+0(FP), SI
	MOVQ scale+8(FP), DI
	MOVQ numerators+24(FP), DX
	MOVQ n+32(FP), CX
	VBROADCASTSS C_MAGIC, Y15
	VBROADCASTSS top+16(FP), Y14
	VSUBPS Y14, Y15, Y12
	VADDPS Y15, Y14, Y14
	VBROADCASTSS C_ONE, Y0
	VSUBPS Y0, Y14, Y14
	SIGNBIT

	VXORPS Y4, Y4, Y4               // magnitude of the extreme
	VXORPS Y5, Y5, Y5               // extreme
	VXORPS Y6, Y6, Y6               // NaN if a weight is not finite
	VXORPS Y7, Y7, Y7
	XORL R8, R8
extremes:
	VMOVUPS (SI)(R8*1), Y0
	VANDNPS Y0, Y13, Y1
	VCMPPS $14, Y4, Y1, Y2
	VBLENDVPS Y2, Y0, Y5, Y5
	VMAXPS Y4, Y1, Y4
	VMULPS Y7, Y0, Y3
	VADDPS Y3, Y6, Y6
	VMULPS Y0, Y0, Y1
	VMOVUPS Y1, 1024(SI)(R8*1)
	VMULPS Y0, Y1, Y1
	VMOVUPS Y1, 2048(SI)(R8*1)
	ADDQ $32, R8
	CMPQ R8, $512
	JNE  extremes
	VCMPPS $3, Y6, Y6, Y6
	VMOVMSKPS Y6, AX
	TESTL AX, AX
	JNE  fail
	VBROADCASTSS C_TINY, Y0
	VCMPPS $13, Y0, Y4, Y11         // runs that do not count as zero
	VBROADCASTSS top+16(FP), Y3
	VXORPS Y13, Y3, Y3
	VDIVPS Y5, Y3, Y3
	ALLSUMS
	VDIVPS Y1, Y0, Y6
	VCMPPS $4, Y7, Y1, Y2
	VANDPS Y2, Y6, Y6               // scale
	VMULPS Y0, Y6, Y4               // best
step:
	VBROADCASTSS (DX), Y3
	ADDQ $4, DX
	VDIVPS Y5, Y3, Y3
	ALLSUMS
	VMULPS Y0, Y0, Y8
	VMULPS Y1, Y4, Y9
	VCMPPS $14, Y9, Y8, Y8
	VCMPPS $14, Y7, Y1, Y9
	VANDPS Y8, Y9, Y9               // runs that improved
	VDIVPS Y1, Y0, Y8
	VBLENDVPS Y9, Y8, Y6, Y6
	VMULPS Y0, Y8, Y8
	VBLENDVPS Y9, Y8, Y4, Y4
	DECQ CX
	JNE  step
	VANDPS Y11, Y6, Y6
	VMOVUPS Y6, (DI)
	MOVB $1, ret+40(FP)
	VZEROUPPER
	RET
fail:
	MOVB $0, ret+40(FP)
	VZEROUPPER
	RET

// BYTES: the dwords of Y0..Y3, codes below 256, to 32 bytes at DI. Y11 is dwordOrder.
#define BYTES \
	VPACKSSDW Y1, Y0, Y0; \
	VPACKSSDW Y3, Y2, Y2; \
	VPACKUSWB Y2, Y0, Y0; \
	VPERMD Y0, Y11, Y0; \
	VMOVDQU Y0, (DI); \
	ADDQ $32, DI; \
	ADDQ $128, SI

// AFFINE: y = the code of the 8 weights at off. The maximum takes 0 for NaN.
#define AFFINE(off, y) \
	VMOVUPS off(SI), y; \
	VSUBPS Y5, y, y; \
	VDIVPS Y4, y, y; \
	VMAXPS Y13, y, y; \
	VMINPS Y14, y, y; \
	VCVTPS2DQ y, y

// func roundAffineAVX2(codes *[256]uint8, x *float32, scale, offset *[8]float32, top float32)
TEXT ·roundAffineAVX2(SB), NOSPLIT, $0-36
	MOVQ codes+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ scale+16(FP), R8
	MOVQ offset+24(FP), R9
	VBROADCASTSS top+32(FP), Y14
	VXORPS Y13, Y13, Y13
	VMOVDQU ·dwordOrder+0(SB), Y11
	MOVQ $8, CX
loop:
	VBROADCASTSS (R8), Y4
	VBROADCASTSS (R9), Y5
	AFFINE(0, Y0)
	AFFINE(32, Y1)
	AFFINE(64, Y2)
	AFFINE(96, Y3)
	BYTES
	ADDQ $4, R8
	ADDQ $4, R9
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// SYMMETRIC: y = Y12 + the code of the 8 weights at off for the scale s.
#define SYMMETRIC(off, s, y) \
	VMOVUPS off(SI), y; \
	VDIVPS s, y, y; \
	VCMPPS $7, y, y, Y6; \
	VANDPS Y6, y, y; \
	VMAXPS Y13, y, y; \
	VMINPS Y14, y, y; \
	VCVTPS2DQ y, y; \
	VPADDD Y12, y, y

// func roundSymmetricAVX2(codes *[256]uint8, x *float32, scale *[16]float32, top int)
TEXT ·roundSymmetricAVX2(SB), NOSPLIT, $0-32
	MOVQ codes+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ scale+16(FP), R8
	VPBROADCASTD top+24(FP), Y12
	VCVTDQ2PS Y12, Y14
	VXORPS Y0, Y0, Y0
	VSUBPS Y14, Y0, Y13             // -top
	VBROADCASTSS C_ONE, Y0
	VSUBPS Y0, Y14, Y14             // top-1
	VMOVDQU ·dwordOrder+0(SB), Y11
	MOVQ $8, CX
loop:
	VBROADCASTSS (R8), Y4
	VBROADCASTSS 4(R8), Y5
	SYMMETRIC(0, Y4, Y0)
	SYMMETRIC(32, Y4, Y1)
	SYMMETRIC(64, Y5, Y2)
	SYMMETRIC(96, Y5, Y3)
	BYTES
	ADDQ $8, R8
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET
