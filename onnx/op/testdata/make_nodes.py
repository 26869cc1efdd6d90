#!/usr/bin/env python3
"""Makes nodes.zip: the node tests that the onnx package for Python brings along, of the operators that language models use.

    make_nodes.py        (onnx 1.23.2, numpy 2.4.6, Python 3.11)

One model per test. Its inputs have the test's values as initializers of their names; initializer "expect:NAME" is what output NAME
must be; metadata has the tolerances. Tests with values that are no tensors are left out, and large ones. Same bytes on every run.
"""
import os
import sys
import warnings
import zipfile

import numpy as np
import onnx
from onnx import numpy_helper

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT = 24 << 10  # bytes of a test
OPS = """
Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh Attention BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Cast CastLike Ceil Celu
Clip Compress Concat Constant ConstantOfShape Cos Cosh CumSum DequantizeLinear Div Dropout DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand
EyeLike Flatten Floor Gather GatherElements GatherND Gelu Gemm Greater GreaterOrEqual HardSigmoid HardSwish Hardmax Identity If IsInf IsNaN
LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax Loop LpNormalization MatMul MatMulInteger Max Mean Min Mish Mod Mul Neg NonZero Not
OneHot Or PRelu Pad Pow QLinearMatMul QuantizeLinear RMSNormalization Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax
ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape RotaryEmbedding Round Scan ScatterElements ScatterND Selu Shape Shrink
Sigmoid Sign Sin Sinh Size Slice Softmax Softplus Softsign Split Sqrt Squeeze Sub Sum Swish Tan Tanh ThresholdedRelu Tile TopK Transpose Trilu
Unsqueeze Where Xor
""".split()


def tensor(x, name):
    if isinstance(x, onnx.TensorProto):
        t = onnx.TensorProto()
        t.CopyFrom(x)
        t.name = name
        return t
    if isinstance(x, (np.ndarray, np.generic)):
        return numpy_helper.from_array(np.asarray(x), name)
    return None


def pack(case):
    """The test as one model, or None."""
    if len(case.data_sets) != 1:
        return None
    ins, outs = case.data_sets[0]
    m = onnx.ModelProto()
    m.CopyFrom(case.model)
    g = m.graph
    if len(ins) > len(g.input) or len(outs) != len(g.output):
        return None
    for x, name in [(a, v.name) for a, v in zip(ins, g.input)] + [(b, "expect:" + v.name) for b, v in zip(outs, g.output)]:
        t = tensor(x, name)
        if t is None:
            return None
        g.initializer.append(t)
    m.doc_string = g.doc_string = ""
    for key, value in (("rtol", case.rtol), ("atol", case.atol)):
        m.metadata_props.add(key=key, value=repr(float(value)))
    b = m.SerializeToString(deterministic=True)
    return b if len(b) <= LIMIT else None


def main():
    np.random.seed(0)
    warnings.simplefilter("ignore")
    from onnx.backend.test.case.node import collect_testcases
    files, left_out = {}, []
    for case in collect_testcases(None):
        operators = {n.op_type for n in case.model.graph.node}
        if not operators <= set(OPS) or any(n.domain not in ("", "ai.onnx") for n in case.model.graph.node):
            continue
        b = pack(case)
        if b is None:
            left_out.append(case.name)
            continue
        files[case.name] = b
    with zipfile.ZipFile(os.path.join(HERE, "nodes.zip"), "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z:
        for name in sorted(files):
            z.writestr(zipfile.ZipInfo(name + ".onnx", (1980, 1, 1, 0, 0, 0)), files[name], zipfile.ZIP_DEFLATED, 9)
    print(len(files), "tests,", os.path.getsize(os.path.join(HERE, "nodes.zip")), "bytes; left out:", len(left_out), " ".join(left_out), file=sys.stderr)


if __name__ == "__main__":
    main()
