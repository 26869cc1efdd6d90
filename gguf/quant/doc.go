// Package quant encodes and decodes the block types of GGUF tensors: plain
// floats, the legacy 32-weight blocks, the 256-weight K super-blocks, and both
// 4-bit types with uneven levels (IQ4).
//
// Every type has one file with its layout, its decoder (the scalar loop is the
// oracle of the assembly in package simd) and, where the type can be written,
// its encoder and its [Grid]: how weights follow from integer codes and the
// few f16 fields that an edit may move. table.go lists them all.
//
// Layouts and rounding follow ggml's reference code (ggml-quants.c). float32
// products are converted explicitly before they are added, so that no compiler
// fuses them and every machine computes the same bits.
package quant
