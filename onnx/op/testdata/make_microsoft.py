#!/usr/bin/env python3
"""Makes microsoft.zip: nodes of onnxruntime's contrib operators, and what onnxruntime computes for them on the CPU.

    make_microsoft.py        (onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6, Python 3.11)

One model per case, in the form of nodes.zip: inputs are initializers of their names, "expect:NAME" is what output NAME must be.
Graph optimization is off. A case that onnxruntime refuses ends the script. Same bytes on every run.
"""
import os
import zipfile

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper

HERE = os.path.dirname(os.path.abspath(__file__))
FILES = {}
F = np.float32


def case(name, op, ins, outs, domain="com.microsoft", rtol=1e-4, atol=1e-5, held=None, **attrs):
    """ins: arrays or None in the operator's order. outs: how many, or a list of flags of those that are asked for. held: how many of
    them are held against: what lies behind the valid part of a cache is not defined."""
    names = ["x%d" % i if a is not None else "" for i, a in enumerate(ins)]
    flags = [True] * outs if isinstance(outs, int) else outs
    results = ["y%d" % i if on else "" for i, on in enumerate(flags)]
    node = helper.make_node(op, names, results, name=name, domain=domain, **attrs)
    feed = {n: a for n, a in zip(names, ins) if a is not None}
    # MatMulNBits and GatherBlockQuantized want constants; all inputs but the first are given so.
    fixed = {n for n in feed if op in ("MatMulNBits", "GatherBlockQuantized") and n != ("x0" if op == "MatMulNBits" else "x1")}
    info = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape) for n, a in feed.items() if n not in fixed]
    g = helper.make_graph([node], name, info, [helper.make_empty_tensor_value_info(r) for r in results if r], [numpy_helper.from_array(feed[n], n) for n in sorted(fixed)])
    m = helper.make_model(g, opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)], ir_version=10, producer_name="")
    so = ort.SessionOptions()
    so.log_severity_level, so.intra_op_num_threads, so.graph_optimization_level = 4, 1, ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    asked = [r for r in results if r]
    got = ort.InferenceSession(m.SerializeToString(), so, providers=["CPUExecutionProvider"]).run(asked, {n: a for n, a in feed.items() if n not in fixed})
    for n, a in feed.items():
        if n not in fixed:
            m.graph.initializer.append(numpy_helper.from_array(a, n))
    for n, a in zip(asked[:held], got[:held]):
        m.graph.initializer.append(numpy_helper.from_array(np.asarray(a), "expect:" + n))
    for key, value in (("rtol", rtol), ("atol", atol)):
        m.metadata_props.add(key=key, value=repr(value))
    assert name not in FILES, name
    FILES[name] = m.SerializeToString(deterministic=True)


def rnd(seed, *dims, scale=1.0):
    return (np.random.default_rng(seed).standard_normal(dims) * scale).astype(F)


def codes(seed, *dims, bits=8):
    return np.random.default_rng(seed).integers(0, 256 if bits >= 4 else 4, dims, dtype=np.uint8)


