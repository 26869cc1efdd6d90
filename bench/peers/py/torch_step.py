"""Tokens a second and peak memory of a training step in PyTorch, as one JSON line.

The GGUF is dequantized to f32 by transformers and the gguf package, and kept in
the folder --cache, because that takes long. A step is forward, next-token
cross-entropy over all positions, and backward; no optimizer.
--train ffn_down: the down_proj matrices; all: every linear map of the blocks.
--bf16 is torch.autocast over f32 weights.
"""
import argparse
import json
import os
import resource
import statistics
import sys
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TQDM_DISABLE", "1")
try:
    import gguf  # noqa: F401 (transformers needs it)
    import torch
    import transformers
except ImportError as e:
    print(f"{e}", file=sys.stderr)
    sys.exit(77)

ap = argparse.ArgumentParser()
ap.add_argument("--model", required=True)
ap.add_argument("--cache", required=True)
ap.add_argument("--threads", type=int, default=1)
ap.add_argument("--train", choices=["ffn_down", "all"], default="ffn_down")
ap.add_argument("--matmul", default="highest")
ap.add_argument("--bf16", action="store_true")
ap.add_argument("--batch", type=int, default=16)
ap.add_argument("--seq", type=int, default=64)
ap.add_argument("--steps", type=int, default=3)
a = ap.parse_args()

torch.set_num_threads(a.threads)
torch.set_float32_matmul_precision(a.matmul)
transformers.utils.logging.set_verbosity_error()
folder, name = os.path.split(os.path.abspath(a.model))
cache = os.path.join(a.cache, name + ".pt")
if not os.path.exists(cache):
    m = transformers.AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32)
    torch.save(m, cache + ".part")
    os.rename(cache + ".part", cache)
    os.execv(sys.executable, [sys.executable, *sys.argv])  # forget the memory that the conversion took
model = torch.load(cache, weights_only=False)
model.train()
for n, p in model.named_parameters():
    p.requires_grad_(n.endswith("down_proj.weight" if a.train == "ffn_down" else "_proj.weight"))

torch.manual_seed(1)
ids = torch.randint(0, model.config.vocab_size, (a.batch, a.seq))
times = []
for _ in range(a.steps + 1):
    begin = time.perf_counter()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=a.bf16):
        loss = model(input_ids=ids, labels=ids, use_cache=False).loss
    loss.backward()
    model.zero_grad(set_to_none=True)
    times.append(time.perf_counter() - begin)
rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # MiB on Linux
print(json.dumps({
    "version": f"PyTorch {torch.__version__}, transformers {transformers.__version__}",
    "values": {"tokens_per_s": ids.numel() / statistics.median(times[1:]), "peak_rss_mib": rss, "loss": loss.item()},
}))
