"""Writes families.json: small vocabularies of every tokenizer.ggml.model, with llama.cpp's ids for the texts of hard.json.

    VENV/bin/python families.py --llama LLAMA_CPP_PYTHON_SDIST --out .

Oracle: libllama of llama-cpp-python 0.3.36, as in golden.py. A vocabulary is given by its keys. Sums are those of
pretoken.py: of the ids of each text plain, then with special tokens parsed and between the tokens that llama.cpp adds; "back" is a sum of
the bytes that the pieces of the plain ids make. "fails" lists texts that llama.cpp has no answer for.
"""
import argparse
import collections
import hashlib
import json
import math
import os
import struct
import tempfile
import unicodedata

import gguf

from oracle import Oracle, bindings

STEP = 50
BLANK = "\u2581"

# Texts besides those of hard.json: special tokens, and what normalising changes.
MORE = [
    "<s>", "</s>a", "a <mask> b", "a   <mask>   b", " <mask><mask> ", "x<|user|> \n y", "<|user|>\n<|end|>  z", "[CLS] a [SEP]", "[MASK]", "<extra>", "a<extra> b <extra>", "<0x41>", "<unk>",
    "\uff21\uff22 \ufb01\ufb02 \u2460", "\u00c5\u00e9\u1e9b\u0323", "A\u030a", "\u1e9e\u00df", "\u0130i", "\ufb03x", "<ma", "<", "a<", "\u2581\u2581", "\u2582", "hello, world!", "HELLO World", "\u4e16\u754c hello",
    "<dna>ACGTACccccccAC</dna> CCCCCC <dna>acg", "x<dna></dna>", "<dna>ACGTNN</dna><dna>", "CCCCCCACGTAC</dna>", "<dna>\u00e9AAAA",
]


def frequent(lines, most, longest=6):
    """The substrings that occur most often, longest first among equals."""
    n = collections.Counter()
    for s in lines:
        for i in range(len(s)):
            for j in range(i + 2, min(i + longest, len(s)) + 1):
                n[s[i:j]] += 1
    return [s for s, _ in sorted(n.items(), key=lambda x: (-x[1] * len(x[0]), x[0]))[:most]]


def chars(lines, most):
    n = collections.Counter("".join(lines))
    return [c for c, _ in sorted(n.items(), key=lambda x: (-x[1], x[0]))[:most]]


def vocabulary(special, rest):
    """Tokens and types without repetition."""
    seen, tokens, kinds = set(), [], []
    for t, k in special + rest:
        if t and "\0" not in t and t not in seen:  # llama.cpp reads a token up to a zero byte
            seen.add(t)
            tokens.append(t)
            kinds.append(k)
    return tokens, kinds


def hexes():
    return [("<0x%02X>" % b, 6) for b in range(256)]


def charsmap(table):
    """SentencePiece's precompiled table of replacements: a compact double array, then the strings."""
    strings, offsets = b"", {}
    for out in table.values():
        if out not in offsets:
            offsets[out] = len(strings)
            strings += out.encode() + b"\0"
    root = {}
    for key, out in table.items():
        node = root
        for b in key.encode():
            node = node.setdefault(b, {})
        node[None] = offsets[out]
    size = 1 << 14
    cells, used, bases = [0] * size, {0}, set()

    def place(at, node, label):
        # The children of the node at index `at` lie at its base XOR their byte; base ^ at is stored relative to at.
        labels = [0 if b is None else b for b in node]
        rel = 1
        while rel in bases or any((at ^ rel ^ b) in used or (at ^ rel ^ b) >= size for b in labels) or (rel >> 21):
            rel += 1
        bases.add(rel)
        cells[at] = label | rel << 10 | (1 << 8 if None in node else 0)
        spot = at ^ rel
        for b in labels:
            used.add(spot ^ b)
        for b, child in node.items():
            if b is None:
                cells[spot] = child | 1 << 31
            else:
                place(spot ^ b, child, b)

    place(0, root, 0)
    blob = struct.pack("<%dI" % size, *cells)
    end = max(used) + 256
    blob = blob[:4 * min(size, end)]
    return list(struct.pack("<I", len(blob)) + blob + strings)


