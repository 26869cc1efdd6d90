"""Writes whole tokenizers as transformers saves them, with the ids that they give: a folder each below --out.

    VENV/bin/python real.py --out DIR MODEL.gguf...     # then DETOX_TOKENIZERS=DIR go test ./train/token/hf -run Real

The files are any GGUF files whose tokenizer transformers reads, vocabularies of llama.cpp's tests among them. The texts are
those of make.py and the lines of --more.
"""
import argparse
import json
import os

os.environ["HF_HUB_OFFLINE"] = "1"
from tokenizers import Tokenizer  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402

SHARED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "testdata")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--out", required=True)
    p.add_argument("--more", default=[], nargs="*", help="text files")
    p.add_argument("gguf", nargs="+")
    a = p.parse_args()
    texts = json.load(open(os.path.join(SHARED, "hard.json"))) + json.load(open(os.path.join(SHARED, "families.json")))["more"]
    for path in a.more:
        texts += [line for line in open(path, encoding="utf-8").read().split("\n") if line]
    os.makedirs(a.out, exist_ok=True)
    json.dump(texts, open(os.path.join(a.out, "texts.json"), "w"))
    for path in a.gguf:
        tok = AutoTokenizer.from_pretrained(os.path.dirname(os.path.abspath(path)), gguf_file=os.path.basename(path))
        folder = os.path.join(a.out, os.path.splitext(os.path.basename(path))[0])
        tok.save_pretrained(folder)
        t, ids = Tokenizer.from_file(os.path.join(folder, "tokenizer.json")), {}  # what the file says, not what made it
        for kind, special, framed in (("plain", False, False), ("special", True, False), ("full", True, True)):
            t.encode_special_tokens = not special
            ids[kind] = [t.encode(s, add_special_tokens=framed).ids for s in texts]
        json.dump(ids, open(os.path.join(folder, "ids.json"), "w"))
        print(folder)


if __name__ == "__main__":
    main()
