//go:build !purego

#include "textflag.h"

// Both functions: SI walks src, DI dst, CX counts weights.

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
	SUBQ $16, CX
	JLT  tail
	PCALIGN $32
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
