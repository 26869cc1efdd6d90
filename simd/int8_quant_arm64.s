//go:build !purego

#include "textflag.h"
#include "neon_arm64.h"

// Registers: R0 dst, R1 x, R2 blocks left, R3 the zero of the codes, R4 tinyBits, R5
// infBits, V31 all bits but the sign of dwords, F30 127.

#define BEGIN \
	MOVD dst+0(FP), R0; \
	MOVD x+8(FP), R1; \
	MOVD blocks+16(FP), R2; \
	MOVD zero+24(FP), R3; \
	MOVD $0x04000000, R4; \
	MOVD $0x7f800000, R5; \
	MOVD $0x7fffffff, R6; \
	VDUP R6, V31.S4; \
	FMOVS $127.0, F30

// MAGNITUDE(x, y): y = |x|.
#define MAGNITUDE(x, y) VAND x.B16, V31.B16, y.B16

// SCALE: with the largest magnitude in the lanes of V16, F0 = the scale of the block
// and V17 its inverse; jumps to odd where there is none.
#define SCALE(odd) \
	UMAXV(16, 16); \
	FMOVS F16, R7; \
	CMPW R5, R7; \
	BHS odd; \
	CMPW R4, R7; \
	BLO odd; \
	FDIVS F30, F16, F0; \
	FDIVS F16, F30, F17; \
	VDUP V17.S[0], V17.S4

// CODES(v): the four floats v become integers.
#define CODES(v) \
	FMUL(17, v, v); \
	FCVTNS(v, v)

// HEAD: stores the scale F0 and what comes after it for the sum of codes in R8.
#define HEAD(plain, done) \
	FMOVS F0, (R0); \
	CBZ  R3, plain; \
	MULW R3, R8, R8; \
	NEGW R8, R8; \
	MOVW R8, 4(R0); \
	JMP  done; \
plain: \
	SCVTFWS R8, F1; \
	FMULS F0, F1, F1; \
	FMOVS F1, 4(R0); \
done: \
	ADD $8, R0, R0

// ODD: the scale of a block without codes: NaN if a value is not finite, else 0.
#define ODD(finite) \
	FMOVS ZR, F0; \
	MOVD ZR, R8; \
	CMPW R5, R7; \
	BLO finite; \
	MOVD $0x7fc00000, R6; \
	FMOVS R6, F0; \
finite: \
	VEOR V18.B16, V18.B16, V18.B16; \
	VEOR V19.B16, V19.B16, V19.B16

// func quantize32NEON(dst *byte, x *float32, blocks, zero int)
TEXT ·quantize32NEON(SB), NOSPLIT, $0-32
	BEGIN
loop:
	VLD1.P 64(R1), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1.P 64(R1), [V4.S4, V5.S4, V6.S4, V7.S4]
	VMOV V0.B16, V20.B16            // F0 is about to be the scale
	MAGNITUDE(V20, V16)
	MAGNITUDE(V1, V21)
	MAGNITUDE(V2, V22)
	MAGNITUDE(V3, V23)
	MAGNITUDE(V4, V24)
	MAGNITUDE(V5, V25)
	MAGNITUDE(V6, V26)
	MAGNITUDE(V7, V27)
	VUMAX V21.S4, V16.S4, V16.S4
	VUMAX V23.S4, V22.S4, V22.S4
	VUMAX V25.S4, V24.S4, V24.S4
	VUMAX V27.S4, V26.S4, V26.S4
	VUMAX V22.S4, V16.S4, V16.S4
	VUMAX V26.S4, V24.S4, V24.S4
	VUMAX V24.S4, V16.S4, V16.S4
	SCALE(odd)
	CODES(20)
	CODES(1)
	CODES(2)
	CODES(3)
	CODES(4)
	CODES(5)
	CODES(6)
	CODES(7)
	VADD V20.S4, V1.S4, V21.S4
	VADD V2.S4, V3.S4, V22.S4
	VADD V4.S4, V5.S4, V23.S4
	VADD V6.S4, V7.S4, V24.S4
	VADD V21.S4, V22.S4, V21.S4
	VADD V23.S4, V24.S4, V23.S4
	VADD V21.S4, V23.S4, V21.S4
	VADDV V21.S4, V21
	FMOVS F21, R8
	VUZP1 V1.H8, V20.H8, V18.H8
	VUZP1 V3.H8, V2.H8, V19.H8
	VUZP1 V5.H8, V4.H8, V20.H8
	VUZP1 V7.H8, V6.H8, V21.H8
	VUZP1 V19.B16, V18.B16, V18.B16
	VUZP1 V21.B16, V20.B16, V19.B16
	JMP  store
odd:
	ODD(finite)
store:
	HEAD(plain, done)
	VST1.P [V18.B16, V19.B16], 32(R0)
	SUBS $1, R2, R2
	BNE  loop
	RET

// func quantize16NEON(dst *byte, x *float32, blocks, zero int)
TEXT ·quantize16NEON(SB), NOSPLIT, $0-32
	BEGIN
loop:
	VLD1.P 64(R1), [V0.S4, V1.S4, V2.S4, V3.S4]
	VMOV V0.B16, V20.B16
	MAGNITUDE(V20, V16)
	MAGNITUDE(V1, V21)
	MAGNITUDE(V2, V22)
	MAGNITUDE(V3, V23)
	VUMAX V21.S4, V16.S4, V16.S4
	VUMAX V23.S4, V22.S4, V22.S4
	VUMAX V22.S4, V16.S4, V16.S4
	SCALE(odd)
	CODES(20)
	CODES(1)
	CODES(2)
	CODES(3)
	VADD V20.S4, V1.S4, V21.S4
	VADD V2.S4, V3.S4, V22.S4
	VADD V21.S4, V22.S4, V21.S4
	VADDV V21.S4, V21
	FMOVS F21, R8
	VUZP1 V1.H8, V20.H8, V18.H8
	VUZP1 V3.H8, V2.H8, V19.H8
	VUZP1 V19.B16, V18.B16, V18.B16
	JMP  store
odd:
	ODD(finite)
store:
	HEAD(plain, done)
	VST1.P [V18.B16], 16(R0)
	SUBS $1, R2, R2
	BNE  loop
	RET
