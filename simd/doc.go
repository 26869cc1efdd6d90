// Package simd holds the arithmetic of the project: float32 matrix products,
// products with matrices that expand from quantized form, vector operations, and
// the workers that share them.
//
// Every operation exists in Go (tier Generic) and, where it shows, in assembly for
// AVX2, AVX-512 and NEON. The tier is chosen once per process from the CPU;
// DETOX_SIMD lowers it, build tag purego leaves the assembly out. A result is a
// function of the tier and the operands: the number of workers changes no bit.
//
// # Matrix products
//
// A microkernel computes a tile of C from rows that it broadcasts and vectors that
// it loads, both through strides. Rows of a stored matrix are therefore read where
// they lie, the backward pass of a linear map (dy W) multiplies with rows of W as
// they are expanded, and only the forward pass (x Wᵀ) transposes them, once for
// all rows of x. The packed or expanded part of B is shared by all workers, its
// depth blocks fix the order of additions, and one assembly call is one tile:
// microseconds, so that it never holds up the garbage collector.
//
// # Lower precision
//
// Products may round their operands to 16 bits where the CPU sums twice as many
// such products a cycle (Precision: BFloat16 by AVX512-BF16, Int16 by AVX512-VNNI).
// The loops above them are the same; a kernel then takes a step in depth of
// several values, which formats pack into words: op(A) once per product, op(B)
// with each of its blocks.
//
// # 8-bit products
//
// Generation and prefill can round activations to 8 bits and multiply with the
// codes of quantized blocks as they are (MatMulT8). Sixteen rows of W at a time are
// unpacked to a panel, codes of four depths of all rows side by side, which serves
// any number of rows of X. Sums within a block are integers, and blocks are added
// by one chain of fused multiply-adds, so that all tiers agree in every bit.
package simd
