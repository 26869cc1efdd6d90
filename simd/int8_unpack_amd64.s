//go:build !purego

#include "textflag.h"

// Functions of this file write 8 rows of blocks as 8 of the 16 columns of a panel,
// as int8Kernel describes it. AVX2 only. Rows 0 to 7 of src begin at
//	SI, SI+R11, SI+2*R11, R8, R8+R11, R8+2*R11, R9, R9+R11
// DI is the panel, CX counts blocks. The same bytes of the rows are loaded 16 at
// a time and transposed as 4x4 dwords, row r in the low and row r+4 in the high
// half of a register, so that a register then holds 4 bytes of every row. Nibbles
// are split after that.
//
// R13 runs through the rows 32 further, in the order of memory, to fetch them: the
// processor does not see that 8 interleaved rows are one stream, and matrices of a
// model come from far. Fetching never faults.

#define ARGS \
	MOVQ dst+0(FP), DI; \
	MOVQ src+8(FP), SI; \
	MOVQ rowBytes+16(FP), R11; \
	MOVQ blocks+24(FP), CX; \
	LEAQ (SI)(R11*2), R8; \
	ADDQ R11, R8; \
	LEAQ (R8)(R11*2), R9; \
	ADDQ R11, R9; \
	MOVQ R11, R13; \
	SHLQ $5, R13; \
	ADDQ SI, R13

#define FETCH(off) \
	PREFETCHT1 off(R13); \
	PREFETCHT1 (off+64)(R13); \
	PREFETCHT1 (off+128)(R13)

#define NEXT(bytes, panel) \
	ADDQ $bytes, SI; \
	ADDQ $bytes, R8; \
	ADDQ $bytes, R9; \
	ADDQ $(8*bytes), R13; \
	ADDQ $panel, DI; \
	DECQ CX; \
	JNE  loop; \
	VZEROUPPER; \
	RET

#define ROW0(off) off(SI)
#define ROW1(off) off(SI)(R11*1)
#define ROW2(off) off(SI)(R11*2)
#define ROW3(off) off(R8)
#define ROW4(off) off(R8)(R11*1)
#define ROW5(off) off(R8)(R11*2)
#define ROW6(off) off(R9)
#define ROW7(off) off(R9)(R11*1)

#define DWORDS(value, x, y) \
	MOVL value, AX; \
	VMOVD AX, x; \
	VPBROADCASTD x, y

// LOAD16: a, b, c, d = bytes off to off+15 of rows 0|4, 1|5, 2|6, 3|7. Its
// arguments are the numbers of X and Y registers.
#define LOAD16(off, xa, ya, xb, yb, xc, yc, xd, yd) \
	VMOVDQU ROW0(off), xa; \
	VMOVDQU ROW1(off), xb; \
	VMOVDQU ROW2(off), xc; \
	VMOVDQU ROW3(off), xd; \
	VINSERTI128 $1, ROW4(off), ya, ya; \
	VINSERTI128 $1, ROW5(off), yb, yb; \
	VINSERTI128 $1, ROW6(off), yc, yc; \
	VINSERTI128 $1, ROW7(off), yd, yd

// TRANSPOSE: a, b, c, d = dwords 0, 1, 2, 3 of all rows. Y12..Y15 are scratch.
#define TRANSPOSE(a, b, c, d) \
	VPUNPCKLDQ b, a, Y12; \
	VPUNPCKHDQ b, a, Y13; \
	VPUNPCKLDQ d, c, Y14; \
	VPUNPCKHDQ d, c, Y15; \
	VPUNPCKLQDQ Y14, Y12, a; \
	VPUNPCKHQDQ Y14, Y12, b; \
	VPUNPCKLQDQ Y15, Y13, c; \
	VPUNPCKHQDQ Y15, Y13, d

#define LOADA(off) \
	LOAD16(off, X0, Y0, X1, Y1, X2, Y2, X3, Y3); \
	TRANSPOSE(Y0, Y1, Y2, Y3)
#define LOADB(off) \
	LOAD16(off, X4, Y4, X5, Y5, X6, Y6, X7, Y7); \
	TRANSPOSE(Y4, Y5, Y6, Y7)

