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
	blocks       simd.BlockType // for products with the codes; such a type has a grid
}

// table has a row for every ggml type id; the rows without a name are the ids
// that ggml has removed.
var table = [...]codec{
	F32:    {"F32", 1, 4, decodeF32, encodeF32, nil, nil, nil, simd.NoBlocks},
	F16:    {"F16", 1, 2, decodeF16, encodeF16, simd.DequantF16, simd.QuantF16, nil, simd.NoBlocks},
	Q4_0:   {"Q4_0", 32, 18, decodeQ4_0, encodeQ4_0, simd.DequantQ4_0, simd.QuantQ4_0, &gridQ4_0, simd.BlocksQ4_0},
	Q4_1:   {"Q4_1", 32, 20, decodeQ4_1, encodeQ4_1, simd.DequantQ4_1, simd.QuantQ4_1, &gridQ4_1, simd.BlocksQ4_1},
	Q5_0:   {"Q5_0", 32, 22, decodeQ5_0, encodeQ5_0, simd.DequantQ5_0, simd.QuantQ5_0, &gridQ5_0, simd.BlocksQ5_0},
	Q5_1:   {"Q5_1", 32, 24, decodeQ5_1, encodeQ5_1, simd.DequantQ5_1, simd.QuantQ5_1, &gridQ5_1, simd.BlocksQ5_1},
	Q8_0:   {"Q8_0", 32, 34, decodeQ8_0, encodeQ8_0, simd.DequantQ8_0, simd.QuantQ8_0, &gridQ8_0, simd.BlocksQ8_0},
	Q8_1:   {name: "Q8_1", block: 32, bytes: 36},
	Q2K:    {"Q2_K", 256, 84, decodeQ2K, nil, simd.DequantQ2K, nil, nil, simd.NoBlocks},
	Q3K:    {"Q3_K", 256, 110, decodeQ3K, nil, simd.DequantQ3K, nil, nil, simd.NoBlocks},
	Q4K:    {"Q4_K", 256, 144, decodeQ4K, encodeQ4K, simd.DequantQ4K, encodeFastQ4K, &gridQ4K, simd.BlocksQ4K},
	Q5K:    {"Q5_K", 256, 176, decodeQ5K, encodeQ5K, simd.DequantQ5K, encodeFastQ5K, &gridQ5K, simd.BlocksQ5K},
	Q6K:    {"Q6_K", 256, 210, decodeQ6K, encodeQ6K, simd.DequantQ6K, encodeFastQ6K, &gridQ6K, simd.BlocksQ6K},
	Q8K:    {name: "Q8_K", block: 256, bytes: 292},
	IQ2XXS: {name: "IQ2_XXS", block: 256, bytes: 66},
	IQ2XS:  {name: "IQ2_XS", block: 256, bytes: 74},
	IQ3XXS: {name: "IQ3_XXS", block: 256, bytes: 98},
	IQ1S:   {name: "IQ1_S", block: 256, bytes: 50},
	IQ4NL:  {"IQ4_NL", 32, 18, decodeIQ4NL, encodeIQ4NL, simd.DequantIQ4NL, nil, nil, simd.NoBlocks},
	IQ3S:   {name: "IQ3_S", block: 256, bytes: 110},
	IQ2S:   {name: "IQ2_S", block: 256, bytes: 82},
	IQ4XS:  {"IQ4_XS", 256, 136, decodeIQ4XS, encodeIQ4XS, simd.DequantIQ4XS, nil, nil, simd.NoBlocks},
	I8:     {name: "I8", block: 1, bytes: 1},
	I16:    {name: "I16", block: 1, bytes: 2},
	I32:    {name: "I32", block: 1, bytes: 4},
	I64:    {name: "I64", block: 1, bytes: 8},
	F64:    {name: "F64", block: 1, bytes: 8},
	IQ1M:   {name: "IQ1_M", block: 256, bytes: 56},
	BF16:   {"BF16", 1, 2, decodeBF16, encodeBF16, simd.DequantBF16, simd.QuantBF16, nil, simd.NoBlocks},
	TQ1_0:  {name: "TQ1_0", block: 256, bytes: 54},
	TQ2_0:  {name: "TQ2_0", block: 256, bytes: 66},
	MXFP4:  {name: "MXFP4", block: 32, bytes: 17},
	NVFP4:  {name: "NVFP4", block: 64, bytes: 36},
	Q1_0:   {name: "Q1_0", block: 128, bytes: 18},
	Q2_0:   {name: "Q2_0", block: 64, bytes: 18},
}
