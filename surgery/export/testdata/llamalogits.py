"""llamalogits.py PACKAGES: logits of llama.cpp after prompts. stdin is JSON: model, lora (path or ""), vector (the directions
of blocks 1, 2, ... one after another, or null) and prompts (lists of token ids); prints a JSON list of rows of logits.

The wheel's extension exports llama.cpp's C functions. Parameters go by value in structures whose default is asked for and
whose size does not matter as long as there is room."""

import ctypes
import glob
import json
import os
import sys

lib = ctypes.CDLL(glob.glob(os.path.join(sys.argv[1], "xllamacpp", "xllamacpp*.so"))[0])
P, I32, F32 = ctypes.c_void_p, ctypes.c_int32, ctypes.c_float


class Opaque(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_uint64 * 64)]


class Batch(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_uint64 * 7)]


def fn(name, result, *args):
    f = getattr(lib, name)
    f.restype, f.argtypes = result, args
    return f


quiet = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, P)(lambda *a: None)
fn("llama_log_set", None, P, P)(ctypes.cast(quiet, P), None)
fn("llama_backend_init", None)()
job = json.load(sys.stdin)
model = fn("llama_model_load_from_file", P, ctypes.c_char_p, Opaque)(job["model"].encode(), fn("llama_model_default_params", Opaque)())
context = fn("llama_init_from_model", P, P, Opaque)(model, fn("llama_context_default_params", Opaque)())
assert model and context, "model was not loaded"
if job["lora"]:
    adapter = fn("llama_adapter_lora_init", P, P, ctypes.c_char_p)(model, job["lora"].encode())
    assert adapter, "adapter was not loaded"
    rc = fn("llama_set_adapters_lora", I32, P, P, ctypes.c_size_t, P)(context, (P * 1)(adapter), 1, (F32 * 1)(1.0))
    assert rc == 0, "adapter was not set"
if job["vector"]:
    v = (F32 * len(job["vector"]))(*job["vector"])
    width, blocks = fn("llama_model_n_embd", I32, P)(model), fn("llama_model_n_layer", I32, P)(model)
    rc = fn("llama_set_adapter_cvec", I32, P, P, ctypes.c_size_t, I32, I32, I32)(context, v, len(v), width, 1, blocks)
    assert rc == 0, "control vector was not set"
vocab = fn("llama_vocab_n_tokens", I32, P)(fn("llama_model_get_vocab", P, P)(model))
clear, memory = fn("llama_memory_clear", None, P, ctypes.c_bool), fn("llama_get_memory", P, P)(context)
one, decode = fn("llama_batch_get_one", Batch, P, I32), fn("llama_decode", I32, P, Batch)
logits = fn("llama_get_logits_ith", ctypes.POINTER(F32), P, I32)
out = []
for prompt in job["prompts"]:
    clear(memory, True)
    ids = (I32 * len(prompt))(*prompt)
    assert decode(context, one(ids, len(prompt))) == 0, "prompt was not decoded"
    out.append(logits(context, -1)[:vocab])
print(json.dumps(out))
sys.stdout.flush()
os._exit(0)
