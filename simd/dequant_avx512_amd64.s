//go:build !purego

#include "textflag.h"
#include "dequant_amd64.h"

// Small codes go through a table of all values of the block, made by one
// multiplication, in which VPERMPS looks up 16 codes at once; it ignores the bits
// above the lane number, so that nibbles need no mask.

// func dequantQ4_1AVX512(dst *float32, src *byte, n int)
TEXT ·dequantQ4_1AVX512(SB), NOSPLIT, $0-24
	ARGS
	VMOVUPS ·codeFloats+64(SB), Z16 // 0..15
	PCALIGN $32
loop:
	HALF(0, Y0, Z0)
	HALF(2, Y1, Z1)
	VPMOVZXBD 4(SI), Z2
	VFMADD132PS Z16, Z1, Z0         // the block's values: d*c + m
	VPSRLD $4, Z2, Z3
	VPERMPS Z0, Z2, Z4
	VPERMPS Z0, Z3, Z5
	VMOVUPS Z4, (DI)
	VMOVUPS Z5, 64(DI)
	ADDQ $20, SI
	ADDQ $128, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// func dequantQ5_0AVX512(dst *float32, src *byte, n int)
TEXT ·dequantQ5_0AVX512(SB), NOSPLIT, $0-24
	ARGS
	VMOVUPS ·codeFloats+0(SB), Z16  // -16..-1, fifth bit clear
	VMOVUPS ·codeFloats+64(SB), Z17 // 0..15, fifth bit set
	PCALIGN $32
loop:
	HALF(0, Y0, Z0)
	KMOVW 2(SI), K1
	KMOVW 4(SI), K2
	VPMOVZXBD 6(SI), Z2
	VMULPS Z17, Z0, Z1
	VMULPS Z16, Z0, Z0
	VPSRLD $4, Z2, Z3
	VPERMPS Z0, Z2, Z4
	VPERMPS Z0, Z3, Z5
	VPERMPS Z1, Z2, K1, Z4
	VPERMPS Z1, Z3, K2, Z5
	VMOVUPS Z4, (DI)
	VMOVUPS Z5, 64(DI)
	ADDQ $22, SI
	ADDQ $128, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// func dequantQ8_0AVX512(dst *float32, src *byte, n int)
TEXT ·dequantQ8_0AVX512(SB), NOSPLIT, $0-24
	ARGS
	PCALIGN $32
loop:
	HALF(0, Y0, Z0)
	VPMOVSXBD 2(SI), Z1
	VPMOVSXBD 18(SI), Z2
	VCVTDQ2PS Z1, Z1
	VCVTDQ2PS Z2, Z2
	VMULPS Z0, Z1, Z1
	VMULPS Z0, Z2, Z2
	VMOVUPS Z1, (DI)
	VMOVUPS Z2, 64(DI)
	ADDQ $34, SI
	ADDQ $128, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// LOOKUP: 32 weights from 16 bytes at off; the block's values are in Z0.
#define LOOKUP(off) \
	VPMOVZXBD off(SI), Z2; \
	VPSRLD $4, Z2, Z3; \
	VPERMPS Z0, Z2, Z4; \
	VPERMPS Z0, Z3, Z5; \
	VMOVUPS Z4, (DI); \
	VMOVUPS Z5, 64(DI)

// func dequantQ4_0AVX512(dst *float32, src *byte, n int)
TEXT ·dequantQ4_0AVX512(SB), NOSPLIT, $0-24
	ARGS
	VMOVUPS ·codeFloats+32(SB), Z16 // -8..7
	PCALIGN $32
loop:
	HALF(0, Y0, Z0)
	VMULPS Z16, Z0, Z0
	LOOKUP(2)
	ADDQ $18, SI
	ADDQ $128, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// func dequantIQ4NLAVX512(dst *float32, src *byte, n int)
