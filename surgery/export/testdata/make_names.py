#!/usr/bin/env python3
"""Makes names.json: where the linear layers of transformers models lie in GGUF files.

    make_names.py --llama DIR [NAME ...]

DIR is llama.cpp's source. The models are those of train/model/testdata/make_arch.py and two more. Every weight of a model is set to a
number that says where it is, then llama.cpp's converter writes the file, and what its tensors hold says where each of their
rows came from. names.json: for each model a list of {tensor, module, kind, shape, rows}: module in transformers' naming, kind
its class, shape [outputs, inputs], rows the module's row behind each row of the tensor, absent where that is the same one.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "..", "train", "model", "testdata"))
import make_arch  # noqa: E402

# Two more: Falcon with groups of queries, and the text part of Gemma 3.
MODELS = dict(make_arch.MODELS)
MODELS["falcon-groups"] = ("FalconConfig", dict(make_arch.MODELS["falcon"][1], multi_query=False, new_decoder_architecture=True,
                                                num_kv_heads=2, num_ln_in_parallel_attn=2), "")
MODELS["gemma3"] = ("Gemma3TextConfig", dict(make_arch.GQA, tie_word_embeddings=True, head_dim=16, sliding_window=16), "")

STEP = 512  # more than any side of a matrix but a vocabulary's


def mark(model):
    """Writes (module, row, column) into the weights and returns the modules in the order of their numbers."""
    import torch
    modules = []
    with torch.no_grad():
        for name, m in model.named_modules():
            kind = type(m).__name__
            if kind not in ("Linear", "Conv1D", "Embedding", "FalconLinear"):
                continue
            w = m.weight.T if kind == "Conv1D" else m.weight
            if max(w.shape) >= STEP or any(m.weight is other.weight for _, _, other in modules):
                continue
            r, c = torch.meshgrid(torch.arange(w.shape[0]), torch.arange(w.shape[1]), indexing="ij")
            w.copy_(((len(modules) * STEP + r) * STEP + c).float())
            modules.append((name, kind, m))
    assert len(modules) * STEP * STEP < 2**24
    return modules


def origin(tensor, modules):
    """The record of a tensor, None if it holds no marked matrix."""
    import numpy as np
    w = np.asarray(tensor.data)
    if w.ndim != 2 or w.dtype != np.float32 or (w != np.round(w)).any() or (w < 0).any():
        return None
    w = w.astype(np.int64)
    rows = w[:, 0] // STEP
    if (w != rows[:, None] * STEP + np.arange(w.shape[1])).any() or len(set(rows // STEP)) != 1:
        return None
    name, kind, _ = modules[int(rows[0]) // STEP]
    rec = {"tensor": tensor.name, "module": name, "kind": kind, "shape": list(w.shape)}
    rows = (rows % STEP).tolist()
    if rows != list(range(len(rows))):
        rec["rows"] = rows
    return rec


def names(name, llama):
    import torch
    import transformers
    cls, args, _ = MODELS[name]
    model = transformers.AutoModelForCausalLM.from_config(getattr(transformers, cls)(**args), dtype=torch.float32)
    with torch.no_grad():
        for p in model.parameters():
            p.fill_(-0.5)
    modules = mark(model)
    with tempfile.TemporaryDirectory() as tmp:
        model.save_pretrained(tmp)
        with open(os.path.join(tmp, "tokenizer.json"), "w") as f:  # Gemma 3's converter counts the tokens there
            json.dump({"added_tokens": [], "model": {"vocab": {str(i): i for i in range(make_arch.V)}}}, f)
        target = os.path.join(tmp, "out.gguf")
        r = subprocess.run([sys.executable, __file__, "--llama", llama, "--convert", tmp, target], capture_output=True, text=True)
        if r.returncode:
            raise SystemExit(name + ": " + r.stderr[-1500:])
        import gguf
        return [x for x in (origin(t, modules) for t in gguf.GGUFReader(target).tensors) if x]


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--llama", required=True)
    ap.add_argument("--convert", nargs=2)
    ap.add_argument("names", nargs="*")
    o = ap.parse_args()
    if o.convert:
        with open(os.path.join(o.convert[0], "config.json")) as f:
            if json.load(f).get("new_decoder_architecture"):
                make_arch.PATCHES["falcon"] = {}
        return make_arch.convert(o.llama, *o.convert, outtype="f32")
    out = {}
    for name in o.names or MODELS:
        out[name] = names(name, o.llama)
        print(name, len(out[name]), file=sys.stderr)
    with open(os.path.join(HERE, "names.json"), "w") as f:
        json.dump(out, f, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
