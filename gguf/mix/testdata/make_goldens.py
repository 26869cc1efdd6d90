#!/usr/bin/env python3
"""Makes smollm2.json and mmproj.json: what llama-quantize makes of SmolLM2-135M-Instruct.Q4_1.gguf and of mmproj.gguf in
../../testdata/files.zip, by recipe.

    make_goldens.py LLAMA_QUANTIZE GGUF_PY FILE.gguf OUT.json

Each value is SHA-256 over all tensors by name: name, newline, type's name, newline, data. (Q1_0 is left out: llama-quantize
has no type for rows of 576 there.)
"""
import hashlib
import json
import os
import subprocess
import sys
import tempfile

NAMES = ("F16 BF16 Q8_0 Q6_K Q5_K_M Q5_K_S Q5_1 Q5_0 Q4_K_M Q4_K_S IQ4_NL IQ4_XS Q4_1 Q4_0 MXFP4_MOE Q3_K_L Q3_K_M Q3_K_S Q2_K "
         "TQ2_0 TQ1_0 Q2_0").split()


def main():
    tool, package, model, target = sys.argv[1:]
    sys.path.insert(0, package)
    from gguf import GGUFReader
    out = {}
    with tempfile.TemporaryDirectory() as tmp:
        path = os.path.join(tmp, "x.gguf")
        for name in NAMES:
            r = subprocess.run([tool, "--allow-requantize", model, path, name], capture_output=True, text=True)
            if r.returncode:  # it aborts on the counters of layers that some recipes read in a projector
                print(name, "failed:", r.returncode)
                continue
            h = hashlib.sha256()
            for t in sorted(GGUFReader(path).tensors, key=lambda t: t.name.encode()):
                h.update(("%s\n%s\n" % (t.name, t.tensor_type.name)).encode())
                h.update(t.data.tobytes())
            out[name] = h.hexdigest()
            print(name)
    with open(target, "w") as f:
        json.dump(out, f, indent=1)
        f.write("\n")


main()
