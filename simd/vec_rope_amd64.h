// Rotary embedding for amd64; continues vec_amd64.h, which says what the including
// file defines. A head is a whole number of vectors, and there is at least one.
//
// SI, DI: head of x and of dst; CX: elements left; R8, R10: cos and sin; R9: half a
// head; R11: a head; V5: sign.
#define ROTARGS \
	MOVQ dst_base+0(FP), DI; \
	MOVQ x_base+24(FP), SI; \
	MOVQ x_len+32(FP), CX; \
	MOVQ cos_base+48(FP), R8; \
	MOVQ cos_len+56(FP), R9; \
	MOVQ sin_base+72(FP), R10; \
	VBROADCASTSS sign+96(FP), V5; \
	LEAQ (R9)(R9*1), R11

// func rotateHalves(dst, x, cos, sin []float32, sign float32)
TEXT ROTATEHALVES(SB), NOSPLIT, $0-100
	ROTARGS
head:
	LEAQ (SI)(R9*4), R12
	LEAQ (DI)(R9*4), R13
	XORL BX, BX
loop:
	VMOVUPS (R8)(BX*4), V0
	VMULPS (R10)(BX*4), V5, V1
	VMOVUPS (SI)(BX*4), V2
	VMOVUPS (R12)(BX*4), V3
	VMULPS V3, V1, V4
	VMULPS V2, V1, V6
	VFMSUB213PS V4, V0, V2
	VFMADD213PS V6, V0, V3
	VMOVUPS V2, (DI)(BX*4)
	VMOVUPS V3, (R13)(BX*4)
	ADDQ $LANES, BX
	CMPQ BX, R9
	JLT  loop
	LEAQ (SI)(R11*4), SI
	LEAQ (DI)(R11*4), DI
	SUBQ R11, CX
	JGT  head
	VZEROUPPER
	RET

// func rotatePairs(dst, x, cos, sin []float32, sign float32)
//
// Each cos and sin serves both elements of a pair; the elements of pairs change
// places for the second product, which is subtracted in even lanes and added in odd.
TEXT ROTATEPAIRS(SB), NOSPLIT, $0-100
	ROTARGS
head:
	XORL BX, BX
	XORL DX, DX
loop:
	VPMOVZXDQ (R8)(DX*4), V0
	VPMOVZXDQ (R10)(DX*4), V1
	VMOVSLDUP V0, V0
	VMOVSLDUP V1, V1
	VMULPS V5, V1, V1
	VMOVUPS (SI)(BX*4), V2
	VPERMILPS $0xB1, V2, V3
	VMULPS V1, V3, V3
	VFMADDSUB213PS V3, V0, V2
	VMOVUPS V2, (DI)(BX*4)
	ADDQ $LANES, BX
	ADDQ $(LANES/2), DX
	CMPQ BX, R11
	JLT  loop
	LEAQ (SI)(R11*4), SI
	LEAQ (DI)(R11*4), DI
	SUBQ R11, CX
	JGT  head
	VZEROUPPER
	RET