// SPLIT: Y4..Y7 = the high nibbles of Y0..Y3, which keep the low ones. Y11 is
// 0x0f bytes.
#define SPLIT \
	VPSRLD $4, Y0, Y4; \
	VPSRLD $4, Y1, Y5; \
	VPSRLD $4, Y2, Y6; \
	VPSRLD $4, Y3, Y7; \
	VPAND Y11, Y0, Y0; \
	VPAND Y11, Y1, Y1; \
	VPAND Y11, Y2, Y2; \
	VPAND Y11, Y3, Y3; \
	VPAND Y11, Y4, Y4; \
	VPAND Y11, Y5, Y5; \
	VPAND Y11, Y6, Y6; \
	VPAND Y11, Y7, Y7

#define STOREA(out) \
	VMOVDQU Y0, (out)(DI); \
	VMOVDQU Y1, (out+64)(DI); \
	VMOVDQU Y2, (out+128)(DI); \
	VMOVDQU Y3, (out+192)(DI)
#define STOREB(out) \
	VMOVDQU Y4, (out)(DI); \
	VMOVDQU Y5, (out+64)(DI); \
	VMOVDQU Y6, (out+128)(DI); \
	VMOVDQU Y7, (out+192)(DI)

// HALVES: y = the float16 at off of all rows.
#define HALVES(off, x, y) \
	VPXOR x, x, x; \
	VPINSRW $0, ROW0(off), x, x; \
	VPINSRW $1, ROW1(off), x, x; \
	VPINSRW $2, ROW2(off), x, x; \
	VPINSRW $3, ROW3(off), x, x; \
	VPINSRW $4, ROW4(off), x, x; \
	VPINSRW $5, ROW5(off), x, x; \
	VPINSRW $6, ROW6(off), x, x; \
	VPINSRW $7, ROW7(off), x, x; \
	VCVTPH2PS x, y

// HEAD: Y8 and Y9 = the first two dwords of all rows.
#define HEAD \
	LOAD16(0, X0, Y0, X1, Y1, X2, Y2, X3, Y3); \
	VPUNPCKLDQ Y1, Y0, Y12; \
	VPUNPCKLDQ Y3, Y2, Y13; \
	VPUNPCKLQDQ Y13, Y12, Y8; \
	VPUNPCKHQDQ Y13, Y12, Y9

// PAIR: y = the float16 in the low halves of y, y2 = those in the high halves.
#define PAIR(x, y, x2, y2) \
	VPSRLD $16, y, y2; \
	VPSLLD $16, y, y; \
	VPSRLD $16, y, y; \
	VPACKUSDW y2, y, y; \
	VPERMQ $0xD8, y, y; \
	VEXTRACTI128 $1, y, x2; \
	VCVTPH2PS x, y; \
	VCVTPH2PS x2, y2

DATA spread<>+0(SB)/8, $0x0204081002040810
DATA spread<>+8(SB)/8, $0x0204081002040810
DATA spread<>+16(SB)/8, $0x0204081002040810
DATA spread<>+24(SB)/8, $0x0204081002040810
GLOBL spread<>(SB), RODATA|NOPTR, $32

// FIFTH: sets bit 4 of the bytes of y where Y9 has bits n to n+3, bit i of which
// a factor brings to bit 8*i+4. Y10 is 0x10 bytes, Y12 15.
#define FIFTH(n, y) \
	VPSRLD $n, Y9, Y13; \
	VPAND Y12, Y13, Y13; \
	VPMULLD spread<>(SB), Y13, Y13; \
	VPAND Y10, Y13, Y13; \
	VPOR Y13, y, y

#define FIFTHS \
	VPSRLD $24, Y11, Y12; \
	FIFTH(0, Y0); \
	FIFTH(4, Y1); \
	FIFTH(8, Y2); \
	FIFTH(12, Y3); \
	FIFTH(16, Y4); \
	FIFTH(20, Y5); \
	FIFTH(24, Y6); \
	FIFTH(28, Y7)

// func unpackQ4_0AVX2(dst, src *byte, rowBytes, blocks int)
TEXT ·unpackQ4_0AVX2(SB), NOSPLIT, $0-32
	ARGS
	DWORDS($0x0f0f0f0f, X11, Y11)
	PCALIGN $32
