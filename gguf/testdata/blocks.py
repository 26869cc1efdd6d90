#!/usr/bin/env python3
"""Makes what the tests of gguf/quant hold the newer types, the edge cases and importance weights to, and the codebooks of the IQ types.

    blocks.py LIB        LIB: libggml-base.so of a llama.cpp build (ggml 0.25.3 of llama_cpp_python 0.3.36; numpy 2, gguf-py 0.19.0)

writes ../quant/testdata/blocks.zip and ../quant/codebook_data.go, the same bytes on every run. Everything comes out of ggml's own functions:
dequantize_row_* decodes, ggml_quantize_chunk encodes, and the codebooks are what the decoders give for every index. Decoders of gguf-py must
agree where it has them. In the archive, for a type T,

    T.random.enc.bin    40 blocks of random bytes (for the types that golden.zip lacks)
    T.special.enc.bin   blocks whose scales are zero, subnormal, the largest, infinite, NaN, negative
    T.ggml.enc.bin      the rows of golden.zip, encoded without importance weights (for the types that golden.zip lacks)
    T.edge.enc.bin      the rows of edge.f32.bin: peaks at and next to powers of two, ties, blocks of tiny weights, zeros of both signs
    T.weighted.enc.bin  the rows of golden.zip with the importance weights of weights.f32.bin; T.edge-weighted.enc.bin those of edge.f32.bin

and index.json with the sha256 of what they decode to, every NaN written as 0x7fc00000.
"""
import ctypes
import hashlib
import json
import os
import sys
import zipfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
QUANT = os.path.join(HERE, "..", "quant")
COLS = 512
F16_SPECIAL = [0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x0400, 0x3C00, 0xBC00, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00, 0x7E00, 0xFE00, 0x7C01]
# id: name, byte offsets of the f16 fields ("m" for the scattered one of IQ1_M, None: 8-bit scales), has an encoder, takes importance weights
TYPES = {
    2: ("Q4_0", [0], True, True), 3: ("Q4_1", [0, 2], True, True), 6: ("Q5_0", [0], True, True), 7: ("Q5_1", [0, 2], True, True), 8: ("Q8_0", [0], True, False),
    10: ("Q2_K", [80, 82], True, True), 11: ("Q3_K", [108], True, True), 12: ("Q4_K", [0, 2], True, True), 13: ("Q5_K", [0, 2], True, True), 14: ("Q6_K", [208], True, True),
    16: ("IQ2_XXS", [0], False, False), 17: ("IQ2_XS", [0], False, False), 18: ("IQ3_XXS", [0], False, False), 19: ("IQ1_S", [0], False, False),
    20: ("IQ4_NL", [0], True, True), 21: ("IQ3_S", [0], False, False), 22: ("IQ2_S", [0], False, False), 23: ("IQ4_XS", [0], True, True), 29: ("IQ1_M", "m", False, False),
    34: ("TQ1_0", [52], True, False), 35: ("TQ2_0", [64], True, False), 39: ("MXFP4", None, True, False), 40: ("NVFP4", None, True, False),
    41: ("Q1_0", [0], True, False), 42: ("Q2_0", [0], True, False),
}


