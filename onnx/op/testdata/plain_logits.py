#!/usr/bin/env python3
"""Writes FORM/plain_logits.f32 for ONNX forms: what onnxruntime computes of the graph as it stands, raw float32 [T, V]: with graph
optimization off, and without accuracy_level, by which MatMulNBits may round activations to 8 bits (logits then move by up to 0.7).

    plain_logits.py FROM TO      FROM has a folder per form, as shared/models/make_onnx.py builds them; TO gets copies of their files
"""
import json
import os
import shutil
import sys

import numpy as np
import onnx
import onnxruntime as ort


def exact(folder):
    """The model without accuracy_level, beside the original, whose external data it shares."""
    m = onnx.load(os.path.join(folder, "model.onnx"), load_external_data=False)
    for n in m.graph.node:
        keep = [a for a in n.attribute if n.op_type != "MatMulNBits" or a.name != "accuracy_level"]
        if len(keep) < len(n.attribute):
            keep = [type(a).FromString(a.SerializeToString()) for a in keep]
            del n.attribute[:]
            n.attribute.extend(keep)
    path = os.path.join(folder, "exact.onnx")
    with open(path, "wb") as f:
        f.write(m.SerializeToString())
    return path


def main():
    src, dst = map(os.path.abspath, sys.argv[1:3])
    for form in sorted(os.listdir(src)):
        path = os.path.join(src, form, "model.onnx")
        if not os.path.exists(os.path.join(src, form, "check.json")):
            continue
        with open(os.path.join(src, form, "check.json")) as f:
            ids = json.load(f)["input_ids"]
        so = ort.SessionOptions()
        so.log_severity_level, so.graph_optimization_level = 3, ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        os.makedirs(os.path.join(dst, form), exist_ok=True)
        for f in os.listdir(os.path.join(src, form)):
            to = os.path.join(dst, form, f)
            if f.startswith(("model.onnx", "check.json")) and not os.path.exists(to):
                shutil.copyfile(os.path.join(src, form, f), to)  # no links: onnx for Python then refuses the originals too
        s = ort.InferenceSession(exact(os.path.join(dst, form)), so, providers=["CPUExecutionProvider"])
        os.remove(os.path.join(dst, form, "exact.onnx"))
        n = len(ids)
        plain = {"input_ids": [ids], "attention_mask": [[1] * n], "position_ids": [list(range(n))]}
        feed = {}
        for i in s.get_inputs():
            if i.name in plain:
                feed[i.name] = np.array(plain[i.name], np.int64)
            else:
                width = i.shape[3] if isinstance(i.shape[3], int) else 64
                feed[i.name] = np.zeros((1, i.shape[1], 0, width), np.float16 if i.type == "tensor(float16)" else np.float32)
        out = s.run(["logits"], feed)[0][0].astype("<f4")
        out.tofile(os.path.join(dst, form, "plain_logits.f32"))
        print(form, out.shape)


if __name__ == "__main__":
    main()