loop:
	FETCH(0)
	HALVES(0, X8, Y8)
	VMOVUPS Y8, (DI)
	LOADA(2)
	SPLIT
	STOREA(64)
	STOREB(320)
	NEXT(18, 576)

// func unpackQ4_1AVX2(dst, src *byte, rowBytes, blocks int)
TEXT ·unpackQ4_1AVX2(SB), NOSPLIT, $0-32
	ARGS
	DWORDS($0x0f0f0f0f, X11, Y11)
	PCALIGN $32
loop:
	FETCH(0)
	HEAD
	PAIR(X8, Y8, X9, Y9)
	VMOVUPS Y8, (DI)
	VMOVUPS Y9, 64(DI)
	LOADA(4)
	SPLIT
	STOREA(128)
	STOREB(384)
	NEXT(20, 640)

// func unpackQ5_0AVX2(dst, src *byte, rowBytes, blocks int)
TEXT ·unpackQ5_0AVX2(SB), NOSPLIT, $0-32
	ARGS
	DWORDS($0x0f0f0f0f, X11, Y11)
	DWORDS($0x10101010, X10, Y10)
	PCALIGN $32
loop:
	FETCH(0)
	HEAD
	VPSLLD $16, Y9, Y9
	VPSRLD $16, Y8, Y13
	VPOR Y13, Y9, Y9                // the fifth bits
	VPSLLD $16, Y8, Y8
	VPSRLD $16, Y8, Y8
	VPACKUSDW Y8, Y8, Y8
	VPERMQ $0xD8, Y8, Y8
	VCVTPH2PS X8, Y8
	VMOVUPS Y8, (DI)
	LOADA(6)
	SPLIT
	FIFTHS
	STOREA(64)
	STOREB(320)
	NEXT(22, 576)

// func unpackQ5_1AVX2(dst, src *byte, rowBytes, blocks int)
TEXT ·unpackQ5_1AVX2(SB), NOSPLIT, $0-32
	ARGS
	DWORDS($0x0f0f0f0f, X11, Y11)
	DWORDS($0x10101010, X10, Y10)
	PCALIGN $32
loop:
	FETCH(0)
	HEAD
	PAIR(X8, Y8, X13, Y13)
	VMOVUPS Y8, (DI)
	VMOVUPS Y13, 64(DI)
	LOADA(8)
	SPLIT
	FIFTHS
	STOREA(128)
	STOREB(384)
	NEXT(24, 640)

// func unpackQ8_0AVX2(dst, src *byte, rowBytes, blocks int)
TEXT ·unpackQ8_0AVX2(SB), NOSPLIT, $0-32
	ARGS
	DWORDS($0x80808080, X11, Y11)
	PCALIGN $32
loop:
	FETCH(0)
	PREFETCHT1 192(R13)
	PREFETCHT1 256(R13)
	HALVES(0, X8, Y8)
	VMOVUPS Y8, (DI)
	LOADA(2)
	LOADB(18)
	VPXOR Y11, Y0, Y0
	VPXOR Y11, Y1, Y1
	VPXOR Y11, Y2, Y2
	VPXOR Y11, Y3, Y3
	VPXOR Y11, Y4, Y4
	VPXOR Y11, Y5, Y5
	VPXOR Y11, Y6, Y6
	VPXOR Y11, Y7, Y7
	STOREA(64)
	STOREB(320)
	NEXT(34, 576)

// BYTE_K: the scale (out 0) or offset (out 64) of sub-blocks j and j+4 from bytes
// j%4 of y and y2, each times f.
#define BYTE_K(j, out, y, y2, f) \
	VPSRLD $(8*j), y, Y8; \
	VPSRLD $(8*j), y2, Y9; \
	VPAND Y10, Y8, Y8; \
	VPAND Y10, Y9, Y9; \
	VCVTDQ2PS Y8, Y8; \
	VCVTDQ2PS Y9, Y9; \
	VMULPS Y8, f, Y8; \
	VMULPS Y9, f, Y9; \
	VMOVUPS Y8, (640*j+out)(DI); \
	VMOVUPS Y9, (640*(j+4)+out)(DI)

