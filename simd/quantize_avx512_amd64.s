//go:build !purego

#include "textflag.h"

// All functions: SI walks src, DI dst, CX counts blocks.

#define ARGS \
	MOVQ dst+0(FP), DI; \
	MOVQ src+8(FP), SI; \
	MOVQ n+16(FP), CX

// TAILMASK: K1 has bits 0..CX-1 set, 0 < CX < 16.
#define TAILMASK \
	MOVL $1, AX; \
	SHLL CX, AX; \
	DECL AX; \
	KMOVW AX, K1

// HALFNAN(y): see quantize_avx2_amd64.s.
#define HALFNAN(y) \
	VPMINSW Y16, y, y; \
	VPMINUW Y17, y, y

// func quantF16AVX512(dst *byte, src *float32, n int)
TEXT ·quantF16AVX512(SB), NOSPLIT, $0-24
	ARGS
	MOVL $0x7e007e00, AX
	VPBROADCASTD AX, Y16
	MOVL $0xfe00fe00, AX
	VPBROADCASTD AX, Y17
	SUBQ $64, CX
	JLT  rest
	PCALIGN $32
loop4:
	VMOVUPS (SI), Z0
	VMOVUPS 64(SI), Z1
	VMOVUPS 128(SI), Z2
	VMOVUPS 192(SI), Z3
	VCMPPS $3, Z1, Z0, K1           // NaN in either
	VCMPPS $3, Z3, Z2, K2
	VCVTPS2PH $0, Z0, Y0
	VCVTPS2PH $0, Z1, Y1
	VCVTPS2PH $0, Z2, Y2
	VCVTPS2PH $0, Z3, Y3
	KORTESTW K1, K2
	JNE  nan
store:
	VMOVDQU Y0, (DI)
	VMOVDQU Y1, 32(DI)
	VMOVDQU Y2, 64(DI)
	VMOVDQU Y3, 96(DI)
	ADDQ $256, SI
	ADDQ $128, DI
	SUBQ $64, CX
	JGE  loop4
rest:
	ADDQ $48, CX
	JLT  tail
loop:
	VMOVUPS (SI), Z0
	VCVTPS2PH $0, Z0, Y0
	HALFNAN(Y0)
	VMOVDQU Y0, (DI)
	ADDQ $64, SI
	ADDQ $32, DI
	SUBQ $16, CX
	JGE  loop
tail:
	ADDQ $16, CX
	JEQ  done
	TAILMASK
	VMOVUPS.Z (SI), K1, Z0
	VCVTPS2PH $0, Z0, Y0
	HALFNAN(Y0)
	VMOVDQU16 Y0, K1, (DI)
done:
	VZEROUPPER
	RET
nan:
	HALFNAN(Y0)
	HALFNAN(Y1)
	HALFNAN(Y2)
	HALFNAN(Y3)
	JMP  store

// ROUNDBF16: the dwords of Z0 = the bfloat16 nearest to the floats of Z0.
#define ROUNDBF16 \
	VCMPPS $3, Z0, Z0, K2; \
	VPSRLD $16, Z0, Z1; \
	VPANDD Z16, Z1, Z2; \
	VPADDD Z17, Z2, Z2; \
	VPADDD Z0, Z2, Z2; \
	VPSRLD $16, Z2, Z0; \
	VPORD Z18, Z1, K2, Z0

// func quantBF16AVX512(dst *byte, src *float32, n int)
TEXT ·quantBF16AVX512(SB), NOSPLIT, $0-24
	ARGS
	MOVL $1, AX
	VPBROADCASTD AX, Z16
	MOVL $0x7fff, AX
	VPBROADCASTD AX, Z17
	MOVL $64, AX
	VPBROADCASTD AX, Z18
	SUBQ $16, CX
	JLT  tail
	PCALIGN $32
loop:
	VMOVDQU32 (SI), Z0
	ROUNDBF16
	VPMOVDW Z0, Y0
	VMOVDQU Y0, (DI)
	ADDQ $64, SI
	ADDQ $32, DI
	SUBQ $16, CX
	JGE  loop
tail:
	ADDQ $16, CX
	JEQ  done
	TAILMASK
	VMOVDQU32.Z (SI), K1, Z0
	ROUNDBF16
	VPMOVDW Z0, Y0
	VMOVDQU16 Y0, K1, (DI)
done:
	VZEROUPPER
	RET

// LARGEST(max, off, z, t): z = the larger magnitudes of 16 and 16 weights at off. As
// integers, NaN is larger than infinity.
#define LARGEST(max, off, z, t) \
	VANDPS (off)(SI), Z16, z; \
	VANDPS (off+64)(SI), Z16, t; \
	max z, t, z

// TWICE(off, z, t): twice the codes of 32 weights at off, cut to words, weights 16..31
// after 0..15 in each quarter, for twice the inverse scale in Z5.
#define TWICE(off, z, t) \
	VMULPS (off)(SI), Z5, z; \
	VMULPS (off+64)(SI), Z5, t; \
	VCVTTPS2DQ z, z; \
	VCVTTPS2DQ t, t; \
	VPACKSSDW t, z, z

// HALVE(z, t): half of the words of z, rounded away from zero: the average with 0,
// or with -1 for a negative one, which VPAVGW rounds up.
#define HALVE(z, t) \
	VPSRAW $15, z, t; \
	VPAVGW t, z, z

