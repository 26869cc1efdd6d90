// Instructions that the Go assembler lacks, as bytes. The arguments are register
// numbers 0..31, in the assembler's order: sources first, destination last.
//
// EVEX, 512 bits, registers only: 62, then P0 = R X B R' 0 m m m, P1 = W v v v v 1 p p,
// P2 = z L' L b V' a a a, the opcode and ModRM. R R' extend the destination,
// X B the last source, vvvv V' name the other; all of them inverted. The map mmm
// is 2 (0F38), pp is 2 for F3 and 3 for F2, L'L is 2 for 512 bits.
#define EVEX_0F38(pp, op, m, v, d) \
	BYTE $0x62; \
	BYTE $(0xf2 ^ (((d)&8)<<4) ^ (((m)&16)<<2) ^ (((m)&8)<<2) ^ ((d)&16)); \
	BYTE $(0x7c ^ (((v)&15)<<3) ^ (pp)); \
	BYTE $(0x48 ^ (((v)&16)>>1)); \
	BYTE $(op); \
	BYTE $(0xc0 | (((d)&7)<<3) | ((m)&7))

// VDPBF16PS m, v, d: d += the products of the two bfloat16 in each 32 bits of v
// and m. Denormals count as zero; MXCSR is not read.
#define VDPBF16PS(m, v, d) EVEX_0F38(2, 0x52, m, v, d)

// VCVTNE2PS2BF16 m, v, d: the lower half of d is m, the upper half v, rounded to
// nearest even.
#define VCVTNE2PS2BF16(m, v, d) EVEX_0F38(3, 0x72, m, v, d)
