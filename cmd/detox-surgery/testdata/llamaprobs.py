"""llamaprobs.py PACKAGES MODEL: the five most probable next tokens after each prompt of stdin (a JSON list of lists of
token ids) as llama.cpp has them: a JSON list of lists of [id, log probability]."""

import json
import sys

sys.path.insert(0, sys.argv[1])
import xllamacpp  # noqa: E402

params = xllamacpp.CommonParams()
params.model.path = sys.argv[2]
params.n_ctx, params.n_gpu_layers, params.warmup, params.verbosity = 512, 0, False, -1
params.cpuparams.n_threads = 2
server = xllamacpp.Server(params)
out = []
for prompt in json.load(sys.stdin):
    answer = server.handle_completions({"prompt": prompt, "n_predict": 1, "temperature": 0.0, "n_probs": 5, "logprobs": 5, "ignore_eos": True, "cache_prompt": False})
    # There are none where the token is a part of a UTF-8 sequence.
    probs = answer["choices"][0]["logprobs"]
    out.append([[t["id"], t["logprob"]] for t in probs["content"][0]["top_logprobs"]] if probs else [])
print(json.dumps(out))