// SCALES_K: scales and offsets of a block of Q4_K or Q5_K for all rows, see
// SCALES_Q4K. Y11 is 0x0f bytes.
#define SCALES_K \
	LOADA(0); \
	DWORDS($0x30303030, X10, Y10); \
	VPSRLD $2, Y1, Y4; \
	VPAND Y10, Y4, Y4; \
	VPAND Y11, Y3, Y5; \
	VPOR Y5, Y4, Y4; \
	VPSRLD $2, Y2, Y5; \
	VPAND Y10, Y5, Y5; \
	VPSRLD $4, Y3, Y6; \
	VPAND Y11, Y6, Y6; \
	VPOR Y6, Y5, Y5; \
	VPOR Y10, Y11, Y10; \
	VPAND Y10, Y1, Y1; \
	VPAND Y10, Y2, Y2; \
	PAIR(X0, Y0, X7, Y7); \
	DWORDS($0x80000000, X10, Y10); \
	VXORPS Y10, Y7, Y7; \
	DWORDS($0xff, X10, Y10); \
	BYTE_K(0, 0, Y1, Y4, Y0); \
	BYTE_K(1, 0, Y1, Y4, Y0); \
	BYTE_K(2, 0, Y1, Y4, Y0); \
	BYTE_K(3, 0, Y1, Y4, Y0); \
	BYTE_K(0, 64, Y2, Y5, Y7); \
	BYTE_K(1, 64, Y2, Y5, Y7); \
	BYTE_K(2, 64, Y2, Y5, Y7); \
	BYTE_K(3, 64, Y2, Y5, Y7)

// PAIR_K: half c of sub-blocks j and j+1 of a block whose codes begin at off.
#define PAIR_K(off, j, c) \
	FETCH(144*(j+c)); \
	LOADA(off+16*j+16*c); \
	SPLIT; \
	STOREA(640*j+128+256*c); \
	STOREB(640*(j+1)+128+256*c)

// func unpackQ4KAVX2(dst, src *byte, rowBytes, blocks int)
TEXT ·unpackQ4KAVX2(SB), NOSPLIT, $0-32
	ARGS
	DWORDS($0x0f0f0f0f, X11, Y11)
loop:
	SCALES_K
	PAIR_K(16, 0, 0)
	PAIR_K(16, 0, 1)
	PAIR_K(16, 2, 0)
	PAIR_K(16, 2, 1)
	PAIR_K(16, 4, 0)
	PAIR_K(16, 4, 1)
	PAIR_K(16, 6, 0)
	PAIR_K(16, 6, 1)
	NEXT(144, 5120)

// BIT_K: adds 16 to y where bit j of the bytes of h is set. Y10 is 0x10 bytes; the
// shifts move bits across bytes, none of which the mask keeps.
#define BIT_K(j, h, y) \
	VPSRLD $j, h, Y12; \
	VPSLLD $4, Y12, Y12; \
	VPAND Y10, Y12, Y12; \
	VPOR Y12, y, y

// func unpackQ5KAVX2(dst, src *byte, rowBytes, blocks int)
TEXT ·unpackQ5KAVX2(SB), NOSPLIT, $128-32
	ARGS
	DWORDS($0x0f0f0f0f, X11, Y11)
loop:
	SCALES_K
	DWORDS($0x10101010, X10, Y10)
	MOVQ $0, R10 // half of the sub-blocks
half:
	// The fifth bits of this half of all sub-blocks.
	ADDQ R10, SI
	ADDQ R10, R8
	ADDQ R10, R9
	LOADA(16)
	VMOVDQU Y0, 0(SP)
	VMOVDQU Y1, 32(SP)
	VMOVDQU Y2, 64(SP)
	VMOVDQU Y3, 96(SP)
	MOVQ $4, DX
