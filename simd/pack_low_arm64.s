//go:build !purego

#include "textflag.h"
#include "neon_arm64.h"

// func bf16Row(dst, src *float32, n int)
TEXT ·bf16Row(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
loop:
	VLD1.P 32(R1), [V0.S4, V1.S4]
	BFCVTN(0, 2)
	BFCVTN2(1, 2)
	VST1.P [V2.B16], 16(R0)
	SUBS $8, R2, R2
	BNE  loop
	RET

// func bf16Pairs(dst, r0, r1 *float32, n int)
TEXT ·bf16Pairs(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD r0+8(FP), R1
	MOVD r1+16(FP), R2
	MOVD n+24(FP), R3
loop:
	VLD1.P 16(R1), [V0.S4]
	VLD1.P 16(R2), [V1.S4]
	BFCVTN(0, 0)
	BFCVTN(1, 1)
	VZIP1 V1.H8, V0.H8, V2.H8
	VST1.P [V2.B16], 16(R0)
	SUBS $4, R3, R3
	BNE  loop
	RET
