package quant

import "github.com/detox-surgery/detox-surgery/simd"

// codec is one row of the table. unpack and pack, when set, decode and encode
// leading blocks, by assembly where there is some, and return how many they did.
type codec struct {
	name         string
	block, bytes int
	decode       func(dst []float32, src []byte)
	encode       func(dst []byte, src []float32)
	unpack       func(dst []float32, src []byte) int
	pack         func(dst []byte, src []float32) int
	grid         *gridder
	blocks       simd.BlockType                           // for products with the codes; such a type has a grid
	weigh        func(dst []byte, src, weights []float32) // one row
}

// table has a row for every ggml type id; the rows without a name are the ids
// that ggml has removed.
var table = [...]codec{
	F32:    {"F32", 1, 4, decodeF32, encodeF32, nil, nil, nil, simd.NoBlocks, nil},
	F16:    {"F16", 1, 2, decodeF16, encodeF16, simd.DequantF16, simd.QuantF16, nil, simd.NoBlocks, nil},
	Q4_0:   {"Q4_0", 32, 18, decodeQ4_0, encodeQ4_0, simd.DequantQ4_0, simd.QuantQ4_0, &gridQ4_0, simd.BlocksQ4_0, weighQ4_0},
	Q4_1:   {"Q4_1", 32, 20, decodeQ4_1, encodeQ4_1, simd.DequantQ4_1, simd.QuantQ4_1, &gridQ4_1, simd.BlocksQ4_1, weighQ4_1},
	Q5_0:   {"Q5_0", 32, 22, decodeQ5_0, encodeQ5_0, simd.DequantQ5_0, simd.QuantQ5_0, &gridQ5_0, simd.BlocksQ5_0, weighQ5_0},
	Q5_1:   {"Q5_1", 32, 24, decodeQ5_1, encodeQ5_1, simd.DequantQ5_1, simd.QuantQ5_1, &gridQ5_1, simd.BlocksQ5_1, weighQ5_1},
	Q8_0:   {"Q8_0", 32, 34, decodeQ8_0, encodeQ8_0, simd.DequantQ8_0, simd.QuantQ8_0, &gridQ8_0, simd.BlocksQ8_0, nil},
	Q8_1:   {name: "Q8_1", block: 32, bytes: 36},
	Q2K:    {"Q2_K", 256, 84, decodeQ2K, encodeQ2K, simd.DequantQ2K, encodeFastQ2K, &gridQ2K, simd.NoBlocks, weighQ2K},
	Q3K:    {"Q3_K", 256, 110, decodeQ3K, encodeQ3K, simd.DequantQ3K, encodeFastQ3K, &gridQ3K, simd.NoBlocks, weighQ3K},
	Q4K:    {"Q4_K", 256, 144, decodeQ4K, encodeQ4K, simd.DequantQ4K, encodeFastQ4K, &gridQ4K, simd.BlocksQ4K, weighQ4K},
	Q5K:    {"Q5_K", 256, 176, decodeQ5K, encodeQ5K, simd.DequantQ5K, encodeFastQ5K, &gridQ5K, simd.BlocksQ5K, weighQ5K},
	Q6K:    {"Q6_K", 256, 210, decodeQ6K, encodeQ6K, simd.DequantQ6K, encodeFastQ6K, &gridQ6K, simd.BlocksQ6K, weighQ6K},
	Q8K:    {name: "Q8_K", block: 256, bytes: 292},
	IQ2XXS: {"IQ2_XXS", 256, 66, decodeIQ2XXS, nil, nil, nil, &gridIQ2XXS, simd.NoBlocks, nil},
	IQ2XS:  {"IQ2_XS", 256, 74, decodeIQ2XS, nil, nil, nil, &gridIQ2XS, simd.NoBlocks, nil},
	IQ3XXS: {"IQ3_XXS", 256, 98, decodeIQ3XXS, nil, nil, nil, &gridIQ3XXS, simd.NoBlocks, nil},
	IQ1S:   {"IQ1_S", 256, 50, decodeIQ1S, nil, nil, nil, &gridIQ1S, simd.NoBlocks, nil},
	IQ4NL:  {"IQ4_NL", 32, 18, decodeIQ4NL, encodeIQ4NL, simd.DequantIQ4NL, encodeFastIQ4NL, &gridIQ4NL, simd.NoBlocks, weighIQ4NL},
	IQ3S:   {"IQ3_S", 256, 110, decodeIQ3S, nil, nil, nil, &gridIQ3S, simd.NoBlocks, nil},
	IQ2S:   {"IQ2_S", 256, 82, decodeIQ2S, nil, nil, nil, &gridIQ2S, simd.NoBlocks, nil},
	IQ4XS:  {"IQ4_XS", 256, 136, decodeIQ4XS, encodeIQ4XS, simd.DequantIQ4XS, nil, &gridIQ4XS, simd.NoBlocks, weighIQ4XS},
	I8:     {name: "I8", block: 1, bytes: 1},
	I16:    {name: "I16", block: 1, bytes: 2},
	I32:    {name: "I32", block: 1, bytes: 4},
	I64:    {name: "I64", block: 1, bytes: 8},
	F64:    {name: "F64", block: 1, bytes: 8},
	IQ1M:   {"IQ1_M", 256, 56, decodeIQ1M, nil, nil, nil, &gridIQ1M, simd.NoBlocks, nil},
	BF16:   {"BF16", 1, 2, decodeBF16, encodeBF16, simd.DequantBF16, simd.QuantBF16, nil, simd.NoBlocks, nil},
	TQ1_0:  {"TQ1_0", 256, 54, decodeTQ1_0, encodeTQ1_0, simd.DequantTQ1_0, nil, &gridTQ1_0, simd.NoBlocks, nil},
	TQ2_0:  {"TQ2_0", 256, 66, decodeTQ2_0, encodeTQ2_0, simd.DequantTQ2_0, nil, &gridTQ2_0, simd.NoBlocks, nil},
	MXFP4:  {"MXFP4", 32, 17, decodeMXFP4, encodeMXFP4, simd.DequantMXFP4, encodeFastMXFP4, &gridMXFP4, simd.NoBlocks, nil},
	NVFP4:  {"NVFP4", 64, 36, decodeNVFP4, encodeNVFP4, simd.DequantNVFP4, encodeFastNVFP4, &gridNVFP4, simd.NoBlocks, nil},
	Q1_0:   {"Q1_0", 128, 18, decodeQ1_0, encodeQ1_0, simd.DequantQ1_0, nil, &gridQ1_0, simd.NoBlocks, nil},
	Q2_0:   {"Q2_0", 64, 18, decodeQ2_0, encodeQ2_0, simd.DequantQ2_0, nil, &gridQ2_0, simd.NoBlocks, nil},
}