def families(lines):
    spaced = [BLANK + s.replace(" ", BLANK) for s in lines]
    subs, single = frequent(spaced, 350), chars(spaced, 220)
    score = lambda i: -float(i) / 8
    out = {}

    def add(label, model, tokens, types, **keys):
        k = {"tokenizer.ggml.model": model, "tokenizer.ggml.tokens": tokens, "tokenizer.ggml.token_type": types}
        k.update({"general.name" if a == "name" else "tokenizer.ggml." + a: b for a, b in keys.items()})
        out[label] = k

    head = [("<unk>", 2), ("<s>", 3), ("</s>", 3)]
    tail = [("<extra>", 4), ("<|user|>", 3), ("<|end|>", 3), ("<mask>", 4), ("<|endoftext|>", 3)]
    t, k = vocabulary(head + hexes(), [(s, 1) for s in subs + single] + tail)
    sc = [score(i * 7919 % 613) for i in range(len(t))]
    ids = dict(bos_token_id=1, eos_token_id=2, unknown_token_id=0)
    add("spm", "llama", t, k, scores=sc, **ids)
    add("spm-no-prefix", "llama", t, k, scores=sc, add_space_prefix=False, add_eos_token=True, add_bos_token=False, **ids)
    add("spm-phi", "llama", t, k, scores=sc, name="Phi-3 mini", **ids)
    t, k = vocabulary([("<pad>", 3), ("</s>", 3), ("<unk>", 2)], [(s, 1) for s in subs + single] + tail + [("unused", 5)])
    sc = [-3.0 - score(i * 7919 % 613) / -16 for i in range(len(t))]
    table = {unicodedata.normalize("NFKC", c) and c: unicodedata.normalize("NFKC", c) for c in "\uff21\uff22\uff41\uff11\ufb01\ufb02\u2460\u00a0\u3000\u2003\u00bd\u00b2\u2167\uff0c\uff01" if unicodedata.normalize("NFKC", c) != c}
    table.update({"A\u030a": "\u00c5", "e\u0301": "\u00e9", "\n": " ", "\t": " ", "\u00ad": "", "\x01": "", "x\u0301y": "XY"})
    add("unigram", "t5", t, k, scores=sc, precompiled_charsmap=charsmap(table), add_space_prefix=True, remove_extra_whitespaces=True)
    add("unigram-keep-spaces", "t5", t, k, scores=sc, add_space_prefix=True)
    add("unigram-bare", "t5", t, k, scores=sc, remove_extra_whitespaces=False, precompiled_charsmap=charsmap(table), add_eos_token=False, unknown_token_id=2)
    lower = [unicodedata.normalize("NFD", s.lower()) for s in lines]
    words = frequent([BLANK + w for s in lower for w in s.split()], 300)
    parts = chars(lower, 200)
    special = [("[PAD]", 3), ("[UNK]", 3), ("[CLS]", 3), ("[SEP]", 3), ("[MASK]", 3)]
    t, k = vocabulary(special, [(s, 1) for s in words + [BLANK + c for c in parts] + parts])
    bert = dict(unknown_token_id=1, bos_token_id=2, seperator_token_id=3)
    add("wordpiece", "bert", t, k, **bert)
    t, k = vocabulary(special, [(s, 1) for s in subs + [BLANK + c for c in single] + single])
    add("wordpiece-cased", "bert", t, k, **{"normalizer.lowercase": False}, **bert)
    add("wordpiece-accents", "bert", t, k, **{"normalizer.strip_accents": False}, **bert)
    raw = frequent(lines, 300)
    esc = lambda b: "".join(chr(c) if 32 <= c < 127 and c != 92 else "\\x%02x" % c for c in b)
    t, k = vocabulary([("<s>", 3)], [(esc(bytes([b])), 1) for b in range(256)] + [("\\n\\n", 1), ("\\t\\r", 1), ("\\\\\\'", 1)] + [(esc(s.encode()), 1) for s in raw])
    add("rwkv", "rwkv", t, k)
    t, k = vocabulary([("<|plamo:unk|>", 2), ("<|plamo:bos|>", 3), ("<|plamo:eos|>", 3), ("<|plamo:pad|>", 3)] + hexes(), [(s, 1) for s in raw + chars(lines, 120)] + [("</s>", 3), ("<extra>", 4)])
    add("plamo2", "plamo2", t, k, scores=[-2.0 - (i * 7919 % 613) / 97 for i in range(len(t))])
    stand_in = lambda b: chr(256 + b) if b <= 32 else chr(0x121 + b - 127) if 127 <= b <= 160 else chr(0x143) if b == 173 else chr(b)
    merges = ["C C", "CC CC", "CCCC CC", "h e", "l l", "he ll", "hell o"]
    t, k = vocabulary([("<s>", 3)], [(stand_in(b), 1) for b in range(256)] + [(m.replace(" ", ""), 1) for m in merges] + [(s, 1) for s in ("<dna>", "</dna>", "<oov>")] +
                      [(s + "\ue000", 1) for s in ("ACGTAC", "CCCCCC", "ACAAAA", "ACGAAA", "AAAAAA")])
    add("hybriddna", "hybriddna", t, k, pre="gpt-2", merges=merges, eos_token_id=0)
    return out


def write(path, keys):
    w = gguf.GGUFWriter(path, "llama")
    for k, v in keys.items():
        if isinstance(v, bool):
            w.add_bool(k, v)
        elif isinstance(v, int):
            w.add_uint32(k, v)
        elif isinstance(v, str):
            w.add_string(k, v)
        elif k.endswith("charsmap"):
            w.add_array(k, bytes(v))
        else:
            w.add_array(k, v)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.close()


def sums(all):
    out = []
    for i in range(0, len(all), STEP):
        flat = [x for row in all[i:i + STEP] for x in row + [-1]]
        out.append(hashlib.sha256(struct.pack("<%di" % len(flat), *flat)).hexdigest()[:8])
    return "%d %s" % (sum(map(len, all)), " ".join(out))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--llama", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--ids")
    a = p.parse_args()
    lib = bindings(a.llama)
    lines = json.load(open(os.path.join(a.out, "hard.json"))) + MORE
    every, rows = {}, []
    with tempfile.TemporaryDirectory() as tmp:
        for name, keys in families(lines).items():
            path = os.path.join(tmp, "v.gguf")
            write(path, keys)
            o = Oracle(lib, path)
            plain, full = [o.encode(t) for t in lines], [o.encode(t, True, True) for t in lines]
            back = hashlib.sha256(b"\0".join(o.decode(x) for x in plain)).hexdigest()[:8]
            every[name] = {"keys": keys, "plain": plain, "full": full}
            rows.append(json.dumps({"name": name, "keys": keys, "plain": sums(plain), "full": sums(full), "back": back, "ends": o.ends()}))
            o.close()
    with open(os.path.join(a.out, "families.json"), "w") as f:
        f.write('{"more": %s,\n"families": [\n%s\n]}\n' % (json.dumps(MORE), ",\n".join(rows)))
    if a.ids:
        json.dump(every, open(a.ids, "w"))


if __name__ == "__main__":
    main()
