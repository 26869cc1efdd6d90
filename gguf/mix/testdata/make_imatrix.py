#!/usr/bin/env python3
"""Makes imatrix-NAME.dat and imatrix-NAME.gguf of small models by llama-imatrix, and imatrix.json: what llama-quantize makes
of the models with them.

    make_imatrix.py LLAMA_BIN GGUF_PY MODELS       (MODELS is train/model/testdata/arch)

Each value of imatrix.json is a hash as in make_goldens.py.
"""
import hashlib
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = "Q4_K_M Q2_K IQ4_XS IQ4_NL Q4_0 Q5_1".split()


def run(*args, cwd=None):
    subprocess.run(args, check=True, capture_output=True, cwd=cwd)


def main():
    tools, package, models = map(os.path.abspath, sys.argv[1:])
    sys.path.insert(0, package)
    from gguf import GGUFReader
    out = {}
    with tempfile.TemporaryDirectory() as tmp:
        path = os.path.join(tmp, "x.gguf")
        with open(os.path.join(tmp, "text"), "w") as f:
            f.write("".join("%d times %d is %d; " % (a, b, a * b) for a in range(2, 12) for b in range(2, 12)))
        for model in ("mistral", "mixtral"):
            source = os.path.join(models, model + ".gguf")
            for kind in ("dat", "gguf"):
                im = "imatrix-%s.%s" % (model, kind)
                run(os.path.join(tools, "llama-imatrix"), "-m", source, "-f", "text", "-c", "64", "--chunks", "8", "--no-ppl", "-t", "1",
                    "--output-format", kind, "-o", os.path.join(HERE, im), cwd=tmp)
                for name in NAMES:
                    run(os.path.join(tools, "llama-quantize"), "--imatrix", os.path.join(HERE, im), source, path, name)
                    h = hashlib.sha256()
                    for t in sorted(GGUFReader(path).tensors, key=lambda t: t.name.encode()):
                        h.update(("%s\n%s\n" % (t.name, t.tensor_type.name)).encode())
                        h.update(t.data.tobytes())
                    out["%s %s" % (im, name)] = h.hexdigest()
    with open(os.path.join(HERE, "imatrix.json"), "w") as f:
        json.dump(out, f, indent=1)
        f.write("\n")


main()
