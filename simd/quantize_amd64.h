// What the packers share. All functions: SI walks src, DI dst, CX counts blocks. Minimum and maximum take
// the accumulated operand where the other is NaN (the second in ARM's and Intel's
// order, the first in Go's), so that NaNs are passed over as the scalar code does.

#define ARGS \
	MOVQ dst+0(FP), DI; \
	MOVQ src+8(FP), SI; \
	MOVQ n+16(FP), CX

// DWORDS(v, x, y): y = the 32-bit v in all lanes.
#define DWORDS(v, x, y) \
	MOVL v, AX; \
	VMOVD AX, x; \
	VPBROADCASTD x, y

#define C_127 ·quantTable+0(SB)
#define C_15 ·quantTable+4(SB)
#define C_31 ·quantTable+8(SB)
#define C_NEIGHTH ·quantTable+12(SB)
#define C_NSIXTEENTH ·quantTable+16(SB)
#define C_ONE ·quantTable+20(SB)
#define C_MAX ·quantTable+24(SB)
#define C_NMAX ·quantTable+28(SB)
#define C_HALF ·quantTable+32(SB)
#define C_8HALF ·quantTable+36(SB)
#define C_16HALF ·quantTable+40(SB)

// STOREHALF(x, off): lane 0 of x as a float16.
#define STOREHALF(x, off) \
	VCVTPS2PH $0, x, X6; \
	VMOVD X6, AX; \
	MOVW AX, off(DI)
