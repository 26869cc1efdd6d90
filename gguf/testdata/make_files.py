#!/usr/bin/env python3
"""Makes files.zip: small files as gguf-py writes them, for the tests of gguf and of the program.

    make_files.py        (gguf-py 0.19.0, numpy 2)

big-endian.gguf; align-8, align-64 and align-4096.gguf with tensors whose sizes are no multiples of that; reserved.gguf with
keys of the specification that nothing here reads and keys that nobody knows, in no order; mmproj.gguf as convert_hf_to_gguf.py
--mmproj makes one, with two small blocks of a vision model.
"""
import os
import tempfile
import zipfile

import gguf
import numpy as np

D, F = 32, 256
HERE = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(3)


def floats(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def write(path, arch, fill, **kw):
    w = gguf.GGUFWriter(path, arch, **kw)
    fill(w)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def plain(w):
    w.add_name("small")
    w.add_array("some.numbers", [1, 2, 3])
    w.add_tensor("a.weight", floats(3, 5))
    w.add_tensor("b.weight", floats(2, 64).astype(np.float16))
    w.add_tensor("c.bias", floats(7))


def aligned(n):
    def fill(w):
        w.add_custom_alignment(n)
        plain(w)
    return fill


def reserved(w):
    w.add_uint8("zz.unknown.u8", 200)
    w.add_license("mit")
    w.add_string("tokenizer.chat_template.tool_use", "{{ x }}")
    w.add_float64("Some Key with blanks", 0.1)
    w.add_array("general.tags", ["b", "a", ""])
    w.add_int64("vendor.ünit", -(1 << 40))
    w.add_array("general.languages", ["en"])
    w.add_bool("aa.unknown.flag", True)
    w.add_string("general.source.url", "none")
    w.add_uint32("general.file_type", 1)
    w.add_uint32("general.quantization_version", 2)
    w.add_float32("llama.attention.some_future_key", 2.5)
    plain(w)


def mmproj(w):
    w.add_type("mmproj")
    w.add_clip_has_vision_encoder(True)
    w.add_clip_projector_type("mlp")
    w.add_vision_projection_dim(64)
    w.add_vision_image_size(8)
    w.add_vision_patch_size(4)
    w.add_vision_embedding_length(D)
    w.add_vision_feed_forward_length(F)
    w.add_vision_block_count(2)
    w.add_vision_head_count(4)
    w.add_vision_attention_layernorm_eps(1e-6)
    w.add_vision_image_mean([0.5, 0.5, 0.5])
    w.add_vision_image_std([0.5, 0.5, 0.5])
    w.add_vision_use_gelu(True)
    w.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    half = lambda *s: (floats(*s) / 4).astype(np.float16)
    w.add_tensor("v.patch_embd.weight", half(D, 3, 4, 4))
    w.add_tensor("v.patch_embd.bias", floats(D))
    w.add_tensor("v.position_embd.weight", floats(4, D))
    for i in range(2):
        for n in ("attn_q", "attn_k", "attn_v", "attn_out"):
            w.add_tensor(f"v.blk.{i}.{n}.weight", half(D, D))
            w.add_tensor(f"v.blk.{i}.{n}.bias", floats(D))
        w.add_tensor(f"v.blk.{i}.ffn_up.weight", half(F, D))
        w.add_tensor(f"v.blk.{i}.ffn_down.weight", half(D, F))
        w.add_tensor(f"v.blk.{i}.ln1.weight", floats(D))
        w.add_tensor(f"v.blk.{i}.ln2.weight", floats(D))
    w.add_tensor("mm.0.weight", half(64, D))
    w.add_tensor("mm.0.bias", floats(64))


def main():
    big = dict(endianess=gguf.GGUFEndian.BIG)
    files = [("big-endian", "llama", plain, big)] + [("align-%d" % n, "llama", aligned(n), {}) for n in (8, 64, 4096)]
    files += [("reserved", "llama", reserved, {}), ("mmproj", "clip", mmproj, {})]
    with zipfile.ZipFile(os.path.join(HERE, "files.zip"), "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z, tempfile.TemporaryDirectory() as tmp:
        for name, arch, fill, kw in files:
            path = os.path.join(tmp, name)
            write(path, arch, fill, **kw)
            with open(path, "rb") as f:
                z.writestr(zipfile.ZipInfo(name + ".gguf", (1980, 1, 1, 0, 0, 0)), f.read(), zipfile.ZIP_DEFLATED, 9)
            print(name, os.path.getsize(path))


main()
