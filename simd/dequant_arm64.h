// What the unpackers share. All functions: R0 walks dst, R1 src, R2 counts blocks.
// No load reaches beyond a block.

#define ARGS \
	MOVD dst+0(FP), R0; \
	MOVD src+8(FP), R1; \
	MOVD n+16(FP), R2

// HALF(off, f, v): all lanes of v, whose lane 0 is f, = the float16 at off(R1).
#define HALF(off, f, v) \
	MOVHU off(R1), R3; \
	FMOVS R3, f; \
	FCVTHS f, f; \
	VDUP v.S[0], v.S4

// RUN_M: 16 codes in Vc become weights Vc*s + m, stored at R0. Clobbers V4..V7
// and V28..V31.
#define RUN_M(c, s, m) \
	FLOATS16(c, 4); \
	VMOV m.B16, V28.B16; \
	VMOV m.B16, V29.B16; \
	VMOV m.B16, V30.B16; \
	VMOV m.B16, V31.B16; \
	VFMLA s.S4, V4.S4, V28.S4; \
	VFMLA s.S4, V5.S4, V29.S4; \
	VFMLA s.S4, V6.S4, V30.S4; \
	VFMLA s.S4, V7.S4, V31.S4; \
	VST1.P [V28.S4, V29.S4, V30.S4, V31.S4], 64(R0)
