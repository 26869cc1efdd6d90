#!/usr/bin/env python3
"""Makes forms.zip: a random Llama of one block in the forms that ONNX exporters and quantizers give, with onnxruntime's logits.

    make.py --forms FOLDER --tokenizer FOLDER

--forms is the folder of make_onnx.py, which builds the forms; --tokenizer one with a tokenizer.json, which the builder of
onnxruntime-genai wants to have. Each form is FORM/model.onnx with all weights inside, FORM/logits.f32 [T, V] and ids.json.
"""
import argparse
import io
import json
import os
import shutil
import sys
import tempfile
import zipfile

import numpy as np
import torch

FORMS = ["f32_ts", "f32", "f32_op23", "f32_past", "f16", "int8_dyn", "int8_static", "int8_wo", "int4_nbits", "int4_sym", "int8_nbits", "int4_qdq",
         "genai_f32", "genai_f16", "genai_int4", "genai_int4_qdq"]


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--forms", required=True)
    ap.add_argument("--tokenizer", required=True)
    a = ap.parse_args()
    sys.path.insert(0, a.forms)
    import make_onnx as mo
    import onnx
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM
    torch.manual_seed(1)
    cfg = LlamaConfig(vocab_size=96, hidden_size=64, intermediate_size=64, num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2, head_dim=16,
                      max_position_embeddings=64, tie_word_embeddings=True, rope_theta=10000.0, bos_token_id=1, eos_token_id=2)
    m = LlamaForCausalLM(cfg).eval()
    with torch.no_grad():
        for p in m.parameters():
            p.copy_(torch.randn_like(p) * 0.2 + (1 if p.ndim == 1 else 0))
            p.requires_grad_(False)
    out = tempfile.mkdtemp()
    b = mo.Builder.__new__(mo.Builder)
    b.a = argparse.Namespace(out=out, external="inline", gguf="", threads=1)
    b.log, b.tok, b.m, b.cfg, b.hf_dir = io.StringIO(), AutoTokenizer.from_pretrained(a.tokenizer), m, m.config, None
    b.ids = [3 + (i * i * 7 + 5 * i) % 90 for i in range(20)]
    here = os.path.dirname(os.path.abspath(__file__))
    with zipfile.ZipFile(os.path.join(here, "forms.zip"), "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z:
        def put(name, data):
            z.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data, compress_type=zipfile.ZIP_DEFLATED)
        put("ids.json", json.dumps(b.ids))
        for form in FORMS:
            try:
                path = getattr(b, form)()
                logits = mo.run_ort(path, [b.ids], (2, 16), 1, optimize=False)[0]  # optimized, products of codes round activations
                model = onnx.load(path)
                put(form + "/model.onnx", model.SerializeToString())
                put(form + "/logits.f32", np.ascontiguousarray(logits, "<f4").tobytes())
                print(form, logits.shape)
            except Exception as e:
                print(form, "FAILED", str(e)[:300], b.log.getvalue()[-300:])
    shutil.rmtree(out)


main()