TEXT ·dequantIQ4NLAVX512(SB), NOSPLIT, $0-24
	ARGS
	VMOVUPS ·iq4Floats+0(SB), Z16
	PCALIGN $32
loop:
	HALF(0, Y0, Z0)
	VMULPS Z16, Z0, Z0
	LOOKUP(2)
	ADDQ $18, SI
	ADDQ $128, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// func dequantQ5_1AVX512(dst *float32, src *byte, n int)
TEXT ·dequantQ5_1AVX512(SB), NOSPLIT, $0-24
	ARGS
	VMOVUPS ·codeFloats+64(SB), Z16  // 0..15, fifth bit clear
	VMOVUPS ·codeFloats+128(SB), Z17 // 16..31, fifth bit set
	PCALIGN $32
loop:
	HALF(0, Y0, Z0)
	HALF(2, Y1, Z1)
	KMOVW 4(SI), K1
	KMOVW 6(SI), K2
	VPMOVZXBD 8(SI), Z2
	VMOVAPS Z0, Z6
	VFMADD132PS Z16, Z1, Z0
	VFMADD132PS Z17, Z1, Z6
	VPSRLD $4, Z2, Z3
	VPERMPS Z0, Z2, Z4
	VPERMPS Z0, Z3, Z5
	VPERMPS Z6, Z2, K1, Z4
	VPERMPS Z6, Z3, K2, Z5
	VMOVUPS Z4, (DI)
	VMOVUPS Z5, 64(DI)
	ADDQ $24, SI
	ADDQ $128, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// TAILMASK: K1 has bits 0..CX-1 set, 0 < CX < 32, K2 those from 16 on, from bit 0.
#define TAILMASK \
	MOVL $1, AX; \
	SHLL CX, AX; \
	DECL AX; \
	KMOVD AX, K1; \
	KSHIFTRD $16, K1, K2

// func dequantF16AVX512(dst *float32, src *byte, n int)
TEXT ·dequantF16AVX512(SB), NOSPLIT, $0-24
	ARGS
	SUBQ $32, CX
	JLT  tail
	PCALIGN $32
loop:
	VCVTPH2PS (SI), Z0
	VCVTPH2PS 32(SI), Z1
	VMOVUPS Z0, (DI)
	VMOVUPS Z1, 64(DI)
	ADDQ $64, SI
	ADDQ $128, DI
	SUBQ $32, CX
	JGE  loop
tail:
	ADDQ $32, CX
	JEQ  done
	TAILMASK
	VMOVDQU16.Z (SI), K1, Z0
	VEXTRACTI64X4 $1, Z0, Y1
	VCVTPH2PS Y0, Z0
	VCVTPH2PS Y1, Z1
	VMOVUPS Z0, K1, (DI)
	VMOVUPS Z1, K2, 64(DI)
done:
	VZEROUPPER
	RET

// func dequantBF16AVX512(dst *float32, src *byte, n int)
TEXT ·dequantBF16AVX512(SB), NOSPLIT, $0-24
	ARGS
	SUBQ $32, CX
	JLT  tail
	PCALIGN $32
loop:
	VPMOVZXWD (SI), Z0
	VPMOVZXWD 32(SI), Z1
	VPSLLD $16, Z0, Z0
	VPSLLD $16, Z1, Z1
	VMOVUPS Z0, (DI)
	VMOVUPS Z1, 64(DI)
	ADDQ $64, SI
	ADDQ $128, DI
	SUBQ $32, CX
	JGE  loop
tail:
	ADDQ $32, CX
	JEQ  done
	TAILMASK
	VMOVDQU16.Z (SI), K1, Z0
	VEXTRACTI64X4 $1, Z0, Y1
	VPMOVZXWD Y0, Z0
	VPMOVZXWD Y1, Z1
	VPSLLD $16, Z0, Z0
	VPSLLD $16, Z1, Z1
	VMOVUPS Z0, K1, (DI)
	VMOVUPS Z1, K2, 64(DI)
done:
	VZEROUPPER
	RET
