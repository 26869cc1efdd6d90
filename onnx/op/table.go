package op

// rows has a row for every operator; "ms." stands for the domain com.microsoft.
func rows() map[string]func(c *Call) ([]*Value, error) {
	t := map[string]func(c *Call) ([]*Value, error){
		"Cast": cast, "CastLike": castLike, "Identity": identity, "Dropout": identity, "Constant": constant, "ConstantOfShape": constantOfShape,
		"Shape": shapeOf, "Size": sizeOf, "Range": rangeOf, "Reshape": reshape, "Flatten": flatten, "Squeeze": squeeze, "Unsqueeze": unsqueeze,
		"Transpose": transpose, "Expand": expand, "Tile": tile, "Concat": concat, "Split": split, "Slice": slice, "Gather": gather,
		"GatherND": gatherND, "GatherElements": gatherElements, "ScatterND": scatterND, "Where": where, "Trilu": trilu, "CumSum": cumSum, "NonZero": nonZero, "If": ifElse,
		"MatMul": matMul, "Gemm": gemm, "Einsum": einsum, "Softmax": softmax, "LogSoftmax": logSoftmax,
		"ReduceMean": reduce(mean), "ReduceSum": reduce(sum), "ReduceMax": reduce(top), "ReduceMin": reduce(bottom), "ReduceProd": reduce(prod), "ArgMax": argMax,
		"LayerNormalization": layerNorm, "RMSNormalization": rmsNorm, "SimplifiedLayerNormalization": rmsNorm, "RotaryEmbedding": rotary, "Attention": attention,
		"QuantizeLinear": quantizeLinear, "DequantizeLinear": dequantizeLinear, "DynamicQuantizeLinear": dynamicQuantize, "MatMulInteger": matMulInteger,
		"Clip": clip, "Gelu": geluOp,
		"ms.MatMulNBits": matMulNBits, "ms.GatherBlockQuantized": gatherBlocks, "ms.GroupQueryAttention": groupQuery, "ms.MultiHeadAttention": multiHead,
		"ms.RotaryEmbedding": msRotary, "ms.SimplifiedLayerNormalization": rmsNorm, "ms.SkipSimplifiedLayerNormalization": skipNorm,
		"ms.SkipLayerNormalization": skipNorm, "ms.FastGelu": fastGelu, "ms.BiasGelu": fastGelu, "ms.Gelu": geluOp, "ms.QuickGelu": quickGelu,
	}
	for name, f := range unary {
		t[name] = pointwise(f)
	}
	for name, f := range binary {
		t[name] = pairwise(f)
	}
	return t
}
