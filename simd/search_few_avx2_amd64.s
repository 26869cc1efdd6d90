//go:build !purego

#include "textflag.h"
#include "search_amd64.h"

// searchClimbAVX2 has two groups of eight runs, so that the steps of one fill the
// waits of the other: weights at 0 and 512, their squares at 1024 and 1536, cubes at
// 2048 and 2560, codes at 3456 and 3968. Y15 is C_MAGIC, Y14 that plus the largest
// code, Y12 plus the least, Y13 the sign bit.
#define LARGEENOUGH 3072
#define CODES 3456

// CUBES(at): squares and cubes of the group at at; Y3 = -top/extreme, and the mask of
// runs that do not count as zero is kept. Jumps to fail if a product might overflow.
#define CUBES(at, loop, fail) \
	NOEXTREME; \
	XORL R8, R8; \
loop: \
	EXTREME(at(SI)(R8*1)); \
	VMOVUPS Y1, (1024+at)(SI)(R8*1); \
	VMULPS Y0, Y1, Y1; \
	VMOVUPS Y1, (2048+at)(SI)(R8*1); \
	ADDQ $32, R8; \
	CMPQ R8, $512; \
	JNE  loop; \
	VBROADCASTSS C_LARGE, Y0; \
	VCMPPS $5, Y0, Y4, Y0; \
	VCMPPS $3, Y6, Y6, Y6; \
	VORPS Y6, Y0, Y0; \
	VMOVMSKPS Y0, AX; \
	TESTL AX, AX; \
	JNE  fail; \
	VBROADCASTSS C_TINY, Y0; \
	VCMPPS $13, Y0, Y4, Y0; \
	VMOVUPS Y0, (LARGEENOUGH+at/16)(SI); \
	VBROADCASTSS top+8(FP), Y3; \
	VXORPS Y13, Y3, Y3; \
	VDIVPS Y5, Y3, Y3

// FIRST(at, lx, l2): the codes for the inverse scale Y3, lx += x^3*l, l2 += x^2*l*l.
#define FIRST(at, lx, l2, loop) \
	VXORPS lx, lx, lx; \
	VXORPS l2, l2, l2; \
	XORL R8, R8; \
loop: \
	VMULPS at(SI)(R8*1), Y3, Y8; \
	VADDPS Y15, Y8, Y8; \
	VMAXPS Y12, Y8, Y8; \
	VMINPS Y14, Y8, Y8; \
	VSUBPS Y15, Y8, Y8; \
	VMOVUPS Y8, (CODES+at)(SI)(R8*1); \
	VMULPS (2048+at)(SI)(R8*1), Y8, Y9; \
	VADDPS Y9, lx, lx; \
	VMULPS (1024+at)(SI)(R8*1), Y8, Y9; \
	VMULPS Y8, Y9, Y9; \
	VADDPS Y9, l2, l2; \
	ADDQ $32, R8; \
	CMPQ R8, $512; \
	JNE  loop

// MOVE(at, lx, l2): replaces the code of one weight by the best for the sums without
// it, where that helps; BX gathers whether it did.
#define MOVE(at, lx, l2) \
	VMOVUPS (CODES+at)(SI)(R8*1), Y7; \
	VMOVUPS (1024+at)(SI)(R8*1), Y8; \
	VMOVUPS (2048+at)(SI)(R8*1), Y9; \
	VMULPS Y7, Y9, Y2; \
	VMULPS Y7, Y8, Y3; \
	VMULPS Y7, Y3, Y3; \
	VSUBPS Y2, lx, Y2; \
	VSUBPS Y3, l2, Y3; \
	VMULPS at(SI)(R8*1), Y3, Y6; \
	VDIVPS Y2, Y6, Y6; \
	VXORPS Y4, Y4, Y4; \
	VCMPPS $14, Y4, Y2, Y5; \
	VANDPS (LARGEENOUGH+at/16)(SI), Y5, Y5; \
	VADDPS Y15, Y6, Y6; \
	VMAXPS Y12, Y6, Y6; \
	VMINPS Y14, Y6, Y6; \
	VSUBPS Y15, Y6, Y6; \
	VCMPPS $4, Y7, Y6, Y4; \
	VANDPS Y4, Y5, Y5; \
	VMULPS Y6, Y9, Y9; \
	VADDPS Y9, Y2, Y2; \
	VMULPS Y6, Y8, Y8; \
	VMULPS Y6, Y8, Y8; \
	VADDPS Y8, Y3, Y3; \
	VXORPS Y4, Y4, Y4; \
	VCMPPS $14, Y4, Y3, Y4; \
	VANDPS Y4, Y5, Y5; \
	VMULPS Y2, Y2, Y8; \
	VMULPS l2, Y8, Y8; \
	VMULPS lx, lx, Y9; \
	VMULPS Y3, Y9, Y9; \
	VCMPPS $14, Y9, Y8, Y8; \
	VANDPS Y8, Y5, Y5; \
	VBLENDVPS Y5, Y6, Y7, Y7; \
	VBLENDVPS Y5, Y2, lx, lx; \
	VBLENDVPS Y5, Y3, l2, l2; \
	VMOVUPS Y7, (CODES+at)(SI)(R8*1); \
	VMOVMSKPS Y5, AX; \
	ORL  AX, BX

