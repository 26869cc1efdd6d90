"""make_diff.py: writes diff.zip beside it: two small models a.gguf and b.gguf and want.json, what differs between them as
gguf-py decodes it and numpy counts it. Needs the Python packages gguf and numpy."""

import io
import json
import os
import tempfile
import zipfile

import gguf
import numpy as np
from gguf.constants import GGMLQuantizationType as T

rng = np.random.default_rng(7)
TOP = 3
NIBBLES = lambda b: np.stack([b & 15, b >> 4])  # noqa: E731
# Of the types used: where the carriers (f16) and the codes lie in a block. Of Q6_K only the low bits of codes are changed.
LAYOUT = {
    T.Q4_0: ([0], lambda b: NIBBLES(b[:, 2:])),
    T.Q4_1: ([0, 2], lambda b: NIBBLES(b[:, 4:])),
    T.Q8_0: ([0], lambda b: b[:, 2:]),
    T.Q4_K: ([0, 2], lambda b: NIBBLES(b[:, 16:])),
    T.Q6_K: ([208], lambda b: NIBBLES(b[:, :128])),
}


def coded(typ, *shape):
    """Random blocks with carriers near 0.01, as bytes [..., bytes of a row]."""
    block, size = gguf.GGML_QUANT_SIZES[typ]
    b = rng.integers(0, 256, (int(np.prod(shape)) // block, size), dtype=np.uint8)
    for at in LAYOUT[typ][0]:
        b[:, at : at + 2] = rng.uniform(0.005, 0.02, (len(b), 1)).astype(np.float16).view(np.uint8)
    return b.reshape(*shape[:-1], -1)


def spoil(typ, x, codes, carriers):
    """A copy with bytes of so many codes, and so many carriers, changed."""
    y = x.copy()
    size = gguf.GGML_QUANT_SIZES[typ][1]
    b = y.reshape(-1, size)
    first = {T.Q4_0: 2, T.Q4_1: 4, T.Q8_0: 2, T.Q4_K: 16, T.Q6_K: 0}[typ]
    last = 128 if typ == T.Q6_K else size
    for _ in range(codes):
        b[rng.integers(len(b)), rng.integers(first, last)] ^= rng.integers(1, 256, dtype=np.uint8)
    for _ in range(carriers):
        at = rng.choice(LAYOUT[typ][0])
        b[rng.integers(len(b)), at : at + 2] = np.float16(rng.uniform(0.03, 0.05)).reshape(1).view(np.uint8)
    return y


def floats(dtype, *shape):
    return rng.standard_normal(shape).astype(dtype)


def top(kind, diff, base, total, mixture):
    """The TOP vectors of [E, n] squared norms."""
    out = []
    flat = diff.ravel()
    for i in np.argsort(-flat, kind="stable")[:TOP]:
        if flat[i] > 0:
            v = {"kind": kind, "index": int(i % diff.shape[1]), "change": flat[i] ** 0.5, "relative": (flat[i] / base.ravel()[i]) ** 0.5, "share": flat[i] / total}
            if mixture:
                v["expert"] = int(i // diff.shape[1])
            out.append(v)
    return out


def compare(name, ta, a, tb, b):
    d = {"name": name, "type_a": ta.name, "type_b": tb.name, "codes_changed": 0, "scales_changed": 0, "bytes_changed": 0}
    x, y = (gguf.dequantize(v, t).astype(np.float64) for v, t in ((a, ta), (b, tb)))
    d["dims_a"], d["dims_b"] = list(x.shape[::-1]), list(y.shape[::-1])
    if a.nbytes == b.nbytes:
        d["bytes_changed"] = int((a.reshape(-1).view(np.uint8) != b.reshape(-1).view(np.uint8)).sum())
    if x.shape != y.shape:
        return d | {"weights_changed": 0, "nmse": None, "max_abs": None, "top_row": -1}
    e = (y - x) ** 2
    e3, x3 = (v.reshape(-1, *v.shape[-2:]) for v in (e, x**2))
    total = e.sum()
    d |= {"weights_changed": (e > 0).mean(), "nmse": total / (x**2).sum(), "max_abs": np.abs(y - x).max(), "top_row": int(e3.sum(2).ravel().argmax())}
    d["top"] = top("row", e3.sum(2), x3.sum(2), total, x.ndim == 3)
    if "ffn_down" in name:
        d["top"] += top("value", e3.sum(1), x3.sum(1), total, x.ndim == 3)
    if ta == tb and ta in LAYOUT:
        size = gguf.GGML_QUANT_SIZES[ta][1]
        p, q = a.reshape(-1, size), b.reshape(-1, size)
        carriers, codes = LAYOUT[ta]
        d["codes_changed"] = (codes(p) != codes(q)).sum() / x.size
        d["scales_changed"] = np.mean([(p[:, c : c + 2] != q[:, c : c + 2]).any(1) for c in carriers])
    return d


def model(path, arch_name, extra, tensors):
    w = gguf.GGUFWriter(path, "llama")
    w.add_name(arch_name)
    w.add_uint32(extra, 1)
    for name, (typ, x) in tensors.items():
        w.add_tensor(name, x, raw_dtype=typ)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def main():
    a, b = {}, {}
    for name, typ, shape, codes, carriers in [
        ("blk.0.ffn_down.weight", T.Q4_1, (8, 64), 5, 3),
        ("blk.0.attn_q.weight", T.Q4_K, (4, 256), 4, 1),
        ("blk.0.attn_v.weight", T.Q6_K, (2, 512), 3, 1),
        ("blk.1.ffn_down_exps.weight", T.Q8_0, (3, 4, 32), 6, 1),
        ("blk.1.attn_q.weight", T.Q4_0, (4, 32), 0, 2),
        ("blk.1.attn_k.weight", T.Q4_0, (4, 32), 0, 0),
    ]:
        x = coded(typ, *shape)
        a[name], b[name] = (typ, x), (typ, spoil(typ, x, codes, carriers))
    for name, typ, dtype in [("token_embd.weight", T.F16, np.float16), ("output.weight", T.F32, np.float32)]:
        x = floats(dtype, 6, 32)
        y = x.copy()
        y[2, 5], y[4] = 3, y[4] * dtype(1.25)
        a[name], b[name] = (typ, x), (typ, y)
    a["blk.0.ffn_up.weight"], b["blk.0.ffn_up.weight"] = (T.Q4_0, coded(T.Q4_0, 4, 32)), (T.Q8_0, coded(T.Q8_0, 4, 32))
    a["blk.0.ffn_gate.weight"], b["blk.0.ffn_gate.weight"] = (T.F32, floats(np.float32, 4, 8)), (T.F32, floats(np.float32, 4, 16))
    a["gone.weight"], b["new.weight"] = (T.F32, floats(np.float32, 8)), (T.F32, floats(np.float32, 8))
    want = {
        "keys": ["+ test.b", "- test.a", "~ general.name"], "tensors_only_a": ["gone.weight"], "tensors_only_b": ["new.weight"],
        "tensors_identical": 1, "same": False, "tensors": [compare(n, *a[n], *b[n]) for n in a if n in b and n != "blk.1.attn_k.weight"],
    }
    with tempfile.TemporaryDirectory() as d:
        model(os.path.join(d, "a.gguf"), "a", "test.a", a)
        model(os.path.join(d, "b.gguf"), "b", "test.b", b)
        files = {n: open(os.path.join(d, n), "rb").read() for n in ("a.gguf", "b.gguf")}
    files["want.json"] = json.dumps(want, default=float).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for n, raw in files.items():
            z.writestr(zipfile.ZipInfo(n), raw, zipfile.ZIP_DEFLATED)
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "diff.zip"), "wb") as f:
        f.write(out.getvalue())


main()
