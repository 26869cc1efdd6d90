// What the unpackers of both tiers share. All functions: SI walks src, DI dst, CX
// counts blocks. No load reaches beyond a block, so that the last one may end at
// the end of a mapping; scales are read by a broadcast of two bytes.

#define ARGS \
	MOVQ dst+0(FP), DI; \
	MOVQ src+8(FP), SI; \
	MOVQ n+16(FP), CX

// HALF(off, h, f): f = the float16 at off(SI) in all lanes; h is its lower half.
#define HALF(off, h, f) \
	VPBROADCASTW off(SI), h; \
	VCVTPH2PS h, f

// DWORDS(v, x, y): y = the 32-bit v in all lanes.
#define DWORDS(v, x, y) \
	MOVL v, AX; \
	VMOVD AX, x; \
	VPBROADCASTD x, y

// SCALES_Q4K: R8 = the eight 6-bit scales as bytes, R9 = the eight minimums.
// Bytes 0..3 of the field hold scales 0..3 in their low 6 bits, bytes 4..7
// minimums 0..3; bytes 8..11 hold the low nibbles of scales 4..7 (low) and
// minimums 4..7 (high), whose upper bits are the top bits of bytes 0..7.
#define SCALES_Q4K \
	MOVL 4(SI), R8; \
	MOVL 8(SI), R9; \
	MOVL 12(SI), R10; \
	MOVL R8, R11; \
	SHRL $2, R11; \
	ANDL $0x30303030, R11; \
	MOVL R10, R12; \
	ANDL $0x0f0f0f0f, R12; \
	ORL  R12, R11; \
	ANDL $0x3f3f3f3f, R8; \
	SHLQ $32, R11; \
	ORQ  R11, R8; \
	MOVL R9, R11; \
	SHRL $2, R11; \
	ANDL $0x30303030, R11; \
	SHRL $4, R10; \
	ANDL $0x0f0f0f0f, R10; \
	ORL  R10, R11; \
	ANDL $0x3f3f3f3f, R9; \
	SHLQ $32, R11; \
	ORQ  R11, R9

// FRAME_Q4K: the eight scales d*sc as floats at 0(SP), dmin*mn at 32(SP).
#define FRAME_Q4K \
	SCALES_Q4K; \
	VMOVQ R8, X2; \
	VMOVQ R9, X3; \
	HALF(0, X0, Y0); \
	HALF(2, X1, Y1); \
	VPMOVZXBD X2, Y2; \
	VPMOVZXBD X3, Y3; \
	VCVTDQ2PS Y2, Y2; \
	VCVTDQ2PS Y3, Y3; \
	VMULPS Y2, Y0, Y0; \
	VMULPS Y3, Y1, Y1; \
	VMOVUPS Y0, 0(SP); \
	VMOVUPS Y1, 32(SP)

// SCALES_Q3K: X2 = the sixteen 6-bit scales, less 32, as bytes. Bytes 96..103 of
// the block hold the low four bits of scales j and j+8, bytes 104..107 the upper
// two of scales i, i+4, i+8 and i+12. X14 is 0x0f, X13 0x03, X12 0x20 in every
// byte, X11 the dwords 0, 2, 4, 6. Clobbers X3.
#define SCALES_Q3K \
	VMOVQ 96(SI), X2; \
	VPSRLW $4, X2, X3; \
	VPUNPCKLQDQ X3, X2, X2; \
	VPAND X14, X2, X2; \
	VPBROADCASTD 104(SI), X3; \
	VPSRLVD X11, X3, X3; \
	VPAND X13, X3, X3; \
	VPSLLW $4, X3, X3; \
	VPOR X3, X2, X2; \
	VPSUBB X12, X2, X2

// FRAME_IQ4XS: the eight scales d*sc as floats at 0(SP). Y15 is 15, Y14 3, Y13 32
// in every dword, Y12 the dwords 0, 4.. 28, Y11 0, 2.. 14.
#define FRAME_IQ4XS \
	VPBROADCASTD 4(SI), Y2; \
	VPBROADCASTW 2(SI), Y3; \
	HALF(0, X0, Y0); \
	VPSRLVD Y12, Y2, Y2; \
	VPSRLVD Y11, Y3, Y3; \
	VPAND Y15, Y2, Y2; \
	VPAND Y14, Y3, Y3; \
	VPSLLD $4, Y3, Y3; \
	VPOR Y3, Y2, Y2; \
	VPSUBD Y13, Y2, Y2; \
	VCVTDQ2PS Y2, Y2; \
	VMULPS Y2, Y0, Y0; \
	VMOVUPS Y0, 0(SP)

// CONSTS_Q3K and CONSTS_IQ4XS set the registers that the macros above read.
#define CONSTS_Q3K \
	DWORDS($0x0f0f0f0f, X14, Y14); \
	DWORDS($0x03030303, X13, Y13); \
	DWORDS($0x20202020, X12, Y12); \
	VMOVDQU ·laneNumbers+0(SB), X11; \
	VPSLLD $1, X11, X11

#define CONSTS_IQ4XS \
	DWORDS($15, X15, Y15); \
	DWORDS($3, X14, Y14); \
	DWORDS($32, X13, Y13); \
	VMOVDQU ·laneNumbers+0(SB), Y11; \
	VPSLLD $2, Y11, Y12; \
	VPSLLD $1, Y11, Y11

// OUT8(in, y, out): the 8 signed bytes at in of the frame times y, to out.
#define OUT8(in, y, out) \
	VPMOVSXBD (in)(SP), Y10; \
	VCVTDQ2PS Y10, Y10; \
	VMULPS y, Y10, Y10; \
	VMOVUPS Y10, (out)(DI)

// OUT16, OUT32: the same for more bytes.
#define OUT16(in, y, out) \
	OUT8(in, y, out); \
	OUT8(in+8, y, out+32)

#define OUT32(in, y, out) \
	OUT16(in, y, out); \
	OUT16(in+16, y, out+64)

// OUTM8(in, y, m, out): the 8 bytes at in of the frame times y, less m, to out.
#define OUTM8(in, y, m, out) \
	VPMOVSXBD (in)(SP), Y10; \
	VCVTDQ2PS Y10, Y10; \
	VFMSUB213PS m, y, Y10; \
	VMOVUPS Y10, (out)(DI)

#define OUTM16(in, y, m, out) \
	OUTM8(in, y, m, out); \
	OUTM8(in+8, y, m, out+32)

#define OUTM32(in, y, m, out) \
	OUTM16(in, y, m, out); \
	OUTM16(in+16, y, m, out+64)
