//go:build !purego

#include "textflag.h"
#include "search_amd64.h"

// func searchAffineAVX2(s *Search, top float32, absolute bool, numerators *float32, n, rows, at int) bool
TEXT ·searchAffineAVX2(SB), NOSPLIT, $0-49
	MOVQ s+0(FP), SI
	MOVBLZX absolute+12(FP), R10
	MOVQ rows+32(FP), R9
	SHLQ $5, R9
	MOVQ at+40(FP), DI
	LEAQ (SI)(DI*4), DI
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
	CMPQ R8, R9
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
	TESTL R10, R10
	JEQ  sized
	VXORPS Y0, Y0, Y0               // the importance is |x| alone
sized:
	VMOVAPS Y13, Y1                 // -0: the first addition changes no sign
	VMOVAPS Y13, Y2
	XORL R8, R8
weights:
	WEIGH
	WEIGH
	CMPQ R8, R9
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
	CMPQ R8, R9
	JNE  first
	ERRORS(firstsquares, firstdistances, firsterror)
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
	CMPQ R8, R9
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
	ERRORS(squaresof, distances, error)
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
	MOVB $1, ret+48(FP)
	VZEROUPPER
	RET
fail:
	MOVB $0, ret+48(FP)
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

	NOEXTREME
	XORL R8, R8
extremes:
	EXTREME((SI)(R8*1))
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
