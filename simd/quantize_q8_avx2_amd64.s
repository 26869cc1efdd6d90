//go:build !purego

#include "textflag.h"
#include "quantize_amd64.h"

// Registers: Y15 dwordOrder, Y14 -32768 in every word, Y13 the sign bit, Y12 2, Y11
// the largest finite float, Y10 1, Y9 0, Y8 127.

// LARGEST(off, y): y = the largest magnitudes of 32 weights at off, eight of them.
// As integers, NaN is larger than infinity. Clobbers Y4 and Y5.
#define LARGEST(off, y) \
	VANDNPS (off)(SI), Y13, y; \
	VANDNPS (off+32)(SI), Y13, Y4; \
	VANDNPS (off+64)(SI), Y13, Y5; \
	VPMAXSD Y4, y, y; \
	VANDNPS (off+96)(SI), Y13, Y4; \
	VPMAXSD Y5, y, y; \
	VPMAXSD Y4, y, y

// HALVE(y, t): half of the words of y, rounded away from zero: the average with 0,
// or with -1 for a negative one, which VPAVGW rounds up.
#define HALVE(y, t) \
	VPSRAW $15, y, t; \
	VPAVGW t, y, y

// BYTES(off): the words of Y0 and Y2 as bytes to off.
#define BYTES(off) \
	VPACKSSWB Y2, Y0, Y0; \
	VPERMD Y0, Y15, Y0; \
	VMOVDQU Y0, off(DI)

// CODES(in, s, out): the codes of 32 weights at in to out, for twice the inverse
// scale at s of the frame.
#define CODES(in, s, out) \
	VBROADCASTSS s(SP), Y5; \
	VMULPS (in)(SI), Y5, Y0; \
	VMULPS (in+32)(SI), Y5, Y1; \
	VMULPS (in+64)(SI), Y5, Y2; \
	VMULPS (in+96)(SI), Y5, Y3; \
	VCVTTPS2DQ Y0, Y0; \
	VCVTTPS2DQ Y1, Y1; \
	VCVTTPS2DQ Y2, Y2; \
	VCVTTPS2DQ Y3, Y3; \
	VPACKSSDW Y1, Y0, Y0; \
	VPACKSSDW Y3, Y2, Y2; \
	HALVE(Y0, Y1); \
	HALVE(Y2, Y3); \
	BYTES(out)

// DOUBLED(in, y): y = twice the code of 8 weights at in, the scale in Y5, as an
// integer; the scale itself, doubled, might overflow.
#define DOUBLED(in, y) \
	VMULPS in(SI), Y5, y; \
	VADDPS y, y, y; \
	VCVTTPS2DQ y, y

// func quantQ8_0AVX2(dst *byte, src *float32, n int)
//
// Four blocks at a time, unless one has a weight or twice an inverse scale that is
// not finite; single blocks pass over NaN and put 0 where there is no code. BX
// counts them.
TEXT ·quantQ8_0AVX2(SB), NOSPLIT, $32-24
	ARGS
	VMOVDQU ·dwordOrder+0(SB), Y15
	DWORDS($0x80008000, X14, Y14)
	DWORDS($0x80000000, X13, Y13)
	DWORDS($0x7f7fffff, X11, Y11)
	VBROADCASTSS C_ONE, Y10
	VADDPS Y10, Y10, Y12
	VXORPS Y9, Y9, Y9
	VBROADCASTSS C_127, Y8
	SUBQ $4, CX
	JLT  rest
loop4:
	LARGEST(0, Y0)
	LARGEST(128, Y1)
	LARGEST(256, Y2)
	LARGEST(384, Y3)
	VPERM2F128 $0x20, Y1, Y0, Y4    // halves of a register for blocks 0 and 1
	VPERM2F128 $0x31, Y1, Y0, Y5
	VPERM2F128 $0x20, Y3, Y2, Y6
	VPERM2F128 $0x31, Y3, Y2, Y7
	VPMAXSD Y5, Y4, Y4
	VPMAXSD Y7, Y6, Y6
	VSHUFPS $0x44, Y6, Y4, Y0       // quarters for blocks 0, 2, 1, 3
	VSHUFPS $0xee, Y6, Y4, Y1
	VPMAXSD Y1, Y0, Y0
	VPERMILPS $0xb1, Y0, Y1
	VPMAXSD Y1, Y0, Y0
	VPCMPGTD Y11, Y0, Y2
	VDIVPS Y8, Y0, Y0
	VDIVPS Y0, Y12, Y1
	VPCMPGTD Y11, Y1, Y3
	VPOR Y3, Y2, Y2
	VPMOVMSKB Y2, AX
	TESTL AX, AX
	JNE  odd
	VMOVUPS Y1, 0(SP)
	VCVTPS2PH $0, Y0, X2
	VPEXTRW $0, X2, 0(DI)
	VPEXTRW $4, X2, 34(DI)
	VPEXTRW $2, X2, 68(DI)
	VPEXTRW $6, X2, 102(DI)
	CODES(0, 0, 2)
	CODES(128, 16, 36)
	CODES(256, 8, 70)
	CODES(384, 24, 104)
	ADDQ $512, SI
	ADDQ $136, DI
	SUBQ $4, CX
	JGE  loop4
rest:
	ADDQ $4, CX
	JEQ  done
	MOVQ CX, BX
	XORL CX, CX
	JMP  loop
odd:
	MOVQ $4, BX
loop:
	VANDNPS (SI), Y13, Y4
	VANDNPS 32(SI), Y13, Y5
	VANDNPS 64(SI), Y13, Y6
	VANDNPS 96(SI), Y13, Y7
	VMAXPS Y9, Y4, Y4
	VMAXPS Y4, Y5, Y4
	VMAXPS Y4, Y6, Y4
	VMAXPS Y4, Y7, Y4
	VEXTRACTF128 $1, Y4, X5
	VMAXPS X5, X4, X4
	VPERMILPS $0x4e, X4, X5
	VMAXPS X5, X4, X4
	VPERMILPS $0xb1, X4, X5
	VMAXPS X5, X4, X4
	VDIVSS X8, X4, X4
	VDIVSS X4, X10, X5              // infinite if d is 0: all codes become 0
	STOREHALF(X4, 0)
	VBROADCASTSS X5, Y5
	DOUBLED(0, Y0)
	DOUBLED(32, Y1)
	DOUBLED(64, Y2)
	DOUBLED(96, Y3)
	VPACKSSDW Y1, Y0, Y0
	VPACKSSDW Y3, Y2, Y2
	VPCMPEQW Y14, Y0, Y1            // no 32-bit integer
	VPCMPEQW Y14, Y2, Y3
	VPANDN Y0, Y1, Y0
	VPANDN Y2, Y3, Y2
	HALVE(Y0, Y1)
	HALVE(Y2, Y3)
	BYTES(2)
	ADDQ $128, SI
	ADDQ $34, DI
	DECQ BX
	JNE  loop
	SUBQ $4, CX
	JGE  loop4
	JMP  rest
done:
	VZEROUPPER
	RET
