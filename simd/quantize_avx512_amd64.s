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
	VCVTPS2PH $0, Z0, Y0
	VCVTPS2PH $0, Z1, Y1
	VCVTPS2PH $0, Z2, Y2
	VCVTPS2PH $0, Z3, Y3
	HALFNAN(Y0)
	HALFNAN(Y1)
	HALFNAN(Y2)
	HALFNAN(Y3)
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

// func quantQ8_0AVX512(dst *byte, src *float32, n int)
TEXT ·quantQ8_0AVX512(SB), NOSPLIT, $0-24
	ARGS
	MOVL $0x7fffffff, AX
	VPBROADCASTD AX, Z16
	VXORPS X17, X17, X17
	VMOVSS ·quantTable+0(SB), X18          // 127
	VMOVSS ·quantTable+20(SB), X19         // 1
	VBROADCASTSS ·quantTable+44(SB), Z20   // the float below 1/2
	MOVL $0x80008000, AX
	VPBROADCASTD AX, Z21
	VMOVDQU64 ·evenDwords+0(SB), Y22
	PCALIGN $32
loop:
	VANDPS (SI), Z16, Z0
	VANDPS 64(SI), Z16, Z1
	VMAXPS Z17, Z0, Z0              // passes over NaN, as quantize_avx2_amd64.s does
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
	VBROADCASTSS X1, Z1
	VMOVD X0, AX
	MOVW AX, (DI)
	VMULPS (SI), Z1, Z2
	VMULPS 64(SI), Z1, Z3
	VMOVAPS Z2, Z4
	VMOVAPS Z3, Z5
	VPTERNLOGD $0xd8, Z16, Z20, Z4  // the float below 1/2 with the sign of the code
	VPTERNLOGD $0xd8, Z16, Z20, Z5
	VADDPS Z4, Z2, Z2
	VADDPS Z5, Z3, Z3
	VCVTTPS2DQ Z2, Z2
	VCVTTPS2DQ Z3, Z3
	VPACKSSDW Z3, Z2, Z2
	VPCMPW $4, Z21, Z2, K1          // no 32-bit integer: 1/d overflowed
	VPMOVSWB.Z Z2, K1, Y2
	VPERMD Y2, Y22, Y2
	VMOVDQU Y2, 2(DI)
	ADDQ $128, SI
	ADDQ $34, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET
