"""llama.py PACKAGES MODEL: continues the prompts of stdin (a JSON list) greedily with llama.cpp and prints a JSON list."""

import json
import sys

sys.path.insert(0, sys.argv[1])
import xllamacpp  # noqa: E402

params = xllamacpp.CommonParams()
params.model.path = sys.argv[2]
params.n_ctx, params.n_gpu_layers, params.warmup, params.verbosity = 512, 0, False, -1
params.cpuparams.n_threads = 2
server = xllamacpp.Server(params)
texts = []
for prompt in json.load(sys.stdin):
    answer = server.handle_completions({"prompt": prompt, "n_predict": 8, "temperature": 0.0, "top_k": 1, "samplers": ["top_k"], "repeat_penalty": 1.0, "cache_prompt": False})
    texts.append(answer["choices"][0]["text"])
print(json.dumps(texts))