pair:
	FETCH(0)
	ADDQ $176, R13
	LOADA(48)
	SPLIT
	VMOVDQU 0(SP), Y8
	VMOVDQU 32(SP), Y9
	BIT_K(0, Y8, Y0)
	BIT_K(1, Y8, Y4)
	BIT_K(0, Y9, Y1)
	BIT_K(1, Y9, Y5)
	VPSRLD $2, Y8, Y8
	VPSRLD $2, Y9, Y9
	VMOVDQU Y8, 0(SP)
	VMOVDQU Y9, 32(SP)
	VMOVDQU 64(SP), Y8
	VMOVDQU 96(SP), Y9
	BIT_K(0, Y8, Y2)
	BIT_K(1, Y8, Y6)
	BIT_K(0, Y9, Y3)
	BIT_K(1, Y9, Y7)
	VPSRLD $2, Y8, Y8
	VPSRLD $2, Y9, Y9
	VMOVDQU Y8, 64(SP)
	VMOVDQU Y9, 96(SP)
	STOREA(128)
	STOREB(768)
	ADDQ $32, SI
	ADDQ $32, R8
	ADDQ $32, R9
	ADDQ $1280, DI
	DECQ DX
	JNE  pair
	SUBQ $(5120-256), DI
	ADDQ $128, R10
	SUBQ R10, SI
	SUBQ R10, R8
	SUBQ R10, R9
	SUBQ $112, R10
	CMPQ R10, $16
	JEQ  half
	SUBQ $512, DI
	SUBQ $(8*176), R13
	NEXT(176, 5120)

// SCALES_Q6K: sub-block scales 4*n to 4*n+3 of all rows from the bytes of y, times
// d in Y8.
#define SCALE_Q6K(n, j, y) \
	VPSLLD $(24-8*j), y, Y9; \
	VPSRAD $24, Y9, Y9; \
	VCVTDQ2PS Y9, Y9; \
	VMULPS Y9, Y8, Y9; \
	VMOVUPS Y9, (320*(4*n+j))(DI)

#define SCALES_Q6K(n, y) \
	SCALE_Q6K(n, 0, y); \
	SCALE_Q6K(n, 1, y); \
	SCALE_Q6K(n, 2, y); \
	SCALE_Q6K(n, 3, y)

// TOPS_Q6K: adds bits of the bytes at i(SP) to low and high as bits 4 and 5, moved
// there by two shifts. Y10 is 0x30 bytes.
#define TOPS_Q6K(i, left, right, low, high) \
	VMOVDQU i(SP), Y8; \
	VPSLLD $left, Y8, Y9; \
	VPSRLD $right, Y8, Y8; \
	VPAND Y10, Y9, Y9; \
	VPAND Y10, Y8, Y8; \
	VPOR Y9, low, low; \
	VPOR Y8, high, high

#define TOPALL_Q6K(left, right) \
	TOPS_Q6K(0, left, right, Y0, Y4); \
	TOPS_Q6K(32, left, right, Y1, Y5); \
	TOPS_Q6K(64, left, right, Y2, Y6); \
	TOPS_Q6K(96, left, right, Y3, Y7)

// QUARTER_Q6K: 16 weights of each of the four runs of half n, from 16*c on: runs
// 0 and 2 share bytes, so do 1 and 3. Run r is block 8*n+2*r+c.
#define QUARTER_Q6K(n, c) \
	FETCH(420*(2*n+c)); \
	FETCH(420*(2*n+c)+192); \
	PREFETCHT1 (420*(2*n+c)+384)(R13); \
	LOADA(128+32*n+16*c); \
	VMOVDQU Y0, 0(SP); \
	VMOVDQU Y1, 32(SP); \
	VMOVDQU Y2, 64(SP); \
	VMOVDQU Y3, 96(SP); \
	LOADA(64*n+16*c); \
	SPLIT; \
	TOPALL_Q6K(4, 0); \
	STOREA(320*(8*n+c)+64); \
	STOREB(320*(8*n+4+c)+64); \
	LOADA(64*n+32+16*c); \
	SPLIT; \
	TOPALL_Q6K(2, 2); \
	STOREA(320*(8*n+2+c)+64); \
	STOREB(320*(8*n+6+c)+64)

// func unpackQ6KAVX2(dst, src *byte, rowBytes, blocks int)
TEXT ·unpackQ6KAVX2(SB), NOSPLIT, $128-32
	ARGS
	DWORDS($0x0f0f0f0f, X11, Y11)
	DWORDS($0x30303030, X10, Y10)
loop:
	HALVES(208, X8, Y8)
	LOADA(192)
	SCALES_Q6K(0, Y0)
	SCALES_Q6K(1, Y1)
	SCALES_Q6K(2, Y2)
	SCALES_Q6K(3, Y3)
	QUARTER_Q6K(0, 0)
	QUARTER_Q6K(0, 1)
	QUARTER_Q6K(1, 0)
	QUARTER_Q6K(1, 1)
	NEXT(210, 5120)
