#!/usr/bin/env python3
"""Makes ort.zip: nodes of com.microsoft and of old definitions of ONNX, loops and functions, with onnxruntime's results. In the form
of nodes.zip, see make_nodes.py. And versions.json: the versions of every operator's definition in ONNX's registry.

    make_ort.py        (onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6, Python 3.11)
"""
import json
import os
import zipfile

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto as T
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

HERE = os.path.dirname(os.path.abspath(__file__))
MS = "com.microsoft"
R = np.random.default_rng(5)
CASES = {}
BY_ONNX = {"tensor_scatter", "tensor_scatter_circular", "cumprod"}  # onnxruntime does not have them: onnx's reference evaluator
OFF_BY_ONE = {"qlinear_mul"}  # onnxruntime multiplies the scales before it rounds


def f(*d):
    return R.standard_normal(d).astype(np.float32)


def ints(lo, hi, *d, dtype=np.int64):
    return R.integers(lo, hi, d).astype(dtype)


def small(kind, a):
    """A tensor of INT4 or UINT4."""
    return helper.make_tensor("", kind, a.shape, a.flatten().tolist())


def case(name, op, ins, outs=1, domain=MS, opset=21, fixed=(), **attrs):
    """One node. fixed are inputs that are initializers."""
    names = ["" if x is None else f"x{i}" for i, x in enumerate(ins)]
    outputs = [f"y{i}" for i in range(outs)] if isinstance(outs, int) else [f"y{i}" if o else "" for i, o in enumerate(outs)]
    graph(name, [helper.make_node(op, names, outputs, domain=domain, **attrs)], ins, [o for o in outputs if o], opset, fixed)


def graph(name, nodes, ins, outputs, opset=21, fixed=(), functions=()):
    """Nodes on inputs x0, x1.."""
    inputs, inits, feed = [], [], {}
    for i, x in enumerate(ins):
        if x is None:
            continue
        n = f"x{i}"
        t = x if isinstance(x, onnx.TensorProto) else numpy_helper.from_array(np.asarray(x), n)
        t.name = n
        if i in fixed or isinstance(x, onnx.TensorProto):
            inits.append(t)
            continue
        inputs.append(helper.make_tensor_value_info(n, t.data_type, None if np.asarray(x).ndim == 0 else list(t.dims)))
        feed[n] = np.asarray(x)
    domains = {n.domain for n in nodes} - {""}
    imports = [helper.make_opsetid("", opset)] + [helper.make_opsetid(d, 1) for d in sorted(domains)]
    g = helper.make_graph(nodes, name, inputs, [onnx.ValueInfoProto(name=o) for o in outputs], inits)
    model = helper.make_model(g, opset_imports=imports, ir_version=10 if opset > 8 else 4, functions=list(functions))
    so = ort.SessionOptions()
    so.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    so.log_severity_level, so.intra_op_num_threads = 4, 1
    try:
        if name in BY_ONNX:
            results = ReferenceEvaluator(model).run(None, feed)
        else:
            results = ort.InferenceSession(model.SerializeToString(), so, providers=["CPUExecutionProvider"]).run(None, feed)
    except Exception as e:
        print("onnxruntime refuses", name, str(e).splitlines()[0][:200])
        return
    assert name not in CASES, name
    CASES[name] = model, feed, results