// CLIMBED(at, lx, l2): the scales of a group.
#define CLIMBED(at, lx, l2) \
	VXORPS Y4, Y4, Y4; \
	VCMPPS $14, Y4, l2, Y5; \
	VANDPS (LARGEENOUGH+at/16)(SI), Y5, Y5; \
	VDIVPS l2, lx, lx; \
	VANDPS Y5, lx, lx; \
	VMOVUPS lx, (3328+at/16)(SI)

// func searchClimbAVX2(s *Search, top float32) bool
TEXT ·searchClimbAVX2(SB), NOSPLIT, $0-17
	MOVQ s+0(FP), SI
	VBROADCASTSS C_MAGIC, Y15
	VBROADCASTSS top+8(FP), Y14
	VSUBPS Y14, Y15, Y12
	VADDPS Y15, Y14, Y14
	VBROADCASTSS C_ONE, Y0
	VSUBPS Y0, Y14, Y14
	SIGNBIT
	CUBES(0, cubes, fail)
	FIRST(0, Y10, Y11, first)
	CUBES(512, cubesb, fail)
	FIRST(512, Y0, Y1, firstb)
	MOVQ $5, CX
pass:
	XORL BX, BX
	XORL R8, R8
move:
	MOVE(0, Y10, Y11)
	MOVE(512, Y0, Y1)
	ADDQ $32, R8
	CMPQ R8, $512
	JNE  move
	TESTL BX, BX
	JEQ  done
	DECQ CX
	JNE  pass
done:
	CLIMBED(0, Y10, Y11)
	CLIMBED(512, Y0, Y1)
	MOVB $1, ret+16(FP)
	VZEROUPPER
	RET
fail:
	MOVB $0, ret+16(FP)
	VZEROUPPER
	RET

// LEVEL(i, q, y): y += 1 where q is not below the middle of levels i and i+1.
#define LEVEL(i, q, y) \
	VCMPPS $5, ·iq4Middles+(32*i)(SB), q, Y9; \
	VPSUBD Y9, y, y

// LEVELS(q, y): y = the number of the level nearest to q, of two the upper.
#define LEVELS(q, y) \
	VPXOR y, y, y; \
	LEVEL(0, q, y); \
	LEVEL(1, q, y); \
	LEVEL(2, q, y); \
	LEVEL(3, q, y); \
	LEVEL(4, q, y); \
	LEVEL(5, q, y); \
	LEVEL(6, q, y); \
	LEVEL(7, q, y); \
	LEVEL(8, q, y); \
	LEVEL(9, q, y); \
	LEVEL(10, q, y); \
	LEVEL(11, q, y); \
	LEVEL(12, q, y); \
	LEVEL(13, q, y); \
	LEVEL(14, q, y)

// SUMLEVELS: Y0 = the sum of x^2*l*x, Y1 of x^2*l*l for the levels l nearest to x*Y3.
// Y13 has the lower eight levels, Y12 the upper.
#define SUMLEVELS(loop) \
	VXORPS Y0, Y0, Y0; \
	VXORPS Y1, Y1, Y1; \
	XORL R8, R8; \
loop: \
	VMULPS (SI)(R8*1), Y3, Y7; \
	LEVELS(Y7, Y8); \
	VPERMPS Y13, Y8, Y7; \
	VPERMPS Y12, Y8, Y9; \
	VPSLLD $28, Y8, Y8; \
	VBLENDVPS Y8, Y9, Y7, Y7; \
	VMULPS 1024(SI)(R8*1), Y7, Y8; \
	VMULPS (SI)(R8*1), Y8, Y9; \
	VMULPS Y7, Y8, Y8; \
	VADDPS Y9, Y0, Y0; \
	VADDPS Y8, Y1, Y1; \
	ADDQ $32, R8; \
	CMPQ R8, $1024; \
	JNE  loop

// func searchLevelsAVX2(s *Search, numerators *float32, n int) bool
TEXT ·searchLevelsAVX2(SB), NOSPLIT, $0-25
	MOVQ s+0(FP), SI
	MOVQ numerators+8(FP), DX
	MOVQ n+16(FP), CX
	SIGNBIT
	NOEXTREME
	XORL R8, R8
