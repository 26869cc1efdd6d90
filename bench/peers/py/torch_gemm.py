"""GFLOP/s of PyTorch's x wᵀ for square matrices, as one JSON line.

--matmul is torch.set_float32_matmul_precision: "highest" is PyTorch's default,
"medium" lets another library do f32 products. --bf16 multiplies bfloat16.
"""
import argparse
import json
import statistics
import sys
import time

try:
    import torch
except ImportError as e:
    print(f"{e}", file=sys.stderr)
    sys.exit(77)

ap = argparse.ArgumentParser()
ap.add_argument("--sizes", required=True)
ap.add_argument("--threads", type=int, default=1)
ap.add_argument("--matmul", default="highest")
ap.add_argument("--bf16", action="store_true")
ap.add_argument("--seconds", type=float, default=0.5)
a = ap.parse_args()

torch.set_num_threads(a.threads)
torch.set_float32_matmul_precision(a.matmul)
values = {}
for n in map(int, a.sizes.split(",")):
    x, w = torch.randn(n, n), torch.randn(n, n)
    if a.bf16:
        x, w = x.bfloat16(), w.bfloat16()
    times = []
    with torch.no_grad():
        x @ w.T
        x @ w.T
        end = time.perf_counter() + a.seconds
        while len(times) < 5 or time.perf_counter() < end:
            begin = time.perf_counter()
            x @ w.T
            times.append(time.perf_counter() - begin)
    values[str(n)] = 2e-9 * n**3 / statistics.median(times)
print(json.dumps({"version": f"PyTorch {torch.__version__}", "values": values}))