def nbits():
    def pack(q, bits):
        return q if bits == 8 else (q[..., 0::2] | q[..., 1::2] << 4).astype(np.uint8)

    for bits in (4, 8):
        for k, block in ((64, 16), (64, 32), (80, 32), (160, 128)):
            n, per = 5, -(-k // block)
            b = pack(ints(0, 1 << bits, n, per, block, dtype=np.uint8), bits)
            s, x = np.abs(f(n, per)) + 0.1, f(2, 3, k)
            zr = (per * bits + 7) // 8
            z = ints(0, 256, n, zr, dtype=np.uint8)
            a = dict(K=k, N=n, bits=bits, block_size=block)
            case(f"nbits{bits}_k{k}_b{block}", "MatMulNBits", [x, b, s], fixed=(1, 2), **a)
            case(f"nbits{bits}_k{k}_b{block}_flat", "MatMulNBits", [f(4, k), b, s.reshape(-1)], fixed=(1, 2), **a)
            case(f"nbits{bits}_k{k}_b{block}_zero", "MatMulNBits", [x, b, s, z], fixed=(1, 2, 3), **a)
            if bits == 4:
                case(f"nbits{bits}_k{k}_b{block}_float_zero", "MatMulNBits", [x, b, s, f(n, per) + 7], fixed=(1, 2, 3), **a)
            case(f"nbits{bits}_k{k}_b{block}_bias", "MatMulNBits", [x, b, s, z, None, f(n)], fixed=(1, 2, 3, 5), **a)
            if bits == 4:  # onnxruntime refuses the others, and takes packed zero points for 8 where there are groups
                groups = ints(0, per, per * block, dtype=np.int32)
                case(f"nbits{bits}_k{k}_b{block}_groups", "MatMulNBits", [x, b, s, None, groups], fixed=(1, 2, 4), **a)
                case(f"nbits{bits}_k{k}_b{block}_groups_float_zero", "MatMulNBits", [x, b, s, f(n, per) + 7, groups], fixed=(1, 2, 3, 4), **a)
    for bits in (4, 8):
        d = ints(0, 256, 6, 4, 32 * bits // 8, dtype=np.uint8)
        i = ints(0, 6, 2, 3)
        s, z = f(6, 4, 2), ints(0, 256, 6, 4, 2 * bits // 8, dtype=np.uint8)
        a = dict(block_size=16, bits=bits, quantize_axis=2, gather_axis=0)
        case(f"gather_blocks{bits}", "GatherBlockQuantized", [d, i, s], fixed=(0, 2), **a)
        case(f"gather_blocks{bits}_zero", "GatherBlockQuantized", [d, i - 6, s, z], fixed=(0, 2, 3), **a)
    for kind, lo, hi in ((T.INT4, -8, 8), (T.UINT4, 0, 16)):
        d, z = ints(lo, hi, 4, 6, 32), ints(lo, hi, 4, 6, 2)
        name = T.DataType.Name(kind).lower()
        case(f"gather_blocks_{name}", "GatherBlockQuantized", [small(kind, d), ints(0, 4, 2, 2), f(4, 6, 2)], fixed=(2,), block_size=16, quantize_axis=2)
        case(f"gather_blocks_{name}_zero", "GatherBlockQuantized", [small(kind, d), ints(0, 4, 3), f(4, 6, 2), small(kind, z)], fixed=(2,), block_size=16, quantize_axis=2)
        d = ints(lo, hi, 4, 32, 3)
        case(f"gather_blocks_{name}_axis", "GatherBlockQuantized", [small(kind, d), ints(0, 32, 3), f(4, 2, 3)], fixed=(2,), block_size=16, quantize_axis=1, gather_axis=1)


def group_query():
    b, t, h, kv, d = 2, 5, 4, 2, 16
    cos, sin = np.cos(f(32, d // 2)), np.sin(f(32, d // 2))
    empty = np.zeros((b, kv, 0, d), np.float32)
    lens = np.full(b, t - 1, np.int32)
    qkv = lambda t, b=b: [f(b, t, h * d), f(b, t, kv * d), f(b, t, kv * d)]
    a = dict(num_heads=h, kv_num_heads=kv)
    tot = np.array(t, np.int32)
    case("gqa_prompt", "GroupQueryAttention", qkv(t) + [empty, empty, lens, tot], 3, **a)
    case("gqa_prompt_no_cache", "GroupQueryAttention", qkv(t) + [None, None, lens, tot], 3, **a)
    case("gqa_packed", "GroupQueryAttention", [f(b, t, (h + 2 * kv) * d), None, None, empty, empty, lens, tot, cos, sin], 3, do_rotary=1, **a)
    case("gqa_rotary", "GroupQueryAttention", qkv(t) + [empty, empty, lens, tot, cos, sin], 3, do_rotary=1, **a)
    case("gqa_interleaved", "GroupQueryAttention", qkv(t) + [empty, empty, lens, tot, cos, sin], 3, do_rotary=1, rotary_interleaved=1, **a)
    case("gqa_partial", "GroupQueryAttention", [f(b, t, h * 32), f(b, t, kv * 32), f(b, t, kv * 32), None, None, lens, tot, cos, sin], 3, do_rotary=1, **a)
    case("gqa_padded", "GroupQueryAttention", qkv(t) + [empty, empty, np.array([t - 1, 2], np.int32), tot, cos, sin], 3, do_rotary=1, **a)
    past = [f(b, kv, 6, d), f(b, kv, 6, d)]
    case("gqa_step", "GroupQueryAttention", qkv(1) + past + [np.array([6, 6], np.int32), np.array(7, np.int32), cos, sin], 3, do_rotary=1, **a)
    case("gqa_step_uneven", "GroupQueryAttention", qkv(1) + past + [np.array([6, 3], np.int32), np.array(7, np.int32), cos, sin], 3, do_rotary=1, **a)
    case("gqa_more", "GroupQueryAttention", qkv(3, 1) + [p[:1] for p in past] + [np.array([8], np.int32), np.array(9, np.int32), cos, sin], 3, do_rotary=1, **a)
    for w in (1, 3):
        case(f"gqa_window{w}", "GroupQueryAttention", qkv(t) + [empty, empty, lens, tot], 3, local_window_size=w, **a)
    case("gqa_window_step", "GroupQueryAttention", qkv(1) + past + [np.array([6, 6], np.int32), np.array(7, np.int32)], 3, local_window_size=3, **a)
    case("gqa_softcap", "GroupQueryAttention", qkv(t) + [empty, empty, lens, tot], 3, softcap=1.5, scale=0.7, **a)
    case("gqa_smooth", "GroupQueryAttention", qkv(t) + [empty, empty, lens, tot], 3, smooth_softmax=1, **a)
    case("gqa_sink", "GroupQueryAttention", qkv(t) + [empty, empty, lens, tot, None, None, None, None, f(h)], 3, **a)
    case("gqa_bias", "GroupQueryAttention", qkv(t) + [empty, empty, lens, tot, None, None, None, f(1, h, t, t)], 3, **a)
    pos = np.array([[3, 4, 5, 6, 7], [0, 1, 2, 3, 4]])
    case("gqa_positions", "GroupQueryAttention", qkv(t) + [empty, empty, lens, tot, cos, sin, pos], 3, do_rotary=1, **a)


def multi_head():
    b, t, s, h, d = 2, 4, 6, 3, 8
    D = h * d
    q, k, v = f(b, t, D), f(b, s, D), f(b, s, D)
    a = dict(num_heads=h)
    case("mha", "MultiHeadAttention", [q, k, v], **a)
    case("mha_self", "MultiHeadAttention", [q, f(b, t, D), f(b, t, D)], 3, **a)
    case("mha_value_size", "MultiHeadAttention", [q, k, f(b, s, h * 4)], scale=0.4, **a)
    case("mha_bias", "MultiHeadAttention", [q, k, v, f(3 * D)], **a)
    case("mha_lengths", "MultiHeadAttention", [q, k, v, None, np.array([6, 2], np.int32)], **a)
    case("mha_keys", "MultiHeadAttention", [q, k, v, None, ints(0, 2, b, s, dtype=np.int32)], **a)
    case("mha_queries_keys", "MultiHeadAttention", [q, k, v, None, ints(0, 2, b, t, s, dtype=np.int32)], **a)
    case("mha_filter", "MultiHeadAttention", [q, k, v, None, ints(0, 2, b, s, dtype=np.int32)], mask_filter_value=-1.5, **a)
    case("mha_scores", "MultiHeadAttention", [q, k, v, None, None, f(1, h, t, s)], **a)
    case("mha_scores_one", "MultiHeadAttention", [q, k, v, None, None, f(b, 1, t, s)], **a)
    case("mha_causal", "MultiHeadAttention", [q, f(b, t, D), f(b, t, D)], unidirectional=1, **a)
    case("mha_past", "MultiHeadAttention", [q, f(b, t, D), f(b, t, D), None, None, None, f(b, h, 3, d), f(b, h, 3, d)], 3, **a)
    case("mha_past_causal", "MultiHeadAttention", [q, f(b, t, D), f(b, t, D), None, None, None, f(b, h, 3, d), f(b, h, 3, d)], 3, unidirectional=1, **a)
    case("mha_cross", "MultiHeadAttention", [q, f(b, h, s, d), f(b, h, s, d)], **a)
    x, w, c = f(b, t, D), f(D, 3 * D), f(3 * D)
    case("attention", "Attention", [x, w, c], **a)
    case("attention_causal", "Attention", [x, w, c], unidirectional=1, **a)
    case("attention_lengths", "Attention", [x, w, c, np.array([4, 2], np.int32)], **a)
    case("attention_ends_starts", "Attention", [x, w, c, np.array([4, 3, 1, 0], np.int32)], **a)
    case("attention_keys", "Attention", [x, w, c, np.array([[1, 1, 1, 0], [1, 0, 1, 1]], np.int32)], **a)
    case("attention_queries_keys", "Attention", [x, w, c, ints(0, 2, b, t, t, dtype=np.int32)], **a)
    case("attention_past", "Attention", [x, w, c, None, f(2, b, h, 3, d)], 2, **a)
    case("attention_past_causal", "Attention", [x, w, c, None, f(2, b, h, 3, d)], 2, unidirectional=1, **a)
    case("attention_present", "Attention", [x, w, c], 2, **a)
    case("attention_scores", "Attention", [x, w, c, None, None, f(1, h, t, t)], scale=0.2, **a)
    case("attention_sizes", "Attention", [x, f(D, D + D + h * 4), f(D + D + h * 4)], qkv_hidden_sizes=[D, D, h * 4], **a)
    cos, sin = f(20, 4), f(20, 4)
    case("rotary_3d", "RotaryEmbedding", [x, ints(0, 20, b, t), cos, sin])
    case("rotary_3d_offset", "RotaryEmbedding", [x, np.array([5]), cos, sin], interleaved=1)
    case("rotary_4d", "RotaryEmbedding", [f(b, h, t, d), ints(0, 20, b, t), cos, sin])
    case("rotary_partial", "RotaryEmbedding", [f(b, t, h * 12), ints(0, 20, b, t), cos, sin], num_heads=h, rotary_embedding_dim=8)
    case("rotary_partial_4d", "RotaryEmbedding", [f(b, h, t, 12), ints(0, 20, b, t), cos, sin], num_heads=h, rotary_embedding_dim=8, interleaved=1)


def norms():
    x, g, c = f(2, 3, 8), f(8), f(8)
    case("simplified_default_domain", "SimplifiedLayerNormalization", [x, g], 1, "", epsilon=1e-5, axis=-1)
    case("simplified_axis", "SimplifiedLayerNormalization", [x, f(3, 8)], 1, "", epsilon=1e-3, axis=1)
    case("transposematmul", "TransposeMatMul", [f(4, 3), f(4, 5)], transA=1, alpha=0.5)
    case("skip_simplified", "SkipSimplifiedLayerNormalization", [x, f(2, 3, 8), g], (1, 0, 0, 1), epsilon=1e-5)
    case("skip_simplified_bias", "SkipSimplifiedLayerNormalization", [x, f(2, 3, 8), g, c], (1, 0, 0, 1), epsilon=1e-5)
    case("skip_layer", "SkipLayerNormalization", [x, f(2, 3, 8), g], (1, 0, 0, 1))
    case("skip_layer_beta_bias", "SkipLayerNormalization", [x, f(2, 3, 8), g, c, f(8)], (1, 0, 0, 1), epsilon=1e-3)
    case("skip_layer_broadcast", "SkipLayerNormalization", [x, f(1, 3, 8), g, c])
    case("skip_layer_broadcast_2d", "SkipLayerNormalization", [x, f(3, 8), g, c])
    words = [ints(0, 9, 2, 4, dtype=np.int32), ints(0, 2, 2, 4, dtype=np.int32), f(9, 8), f(6, 8), f(2, 8), g, c]
    case("embed", "EmbedLayerNormalization", words, 2)
    case("embed_mask", "EmbedLayerNormalization", words + [np.array([[1, 1, 1, 0], [1, 1, 0, 0]], np.int32)], 3, epsilon=1e-3)
    case("embed_positions", "EmbedLayerNormalization", words + [None, ints(0, 6, 2, 4, dtype=np.int32)], 2)
    case("embed_no_segment", "EmbedLayerNormalization", [words[0], None, words[2], words[3], None, g, c], 2)
    x = f(3, 16) * 3
    for op in ("Gelu", "FastGelu", "QuickGelu"):
        case(op.lower(), op, [x])
    case("fastgelu_bias", "FastGelu", [x, f(16)])
    case("biasgelu", "BiasGelu", [x, f(16)])
    case("quickgelu_alpha", "QuickGelu", [x], alpha=0.5)
    for n, p, q in (("", (2, 3, 4), (4, 5)), ("_a", (4, 3), (4, 5)), ("_b", (2, 3, 4), (5, 4)), ("_ab", (2, 4, 3), (2, 5, 4))):
        case("fusedmatmul" + n, "FusedMatMul", [f(*p), f(*q)], alpha=0.3, transA=int("a" in n), transB=int("b" in n))


def quantized():
    x = f(3, 40)
    u, s = ints(0, 256, 40, 6, dtype=np.uint8), ints(-128, 128, 40, 6, dtype=np.int8)
    one, zero = np.array(0.03, np.float32), np.array(120, np.uint8)
    case("dynamic_matmul", "DynamicQuantizeMatMul", [x, s, np.array([0.02], np.float32), np.array([3], np.int8)], fixed=(1, 2, 3))
    case("dynamic_matmul_columns", "DynamicQuantizeMatMul", [x, s, np.abs(f(6)), ints(-5, 5, 6, dtype=np.int8), f(6)], fixed=(1, 2, 3, 4))
    a = ints(0, 256, 3, 40, dtype=np.uint8)
    case("integer_to_float", "MatMulIntegerToFloat", [a, u, one, one, zero, np.array(7, np.uint8)], fixed=(1, 3, 5))
    case("integer_to_float_columns", "MatMulIntegerToFloat", [a, s, one, np.abs(f(6)), zero, ints(-9, 9, 6, dtype=np.int8), f(6)], fixed=(1, 3, 5, 6))
    case("matmul_integer_signed", "MatMulInteger", [a, s, zero, np.array(-3, np.int8)], 1, "")
    case("matmul_integer_deep", "MatMulInteger", [ints(0, 256, 2, 3, 700, dtype=np.uint8), ints(-128, 128, 700, 5, dtype=np.int8), np.array(255, np.uint8)], 1, "")
    case("matmul_integer_columns", "MatMulInteger", [a, s, zero, ints(-9, 9, 6, dtype=np.int8)], 1, "")
    case("matmul_integer16", "MatMulInteger16", [ints(-3000, 3000, 3, 9, dtype=np.int16), ints(-3000, 3000, 9, 4, dtype=np.int16)])
    y = np.array(0.9, np.float32)
    case("qlinear_matmul", "QLinearMatMul", [a, one, zero, u, one, np.array(99, np.uint8), y, np.array(30, np.uint8)], 1, "")
    case("qlinear_matmul_columns", "QLinearMatMul", [a, one, zero, s, np.abs(f(6)) / 40, np.zeros(6, np.int8), y, np.array(30, np.uint8)], 1, "", fixed=(3, 4, 5))
    b = ints(0, 256, 40, dtype=np.uint8)
    for op in ("Add", "Mul"):
        case("qlinear_" + op.lower(), "QLinear" + op, [a, one, zero, b, one, np.array(9, np.uint8), np.array(0.05, np.float32), np.array(128, np.uint8)])
    case("qlinear_sigmoid", "QLinearSigmoid", [a, one, zero, np.array(1 / 256, np.float32), np.array(0, np.uint8)], fixed=(1, 2, 3, 4))
    case("qlinear_concat", "QLinearConcat", [one, zero, a, one, zero, ints(0, 256, 2, 40, dtype=np.uint8), np.array(0.05, np.float32), np.array(3, np.uint8)], axis=0, fixed=(0, 1, 3, 4, 6, 7))
    w = ints(0, 65536, 4, 6, dtype=np.uint16)
    case("ms_dequantize16", "DequantizeLinear", [w, one, np.array(30000, np.uint16)])
    case("ms_quantize16", "QuantizeLinear", [f(4, 6) * 700, one, np.array(30000, np.uint16)])
    case("ms_dequantize_axis", "DequantizeLinear", [u, np.abs(f(6)), ints(0, 256, 6, dtype=np.uint8)], axis=1)
    q = ints(-8, 8, 6, 32)
    case("dequantize_int4_blocks", "DequantizeLinear", [small(T.INT4, q), f(6, 2)], 1, "", axis=1, block_size=16)
    case("dequantize_int4_blocks_rows", "DequantizeLinear", [small(T.INT4, ints(-8, 8, 32, 5)), f(2, 5), small(T.INT4, ints(-8, 8, 2, 5))], 1, "", axis=0, block_size=16)
    case("dequantize_int32", "DequantizeLinear", [ints(-9999, 9999, 4, dtype=np.int32), one], 1, "")
    case("dynamic_quantize", "DynamicQuantizeLinear", [x], 3, "")
    case("dynamic_quantize_positive", "DynamicQuantizeLinear", [np.abs(x) + 1], 3, "")
    case("dynamic_quantize_zeros", "DynamicQuantizeLinear", [x * 0], 3, "")


def old():
    x = f(2, 3, 4)
    std = lambda name, op, ins, outs=1, opset=11, **a: case(f"opset{opset}_" + name, op, ins, outs, "", opset, **a)
    for axis in (0, 1, 2, -1):
        std(f"softmax_{axis}", "Softmax", [x], axis=axis)
        std(f"logsoftmax_{axis}", "LogSoftmax", [x], axis=axis)
    std("softmax", "Softmax", [x], opset=9)
    std("hardmax", "Hardmax", [x], axis=1)
    std("slice", "Slice", [x], opset=9, starts=[0, -3], ends=[1, 100], axes=[0, 2])
    std("slice_no_axes", "Slice", [x], opset=9, starts=[0, 1], ends=[2, 3])
    std("slice", "Slice", [x, np.array([3, 0]), np.array([-100, 2]), np.array([2, 1]), np.array([-2, 1])], opset=10)
    std("squeeze", "Squeeze", [f(1, 3, 1)], axes=[0])
    std("squeeze_all", "Squeeze", [f(1, 3, 1)])
    std("unsqueeze", "Unsqueeze", [x], axes=[0, 3])
    std("unsqueeze_negative", "Unsqueeze", [x], axes=[-1, 1])
    std("split", "Split", [x], 2, axis=2)
    std("split_sizes", "Split", [x], 2, axis=2, split=[1, 3])
    std("split", "Split", [x, np.array([1, 3])], 2, opset=13, axis=2)
    std("split_uneven", "Split", [f(7, 2)], 3, opset=18, num_outputs=3)
    std("pad", "Pad", [x], opset=9, pads=[0, 1, 0, 1, 0, 2], value=0.5)
    std("pad_reflect", "Pad", [x], opset=9, mode="reflect", pads=[0, 1, 2, 0, 1, 1])
    std("pad", "Pad", [x, np.array([0, 1, -1, 1, 0, 2]), np.array(2, np.float32)])
    std("pad_edge", "Pad", [x, np.array([0, 2, 0, 3, 0, 0])], mode="edge")
    std("pad_axes", "Pad", [x, np.array([1, 2]), None, np.array([-1])], opset=18)
    std("clip", "Clip", [x], opset=9, min=-0.5, max=0.4)
    std("clip_low", "Clip", [x, np.array(-0.2, np.float32)])
    std("clip_int", "Clip", [ints(-9, 9, 5), None, np.array(3)], opset=12)
    std("topk", "TopK", [x], 2, opset=9, k=2)
    std("topk", "TopK", [x, np.array([2])], 2, opset=10, axis=1)
    std("topk_smallest", "TopK", [x, np.array([3])], 2, largest=0)
    for op in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSumExp", "ReduceSumSquare"):
        std(op.lower(), op, [x], axes=[0, -1], keepdims=0)
        std(op.lower() + "_all", op, [x])
        std(op.lower(), op, [x], opset=17, **({"axes": [1]} if op != "ReduceSum" else {}))
    std("reducemax_int", "ReduceMax", [ints(-9, 9, 2, 5)], axes=[1])
    std("argmax", "ArgMax", [x], axis=1, keepdims=0)
    std("cumsum", "CumSum", [x, np.array(1)], exclusive=1, reverse=1)
    std("scatter", "Scatter", [x, np.array([[[0, 2, 1, 1]]]), f(1, 1, 4)], opset=9, axis=1)
    std("scatter_elements", "ScatterElements", [x, np.array([[[0, -1, 1, 1]]]), f(1, 1, 4)], axis=1)
    std("scatter_nd", "ScatterND", [x, np.array([[0, 1], [1, 2]]), f(2, 4)])
    std("onehot", "OneHot", [ints(0, 5, 2, 3), np.array(5), np.array([0.5, 2], np.float32)], axis=1)
    std("gather_nd", "GatherND", [x, np.array([[0, 1], [1, -1]])])
    std("gemm", "Gemm", [f(3, 4), f(5, 4), f(5)], opset=9, transB=1, alpha=0.3, beta=2.0)
    std("gemm_no_c", "Gemm", [f(4, 3), f(4, 5)], transA=1)
    std("dropout", "Dropout", [x], 2)
    std("equal", "Equal", [ints(0, 3, 3, 1), ints(0, 3, 4)])
    std("mod", "Mod", [ints(-9, 9, 6), ints(1, 5, 6)], opset=10)
    std("fmod", "Mod", [f(6), f(6)], opset=10, fmod=1)
    std("pow_mixed", "Pow", [f(4) ** 2, ints(0, 4, 4)], opset=12)
    std("div_int", "Div", [ints(-99, 99, 8), ints(1, 9, 8)])
    std("flatten_0", "Flatten", [x], axis=0)
    std("flatten_2", "Flatten", [x], axis=2)
    std("range", "Range", [np.array(10), np.array(-3), np.array(-4)])
    std("range_float", "Range", [np.array(0.5, np.float32), np.array(3, np.float32), np.array(0.6, np.float32)])
    std("expand", "Expand", [f(3, 1), np.array([2, 1, 4])])
    std("tile", "Tile", [f(2, 3), np.array([2, 2])])
    std("cast_int", "Cast", [f(9) * 9], to=T.INT32)
    std("cast_half", "Cast", [f(9) * 9], opset=13, to=T.FLOAT16)
    std("cast_bool", "Cast", [np.array([0, 0.5, -1], np.float32)], to=T.BOOL)
    std("nonzero", "NonZero", [ints(0, 2, 3, 4)])
    std("where", "Where", [ints(0, 2, 3, 1).astype(bool), f(4), f(2, 1, 4)])
    std("trilu", "Trilu", [f(4, 5), np.array(-1)], opset=14, upper=0)
    std("layernorm", "LayerNormalization", [x, f(3, 4), f(3, 4)], 3, opset=17, axis=1)
    for i, (eq, p, q) in enumerate([("bhid,bhjd->bhij", (2, 3, 4, 5), (2, 3, 6, 5)), ("bhij,bhjd->bihd", (2, 3, 4, 6), (2, 3, 6, 5)), ("i,j->ij", (3,), (4,)),
                                    ("...ij,...jk", (2, 1, 3, 4), (2, 5, 4, 2)), ("ijk,kl", (2, 3, 4), (4, 5)), ("bij,bij->b", (2, 3, 4), (2, 3, 4)), ("ab,cd->d", (2, 3), (4, 5))]):
        std(f"einsum_{i}", "Einsum", [f(*p), f(*q)], opset=12, equation=eq)
    std("einsum_trace", "Einsum", [f(4, 4)], opset=12, equation="ii->i")
    std("einsum_three", "Einsum", [f(2, 3), f(3, 4), f(4, 2)], opset=12, equation="ij,jk,kl->il")


def control():
    node, info = helper.make_node, helper.make_tensor_value_info
    x = f(4, 3)
    graph("sequence", [node("SplitToSequence", ["x0"], ["s"], axis=0, keepdims=1), node("SequenceErase", ["s", "x1"], ["e"]), node("SequenceInsert", ["e", "x2"], ["i"]),
                       node("ConcatFromSequence", ["i"], ["y0"], axis=0), node("SequenceLength", ["i"], ["y1"])], [x, np.array(-2), f(2, 3)], ["y0", "y1"])
    graph("sequence_stack", [node("SequenceConstruct", ["x0", "x0"], ["s"]), node("ConcatFromSequence", ["s"], ["y0"], axis=1, new_axis=1)], [x], ["y0"])
    # A loop whose body reads a value of the graph around it, has a branch and stacks.
    then = helper.make_graph([node("Mul", ["v", "x2"], ["t"])], "then", [], [info("t", T.FLOAT, None)])
    other = helper.make_graph([node("Add", ["v", "outer"], ["e"])], "else", [], [info("e", T.FLOAT, None)])
    body = helper.make_graph([node("Mod", ["i", "two"], ["m"]), node("Cast", ["m"], ["odd"], to=T.BOOL), node("If", ["odd"], ["w"], then_branch=then, else_branch=other),
                              node("ReduceSum", ["w"], ["sum"], keepdims=0), node("Less", ["sum", "x3"], ["go"])], "body",
                             [info("i", T.INT64, []), info("c", T.BOOL, []), info("v", T.FLOAT, None)],
                             [info("go", T.BOOL, []), info("w", T.FLOAT, None), info("sum", T.FLOAT, None)], [numpy_helper.from_array(np.array(2), "two")])
    graph("loop_branch", [node("Neg", ["x2"], ["outer"]), node("Loop", ["x0", "x1", "x2"], ["y0", "y1"], body=body)],
          [np.array(9), np.array(True), np.array([0.5, 1.2], np.float32), np.array(3, np.float32)], ["y0", "y1"])
    idle = helper.make_graph([], "idle", [info("i", T.INT64, []), info("c", T.BOOL, [])], [info("c", T.BOOL, []), info("i", T.INT64, [])])
    idle.node.append(node("Identity", ["i"], ["j"]))
    idle.output[1].name = "j"
    graph("loop_idle", [node("Loop", ["x0", "x1"], ["y0"], body=idle)], [np.array(4), np.array(True)], ["y0"])
    scan = helper.make_graph([node("Add", ["s", "row"], ["s2"]), node("Mul", ["s2", "x0"], ["o"])], "scan", [info("s", T.FLOAT, [3]), info("row", T.FLOAT, [3])],
                             [info("s2", T.FLOAT, [3]), info("o", T.FLOAT, [3])])
    graph("scan_reversed", [node("Scan", ["x0", "x1"], ["y0", "y1"], body=scan, num_scan_inputs=1, scan_input_directions=[1], scan_output_axes=[1])], [f(3), x], ["y0", "y1"])
    # Functions: an attribute that is passed on, one with a default, an input left out, a function in a function.
    soft = node("LeakyRelu", ["a"], ["b"])
    soft.attribute.add(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT)
    clip = node("Clip", ["b", "lo", "hi"], ["c"])
    inner = helper.make_function("local", "Inner", ["a", "lo", "hi"], ["c"], [soft, clip], [helper.make_opsetid("", 21)], attributes=["slope"])
    call = node("Inner", ["p", "q"], ["r"], domain="local")
    call.attribute.add(name="slope", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT)
    outer = helper.make_function("local", "Outer", ["p", "q"], ["z"], [call, node("Add", ["r", "p"], ["z"])], [helper.make_opsetid("", 21), helper.make_opsetid("local", 1)],
                                 attribute_protos=[helper.make_attribute("slope", 0.25)])
    graph("functions", [node("Outer", ["x0", "x1"], ["y0"], domain="local"), node("Outer", ["y0", "x1"], ["y1"], domain="local", slope=0.5)],
          [x, np.array(-0.2, np.float32)], ["y0", "y1"], functions=[inner, outer])
    graph("sequence_at", [node("SequenceEmpty", [], ["s"]), node("SequenceInsert", ["s", "x0"], ["t"]), node("SequenceInsert", ["t", "x1"], ["u"]),
                          node("SequenceAt", ["u", "x2"], ["y0"])], [x, f(2), np.array(-2)], ["y0"])
    img = f(2, 8, 4, 6)
    for mode in ("DCR", "CRD"):
        case("depth_to_space_" + mode.lower(), "DepthToSpace", [img], 1, "", 13, blocksize=2, mode=mode)
    case("space_to_depth", "SpaceToDepth", [img], 1, "", 13, blocksize=2)
    for t in (0, 1):
        case(f"reverse_sequence_{t}", "ReverseSequence", [f(4, 3 if t == 0 else 5, 2)[:, :, :], np.array([1, 3, 0] if t == 0 else [5, 1, 0, 2])], 1, "", 10, time_axis=t, batch_axis=1 - t)
    case("group_norm", "GroupNormalization", [img, f(8), f(8)], 1, "", 21, num_groups=4, epsilon=1e-3)
    case("group_norm_18", "GroupNormalization", [img, f(4), f(4)], 1, "", 18, num_groups=4)
    case("instance_norm", "InstanceNormalization", [img, f(8), f(8)], 1, "", 6, epsilon=1e-3)
    case("batch_norm", "BatchNormalization", [img, f(8), f(8), f(8), np.abs(f(8))], 1, "", 15, epsilon=1e-3)
    case("batch_norm_9", "BatchNormalization", [f(3, 8), f(8), f(8), f(8), np.abs(f(8))], 1, "", 9)
    case("mean_variance", "MeanVarianceNormalization", [img], 1, "", 13)
    case("tensor_scatter", "TensorScatter", [f(2, 3, 7, 2), f(2, 3, 2, 2), np.array([1, 5])], 1, "", 24)
    case("tensor_scatter_circular", "TensorScatter", [f(2, 7, 2), f(2, 3, 2), np.array([1, 5])], 1, "", 24, mode="circular", axis=1)
    case("cumprod", "CumProd", [f(3, 4), np.array(1)], 1, "", 26, exclusive=1)
    for op, kw in (("Celu", {"alpha": 0.7}), ("Selu", {}), ("Shrink", {"bias": 0.2, "lambd": 0.6}), ("ThresholdedRelu", {"alpha": 0.4})):
        case(op.lower(), op, [x], 1, "", 18, **kw)
    case("mish", "Mish", [x], 1, "", 18)


def main():
    control()
    nbits()
    group_query()
    multi_head()
    norms()
    quantized()
    old()
    with zipfile.ZipFile(os.path.join(HERE, "ort.zip"), "w") as z:
        for name, (model, feed, results) in sorted(CASES.items()):
            g = model.graph
            g.initializer.extend(numpy_helper.from_array(v, k) for k, v in feed.items())
            g.initializer.extend(numpy_helper.from_array(np.asarray(v), "expect:" + o.name) for v, o in zip(results, g.output))
            for key, value in (("rtol", "1e-4"), ("atol", "5e-6")):
                model.metadata_props.add(key=key, value=value)
            if name in OFF_BY_ONE:
                model.metadata_props.add(key="off_by", value="1")
            z.writestr(zipfile.ZipInfo(name + ".onnx", (1980, 1, 1, 0, 0, 0)), model.SerializeToString(deterministic=True), zipfile.ZIP_DEFLATED, 9)
    print(len(CASES), "tests")
    since = {}
    for s in onnx.defs.get_all_schemas_with_history():
        if s.domain == "":
            since.setdefault(s.name, set()).add(s.since_version)
    with open(os.path.join(HERE, "versions.json"), "w") as out:
        json.dump({k: sorted(v) for k, v in sorted(since.items())}, out, separators=(",", ":"))
        out.write("\n")


if __name__ == "__main__":
    main()
