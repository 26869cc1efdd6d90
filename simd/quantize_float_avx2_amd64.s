//go:build !purego

#include "textflag.h"
#include "quantize_amd64.h"

// HALFNAN(v, a, b): any NaN among the halves of v becomes 0x7e00 with its sign: signed,
// it is the largest positive, unsigned the largest of all. a is 0x7e00, b 0xfe00 in
// every word.
#define HALFNAN(v, a, b) \
	VPMINSW a, v, v; \
	VPMINUW b, v, v

// func quantF16AVX2(dst *byte, src *float32, n int)
TEXT ·quantF16AVX2(SB), NOSPLIT, $0-24
	ARGS
	DWORDS($0x7e007e00, X14, Y14)
	DWORDS($0xfe00fe00, X13, Y13)
	SUBQ $32, CX
	JLT  tail
loop:
	VMOVUPS (SI), Y0
	VMOVUPS 32(SI), Y1
	VMOVUPS 64(SI), Y2
	VMOVUPS 96(SI), Y3
	VCMPPS $3, Y1, Y0, Y4           // NaN in either
	VCMPPS $3, Y3, Y2, Y5
	VORPS Y5, Y4, Y4
	VCVTPS2PH $0, Y0, X0
	VCVTPS2PH $0, Y1, X1
	VCVTPS2PH $0, Y2, X2
	VCVTPS2PH $0, Y3, X3
	VPTEST Y4, Y4
	JNE  nan
store:
	VMOVDQU X0, (DI)
	VMOVDQU X1, 16(DI)
	VMOVDQU X2, 32(DI)
	VMOVDQU X3, 48(DI)
	ADDQ $128, SI
	ADDQ $64, DI
	SUBQ $32, CX
	JGE  loop
tail:
	ADDQ $32, CX
	JEQ  done
one:
	VMOVSS (SI), X0
	VCVTPS2PH $0, X0, X0
	HALFNAN(X0, X14, X13)
	VMOVD X0, AX
	MOVW AX, (DI)
	ADDQ $4, SI
	ADDQ $2, DI
	DECQ CX
	JNE  one
done:
	VZEROUPPER
	RET
nan:
	HALFNAN(X0, X14, X13)
	HALFNAN(X1, X14, X13)
	HALFNAN(X2, X14, X13)
	HALFNAN(X3, X14, X13)
	JMP  store

// ROUNDBF16(y, t, u): the dwords of y = the bfloat16 nearest to the floats of y:
// half a unit, less the last bit's complement, is added; NaN gets its quiet bit.
#define ROUNDBF16(y, t, u) \
	VPSRLD $16, y, t; \
	VPAND Y15, t, u; \
	VPOR Y13, t, t; \
	VPADDD Y14, u, u; \
	VPADDD y, u, u; \
	VCMPPS $3, y, y, y; \
	VPSRLD $16, u, u; \
	VBLENDVPS y, t, u, y

// func quantBF16AVX2(dst *byte, src *float32, n int)
TEXT ·quantBF16AVX2(SB), NOSPLIT, $0-24
	ARGS
	DWORDS($1, X15, Y15)
	DWORDS($0x7fff, X14, Y14)
	DWORDS($64, X13, Y13)
	SUBQ $16, CX
	JLT  tail
loop:
	VMOVDQU (SI), Y0
	VMOVDQU 32(SI), Y1
	ROUNDBF16(Y0, Y2, Y3)
	ROUNDBF16(Y1, Y4, Y5)
	VPACKUSDW Y1, Y0, Y0
	VPERMQ $0xd8, Y0, Y0
	VMOVDQU Y0, (DI)
	ADDQ $64, SI
	ADDQ $32, DI
	SUBQ $16, CX
	JGE  loop
tail:
	ADDQ $16, CX
	JEQ  done
one:
	VMOVSS (SI), X0
	ROUNDBF16(Y0, Y2, Y3)
	VMOVD X0, AX
	MOVW AX, (DI)
	ADDQ $4, SI
	ADDQ $2, DI
	DECQ CX
	JNE  one
done:
	VZEROUPPER
	RET
