//go:build !purego

#include "textflag.h"
#include "neon_arm64.h"
#include "dequant_arm64.h"

// NIBBLES splits the bytes of V2 into low nibbles in V2 and high ones in V3; V16
// is 0x0f in every byte.
#define NIBBLES \
	VUSHR $4, V2.B16, V3.B16; \
	VAND V16.B16, V2.B16, V2.B16

// func dequantQ4_1NEON(dst *float32, src *byte, n int)
TEXT ·dequantQ4_1NEON(SB), NOSPLIT, $0-24
	ARGS
	VMOVI $15, V16.B16
loop:
	HALF(0, F0, V0)
	HALF(2, F1, V1)
	ADD  $4, R1, R4
	VLD1 (R4), [V2.B16]
	NIBBLES
	RUN_M(2, V0, V1)
	RUN_M(3, V0, V1)
	ADD  $20, R1, R1
	SUBS $1, R2, R2
	BNE  loop
	RET

// FIFTH: the bytes of v, nibbles, gain 16 where their bit of the 16 bits at
// off(R1) is set. R5 repeats a byte eight times, V17 selects bit i%8 in byte i,
// V18 is 16.
#define FIFTH(off, v) \
	MOVBU off(R1), R3; \
	MOVBU (off+1)(R1), R4; \
	MUL  R5, R3, R3; \
	MUL  R5, R4, R4; \
	VMOV R3, V1.D[0]; \
	VMOV R4, V1.D[1]; \
	VCMTST V17.B16, V1.B16, V1.B16; \
	VAND V18.B16, V1.B16, V1.B16; \
	VADD V1.B16, v.B16, v.B16

// func dequantQ5_0NEON(dst *float32, src *byte, n int)
TEXT ·dequantQ5_0NEON(SB), NOSPLIT, $0-24
	ARGS
	VMOVI $15, V16.B16
	VMOVI $16, V18.B16
	MOVD $0x8040201008040201, R3
	VDUP R3, V17.D2
	MOVD $0x0101010101010101, R5
loop:
	ADD  $6, R1, R4
	VLD1 (R4), [V2.B16]
	NIBBLES
	FIFTH(2, V2)
	FIFTH(4, V3)
	VSUB V18.B16, V2.B16, V2.B16
	VSUB V18.B16, V3.B16, V3.B16
	HALF(0, F0, V0)
	FLOATS16(2, 4)
	FLOATS16(3, 8)
	FMUL4(0, 4)
	FMUL4(0, 8)
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(R0)
	VST1.P [V8.S4, V9.S4, V10.S4, V11.S4], 64(R0)
	ADD  $22, R1, R1
	SUBS $1, R2, R2
	BNE  loop
	RET

// func dequantQ8_0NEON(dst *float32, src *byte, n int)
TEXT ·dequantQ8_0NEON(SB), NOSPLIT, $0-24
	ARGS
loop:
	HALF(0, F0, V0)
	ADD  $2, R1, R4
	VLD1 (R4), [V2.B16, V3.B16]
	FLOATS16(2, 4)
	FLOATS16(3, 8)
	FMUL4(0, 4)
	FMUL4(0, 8)
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(R0)
	VST1.P [V8.S4, V9.S4, V10.S4, V11.S4], 64(R0)
	ADD  $34, R1, R1
	SUBS $1, R2, R2
	BNE  loop
	RET

// func dequantQ4_0NEON(dst *float32, src *byte, n int)
TEXT ·dequantQ4_0NEON(SB), NOSPLIT, $0-24
	ARGS
	VMOVI $15, V16.B16
	VMOVI $8, V17.B16
loop:
	HALF(0, F0, V0)
	ADD  $2, R1, R4
	VLD1 (R4), [V2.B16]
	NIBBLES
	VSUB V17.B16, V2.B16, V2.B16
	VSUB V17.B16, V3.B16, V3.B16
	FLOATS16(2, 4)
	FLOATS16(3, 8)
	FMUL4(0, 4)
	FMUL4(0, 8)
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(R0)
	VST1.P [V8.S4, V9.S4, V10.S4, V11.S4], 64(R0)
	ADD  $18, R1, R1
	SUBS $1, R2, R2
	BNE  loop
	RET

// func dequantIQ4NLNEON(dst *float32, src *byte, n int)
TEXT ·dequantIQ4NLNEON(SB), NOSPLIT, $0-24
	ARGS
	VMOVI $15, V16.B16
	MOVD $·iq4Codes(SB), R4
	VLD1 (R4), [V17.B16]
loop:
	HALF(0, F0, V0)
	ADD  $2, R1, R4
	VLD1 (R4), [V2.B16]
	NIBBLES
	VTBL V2.B16, [V17.B16], V2.B16
	VTBL V3.B16, [V17.B16], V3.B16
	FLOATS16(2, 4)
	FLOATS16(3, 8)
	FMUL4(0, 4)
	FMUL4(0, 8)
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(R0)
	VST1.P [V8.S4, V9.S4, V10.S4, V11.S4], 64(R0)
	ADD  $18, R1, R1
	SUBS $1, R2, R2
	BNE  loop
	RET

// func dequantQ5_1NEON(dst *float32, src *byte, n int)
TEXT ·dequantQ5_1NEON(SB), NOSPLIT, $0-24
	ARGS
	VMOVI $15, V16.B16
	VMOVI $16, V18.B16
	MOVD $0x8040201008040201, R3
	VDUP R3, V17.D2
	MOVD $0x0101010101010101, R5
loop:
	ADD  $8, R1, R4
	VLD1 (R4), [V2.B16]
	NIBBLES
	FIFTH(4, V2)
	FIFTH(6, V3)
	HALF(0, F0, V0)
	HALF(2, F1, V1)
	RUN_M(2, V0, V1)
	RUN_M(3, V0, V1)
	ADD  $24, R1, R1
	SUBS $1, R2, R2
	BNE  loop
	RET

// func dequantF16NEON(dst *float32, src *byte, n int)
TEXT ·dequantF16NEON(SB), NOSPLIT, $0-24
	ARGS
	SUBS $16, R2, R2
	BLT  tail
loop:
	VLD1.P 32(R1), [V0.H8, V1.H8]
	FCVTL(0, 4)
	FCVTL2(0, 5)
	FCVTL(1, 6)
	FCVTL2(1, 7)
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(R0)
	SUBS $16, R2, R2
	BGE  loop
tail:
	ADDS $16, R2, R2
	BEQ  done
one:
	MOVHU.P 2(R1), R3
	FMOVS R3, F0
	FCVTHS F0, F0
	FMOVS.P F0, 4(R0)
	SUBS $1, R2, R2
	BNE  one
done:
	RET

// func dequantBF16NEON(dst *float32, src *byte, n int)
TEXT ·dequantBF16NEON(SB), NOSPLIT, $0-24
	ARGS
	VEOR V16.B16, V16.B16, V16.B16
	SUBS $16, R2, R2
	BLT  tail
loop:
	VLD1.P 32(R1), [V0.H8, V1.H8]
	VZIP1 V0.H8, V16.H8, V4.H8
	VZIP2 V0.H8, V16.H8, V5.H8
	VZIP1 V1.H8, V16.H8, V6.H8
	VZIP2 V1.H8, V16.H8, V7.H8
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(R0)
	SUBS $16, R2, R2
	BGE  loop
tail:
	ADDS $16, R2, R2
	BEQ  done
one:
	MOVHU.P 2(R1), R3
	LSL $16, R3, R3
	MOVW.P R3, 4(R0)
	SUBS $1, R2, R2
	BNE  one
done:
	RET
