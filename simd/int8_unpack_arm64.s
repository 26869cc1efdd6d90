//go:build !purego

#include "textflag.h"

// Blocks of 8 rows become columns of a panel, one row after the other. Registers: R0
// the scale of the first block of a column, R1 its row, R2 bytes between rows, R3
// blocks, R4 rows left, R5 column and R6 row at hand, R7 blocks left, R8 64.

// ROWS(block) and ENDROWS end blocks of so many bytes in a panel and in a row.
#define BEGIN \
	MOVD dst+0(FP), R0; \
	MOVD src+8(FP), R1; \
	MOVD rowBytes+16(FP), R2; \
	MOVD blocks+24(FP), R3; \
	MOVD $8, R4; \
	MOVD $64, R8; \
	VMOVI $15, V31.B16

#define NEXT(panel, bytes, block, row) \
	ADD $(panel), R5, R5; \
	ADD $(bytes), R6, R6; \
	SUBS $1, R7, R7; \
	BNE  block; \
	ADD R2, R1, R1; \
	ADD $4, R0, R0; \
	SUBS $1, R4, R4; \
	BNE  row; \
	RET

// HALF(off, at): the float16 at off of the row, as a float at at of the column.
#define HALF(off, at) \
	MOVHU off(R6), R9; \
	FMOVS R9, F0; \
	FCVTHS F0, F0; \
	FMOVS F0, at(R5)

// SPREAD16(v): four bytes each of v to R10, 64 bytes apart.
#define SPREAD16(v) \
	VST1.P v.S[0], (R10)(R8); \
	VST1.P v.S[1], (R10)(R8); \
	VST1.P v.S[2], (R10)(R8); \
	VST1.P v.S[3], (R10)(R8)

// NIBBLES(off): V0 the lower and V1 the upper halves of the 16 bytes at off.
#define NIBBLES(off) \
	ADD $(off), R6, R10; \
	VLD1 (R10), [V1.B16]; \
	VAND V31.B16, V1.B16, V0.B16; \
	VUSHR $4, V1.B16, V1.B16

// FIFTHS(off): adds 16 to the codes in V0 and V1 whose bit at off is set. V28 and V29
// are fifthSpread, V27 bit i%8 in byte i, V26 16.
#define FIFTHS(off) \
	MOVWU off(R6), R9; \
	VDUP R9, V2.S4; \
	VTBL V28.B16, [V2.B16], V3.B16; \
	VTBL V29.B16, [V2.B16], V4.B16; \
	VCMTST V27.B16, V3.B16, V3.B16; \
	VCMTST V27.B16, V4.B16, V4.B16; \
	VAND V26.B16, V3.B16, V3.B16; \
	VAND V26.B16, V4.B16, V4.B16; \
	VORR V3.B16, V0.B16, V0.B16; \
	VORR V4.B16, V1.B16, V1.B16

#define FIFTHCONSTS \
	MOVD $·fifthSpread(SB), R9; \
	VLD1 (R9), [V28.B16, V29.B16]; \
	MOVD $0x8040201008040201, R9; \
	VDUP R9, V27.D2; \
	VMOVI $16, V26.B16

// func unpackQ4_0NEON(dst, src *byte, rowBytes, blocks int)
TEXT ·unpackQ4_0NEON(SB), NOSPLIT, $0-32
	BEGIN
row:
	MOVD R0, R5
	MOVD R1, R6
	MOVD R3, R7
block:
	HALF(0, 0)
	NIBBLES(2)
	ADD $64, R5, R10
	SPREAD16(V0)
	SPREAD16(V1)
	NEXT(576, 18, block, row)

// func unpackQ4_1NEON(dst, src *byte, rowBytes, blocks int)
TEXT ·unpackQ4_1NEON(SB), NOSPLIT, $0-32
	BEGIN
row:
	MOVD R0, R5
	MOVD R1, R6
	MOVD R3, R7
block:
	HALF(0, 0)
	HALF(2, 64)
	NIBBLES(4)
	ADD $128, R5, R10
	SPREAD16(V0)
	SPREAD16(V1)
	NEXT(640, 20, block, row)

// func unpackQ5_0NEON(dst, src *byte, rowBytes, blocks int)
TEXT ·unpackQ5_0NEON(SB), NOSPLIT, $0-32
	BEGIN
	FIFTHCONSTS
row:
	MOVD R0, R5
	MOVD R1, R6
	MOVD R3, R7
block:
	HALF(0, 0)
	NIBBLES(6)
	FIFTHS(2)
	ADD $64, R5, R10
	SPREAD16(V0)
	SPREAD16(V1)
	NEXT(576, 22, block, row)

// func unpackQ5_1NEON(dst, src *byte, rowBytes, blocks int)
TEXT ·unpackQ5_1NEON(SB), NOSPLIT, $0-32
	BEGIN
	FIFTHCONSTS
row:
	MOVD R0, R5
	MOVD R1, R6
	MOVD R3, R7
block:
	HALF(0, 0)
	HALF(2, 64)
	NIBBLES(8)
	FIFTHS(4)
	ADD $128, R5, R10
	SPREAD16(V0)
	SPREAD16(V1)
	NEXT(640, 24, block, row)

// func unpackQ8_0NEON(dst, src *byte, rowBytes, blocks int)
TEXT ·unpackQ8_0NEON(SB), NOSPLIT, $0-32
	BEGIN
	VMOVI $128, V31.B16
row:
	MOVD R0, R5
	MOVD R1, R6
	MOVD R3, R7
block:
	HALF(0, 0)
	ADD $2, R6, R10
	VLD1 (R10), [V0.B16, V1.B16]
	VEOR V31.B16, V0.B16, V0.B16
	VEOR V31.B16, V1.B16, V1.B16
	ADD $64, R5, R10
	SPREAD16(V0)
	SPREAD16(V1)
	NEXT(576, 34, block, row)
