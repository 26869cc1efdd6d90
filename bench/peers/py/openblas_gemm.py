"""GFLOP/s of NumPy's f32 x wᵀ for square matrices, as one JSON line.

OpenBLAS reads its variables when it is loaded: OPENBLAS_NUM_THREADS is the
number of threads, OPENBLAS_CORETYPE the kernels if not those of its choice.
"""
import argparse
import json
import statistics
import sys
import time

try:
    import numpy as np
except ImportError as e:
    print(f"{e}", file=sys.stderr)
    sys.exit(77)

ap = argparse.ArgumentParser()
ap.add_argument("--sizes", required=True)
ap.add_argument("--seconds", type=float, default=0.5)
a = ap.parse_args()

blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
if "openblas" not in blas["name"]:
    print(f"NumPy uses {blas['name']}, not OpenBLAS", file=sys.stderr)
    sys.exit(77)
rng = np.random.default_rng(0)
values = {}
for n in map(int, a.sizes.split(",")):
    x, w = rng.standard_normal((n, n), np.float32), rng.standard_normal((n, n), np.float32)
    y = np.empty((n, n), np.float32)
    times = []
    np.matmul(x, w.T, out=y)
    np.matmul(x, w.T, out=y)
    end = time.perf_counter() + a.seconds
    while len(times) < 5 or time.perf_counter() < end:
        begin = time.perf_counter()
        np.matmul(x, w.T, out=y)
        times.append(time.perf_counter() - begin)
    values[str(n)] = 2e-9 * n**3 / statistics.median(times)
print(json.dumps({"version": f"OpenBLAS {blas['version']} of NumPy {np.__version__}", "values": values}))
