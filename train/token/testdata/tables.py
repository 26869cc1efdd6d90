"""Writes golden sums of the Unicode tables and of llama.cpp's own vocabularies.

    VENV/bin/python tables.py --llama LLAMA_CPP_PYTHON_SDIST --out .

`classes.txt`: how many characters have each category in the tables that llama.cpp has, and the first 8 hex digits of the SHA-256 of their
numbers as little-endian uint32; of "nfd" and "lower" those of pairs of a character and what it becomes.
`vocabs.txt`: for each vocabulary of llama.cpp's folder models, sums of the ids of hard.json plain and full, as in families.py, and the tokens
that end generation.
"""
import argparse
import glob
import hashlib
import json
import os
import re
import struct

from families import sums
from oracle import Oracle, bindings


def classes(llama):
    text = open(os.path.join(llama, "vendor/llama.cpp/src/unicode-data.cpp")).read()
    numbers = lambda part, n: [[int(x, 16) for x in m] for m in re.findall(r"\{" + ", ".join(["0x([0-9A-Fa-f]+)"] * n) + r"\}", part)]
    after = lambda name, end: text.split(name)[1].split(end)[0]
    flags = numbers(text.split("unicode_set_whitespace")[0], 2)
    out = {}
    for (first, bits), (end, _) in zip(flags, flags[1:]):
        for name, bit in (("number", 2), ("letter", 4), ("mark", 16), ("punct", 32), ("symbolic", 64), ("control", 128)):
            if bits & bit:
                out.setdefault(name, []).extend(range(first, end))
    out["space"] = sorted(int(x, 16) for x in re.findall(r"0x([0-9A-Fa-f]+)", after("unicode_set_whitespace", "};")))
    out["lower"] = [x for pair in numbers(after("unicode_map_lowercase", "unicode_map_uppercase"), 2) for x in pair]
    out["nfd"] = [x for a, b, c in numbers(text.split("unicode_ranges_nfd")[1], 3) for r in range(a, b + 1) if r != c for x in (r, c)]
    return out


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--llama", required=True)
    p.add_argument("--out", required=True)
    a = p.parse_args()
    with open(os.path.join(a.out, "classes.txt"), "w") as f:
        for name, xs in sorted(classes(a.llama).items()):
            f.write("%s %d %s\n" % (name, len(xs), hashlib.sha256(struct.pack("<%dI" % len(xs), *xs)).hexdigest()[:8]))
    lib = bindings(a.llama)
    lines = json.load(open(os.path.join(a.out, "hard.json"))) + json.load(open(os.path.join(a.out, "families.json")))["more"]
    with open(os.path.join(a.out, "vocabs.txt"), "w") as f:
        for path in sorted(glob.glob(os.path.join(a.llama, "vendor/llama.cpp/models/*.gguf"))):
            o = Oracle(lib, path)
            plain, full = [o.encode(t) for t in lines], [o.encode(t, True, True) for t in lines]
            f.write("%s|%s|%s|%s\n" % (os.path.basename(path), sums(plain), sums(full), " ".join(map(str, o.ends()))))
            o.close()


main()
