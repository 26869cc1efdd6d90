// Package quant encodes and decodes the block types of GGUF tensors: plain
// floats, the legacy 32-weight blocks, the 256-weight K super-blocks, uneven
// levels (IQ4), codebooks of vectors (IQ1, IQ2, IQ3), ternary weights (TQ), the
// 4-bit floats MXFP4 and NVFP4, and Q1_0 and Q2_0.
//
// Every type has one file with its layout, its decoder (the scalar loop is the
// oracle of the assembly in package simd), its [Grid]: how weights follow from
// integer codes and the few fields that an edit may move, and, but for the
// codebooks, its encoder, with importance weights where ggml has that. table.go
// lists them all.
//
// Layouts and rounding follow ggml's reference code (ggml-quants.c). float32
// products are converted explicitly before they are added, so that no compiler
// fuses them and every machine computes the same bits.
package quant
