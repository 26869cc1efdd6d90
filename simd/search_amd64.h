// What the searches for scales share.
//
// Search, at SI: rows of 32 bytes, one weight of each run: weights x at 0, their
// importance w at 1024, codes l at 2048; then variables and the results, of which DI
// is SI plus 4 bytes for each run before those at hand.
#define HI 3072(SI)
#define LEAST 3104(SI)
#define BEST 3136(SI)
#define SUMW 3168(SI)
#define SUMX 3200(SI)
#define FLAT 3232(SI)
#define SCALE 3328(DI)
#define MIN 3392(DI)

#define C_MAGIC ·searchTable+0(SB)
#define C_32TH ·searchTable+4(SB)
#define C_BOUND ·searchTable+8(SB)
#define C_TINY ·searchTable+12(SB)
#define C_ONE ·searchTable+16(SB)
#define C_LARGE ·searchTable+20(SB)

// Constants in registers: Y15 C_MAGIC, Y14 that plus the largest code, Y13 the sign
// bit; in searchSymmetric also Y12 C_MAGIC plus the least code.

#define SIGNBIT \
	VPCMPEQD Y13, Y13, Y13; \
	VPSLLD $31, Y13, Y13

// WEIGH: w = Y0 + |x|, Y1 += w, Y2 += w*x.
#define WEIGH \
	VMOVUPS (SI)(R8*1), Y3; \
	VANDNPS Y3, Y13, Y4; \
	VADDPS Y4, Y0, Y4; \
	VMOVUPS Y4, 1024(SI)(R8*1); \
	VADDPS Y4, Y1, Y1; \
	VMULPS Y3, Y4, Y4; \
	VADDPS Y4, Y2, Y2; \
	ADDQ $32, R8

// CODE: Y8 = the code of x (left in Y7) for the inverse scale Y3 and minimum Y4.
#define CODE(off) \
	VMOVUPS (off)(SI)(R8*1), Y7; \
	VSUBPS Y4, Y7, Y8; \
	VMULPS Y8, Y3, Y8; \
	VADDPS Y15, Y8, Y8; \
	VMAXPS Y15, Y8, Y8; \
	VMINPS Y14, Y8, Y8; \
	VSUBPS Y15, Y8, Y8; \
	VMOVUPS Y8, (2048+off)(SI)(R8*1)

// FIT: Y0 += w*l, Y1 += w*l*l, Y2 += w*l*x.
#define FIT(off) \
	CODE(off); \
	VMULPS (1024+off)(SI)(R8*1), Y8, Y9; \
	VMULPS Y8, Y9, Y10; \
	VADDPS Y9, Y0, Y0; \
	VMULPS Y7, Y9, Y11; \
	VADDPS Y10, Y1, Y1; \
	VADDPS Y11, Y2, Y2

// ERROR: Y0 += w*(Y5*l + Y6 - x)^2.
#define ERROR(off) \
	VMULPS (2048+off)(SI)(R8*1), Y5, Y7; \
	VADDPS Y6, Y7, Y7; \
	VSUBPS (off)(SI)(R8*1), Y7, Y7; \
	VMULPS Y7, Y7, Y7; \
	VMULPS (1024+off)(SI)(R8*1), Y7, Y7; \
	VADDPS Y7, Y0, Y0

// DISTANCE: Y0 += w*|Y5*l + Y6 - x|.
#define DISTANCE(off) \
	VMULPS (2048+off)(SI)(R8*1), Y5, Y7; \
	VADDPS Y6, Y7, Y7; \
	VSUBPS (off)(SI)(R8*1), Y7, Y7; \
	VANDNPS Y7, Y13, Y7; \
	VMULPS (1024+off)(SI)(R8*1), Y7, Y7; \
	VADDPS Y7, Y0, Y0

// ERRORS: Y0 = the error of the codes l, of squares where R10 is 0. R9 is the size
// of the rows. The arguments are labels.
#define ERRORS(squares, distances, done) \
	VXORPS Y0, Y0, Y0; \
	XORL R8, R8; \
	TESTL R10, R10; \
	JNE  distances; \
squares: \
	ERROR(0); \
	ERROR(32); \
	ERROR(64); \
	ERROR(96); \
	ADDQ $128, R8; \
	CMPQ R8, R9; \
	JNE  squares; \
	JMP  done; \
distances: \
	DISTANCE(0); \
	DISTANCE(32); \
	DISTANCE(64); \
	DISTANCE(96); \
	ADDQ $128, R8; \
	CMPQ R8, R9; \
	JNE  distances; \
done:

// BOUNDED(fail): jumps if a code of a run that is not flat may be too large to be
// rounded by C_MAGIC: hi and the least weight bound all others.
#define BOUNDED(fail) \
	VMOVUPS HI, Y7; \
	VSUBPS Y4, Y7, Y7; \
	VMULPS Y3, Y7, Y7; \
	VMOVUPS LEAST, Y8; \
	VSUBPS Y4, Y8, Y8; \
	VMULPS Y3, Y8, Y8; \
	VANDNPS Y7, Y13, Y7; \
	VANDNPS Y8, Y13, Y8; \
	VBROADCASTSS C_BOUND, Y9; \
	VCMPPS $1, Y9, Y7, Y7; \
	VCMPPS $1, Y9, Y8, Y8; \
	VANDPS Y7, Y8, Y8; \
	VORPS FLAT, Y8, Y8; \
	VMOVMSKPS Y8, AX; \
	CMPL AX, $255; \
	JNE  fail

// EXTREME(x): Y5 = the weight of largest magnitude so far, the first of equals, Y4 its
// magnitude; Y6 becomes NaN if a weight is not finite. Y7 is 0. Leaves the weight in
// Y0 and its square in Y1.
#define EXTREME(x) \
	VMOVUPS x, Y0; \
	VANDNPS Y0, Y13, Y1; \
	VCMPPS $14, Y4, Y1, Y2; \
	VBLENDVPS Y2, Y0, Y5, Y5; \
	VMAXPS Y4, Y1, Y4; \
	VMULPS Y7, Y0, Y3; \
	VADDPS Y3, Y6, Y6; \
	VMULPS Y0, Y0, Y1

// NOEXTREME starts EXTREME.
#define NOEXTREME \
	VXORPS Y4, Y4, Y4; \
	VXORPS Y5, Y5, Y5; \
	VXORPS Y6, Y6, Y6; \
	VXORPS Y7, Y7, Y7

// BYTES: the dwords of Y0..Y3, codes below 256, to 32 bytes at DI. Y11 is dwordOrder.
#define BYTES \
	VPACKSSDW Y1, Y0, Y0; \
	VPACKSSDW Y3, Y2, Y2; \
	VPACKUSWB Y2, Y0, Y0; \
	VPERMD Y0, Y11, Y0; \
	VMOVDQU Y0, (DI); \
	ADDQ $32, DI; \
	ADDQ $128, SI
