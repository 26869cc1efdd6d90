#!/usr/bin/env python3
"""Makes logits-*.json, generate-*.json and grad-smollm2.json, the goldens of package model.

    make_goldens.py --peers DIR --smollm2 FILE.gguf --gemma3 FILE.gguf

Oracle: PyTorch and transformers (versions in each file) on the weights that transformers dequantizes from the same
GGUF, float32; gradients in float64. DIR holds common.py and torch_repo.py: the loader, and the sampler whose draws
(splitmix64 of seed, prompt, step) package model repeats.

logits-NAME.json   prompts: ids; at = positions kept; top = ids of the 8 largest logits there, topv = their values,
                   vals = logits of the vocabulary entries in `entries`; top1 = most probable token at every position
generate-NAME.json prompts, greedy and sampled (top-p 0.9, seed 7) continuations of 20 tokens, cut at the end token
grad-smollm2.json  first 2 blocks, final norm, tied head: mean cross-entropy of next tokens and the gradient of
                   ffn_down of each block: Frobenius norm and sampled entries
"""
import argparse
import json
import os
import sys

TEXTS = [
    "The old harbour lay quiet in the morning, and only the gulls",
    "Water boils at 100 degrees Celsius because",
    "def fibonacci(n):\n    if n < 2:\n        return n\n",
]
LONG = ("In the spring the river rises, and people who live beside it move their boats to higher ground. "
        "Nobody remembers who began the custom, but every year it happens on the same day, with music and with bread. ")
STARTS = ["Once upon a time there was a", "The three most important rules of cooking are", "My neighbour said that"]


def splitmix64(x):
    m = (1 << 64) - 1
    x = (x + 0x9E3779B97F4A7C15) & m
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & m
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & m
    return x ^ (x >> 31)


def write(name, record):
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    with open(path, "w") as f:
        json.dump(record, f, separators=(",", ":"))
        f.write("\n")
    print(name, os.path.getsize(path))


def rounded(t, digits=4):
    return [round(x, digits) for x in t.tolist()]


def logits_golden(name, model, text, oracle, repeat):
    import torch
    vocab = model.config.vocab_size
    entries = sorted({splitmix64(i) % vocab for i in range(64)})
    prompts = []
    for i, t in enumerate(TEXTS + [LONG * repeat]):
        ids = text.bos + text.ids(t)
        with torch.no_grad():
            y = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0].float()
        at = list(range(len(ids))) if i < len(TEXTS) else sorted(set(range(0, len(ids), 23)) | {len(ids) - 1})
        v, top = y[at].topk(8)
        prompts.append({"ids": ids, "at": at, "top": top.tolist(), "topv": [rounded(r) for r in v],
                        "vals": [rounded(r) for r in y[at][:, entries]], "top1": y.argmax(-1).tolist()})
    write(f"logits-{name}.json", {**oracle, "entries": entries, "prompts": prompts})


class Ids:
    """Stands for torch_repo.Text where prompts and continuations are lists of ids."""
    bos = []
    ids = decode = staticmethod(lambda x: x)


def sampled(model, prompts, new, seed, top_p):
    """torch_repo.generate's rule in float64: float32 softmax over 262144 entries is off by 2e-5, which moves the top-p cut."""
    import torch
    from torch_repo import uniform
    eos = model.config.eos_token_id
    eos = set(eos if isinstance(eos, list) else [eos])
    outs = []
    for i, prompt in enumerate(prompts):
        ids, past, made = prompt, None, []
        for step in range(new):
            with torch.no_grad():
                o = model(input_ids=torch.tensor([ids]), past_key_values=past, use_cache=True, logits_to_keep=1)
            past = o.past_key_values
            p, order = o.logits[0, -1].double().softmax(-1).sort(descending=True, stable=True)
            cum = p.cumsum(-1)
            keep = cum - p < top_p
            k = int((cum <= uniform(seed, i, step) * (p * keep).sum()).sum())
            ids = [int(order[min(k, int(keep.sum()) - 1)])]
            if ids[0] in eos:
                break
            made += ids
        outs.append(made)
    return outs


def generate_golden(name, model, text, oracle):
    from torch_repo import generate
    prompts = [text.bos + text.ids(t) for t in STARTS]
    write(f"generate-{name}.json", {
        **oracle, "seed": 7, "top_p": 0.9, "new": 20, "prompts": prompts,
        "greedy": generate(model, Ids, prompts, new=20), "sampled": sampled(model, prompts, 20, 7, 0.9)})


def grad_golden(model, text, oracle):
    import torch
    import torch.nn.functional as F
    model.model.layers = model.model.layers[:2]
    model.double()
    ids = torch.tensor([text.bos + text.ids(LONG)])
    logits = model(input_ids=ids, use_cache=False).logits[0]
    loss = F.cross_entropy(logits[:-1], ids[0, 1:])
    loss.backward()
    blocks = []
    for layer in model.model.layers:
        g = layer.mlp.down_proj.weight.grad
        rows, cols = g.shape
        index = sorted({splitmix64(1000 + i) % (rows * cols) for i in range(400)})
        blocks.append({"norm": g.norm().item(), "index": index, "value": [float(f"{x:.7g}") for x in g.flatten()[index].tolist()]})
    write("grad-smollm2.json", {**oracle, "ids": ids[0].tolist(), "loss": loss.item(), "blocks": blocks})


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--peers", required=True)
    ap.add_argument("--smollm2")
    ap.add_argument("--gemma3")
    a = ap.parse_args()
    sys.path.insert(0, a.peers)
    from common import load_gguf, versions
    from torch_repo import Text
    for name, path, repeat in (("smollm2", a.smollm2, 4), ("gemma3", a.gemma3, 14)):
        if not path:
            continue
        tok, model = load_gguf(path)
        text = Text(tok, "auto")
        oracle = {"oracle": {**versions("torch", "transformers"), "file": os.path.basename(path)}}
        logits_golden(name, model, text, oracle, repeat)
        generate_golden(name, model, text, oracle)
        if name == "smollm2":
            grad_golden(model, text, oracle)


if __name__ == "__main__":
    main()