// PAIR_Q80(out): the codes of two blocks in Z6 and Z7 to out and out+34.
#define PAIR_Q80(out) \
	VPACKSSWB Z7, Z6, Z6; \
	VPERMD Z6, Z22, Z6; \
	VMOVDQU Y6, (out)(DI); \
	VEXTRACTI64X4 $1, Z6, (out+34)(DI)

// func quantQ8_0AVX512(dst *byte, src *float32, n int)
//
// Four blocks at a time, unless one has a weight or twice an inverse scale that is
// not finite; single blocks pass over NaN, as quantize_avx2_amd64.s does, and put 0
// where there is no code. BX counts them.
TEXT ·quantQ8_0AVX512(SB), NOSPLIT, $0-24
	ARGS
	MOVL $0x7fffffff, AX
	VPBROADCASTD AX, Z16
	VPXORD Z17, Z17, Z17
	VBROADCASTSS ·quantTable+0(SB), Z18    // 127
	VBROADCASTSS ·quantTable+20(SB), Z19   // 1
	VADDPS Z19, Z19, Z20                   // 2
	MOVL $0x80008000, AX
	VPBROADCASTD AX, Z21
	VMOVDQU32 ·quarterDwords+0(SB), Z22
	MOVL $0x7f800000, AX
	VPBROADCASTD AX, Z23                   // infinity
	SUBQ $4, CX
	JLT  rest
	PCALIGN $32
loop4:
	LARGEST(VPMAXSD, 0, Z0, Z4)
	LARGEST(VPMAXSD, 128, Z1, Z5)
	LARGEST(VPMAXSD, 256, Z2, Z6)
	LARGEST(VPMAXSD, 384, Z3, Z7)
	VSHUFF64X2 $0x44, Z1, Z0, Z4    // a quarter of a register for each block
	VSHUFF64X2 $0xee, Z1, Z0, Z5
	VSHUFF64X2 $0x44, Z3, Z2, Z6
	VSHUFF64X2 $0xee, Z3, Z2, Z7
	VPMAXSD Z5, Z4, Z4
	VPMAXSD Z7, Z6, Z6
	VSHUFF64X2 $0x88, Z6, Z4, Z0
	VSHUFF64X2 $0xdd, Z6, Z4, Z1
	VPMAXSD Z1, Z0, Z0
	VPERMILPS $0x4e, Z0, Z1
	VPMAXSD Z1, Z0, Z0
	VPERMILPS $0xb1, Z0, Z1
	VPMAXSD Z1, Z0, Z0
	VPCMPD $5, Z23, Z0, K1
	VDIVPS Z18, Z0, Z0
	VDIVPS Z0, Z20, Z1              // twice the inverse scale
	VPCMPD $5, Z23, Z1, K2
	VCVTPS2PH $0, Z0, Y0
	VEXTRACTI128 $1, Y0, X2
	KORTESTW K1, K2
	JNE  odd
	VPEXTRW $0, X0, 0(DI)
	VPEXTRW $4, X0, 34(DI)
	VPEXTRW $0, X2, 68(DI)
	VPEXTRW $4, X2, 102(DI)
	VBROADCASTSS X1, Z5
	TWICE(0, Z6, Z10)
	HALVE(Z6, Z8)
	VSHUFF64X2 $0x55, Z1, Z1, Z5
	TWICE(128, Z7, Z11)
	HALVE(Z7, Z9)
	PAIR_Q80(2)
	VSHUFF64X2 $0xaa, Z1, Z1, Z5
	TWICE(256, Z6, Z10)
	HALVE(Z6, Z8)
	VSHUFF64X2 $0xff, Z1, Z1, Z5
	TWICE(384, Z7, Z11)
	HALVE(Z7, Z9)
	PAIR_Q80(70)
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
	VANDPS (SI), Z16, Z0
	VMAXPS Z17, Z0, Z0
	VANDPS 64(SI), Z16, Z1
	VMAXPS Z0, Z1, Z0
	VEXTRACTF64X4 $1, Z0, Y1
	VMAXPS Y1, Y0, Y0
	VEXTRACTF128 $1, Y0, X1
	VMAXPS X1, X0, X0
	VPERMILPS $0x4e, X0, X1
	VMAXPS X1, X0, X0
	VPERMILPS $0xb1, X0, X1
	VMAXPS X1, X0, X0
	VDIVSS X18, X0, X0
	VDIVSS X0, X19, X1              // infinite if d is 0: all codes become 0
	VCVTPS2PH $0, X0, X0
	VPEXTRW $0, X0, (DI)
	VBROADCASTSS X1, Z5
	VMULPS (SI), Z5, Z6
	VMULPS 64(SI), Z5, Z7
	VADDPS Z6, Z6, Z6               // not Z5: it may overflow
	VADDPS Z7, Z7, Z7
	VCVTTPS2DQ Z6, Z6
	VCVTTPS2DQ Z7, Z7
	VPACKSSDW Z7, Z6, Z6
	VPCMPW $4, Z21, Z6, K1          // no 32-bit integer
	VMOVDQU16.Z Z6, K1, Z6
	HALVE(Z6, Z8)
	VPACKSSWB Z6, Z6, Z6
	VPERMD Z6, Z22, Z6
	VMOVDQU Y6, 2(DI)
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