extremes:
	EXTREME((SI)(R8*1))
	VMOVUPS Y1, 1024(SI)(R8*1)
	ADDQ $32, R8
	CMPQ R8, $1024
	JNE  extremes
	VCMPPS $3, Y6, Y6, Y6
	VMOVMSKPS Y6, AX
	TESTL AX, AX
	JNE  fail
	VBROADCASTSS C_TINY, Y0
	VCMPPS $13, Y0, Y4, Y11         // runs that do not count as zero
	VMOVAPS Y5, Y14                 // extremes
	VXORPS Y13, Y5, Y3
	VBROADCASTSS ·iq4Floats+0(SB), Y0
	VDIVPS Y0, Y3, Y3
	VBROADCASTSS C_ONE, Y0
	VDIVPS Y3, Y0, Y3
	VMOVUPS ·iq4Floats+0(SB), Y13
	VMOVUPS ·iq4Floats+32(SB), Y12
	SUMLEVELS(first)
	VXORPS Y7, Y7, Y7
	VCMPPS $14, Y7, Y1, Y2
	VDIVPS Y1, Y0, Y6
	VANDPS Y2, Y6, Y6               // scale
	VMULPS Y0, Y6, Y4               // best
step:
	VBROADCASTSS (DX), Y3
	ADDQ $4, DX
	VDIVPS Y14, Y3, Y3
	SUMLEVELS(next)
	VXORPS Y7, Y7, Y7
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
	VMOVUPS Y6, 3328(SI)
	MOVB $1, ret+24(FP)
	VZEROUPPER
	RET
fail:
	MOVB $0, ret+24(FP)
	VZEROUPPER
	RET

// func roundLevelsAVX2(codes *[256]uint8, x *float32, inverse *[8]float32)
TEXT ·roundLevelsAVX2(SB), NOSPLIT, $0-24
	MOVQ codes+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ inverse+16(FP), R8
	VMOVDQU ·dwordOrder+0(SB), Y11
	MOVQ $8, CX
loop:
	VBROADCASTSS (R8), Y4
	VMULPS 0(SI), Y4, Y5
	LEVELS(Y5, Y0)
	VMULPS 32(SI), Y4, Y5
	LEVELS(Y5, Y1)
	VMULPS 64(SI), Y4, Y5
	LEVELS(Y5, Y2)
	VMULPS 96(SI), Y4, Y5
	LEVELS(Y5, Y3)
	BYTES
	ADDQ $4, R8
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// STEP4(t, y): y += 1 where the magnitude Y12 is above the middle t.
#define STEP4(t, y) \
	VCMPPS $14, t, Y12, Y13; \
	VPSUBD Y13, y, y

// CODE4(off, y): y = the 4-bit float nearest to the weights at off for the middles
// Y4..Y10. Only codes that are not zero have a sign.
#define CODE4(off, y) \
	VMOVUPS off(SI), Y15; \
	VANDPS Y14, Y15, Y12; \
	VPXOR y, y, y; \
	STEP4(Y4, y); \
	STEP4(Y5, y); \
	STEP4(Y6, y); \
	STEP4(Y7, y); \
	STEP4(Y8, y); \
	STEP4(Y9, y); \
	STEP4(Y10, y); \
	VPXOR X13, X13, X13; \
	VPCMPGTD Y13, y, Y13; \
	VPSRLD $31, Y15, Y15; \
	VPSLLD $3, Y15, Y15; \
	VPAND Y13, Y15, Y15; \
	VPOR Y15, y, y

#define MIDDLE4(i, y) \
	VBROADCASTSS ·fp4Middles+(4*i)(SB), y; \
	VMULPS Y12, y, y

#define MIDDLES4(scale) \
	VBROADCASTSS scale, Y12; \
	MIDDLE4(0, Y4); \
	MIDDLE4(1, Y5); \
	MIDDLE4(2, Y6); \
	MIDDLE4(3, Y7); \
	MIDDLE4(4, Y8); \
	MIDDLE4(5, Y9); \
	MIDDLE4(6, Y10)

// func roundFP4AVX2(codes *[64]uint8, x *float32, scale *[4]float32)
TEXT ·roundFP4AVX2(SB), NOSPLIT, $0-24
	MOVQ codes+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ scale+16(FP), R8
	VMOVDQU ·dwordOrder+0(SB), Y11
	VPCMPEQD Y14, Y14, Y14
	VPSRLD $1, Y14, Y14             // all but the sign
	MOVQ $2, CX
loop:
	MIDDLES4((R8))
	CODE4(0, Y0)
	CODE4(32, Y1)
	MIDDLES4(4(R8))
	CODE4(64, Y2)
	CODE4(96, Y3)
	BYTES
	ADDQ $8, R8
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET
