#!/usr/bin/env python3
"""Packs the golden quantized blocks and the hostile files that the tests of gguf and gguf/quant read.

    gguf_oracle.py --quants Q --hostile H --ggml libggml-base.so     (shared/peers; gguf-py 0.19.0, numpy 2, ggml 0.25.3 of llama_cpp_python 0.3.36)
    pack.py Q H

writes quant/testdata/golden.zip (source rows, encodings by ggml, random blocks; of decodings the sha256 in index.json, since
the decoders are exact) and testdata/hostile.zip (every file and index.json). Both are the same bytes on every run.
"""
import json
import os
import sys
import zipfile

KEEP = {"F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"}
HERE = os.path.dirname(os.path.abspath(__file__))


def pack(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z:
        for name, data in files:
            z.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED, 9)
    print(path, os.path.getsize(path))


def read(*p):
    with open(os.path.join(*p), "rb") as f:
        return f.read()


def main(quants, hostile):
    index = json.loads(read(quants, "index.json"))
    names = ["src.f32.bin", "convert.f32.bin", "convert.f16.bin", "convert.bf16.bin"]
    types = []
    for t in index["types"]:
        types.append({"type": t["type"], "id": t["id"], "block": t.get("block"), "bytes": t.get("bytes_per_block"), "encoders": {}})
        if t["type"] not in KEEP:
            continue
        for enc in t["encoders"]:
            if enc == "ggml-imatrix" or enc == "py" and "ggml" in t["encoders"]:
                continue
            name = f"{t['type']}.{enc}"
            names.append(name + ".enc.bin")
            types[-1]["encoders"][enc] = index["files"][name + ".dec.f32.bin"]["sha256"]
    doc = json.dumps({"versions": index["versions"], "shape": index["shape"], "rows": index["rows"], "types": types}, indent=1)
    pack(os.path.join(HERE, "..", "quant", "testdata", "golden.zip"), [("index.json", doc)] + [(n, read(quants, n)) for n in names])
    h = json.loads(read(hostile, "index.json"))
    for f in h["files"]:
        f.pop("observed", None)
    pack(os.path.join(HERE, "hostile.zip"), [("index.json", json.dumps(h, indent=1, ensure_ascii=False))] + [(f["file"], read(hostile, f["file"])) for f in h["files"]])


if __name__ == "__main__":
    main(*sys.argv[1:])
