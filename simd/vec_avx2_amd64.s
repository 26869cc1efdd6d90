//go:build !purego

#include "textflag.h"

#define V0 Y0
#define V1 Y1
#define V2 Y2
#define V3 Y3
#define V4 Y4
#define V5 Y5
#define V6 Y6
#define V7 Y7
#define V8 Y8
#define V9 Y9
#define V10 Y10
#define V11 Y11
#define V12 Y12
#define V13 Y13
#define LANES 8
#define BYTES 32

#define B(op) op
#define SETMASK LEAQ ·tailMask+32(SB), DX; NEGQ CX; VMOVDQU (DX)(CX*4), Y15
#define LDT(mem, reg) VMASKMOVPS mem, Y15, reg
#define STT(reg, mem) VMASKMOVPS reg, Y15, mem
#define ZEROT(r) VANDPS Y15, r, r
#define FILLT(r, f) VBLENDVPS Y15, r, f, r
#define FOLDADD
#define FOLDMAX
#define FOLDPD
#define PDTAIL VEXTRACTF128 $1, Y0, X1; VCVTPS2PD X0, Y0; VCVTPS2PD X1, Y1

// 2^n as 2^floor(n/2) 2^(n-floor(n/2)), see expOf.
#define SCALE2N \
	VPSRAD $1, V1, V2; \
	VPSUBD V2, V1, V1; \
	VPADDD C_BIAS, V1, V1; \
	VPADDD C_BIAS, V2, V2; \
	VPSLLD $23, V1, V1; \
	VPSLLD $23, V2, V2; \
	VMULPS V2, V3, V3; \
	VMULPS V1, V3, V0

#define DOT ·dotAVX2
#define DOT3 ·dot3AVX2
#define AXPY ·axpyAVX2
#define AXPYMUL ·axpyMulAVX2
#define ADD ·addAVX2
#define MUL ·mulAVX2
#define SCALE ·scaleAVX2
#define SCALEADD ·scaleAddAVX2
#define SCALEMUL ·scaleMulAVX2
#define MAX ·maxAVX2
#define SUM ·sumAVX2
#define SUMSQUARES ·sumSquaresAVX2
#define ADAMW ·adamWAVX2
#define EXPV ·expAVX2
#define EXPSUM ·expSumAVX2
#define SILUMUL ·siluMulAVX2
#define SILUMULBACK ·siluMulBackAVX2
#define GELUMUL ·geluMulAVX2
#define GELUMULBACK ·geluMulBackAVX2
#define ROTATEHALVES ·rotateHalvesAVX2
#define ROTATEPAIRS ·rotatePairsAVX2

#include "vec_amd64.h"
#include "vec_exp_amd64.h"
#include "vec_rope_amd64.h"