class Ggml:
    def __init__(self, path):
        self.lib = L = ctypes.CDLL(path)
        L.ggml_quantize_chunk.restype = ctypes.c_size_t
        L.ggml_quantize_chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p]
        L.ggml_type_name.restype = ctypes.c_char_p
        L.ggml_type_size.restype = ctypes.c_size_t
        L.ggml_blck_size.restype = ctypes.c_int64

    def size(self, t):
        return self.lib.ggml_blck_size(t), self.lib.ggml_type_size(t)

    def encode(self, t, x, weights=None):
        block, size = self.size(t)
        out = np.zeros(x.size // block * size, np.uint8)
        x = np.ascontiguousarray(x)
        n = self.lib.ggml_quantize_chunk(t, x.ctypes.data, out.ctypes.data, 0, x.shape[0], x.shape[1], None if weights is None else weights.ctypes.data)
        assert n == out.size
        return out

    def decode(self, t, data):
        block, size = self.size(t)
        f = getattr(self.lib, "dequantize_row_" + self.lib.ggml_type_name(t).decode())
        f.restype, f.argtypes = None, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
        data = np.ascontiguousarray(data.reshape(-1))
        out = np.zeros(data.size // size * block, np.float32)
        f(data.ctypes.data, out.ctypes.data, out.size)
        return out


def special(t, rng, size):
    """Random blocks, one per special value of their scales, and pairs of them where there are two."""
    at = TYPES[t][1]
    if at is None:  # 8-bit scales: every value, in the first byte (MXFP4) or the first four (NVFP4)
        b = rng.integers(0, 256, (256, size), dtype=np.uint8)
        b[:, :4 if t == 40 else 1] = np.arange(256, dtype=np.uint8)[:, None]
        return b
    if at == "m":
        b = rng.integers(0, 256, (len(F16_SPECIAL), size), dtype=np.uint8)
        for r, v in zip(b, F16_SPECIAL):
            for k in range(4):
                r[49 + 2 * k] = r[49 + 2 * k] & 15 | (v >> 4 * k & 15) << 4
        return b
    pairs = [(v, w) for v in F16_SPECIAL for w in (F16_SPECIAL if len(at) == 2 else [0])]
    if len(at) == 2:
        pairs = pairs[::3]
    b = rng.integers(0, 256, (len(pairs), size), dtype=np.uint8)
    for r, p in zip(b, pairs):
        for o, v in zip(at, p):
            r[o], r[o + 1] = v & 255, v >> 8
    return b


def edges(rng):
    """Blocks of 32 whose peak is at or next to a power of two, then rows of other hard cases."""
    blocks = []
    for k in range(-30, 16):
        p = np.float32(2.0**k)
        for peak in (p, np.nextafter(p, np.float32(0)), np.nextafter(p, np.float32(np.inf))):
            b = rng.uniform(-1, 1, 32).astype(np.float32) * peak
            b[rng.integers(32)] = peak * rng.choice([-1, 1])
            blocks.append(b)
    for k in (-44, -40, -36, -33, 14, 15):  # scales that a half cannot hold, and its largest
        blocks.append(rng.uniform(-1, 1, 32).astype(np.float32) * np.float32(2.0**k))
    ties = np.tile(np.array([1, 0.5, -0.5, 0.25, -0.25, 0.75, 2.5, -1.5, 5 / 6, 7 / 12, 1 / 3, 3, -3, 6, -6, 0], np.float32), 2)
    blocks += [ties, ties * np.float32(0.1), -ties, np.abs(ties)]
    for k in range(16):  # zeros of both signs and one weight above them, or a few
        sparse = np.where(rng.random(32) < 0.2 * (k // 8), rng.uniform(0, 1, 32), np.where(rng.random(32) < 0.5, 0.0, -0.0)).astype(np.float32)
        sparse[[0, 9]] = [0.0, -0.0][k % 2], 1
        blocks.append(sparse)
    while len(blocks) % 16:
        blocks.append(rng.standard_normal(32).astype(np.float32))
    return np.concatenate(blocks).reshape(-1, COLS)


def codebooks(g):
    """The vectors of each codebook, taken from blocks with scale 1 that hold one index after another."""
    def decode(t, blocks):
        return g.decode(t, np.array(blocks, np.uint8))

    one, out = [0x00, 0x3C], {}
    # IQ2_XXS: 4 indices and 32 zero bits (all signs plus, scale 0.5*0.25) for each 32 weights.
    raw = np.arange(256).reshape(8, 8, 4)
    out["IQ2XXS"] = decode(16, [one + sum([list(q) + [0] * 4 for q in b], []) for b in raw.tolist()]).reshape(-1, 8) / 0.125
    # IQ2_XS: 9 bits of index in 16, then zero scales.
    raw = np.arange(512).reshape(16, 32)
    out["IQ2XS"] = decode(17, [one + list(np.array(b, "<u2").tobytes()) + [0] * 8 for b in raw.tolist()]).reshape(-1, 8) / 0.125
    # IQ2_S: low bytes, signs, two high bits each, scales.
    raw = np.arange(1024).reshape(32, 8, 4)
    out["IQ2S"] = decode(22, [one + list((b & 255).reshape(-1)) + [0] * 32 + [sum((q >> 8) << 2 * l for l, q in enumerate(r)) for r in b.tolist()] + [0] * 8 for b in raw]).reshape(-1, 8) / 0.125
    # IQ3_XXS: 64 indices, then zero signs and scales of 0.5*0.5.
    raw = np.arange(256).reshape(4, 64)
    out["IQ3XXS"] = decode(18, [one + b + [0] * 32 for b in raw.tolist()]).reshape(-1, 4) / 0.25
    # IQ3_S: low bytes, a high bit each, signs, scales of 1.
    raw = np.arange(512).reshape(8, 8, 8)
    out["IQ3S"] = decode(21, [one + list((b & 255).reshape(-1)) + [sum((q >> 8) << l for l, q in enumerate(r)) for r in b.tolist()] + [0] * 36 for b in raw]).reshape(-1, 4)
    # IQ1_S: low bytes, three high bits each in 16 with scale 1 and shift 1/8.
    raw = np.arange(2048).reshape(64, 8, 4)
    out["IQ1S"] = decode(19, [one + list((b & 255).reshape(-1)) + list(np.array([sum((q >> 8) << 3 * l for l, q in enumerate(r)) for r in b.tolist()], "<u2").tobytes()) for b in raw]).reshape(-1, 8) - 0.125
    return out


def write_codebooks(g):
    text = ["// Code generated by testdata/blocks.py from ggml's decoders. DO NOT EDIT.", "", "package quant", ""]
    about = {
        "IQ2XXS": "two bits each: the position in levelsIQ2", "IQ2XS": "as for IQ2_XXS", "IQ2S": "as for IQ2_XXS",
        "IQ3XXS": "four bits each: the position in levelsIQ3XXS", "IQ3S": "four bits each: the position among the odd numbers",
        "IQ1S": "two bits each: the value and 1",
    }
    for name, book in codebooks(g).items():
        n, size = book.shape
        levels = {"IQ1S": [-1, 0, 1], "IQ3S": list(range(1, 16, 2)), "IQ3XXS": [4, 12, 20, 28, 36, 44, 52, 62]}.get(name, [8, 25, 43])
        bits = 16 // size
        words = []
        for v in book.tolist():
            words.append(sum(levels.index(x) << bits * j for j, x in enumerate(v)))
        assert len(set(words)) == n
        text.append(f"// book{name} has the vectors of {size}, the first weight lowest, {about[name]}.")
        text.append(f"var book{name} = [{n}]uint16{{")
        for i in range(0, n, 16):
            text.append("\t" + " ".join(f"{w:#06x}," for w in words[i : i + 16]))
        text += ["}", ""]
    with open(os.path.join(QUANT, "codebook_data.go"), "w") as f:
        f.write("\n".join(text[:-1]) + "\n")


def digest(x):
    x = x.copy()
    x.view(np.uint32)[np.isnan(x)] = 0x7FC00000
    return hashlib.sha256(x.tobytes()).hexdigest()


def agree(t, data, dec, block, size):
    """gguf-py decodes the same, where it can and the values are finite."""
    from gguf import GGMLQuantizationType
    from gguf.quants import dequantize
    try:
        with np.errstate(all="ignore"):
            py = dequantize(data.reshape(-1, size), GGMLQuantizationType(t)).reshape(-1, block)
    except (NotImplementedError, ValueError):
        return "gguf-py has no decoder"
    dec = dec.reshape(-1, block)
    rows = np.isfinite(dec).all(1)
    return "gguf-py agrees" if np.array_equal(py[rows].astype(np.float32), dec[rows]) else "gguf-py DIFFERS"


def main(lib):
    g, rng = Ggml(lib), np.random.default_rng(2)
    write_codebooks(g)
    with zipfile.ZipFile(os.path.join(QUANT, "testdata", "golden.zip")) as z:
        src = np.frombuffer(z.read("src.f32.bin"), np.float32).reshape(-1, COLS)
        there = set(z.namelist())
    weights = (10 ** rng.uniform(-3, 1, COLS)).astype(np.float32)
    weights[[5, 77, 300]] = 0
    weights[96:128] = 0
    edge = edges(rng)
    files, index = {"weights.f32.bin": weights.tobytes(), "edge.f32.bin": edge.tobytes()}, []
    for t, (name, _, encodes, weighs) in TYPES.items():
        block, size = g.size(t)
        enc = {"special": special(t, rng, size)}
        if f"{name}.random.enc.bin" not in there:
            enc["random"] = rng.integers(0, 256, (40, size), dtype=np.uint8)
        if encodes:
            enc["edge"] = g.encode(t, edge)
            if f"{name}.ggml.enc.bin" not in there:
                enc["ggml"] = g.encode(t, src)
        if weighs:
            enc["weighted"], enc["edge-weighted"] = g.encode(t, src, weights), g.encode(t, edge, weights)
        rec = {"type": name, "id": t, "block": block, "bytes": size, "encoders": {}}
        for k, data in enc.items():
            dec = g.decode(t, data)
            files[f"{name}.{k}.enc.bin"], rec["encoders"][k] = data.tobytes(), digest(dec)
            print(name, k, data.size, agree(t, data, dec, block, size))
        index.append(rec)
    with zipfile.ZipFile(os.path.join(QUANT, "testdata", "blocks.zip"), "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z:
        for name, data in [("index.json", json.dumps({"types": index}, indent=1).encode())] + list(files.items()):
            z.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED, 9)


if __name__ == "__main__":
    main(sys.argv[1])