def nbits():
    for bits in (4, 8):
        for block in (16, 32, 64, 128):
            k, n = 80, 6
            nb = -(-k // block)
            x, q = rnd(1, 2, 3, k), codes(2, n, nb, block * bits // 8)
            s = np.abs(rnd(3, n, nb, scale=0.02)) + F(0.01)
            zp = codes(4, n, -(-nb * bits // 8))
            a = dict(K=k, N=n, bits=bits, block_size=block)
            case(f"nbits{bits}_{block}", "MatMulNBits", [x, q, s], 1, **a)
            case(f"nbits{bits}_{block}_zero", "MatMulNBits", [x, q, s, zp], 1, **a)
            case(f"nbits{bits}_{block}_flat", "MatMulNBits", [x, q, s.reshape(-1), zp.reshape(-1)], 1, **a)
            case(f"nbits{bits}_{block}_bias", "MatMulNBits", [x, q, s, zp, None, rnd(5, n)], 1, **a)
            if bits == 4:
                case(f"nbits4_{block}_float_zero", "MatMulNBits", [x, q, s, np.abs(rnd(6, n, nb)) * 5], 1, **a)
    k, n = 64, 5
    order = np.random.default_rng(9).permutation(np.arange(k) // 32).astype(np.int32)
    case("nbits4_g_idx", "MatMulNBits", [rnd(1, 3, k), codes(2, n, 2, 16), np.abs(rnd(3, n, 2)), None, order], 1, K=k, N=n, bits=4, block_size=32)
    for block in (16, 32, 64):
        rows, d = 7, 64
        s, ids = np.abs(rnd(1, rows, d // block)), np.array([[3, 0, 6], [6, 2, -1]], np.int64)
        case(f"gather_blocks4_{block}", "GatherBlockQuantized", [codes(2, rows, d // 2), ids, s], 1, bits=4, block_size=block, gather_axis=0, quantize_axis=1)
        case(f"gather_blocks8_{block}", "GatherBlockQuantized", [codes(2, rows, d), ids, s], 1, bits=8, block_size=block, gather_axis=0, quantize_axis=1)
        zp = codes(4, rows, -(-(d // block) // 2))
        case(f"gather_blocks4_{block}_zero", "GatherBlockQuantized", [codes(2, rows, d // 2), ids, s, zp], 1, bits=4, block_size=block, gather_axis=0, quantize_axis=1)


def tables(n, half):
    t = np.arange(n)[:, None] / 100.0 ** (np.arange(half)[None] / half)
    return np.cos(t).astype(F), np.sin(t).astype(F)


def group_query():
    h, kv, d = 4, 2, 16
    cos, sin = tables(32, d // 2)

    def one(name, b, t, past, lens=None, packed=False, rotary=1, **attrs):
        q, k, v = rnd(1, b, t, h * d), rnd(2, b, t, kv * d), rnd(3, b, t, kv * d)
        total = past + t
        lens = np.array(lens if lens else [total - 1] * b, np.int32)
        pk, pv = rnd(4, b, kv, past, d), rnd(5, b, kv, past, d)
        ins = [np.concatenate([q, k, v], 2), None, None] if packed else [q, k, v]
        held = None if all(n == total - 1 for n in lens) else 1
        ins += [pk, pv, lens, np.array([total], np.int32).reshape(())]
        if rotary:
            ins += [cos, sin]
        case("gqa_" + name, "GroupQueryAttention", ins, 3, num_heads=h, kv_num_heads=kv, do_rotary=rotary, held=held, **attrs)

    one("prompt", 1, 6, 0)
    one("prompt_packed", 1, 6, 0, packed=True)
    one("prompt_batch", 2, 6, 0)
    one("plain", 1, 6, 0, rotary=0)
    one("step", 1, 1, 7)
    one("steps", 1, 3, 7)
    one("step_batch", 2, 1, 7)
    one("interleaved", 1, 6, 0, rotary_interleaved=1)
    one("window", 1, 9, 0, local_window_size=3)
    one("window_step", 1, 1, 9, local_window_size=4)
    one("softcap", 1, 6, 0, softcap=2.0)
    one("scale", 1, 6, 0, scale=0.1)
    one("step_batch_padded", 2, 1, 7, lens=[7, 4])


def multi_head():
    b, t, s, h, d = 2, 4, 6, 3, 8
    w = h * d
    q, k, v = rnd(1, b, t, w), rnd(2, b, s, w), rnd(3, b, s, w)
    case("mha_cross", "MultiHeadAttention", [q, k, v], 1, num_heads=h)
    case("mha_bias", "MultiHeadAttention", [q, k, v, rnd(4, 3 * w)], 1, num_heads=h)
    k2, v2 = rnd(2, b, t, w), rnd(3, b, t, w)
    case("mha_self", "MultiHeadAttention", [q, k2, v2], 1, num_heads=h)
    case("mha_causal", "MultiHeadAttention", [q, k2, v2], 1, num_heads=h, unidirectional=1)
    case("mha_scale", "MultiHeadAttention", [q, k2, v2], 1, num_heads=h, scale=0.2)
    case("mha_padding", "MultiHeadAttention", [q, k2, v2, None, np.array([[1, 1, 1, 1], [1, 1, 0, 0]], np.int32)], 1, num_heads=h)
    case("mha_attention_bias", "MultiHeadAttention", [q, k2, v2, None, None, rnd(6, b, h, t, t)], 1, num_heads=h)
    case("mha_attention_bias_shared", "MultiHeadAttention", [q, k2, v2, None, None, rnd(6, 1, 1, t, t)], 1, num_heads=h)
    case("mha_past", "MultiHeadAttention", [q, k2, v2, None, None, None, rnd(7, b, h, 3, d), rnd(8, b, h, 3, d)], 3, num_heads=h)
    x, wt, bias = rnd(1, b, t, 20), rnd(2, 20, 3 * w, scale=0.2), rnd(3, 3 * w)
    case("attention", "Attention", [x, wt, bias], 1, num_heads=h)
    case("attention_causal", "Attention", [x, wt, bias], 1, num_heads=h, unidirectional=1)
    case("attention_mask", "Attention", [x, wt, bias, np.array([[1, 1, 1, 1], [1, 1, 1, 0]], np.int32)], 1, num_heads=h)
    case("attention_lengths", "Attention", [x, wt, bias, np.array([4, 2], np.int32)], 1, num_heads=h)
    case("attention_mask3d", "Attention", [x, wt, bias, np.tril(np.ones((b, t, t), np.int32))], 1, num_heads=h)
    case("attention_past", "Attention", [x, wt, bias, None, rnd(9, 2, b, h, 3, d)], 2, num_heads=h, unidirectional=1)


def rotary():
    cos, sin = tables(16, 4)
    x, pos = rnd(1, 2, 5, 24), np.array([[0, 1, 2, 3, 4], [3, 4, 5, 6, 7]], np.int64)
    case("rotary3d", "RotaryEmbedding", [x, pos, cos, sin], 1)
    case("rotary3d_offset", "RotaryEmbedding", [x, np.array([2], np.int64), cos, sin], 1)
    case("rotary3d_interleaved", "RotaryEmbedding", [x, pos, cos, sin], 1, interleaved=1)
    case("rotary4d", "RotaryEmbedding", [rnd(2, 2, 3, 5, 8), pos, cos, sin], 1)
    case("rotary3d_part", "RotaryEmbedding", [rnd(3, 2, 5, 48), pos, cos, sin], 1, num_heads=3, rotary_embedding_dim=8)


def norms():
    x, skip, d = rnd(1, 2, 3, 10), rnd(2, 2, 3, 10), 10
    gain, beta, bias = rnd(3, d), rnd(4, d), rnd(5, d)
    case("simplified_norm", "SimplifiedLayerNormalization", [x, gain], 1, domain="", epsilon=1e-5, axis=-1)
    case("skip_simplified", "SkipSimplifiedLayerNormalization", [x, skip, gain], [True, False, False, True], epsilon=1e-5)
    case("skip_simplified_bias", "SkipSimplifiedLayerNormalization", [x, skip, gain, bias], [True, False, False, True], epsilon=1e-5)
    case("skip_norm", "SkipLayerNormalization", [x, skip, gain, beta], 1, epsilon=1e-5)
    case("skip_norm_bias", "SkipLayerNormalization", [x, skip, gain, beta, bias], [True, False, False, True], epsilon=1e-5)
    case("skip_norm_default_epsilon", "SkipLayerNormalization", [x * 1e-6, skip * 1e-6, gain, beta], 1, rtol=1e-3)
    case("skip_norm_no_beta", "SkipLayerNormalization", [x, skip, gain], 1, epsilon=1e-5)
    case("skip_norm_broadcast", "SkipLayerNormalization", [x, skip[:1], gain, beta], 1, epsilon=1e-5)
    ids, seg = np.array([[1, 4, 2], [0, 3, 3]], np.int32), np.array([[0, 0, 1], [0, 1, 1]], np.int32)
    word, pos, segs = rnd(6, 5, d), rnd(7, 4, d), rnd(8, 2, d)
    case("embed_norm", "EmbedLayerNormalization", [ids, seg, word, pos, segs, gain, beta, np.array([[1, 1, 1], [1, 1, 0]], np.int32)], 2, epsilon=1e-5)
    case("embed_norm_plain", "EmbedLayerNormalization", [ids, None, word, pos, None, gain, beta], 2, epsilon=1e-5)


def activations():
    x, b = rnd(1, 3, 8, scale=2), rnd(2, 8)
    case("gelu", "Gelu", [x], 1)
    case("fast_gelu", "FastGelu", [x], 1)
    case("fast_gelu_bias", "FastGelu", [x, b], 1)
    case("bias_gelu", "BiasGelu", [x, b], 1)
    case("quick_gelu", "QuickGelu", [x], 1)
    case("quick_gelu_alpha", "QuickGelu", [x], 1, alpha=1.0)


def products():
    a, b = rnd(1, 2, 3, 4), rnd(2, 2, 4, 5)
    case("fused", "FusedMatMul", [a, b], 1, alpha=0.5)
    case("fused_trans_a", "FusedMatMul", [np.ascontiguousarray(a.swapaxes(1, 2)), b], 1, transA=1)
    case("fused_trans_b", "FusedMatMul", [a, np.ascontiguousarray(b.swapaxes(1, 2))], 1, transB=1, alpha=2.0)
    rng = np.random.default_rng(3)
    for t in (np.uint8, np.int8):
        i = np.iinfo(t)
        w = rng.integers(i.min, i.max + 1, (4, 5)).astype(t)
        name = np.dtype(t).name
        case("dynamic_" + name, "DynamicQuantizeMatMul", [a, w, np.array(0.02, F), np.array(3, t), rnd(4, 5)], 1, rtol=1e-3, atol=1e-3)
        case("dynamic_columns_" + name, "DynamicQuantizeMatMul", [a, w, np.abs(rnd(5, 5)), rng.integers(0, 5, 5).astype(t)], 1, rtol=1e-3, atol=1e-3)
        q = rng.integers(0, 256, (3, 4)).astype(np.uint8)
        case("to_float_" + name, "MatMulIntegerToFloat", [q, w, np.array(0.1, F), np.array(0.02, F), np.array(7, np.uint8), np.array(3, t), rnd(4, 5)], 1)
        case("to_float_columns_" + name, "MatMulIntegerToFloat", [q, w, np.array(0.1, F), np.abs(rnd(6, 5)), np.array(7, np.uint8), rng.integers(0, 5, 5).astype(t)], 1)


def main():
    for f in (nbits, group_query, multi_head, rotary, norms, activations, products):
        f()
    with zipfile.ZipFile(os.path.join(HERE, "microsoft.zip"), "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z:
        for name in sorted(FILES):
            z.writestr(zipfile.ZipInfo(name + ".onnx", (1980, 1, 1, 0, 0, 0)), FILES[name], zipfile.ZIP_DEFLATED, 9)
    print(len(FILES), "cases,", os.path.getsize(os.path.join(HERE, "microsoft.zip")), "bytes")


if __name__ == "__main__":
    main()
