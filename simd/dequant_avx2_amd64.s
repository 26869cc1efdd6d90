//go:build !purego

#include "textflag.h"
#include "dequant_amd64.h"

// NIB_Q41: 8 bytes at in hold weights lo/4.. in their low nibbles and lo/4+16..
// in the high ones; w = d*c + m.
#define NIB_Q41(in, out) \
	VPMOVZXBD in(SI), Y2; \
	VPSRLD $4, Y2, Y3; \
	VPAND Y15, Y2, Y2; \
	VCVTDQ2PS Y2, Y2; \
	VCVTDQ2PS Y3, Y3; \
	VFMADD213PS Y1, Y0, Y2; \
	VFMADD213PS Y1, Y0, Y3; \
	VMOVUPS Y2, out(DI); \
	VMOVUPS Y3, (64+out)(DI)

// func dequantQ4_1AVX2(dst *float32, src *byte, n int)
TEXT ·dequantQ4_1AVX2(SB), NOSPLIT, $0-24
	ARGS
	DWORDS($15, X15, Y15)
loop:
	HALF(0, X0, Y0)
	HALF(2, X1, Y1)
	NIB_Q41(4, 0)
	NIB_Q41(12, 32)
	ADDQ $20, SI
	ADDQ $128, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// FIFTH_Q50: subtracts 16 from codes y whose bit of Y1, chosen by mask, is clear.
#define FIFTH_Q50(y, mask) \
	VPAND mask, Y1, Y4; \
	VPCMPEQD mask, Y4, Y4; \
	VPANDN Y14, Y4, Y4; \
	VPSUBD Y4, y, y

#define NIB_Q50(in, out, lo, hi) \
	VPMOVZXBD in(SI), Y2; \
	VPSRLD $4, Y2, Y3; \
	VPAND Y15, Y2, Y2; \
	FIFTH_Q50(Y2, lo); \
	FIFTH_Q50(Y3, hi); \
	VCVTDQ2PS Y2, Y2; \
	VCVTDQ2PS Y3, Y3; \
	VMULPS Y0, Y2, Y2; \
	VMULPS Y0, Y3, Y3; \
	VMOVUPS Y2, out(DI); \
	VMOVUPS Y3, (64+out)(DI)

// func dequantQ5_0AVX2(dst *float32, src *byte, n int)
TEXT ·dequantQ5_0AVX2(SB), NOSPLIT, $0-24
	ARGS
	DWORDS($15, X15, Y15)
	DWORDS($16, X14, Y14)
	DWORDS($1, X13, Y13)
	VPSLLVD ·laneNumbers+0(SB), Y13, Y10 // bits 0..7
	VPSLLD $8, Y10, Y11
	VPSLLD $16, Y10, Y12
	VPSLLD $24, Y10, Y13
loop:
	HALF(0, X0, Y0)
	VPBROADCASTD 2(SI), Y1
	NIB_Q50(6, 0, Y10, Y12)
	NIB_Q50(14, 32, Y11, Y13)
	ADDQ $22, SI
	ADDQ $128, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

#define BYTES_Q80(in, out, y) \
	VPMOVSXBD in(SI), y; \
	VCVTDQ2PS y, y; \
	VMULPS Y0, y, y; \
	VMOVUPS y, out(DI)

// func dequantQ8_0AVX2(dst *float32, src *byte, n int)
TEXT ·dequantQ8_0AVX2(SB), NOSPLIT, $0-24
	ARGS
loop:
	HALF(0, X0, Y0)
	BYTES_Q80(2, 0, Y1)
	BYTES_Q80(10, 32, Y2)
	BYTES_Q80(18, 64, Y3)
	BYTES_Q80(26, 96, Y4)
	ADDQ $34, SI
	ADDQ $128, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// NIBBLES: the bytes of Y2 = the low, then the high halves of the 16 bytes at in;
// Y15 is 0x0f in every byte.
#define NIBBLES(in) \
	VMOVDQU in(SI), X2; \
	VPSRLW $4, X2, X3; \
	VINSERTI128 $1, X3, Y2, Y2; \
	VPAND Y15, Y2, Y2

