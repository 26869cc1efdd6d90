// Instructions that the Go 1.26 assembler lacks, as words. Arguments are register
// numbers in Go's order, sources first; each comment has the ARM mnemonic, checked
// with llvm-mc.

#define W3(op, m, n, d) WORD $(op | (m)<<16 | (n)<<5 | (d))
#define W2(op, n, d) WORD $(op | (n)<<5 | (d))

#define FADD(m, n, d) W3(0x4e20d400, m, n, d)    // FADD Vd.4S, Vn.4S, Vm.4S
#define FSUB(m, n, d) W3(0x4ea0d400, m, n, d)    // FSUB Vd.4S, Vn.4S, Vm.4S
#define FMUL(m, n, d) W3(0x6e20dc00, m, n, d)    // FMUL Vd.4S, Vn.4S, Vm.4S
#define FDIV(m, n, d) W3(0x6e20fc00, m, n, d)    // FDIV Vd.4S, Vn.4S, Vm.4S
#define FMIN(m, n, d) W3(0x4ea0f400, m, n, d)    // FMIN Vd.4S, Vn.4S, Vm.4S
#define FMAX(m, n, d) W3(0x4e20f400, m, n, d)    // FMAX Vd.4S, Vn.4S, Vm.4S
#define FADDP(m, n, d) W3(0x6e20d400, m, n, d)   // FADDP Vd.4S, Vn.4S, Vm.4S
#define FSQRT(n, d) W2(0x6ea1f800, n, d)         // FSQRT Vd.4S, Vn.4S
#define FNEG(n, d) W2(0x6ea0f800, n, d)          // FNEG Vd.4S, Vn.4S
#define SCVTF(n, d) W2(0x4e21d800, n, d)         // SCVTF Vd.4S, Vn.4S
#define FCVTNS(n, d) W2(0x4e21a800, n, d)        // FCVTNS Vd.4S, Vn.4S
#define SSHR1(n, d) W2(0x4f3f0400, n, d)         // SSHR Vd.4S, Vn.4S, #1
#define SXTLBH(n, d) W2(0x0f08a400, n, d)        // SXTL Vd.8H, Vn.8B
#define SXTL2BH(n, d) W2(0x4f08a400, n, d)       // SXTL2 Vd.8H, Vn.16B
#define SXTLHS(n, d) W2(0x0f10a400, n, d)        // SXTL Vd.4S, Vn.4H
#define SXTL2HS(n, d) W2(0x4f10a400, n, d)       // SXTL2 Vd.4S, Vn.8H

#define UMAXV(n, d) W2(0x6eb0a800, n, d)         // UMAXV Sd, Vn.4S
#define BFCVTN(n, d) W2(0x0ea16800, n, d)        // BFCVTN Vd.4H, Vn.4S
#define BFCVTN2(n, d) W2(0x4ea16800, n, d)       // BFCVTN2 Vd.8H, Vn.4S
#define FCVTL(n, d) W2(0x0e217800, n, d)         // FCVTL Vd.4S, Vn.4H
#define FCVTL2(n, d) W2(0x4e217800, n, d)        // FCVTL2 Vd.4S, Vn.8H

// FLOATS16: the 16 signed bytes of Vb become floats in Vs..Vs+3. Clobbers V30, V31.
#define FLOATS16(b, s) \
	SXTLBH(b, 30); \
	SXTL2BH(b, 31); \
	SXTLHS(30, s); \
	SXTL2HS(30, s+1); \
	SXTLHS(31, s+2); \
	SXTL2HS(31, s+3); \
	SCVTF(s, s); \
	SCVTF(s+1, s+1); \
	SCVTF(s+2, s+2); \
	SCVTF(s+3, s+3)

// FMUL4: Vs..Vs+3 *= Vm.
#define FMUL4(m, s) \
	FMUL(m, s, s); \
	FMUL(m, s+1, s+1); \
	FMUL(m, s+2, s+2); \
	FMUL(m, s+3, s+3)
