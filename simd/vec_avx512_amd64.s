//go:build !purego

#include "textflag.h"

#define V0 Z0
#define V1 Z1
#define V2 Z2
#define V3 Z3
#define V4 Z4
#define V5 Z5
#define V6 Z6
#define V7 Z7
#define V8 Z8
#define V9 Z9
#define V10 Z10
#define V11 Z11
#define V12 Z12
#define V13 Z13
#define LANES 16
#define BYTES 64

#define B(op) op.BCST
#define SETMASK MOVL $1, DX; SHLL CX, DX; DECL DX; KMOVW DX, K1
#define LDT(mem, reg) VMOVUPS.Z mem, K1, reg
#define STT(reg, mem) VMOVUPS reg, K1, mem
#define ZEROT(r) VMOVAPS.Z r, K1, r
#define FILLT(r, f) VBLENDMPS r, f, K1, r
#define FOLDADD VEXTRACTF64X4 $1, Z0, Y1; VADDPS Y1, Y0, Y0
#define FOLDMAX VEXTRACTF64X4 $1, Z0, Y1; VMAXPS Y1, Y0, Y0
#define FOLDPD VEXTRACTF64X4 $1, Z0, Y1; VADDPD Y1, Y0, Y0
#define SCALE2N VSCALEFPS V2, V3, V0
#define PDTAIL VEXTRACTF64X4 $1, Z0, Y1; VCVTPS2PD Y0, Z0; VCVTPS2PD Y1, Z1

#define DOT ·dotAVX512
#define DOT3 ·dot3AVX512
#define AXPY ·axpyAVX512
#define AXPYMUL ·axpyMulAVX512
#define ADD ·addAVX512
#define MUL ·mulAVX512
#define SCALE ·scaleAVX512
#define SCALEADD ·scaleAddAVX512
#define SCALEMUL ·scaleMulAVX512
#define MAX ·maxAVX512
#define SUM ·sumAVX512
#define SUMSQUARES ·sumSquaresAVX512
#define ADAMW ·adamWAVX512
#define EXPV ·expAVX512
#define EXPSUM ·expSumAVX512
#define SILUMUL ·siluMulAVX512
#define SILUMULBACK ·siluMulBackAVX512
#define GELUMUL ·geluMulAVX512
#define GELUMULBACK ·geluMulBackAVX512
#define ROTATEHALVES ·rotateHalvesAVX512
#define ROTATEPAIRS ·rotatePairsAVX512

#include "vec_amd64.h"
#include "vec_exp_amd64.h"
#include "vec_rope_amd64.h"