// NIB_Q40: 8 bytes at in as in NIB_Q41; w = d*(c-8).
#define NIB_Q40(in, out) \
	VPMOVZXBD in(SI), Y2; \
	VPSRLD $4, Y2, Y3; \
	VPAND Y15, Y2, Y2; \
	VPSUBD Y14, Y2, Y2; \
	VPSUBD Y14, Y3, Y3; \
	VCVTDQ2PS Y2, Y2; \
	VCVTDQ2PS Y3, Y3; \
	VMULPS Y0, Y2, Y2; \
	VMULPS Y0, Y3, Y3; \
	VMOVUPS Y2, out(DI); \
	VMOVUPS Y3, (64+out)(DI)

// func dequantQ4_0AVX2(dst *float32, src *byte, n int)
TEXT ·dequantQ4_0AVX2(SB), NOSPLIT, $0-24
	ARGS
	DWORDS($15, X15, Y15)
	DWORDS($8, X14, Y14)
loop:
	HALF(0, X0, Y0)
	NIB_Q40(2, 0)
	NIB_Q40(10, 32)
	ADDQ $18, SI
	ADDQ $128, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// func dequantIQ4NLAVX2(dst *float32, src *byte, n int)
TEXT ·dequantIQ4NLAVX2(SB), NOSPLIT, $32-24
	ARGS
	DWORDS($0x0f0f0f0f, X15, Y15)
	VBROADCASTI128 ·nibbleCodes+0(SB), Y14 // the codes of all nibbles
loop:
	HALF(0, X0, Y0)
	NIBBLES(2)
	VPSHUFB Y2, Y14, Y2
	VMOVDQU Y2, 0(SP)
	OUT32(0, Y0, 0)
	ADDQ $18, SI
	ADDQ $128, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// func dequantQ5_1AVX2(dst *float32, src *byte, n int)
TEXT ·dequantQ5_1AVX2(SB), NOSPLIT, $32-24
	ARGS
	DWORDS($0x0f0f0f0f, X15, Y15)
	DWORDS($0x10101010, X14, Y14)
	MOVQ $0x8040201008040201, AX    // bit i%8 in byte i
	VMOVQ AX, X13
	VPBROADCASTQ X13, Y13
	VMOVDQU ·bitSpread+0(SB), Y12
	DWORDS($0x80000000, X11, Y11)
loop:
	HALF(0, X0, Y0)
	HALF(2, X1, Y1)
	VXORPS Y11, Y1, Y1
	VPBROADCASTD 4(SI), Y4
	NIBBLES(8)
	VPSHUFB Y12, Y4, Y4
	VPAND Y13, Y4, Y4
	VPCMPEQB Y13, Y4, Y4
	VPAND Y14, Y4, Y4
	VPOR Y4, Y2, Y2
	VMOVDQU Y2, 0(SP)
	OUTM32(0, Y0, Y1, 0)
	ADDQ $24, SI
	ADDQ $128, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// func dequantF16AVX2(dst *float32, src *byte, n int)
TEXT ·dequantF16AVX2(SB), NOSPLIT, $0-24
	ARGS
	SUBQ $16, CX
	JLT  tail
loop:
	VCVTPH2PS (SI), Y0
	VCVTPH2PS 16(SI), Y1
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	ADDQ $32, SI
	ADDQ $64, DI
	SUBQ $16, CX
	JGE  loop
tail:
	ADDQ $16, CX
	JEQ  done
one:
	MOVWLZX (SI), AX
	VMOVD AX, X0
	VCVTPH2PS X0, X0
	VMOVSS X0, (DI)
	ADDQ $2, SI
	ADDQ $4, DI
	DECQ CX
	JNE  one
done:
	VZEROUPPER
	RET

// func dequantBF16AVX2(dst *float32, src *byte, n int)
TEXT ·dequantBF16AVX2(SB), NOSPLIT, $0-24
	ARGS
	SUBQ $16, CX
	JLT  tail
loop:
	VPMOVZXWD (SI), Y0
	VPMOVZXWD 16(SI), Y1
	VPSLLD $16, Y0, Y0
	VPSLLD $16, Y1, Y1
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	ADDQ $32, SI
	ADDQ $64, DI
	SUBQ $16, CX
	JGE  loop
tail:
	ADDQ $16, CX
	JEQ  done
one:
	MOVWLZX (SI), AX
	SHLL $16, AX
	MOVL AX, (DI)
	ADDQ $2, SI
	ADDQ $4, DI
	DECQ CX
	JNE  one
done:
	VZEROUPPER
	RET
