package op

import (
	"math"
	"slices"
)

// Row is an operator that programs can execute.
type Row struct {
	Domain string // "" is ONNX's own
	Name   string
	// Since are the opset versions whose definitions of the operator are executed, in
	// order. An older definition than the first is refused.
	Since []int64
	// Moves is set where elements are only moved: operands of 16 bits are rounded
	// before (see the package's documentation).
	Moves bool

	run kernel
}

// msft is onnxruntime's domain.
const msft = "com.microsoft"

// newest is the last opset of each domain that the rows were held against.
var newest = map[string]int64{"": 28, msft: 1}

// table finds a row by domain and name.
var table = func() map[[2]string]*Row {
	t := make(map[[2]string]*Row, len(rows))
	for i := range rows {
		t[[2]string{rows[i].Domain, rows[i].Name}] = &rows[i]
	}
	return t
}()

// Rows are the operators that programs can execute.
func Rows() []Row { return slices.Clone(rows) }

// rows has a row for each operator, by subject.
var rows = []Row{
	// numbers of one operand
	{Domain: "", Name: "Abs", Since: []int64{6, 13}, run: numberMap(func(x float32) float32 { return float32(math.Abs(float64(x))) }, func(x int64) int64 { return max(x, -x) })},
	{Domain: "", Name: "Neg", Since: []int64{6, 13}, run: numberMap(func(x float32) float32 { return -x }, func(x int64) int64 { return -x })},
	{Domain: "", Name: "Sign", Since: []int64{9, 13}, run: numberMap(sign, func(x int64) int64 { return int64(sign(float32(x))) })},
	{Domain: "", Name: "Relu", Since: []int64{6, 13, 14}, run: numberMap(relu, func(x int64) int64 { return max(x, 0) })},
	{Domain: "", Name: "Ceil", Since: []int64{6, 13}, run: mathMap(math.Ceil)},
	{Domain: "", Name: "Floor", Since: []int64{6, 13}, run: mathMap(math.Floor)},
	{Domain: "", Name: "Round", Since: []int64{11, 22}, run: mathMap(math.RoundToEven)},
	{Domain: "", Name: "Sqrt", Since: []int64{6, 13}, run: mathMap(math.Sqrt)},
	{Domain: "", Name: "Exp", Since: []int64{6, 13}, run: mathMap(math.Exp)},
	{Domain: "", Name: "Log", Since: []int64{6, 13}, run: mathMap(math.Log)},
	{Domain: "", Name: "Sin", Since: []int64{7, 22}, run: mathMap(math.Sin)},
	{Domain: "", Name: "Cos", Since: []int64{7, 22}, run: mathMap(math.Cos)},
	{Domain: "", Name: "Tan", Since: []int64{7, 22}, run: mathMap(math.Tan)},
	{Domain: "", Name: "Sinh", Since: []int64{9, 22}, run: mathMap(math.Sinh)},
	{Domain: "", Name: "Cosh", Since: []int64{9, 22}, run: mathMap(math.Cosh)},
	{Domain: "", Name: "Tanh", Since: []int64{6, 13}, run: mathMap(math.Tanh)},
	{Domain: "", Name: "Asin", Since: []int64{7, 22}, run: mathMap(math.Asin)},
	{Domain: "", Name: "Acos", Since: []int64{7, 22}, run: mathMap(math.Acos)},
	{Domain: "", Name: "Atan", Since: []int64{7, 22}, run: mathMap(math.Atan)},
	{Domain: "", Name: "Asinh", Since: []int64{9, 22}, run: mathMap(math.Asinh)},
	{Domain: "", Name: "Acosh", Since: []int64{9, 22}, run: mathMap(math.Acosh)},
	{Domain: "", Name: "Atanh", Since: []int64{9, 22}, run: mathMap(math.Atanh)},
	{Domain: "", Name: "Erf", Since: []int64{9, 13}, run: mathMap(math.Erf)},
	{Domain: "", Name: "Reciprocal", Since: []int64{6, 13}, run: floatMap(func(x float32) float32 { return 1 / x })},
	{Domain: "", Name: "Sigmoid", Since: []int64{6, 13}, run: floatMap(sigmoid)},
	{Domain: "", Name: "HardSwish", Since: []int64{14, 22}, run: floatMap(hardSwish)},
	{Domain: "", Name: "Softplus", Since: []int64{1, 22}, run: mathMap(softplus)},
	{Domain: "", Name: "Softsign", Since: []int64{1, 22}, run: floatMap(func(x float32) float32 { return x / (1 + float32(math.Abs(float64(x)))) })},
	{Domain: "", Name: "Mish", Since: []int64{18, 22}, run: mathMap(func(x float64) float64 { return x * math.Tanh(softplus(x)) })},
	{Domain: "", Name: "LeakyRelu", Since: []int64{6, 16}, run: parametric(leakyRelu)},
	{Domain: "", Name: "Elu", Since: []int64{6, 22}, run: parametric(elu)},
	{Domain: "", Name: "Celu", Since: []int64{12, 28}, run: parametric(celu)},
	{Domain: "", Name: "Selu", Since: []int64{6, 22}, run: parametric(selu)},
	{Domain: "", Name: "Shrink", Since: []int64{9}, run: shrink},
	{Domain: "", Name: "ThresholdedRelu", Since: []int64{10, 22}, run: parametric(thresholdedRelu)},
	{Domain: "", Name: "HardSigmoid", Since: []int64{6, 22}, run: parametric(hardSigmoid)},
	{Domain: "", Name: "Gelu", Since: []int64{20}, run: parametric(gelu)},
	{Domain: "", Name: "Swish", Since: []int64{24}, run: parametric(swish(1))},
	{Domain: "", Name: "Clip", Since: []int64{6, 11, 12, 13}, run: clip},
	{Domain: "", Name: "IsNaN", Since: []int64{9, 13, 20}, run: isNaN},
	{Domain: "", Name: "IsInf", Since: []int64{10, 20}, run: isInf},
	// numbers of several operands
	{Domain: "", Name: "Add", Since: []int64{7, 13, 14}, run: pairwise(&addition)},
	{Domain: "", Name: "Sub", Since: []int64{7, 13, 14}, run: pairwise(&subtraction)},
	{Domain: "", Name: "Mul", Since: []int64{7, 13, 14}, run: pairwise(&multiplication)},
	{Domain: "", Name: "Div", Since: []int64{7, 13, 14}, run: division},
	{Domain: "", Name: "Pow", Since: []int64{7, 12, 13, 15}, run: power},
	{Domain: "", Name: "Mod", Since: []int64{10, 13, 28}, run: modulo},
	{Domain: "", Name: "Max", Since: []int64{8, 12, 13}, run: variadic(&maximum)},
	{Domain: "", Name: "Min", Since: []int64{8, 12, 13}, run: variadic(&minimum)},
	{Domain: "", Name: "Sum", Since: []int64{8, 13}, run: variadic(&addition)},
	{Domain: "", Name: "Mean", Since: []int64{8, 13}, run: mean},
	{Domain: "", Name: "PRelu", Since: []int64{7, 9, 16}, run: preluOf},
	// comparison and logic
	{Domain: "", Name: "Equal", Since: []int64{7, 11, 13, 19}, run: compare(&equal)},
	{Domain: "", Name: "Less", Since: []int64{7, 9, 13}, run: compare(&less)},
	{Domain: "", Name: "LessOrEqual", Since: []int64{12, 16}, run: compare(&lessOrEqual)},
	{Domain: "", Name: "Greater", Since: []int64{7, 9, 13}, run: compare(&greater)},
	{Domain: "", Name: "GreaterOrEqual", Since: []int64{12, 16}, run: compare(&greaterOrEqual)},
	{Domain: "", Name: "And", Since: []int64{7}, run: boolean(func(a, b byte) byte { return a & b })},
	{Domain: "", Name: "Or", Since: []int64{7}, run: boolean(func(a, b byte) byte { return a | b })},
	{Domain: "", Name: "Xor", Since: []int64{7}, run: boolean(func(a, b byte) byte { return a ^ b })},
	{Domain: "", Name: "Not", Since: []int64{1}, run: not},
	{Domain: "", Name: "Where", Since: []int64{9, 16}, Moves: true, run: where},
	{Domain: "", Name: "BitwiseAnd", Since: []int64{18}, run: bitwise(func(a, b int64) int64 { return a & b })},
	{Domain: "", Name: "BitwiseOr", Since: []int64{18}, run: bitwise(func(a, b int64) int64 { return a | b })},
	{Domain: "", Name: "BitwiseXor", Since: []int64{18}, run: bitwise(func(a, b int64) int64 { return a ^ b })},
	{Domain: "", Name: "BitwiseNot", Since: []int64{18}, run: numberMap(nil, func(x int64) int64 { return ^x })},
	{Domain: "", Name: "BitShift", Since: []int64{11, 28}, run: bitShift},
	// shapes and movement
	{Domain: "", Name: "Shape", Since: []int64{1, 13, 15, 19, 21, 23, 24, 25}, Moves: true, run: shape},
	{Domain: "", Name: "Size", Since: []int64{1, 13, 19, 21, 23, 24, 25}, Moves: true, run: size},
	{Domain: "", Name: "Reshape", Since: []int64{1, 5, 13, 14, 19, 21, 23, 24, 25}, Moves: true, run: reshape},
	{Domain: "", Name: "Flatten", Since: []int64{1, 9, 11, 13, 21, 23, 24, 25}, Moves: true, run: flatten},
	{Domain: "", Name: "Squeeze", Since: []int64{1, 11, 13, 21, 23, 24, 25}, Moves: true, run: squeeze},
	{Domain: "", Name: "Unsqueeze", Since: []int64{1, 11, 13, 21, 23, 24, 25}, Moves: true, run: unsqueeze},
	{Domain: "", Name: "Transpose", Since: []int64{1, 13, 21, 23, 24, 25}, Moves: true, run: transpose},
	{Domain: "", Name: "Expand", Since: []int64{8, 13}, Moves: true, run: expand},
	{Domain: "", Name: "Tile", Since: []int64{6, 13}, Moves: true, run: tile},
	{Domain: "", Name: "Identity", Since: []int64{1, 13, 14, 16, 19, 21, 23, 24, 25}, Moves: true, run: identity},
	{Domain: "", Name: "Constant", Since: []int64{1, 9, 11, 12, 13, 19, 21, 23, 24, 25}, Moves: true, run: constantValue},
	{Domain: "", Name: "ConstantOfShape", Since: []int64{9, 20, 21, 23, 24, 25}, Moves: true, run: constantOfShape},
	{Domain: "", Name: "Range", Since: []int64{11, 27}, Moves: true, run: rangeOf},
	{Domain: "", Name: "Slice", Since: []int64{1, 10, 11, 13}, Moves: true, run: sliceOf},
	{Domain: "", Name: "Concat", Since: []int64{4, 11, 13}, Moves: true, run: concat},
	{Domain: "", Name: "Split", Since: []int64{2, 11, 13, 18}, Moves: true, run: split},
	{Domain: "", Name: "Pad", Since: []int64{2, 11, 13, 18, 19, 21, 23, 24, 25}, Moves: true, run: pad},
	{Domain: "", Name: "Trilu", Since: []int64{14}, Moves: true, run: trilu},
	{Domain: "", Name: "Gather", Since: []int64{1, 11, 13}, Moves: true, run: gather},
	{Domain: "", Name: "GatherElements", Since: []int64{11, 13}, Moves: true, run: gatherElements},
	{Domain: "", Name: "GatherND", Since: []int64{11, 12, 13}, Moves: true, run: gatherND},
	{Domain: "", Name: "ScatterElements", Since: []int64{11, 13, 16, 18}, Moves: true, run: scatterElements},
	{Domain: "", Name: "Scatter", Since: []int64{9, 11}, Moves: true, run: scatterElements},
	{Domain: "", Name: "ScatterND", Since: []int64{11, 13, 16, 18}, Moves: true, run: scatterND},
	{Domain: "", Name: "TensorScatter", Since: []int64{24}, Moves: true, run: tensorScatter},
	{Domain: "", Name: "OneHot", Since: []int64{9, 11, 28}, Moves: true, run: oneHot},
	{Domain: "", Name: "NonZero", Since: []int64{9, 13}, Moves: true, run: nonZero},
	{Domain: "", Name: "Compress", Since: []int64{9, 11, 28}, Moves: true, run: compress},
	{Domain: "", Name: "EyeLike", Since: []int64{9, 22}, Moves: true, run: eyeLike},
	{Domain: "", Name: "Cast", Since: []int64{6, 9, 13, 19, 21, 23, 24, 25, 28}, Moves: true, run: cast},
	{Domain: "", Name: "CastLike", Since: []int64{15, 19, 21, 23, 24, 25}, Moves: true, run: castLike},
	{Domain: "", Name: "Dropout", Since: []int64{7, 10, 12, 13, 22}, Moves: true, run: dropout},
	{Domain: "", Name: "DepthToSpace", Since: []int64{1, 11, 13, 28}, Moves: true, run: depthToSpace},
	{Domain: "", Name: "SpaceToDepth", Since: []int64{1, 13, 28}, Moves: true, run: spaceToDepth},
	{Domain: "", Name: "ReverseSequence", Since: []int64{10, 28}, Moves: true, run: reverseSequence},
	{Domain: "", Name: "TopK", Since: []int64{1, 10, 11, 24}, Moves: true, run: topK},
	// reductions
	{Domain: "", Name: "ReduceSum", Since: []int64{1, 11, 13}, run: reduce(&sumReducer, 13)},
	{Domain: "", Name: "ReduceMean", Since: []int64{1, 11, 13, 18}, run: reduce(&meanReducer, 18)},
	{Domain: "", Name: "ReduceMax", Since: []int64{1, 11, 12, 13, 18, 20}, run: reduce(&maxReducer, 18)},
	{Domain: "", Name: "ReduceMin", Since: []int64{1, 11, 12, 13, 18, 20}, run: reduce(&minReducer, 18)},
	{Domain: "", Name: "ReduceProd", Since: []int64{1, 11, 13, 18}, run: reduce(&productReducer, 18)},
	{Domain: "", Name: "ReduceSumSquare", Since: []int64{1, 11, 13, 18}, run: reduce(&sumSquareReducer, 18)},
	{Domain: "", Name: "ReduceL1", Since: []int64{1, 11, 13, 18}, run: reduce(&l1Reducer, 18)},
	{Domain: "", Name: "ReduceL2", Since: []int64{1, 11, 13, 18}, run: reduce(&l2Reducer, 18)},
	{Domain: "", Name: "ReduceLogSum", Since: []int64{1, 11, 13, 18, 28}, run: reduce(&logSumReducer, 18)},
	{Domain: "", Name: "ReduceLogSumExp", Since: []int64{1, 11, 13, 18, 28}, run: reduce(&logSumExpReducer, 18)},
	{Domain: "", Name: "ArgMax", Since: []int64{1, 11, 12, 13}, run: extremeIndex(1)},
	{Domain: "", Name: "ArgMin", Since: []int64{1, 11, 12, 13}, run: extremeIndex(-1)},
	{Domain: "", Name: "CumSum", Since: []int64{11, 14}, run: cumulate(&addition, 0)},
	{Domain: "", Name: "CumProd", Since: []int64{26}, run: cumulate(&multiplication, 1)},
	// normalization
	{Domain: "", Name: "Softmax", Since: []int64{1, 11, 13}, run: softmax},
	{Domain: "", Name: "LogSoftmax", Since: []int64{1, 11, 13}, run: logSoftmax},
	{Domain: "", Name: "Hardmax", Since: []int64{1, 11, 13}, run: hardmax},
	{Domain: "", Name: "LayerNormalization", Since: []int64{17}, run: layerNormalization},
	{Domain: "", Name: "RMSNormalization", Since: []int64{23}, run: rmsNormalization},
	{Domain: "", Name: "LpNormalization", Since: []int64{1, 22}, run: lpNormalization},
	{Domain: "", Name: "GroupNormalization", Since: []int64{18, 21}, run: groupNormalization},
	{Domain: "", Name: "InstanceNormalization", Since: []int64{6, 22}, run: instanceNormalization},
	{Domain: "", Name: "BatchNormalization", Since: []int64{9, 14, 15}, run: batchNormalization},
	{Domain: "", Name: "MeanVarianceNormalization", Since: []int64{9, 13}, run: meanVarianceNormalization},
	{Domain: "", Name: "SimplifiedLayerNormalization", Since: []int64{1}, run: rmsNormalization},
	// products
	{Domain: "", Name: "MatMul", Since: []int64{1, 9, 13}, run: matMul},
	{Domain: "", Name: "Gemm", Since: []int64{7, 9, 11, 13}, run: gemm},
	{Domain: "", Name: "Einsum", Since: []int64{12, 28}, run: einsum},
	{Domain: "", Name: "MatMulInteger", Since: []int64{10}, run: matMulInteger},
	{Domain: "", Name: "QLinearMatMul", Since: []int64{10, 21}, run: qLinearMatMul},
	// quantization
	{Domain: "", Name: "QuantizeLinear", Since: []int64{10, 13, 19, 21, 23, 24, 25, 28}, run: quantizeLinear},
	{Domain: "", Name: "DequantizeLinear", Since: []int64{10, 13, 19, 21, 23, 24, 25, 28}, run: dequantizeLinear},
	{Domain: "", Name: "DynamicQuantizeLinear", Since: []int64{11}, run: dynamicQuantizeLinear},
	// attention
	{Domain: "", Name: "Attention", Since: []int64{23, 24, 25}, run: attention},
	{Domain: "", Name: "RotaryEmbedding", Since: []int64{23}, run: rotaryEmbedding},
	// control flow and sequences
	{Domain: "", Name: "If", Since: []int64{1, 11, 13, 16, 19, 21, 23, 24, 25}, Moves: true, run: ifElse},
	{Domain: "", Name: "Loop", Since: []int64{1, 11, 13, 16, 19, 21, 23, 24, 25}, Moves: true, run: loopBody},
	{Domain: "", Name: "Scan", Since: []int64{9, 11, 16, 19, 21, 23, 24, 25}, Moves: true, run: scan},
	{Domain: "", Name: "SequenceConstruct", Since: []int64{11}, Moves: true, run: sequenceConstruct},
	{Domain: "", Name: "SequenceEmpty", Since: []int64{11}, Moves: true, run: sequenceEmpty},
	{Domain: "", Name: "SequenceAt", Since: []int64{11}, Moves: true, run: sequenceAt},
	{Domain: "", Name: "SequenceInsert", Since: []int64{11}, Moves: true, run: sequenceInsert},
	{Domain: "", Name: "SequenceErase", Since: []int64{11}, Moves: true, run: sequenceErase},
	{Domain: "", Name: "SequenceLength", Since: []int64{11}, Moves: true, run: sequenceLength},
	{Domain: "", Name: "SplitToSequence", Since: []int64{11, 24}, Moves: true, run: splitToSequence},
	{Domain: "", Name: "ConcatFromSequence", Since: []int64{11}, Moves: true, run: concatFromSequence},
	// com.microsoft
	{Domain: msft, Name: "MatMulNBits", Since: []int64{1}, run: matMulNBits},
	{Domain: msft, Name: "GatherBlockQuantized", Since: []int64{1}, run: gatherBlockQuantized},
	{Domain: msft, Name: "GroupQueryAttention", Since: []int64{1}, run: groupQueryAttention},
	{Domain: msft, Name: "MultiHeadAttention", Since: []int64{1}, run: multiHeadAttention},
	{Domain: msft, Name: "Attention", Since: []int64{1}, run: packedAttention},
	{Domain: msft, Name: "RotaryEmbedding", Since: []int64{1}, run: msRotaryEmbedding},
	{Domain: msft, Name: "SkipSimplifiedLayerNormalization", Since: []int64{1}, run: skipNormalization(rmsNorm, 0)},
	{Domain: msft, Name: "SkipLayerNormalization", Since: []int64{1}, run: skipNormalization(layerNorm, 1)},
	{Domain: msft, Name: "EmbedLayerNormalization", Since: []int64{1}, run: embedLayerNormalization},
	{Domain: msft, Name: "Gelu", Since: []int64{1}, run: floatMap(erfGelu)},
	{Domain: msft, Name: "FastGelu", Since: []int64{1}, run: biasGelu(tanhGelu)},
	{Domain: msft, Name: "BiasGelu", Since: []int64{1}, run: biasGelu(erfGelu)},
	{Domain: msft, Name: "QuickGelu", Since: []int64{1}, run: parametric(swish(1.702))},
	{Domain: msft, Name: "BiasSoftmax", Since: []int64{1}, run: biasSoftmax},
	{Domain: msft, Name: "FusedMatMul", Since: []int64{1}, run: fusedMatMul},
	{Domain: msft, Name: "TransposeMatMul", Since: []int64{1}, run: fusedMatMul},
	{Domain: msft, Name: "QuantizeLinear", Since: []int64{1}, run: quantizeLinear},
	{Domain: msft, Name: "DequantizeLinear", Since: []int64{1}, run: dequantizeLinear},
	{Domain: msft, Name: "DynamicQuantizeMatMul", Since: []int64{1}, run: dynamicQuantizeMatMul},
	{Domain: msft, Name: "MatMulIntegerToFloat", Since: []int64{1}, run: matMulIntegerToFloat},
	{Domain: msft, Name: "MatMulInteger16", Since: []int64{1}, run: matMulInteger},
	{Domain: msft, Name: "QLinearAdd", Since: []int64{1}, run: qLinearBinary(&addition)},
	{Domain: msft, Name: "QLinearMul", Since: []int64{1}, run: qLinearBinary(&multiplication)},
	{Domain: msft, Name: "QLinearSigmoid", Since: []int64{1}, run: qLinearSigmoid},
	{Domain: msft, Name: "QLinearConcat", Since: []int64{1}, run: qLinearConcat},
}
