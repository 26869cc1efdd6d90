"""Writes the golden ids of all pre-tokenizers with llama.cpp's own tokenizer as oracle.

    VENV/bin/python pretoken.py --llama LLAMA_CPP_PYTHON_SDIST --out .

Oracle: libllama of llama-cpp-python 0.3.36, as in golden.py. `hard.json`: texts of characters that pre-tokenizers tell
apart, some written, most drawn at random. `pretoken.txt`: for each value of tokenizer.ggml.pre, on the vocabulary of dense() with
this value, the number of ids of all texts and, for each STEP texts, the first 8 hex digits of the SHA-256 of the ids as
little-endian int32, every text followed by -1. The test builds the same vocabulary.

In the dense vocabulary every two bytes make a token, and the rules stand in a scrambled order, so that a boundary between
words that is moved shows in the ids about every second time.

--seed, --count and --ids are for comparing more: other texts, and a JSON file with all the ids.
"""
import argparse
import hashlib
import json
import os
import random
import re
import struct
import tempfile

import gguf

from oracle import Oracle, bindings

STEP = 50

WRITTEN = [
    "", " ", "  ", "   ", "\n", "\r\n", "\n\n\n", " \n", "\n ", "  \n\n  x", "x  \n", "\t\tx", "a\tb", "   a", "a   ", "a    b", "a  \n  b", " \r\n \r\n x",
    "it's we've I'll you'd I'm they're 'twas IT'S 'S we'LL He'Re 'rE 'Ve", "'", "''s", "don't''t", "' s", "'s's", "x'", "'\u017f", "O\u2019Neil's",
    "1234567", "1", "12", "123", "1234", "a1b22c333d4444e55555", " 1 22  333", "3.14159, 2,718", "x1y2z3", "\u00bd \u2167 \u0663\u0664\u0665\u0666", "1\u00b2\u00b3",
    "007 1000000 12345678901234567890", "\u0967\u0968\u0969\u096a\u096b", "12\u0663\u066434", "(123)456-7890", "$1,234.56", "abc123def4567", "  42", "a 1", "v1.2.3",
    "na\u00efve caf\u00e9 \u00dcber stra\u00dfe", "e\u0301 n\u0303o cafe\u0301s", "\u0301x", " \u0301", "\u0301\u0301", "!\u0301a", "\u0939\u093f\u0928\u094d\u0926\u0940 \u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22", "\u0645\u064e\u0631\u0652\u062d\u064e\u0628\u064b\u0627",
    "\u4f60\u597d\u4e16\u754c\uff0c\u6211\u662f\u3002", "\u3053\u3093\u306b\u3061\u306f\u30ab\u30bf\u30ab\u30ca", "\uc548\ub155\ud558\uc138\uc694 \u3131\u3134", "\u4e2dA\u6587b1\u5b57", "\u3105\u3106\u3107\u02ca", "\uf900\u8c48\u9fa6\u9fff\u4dbf", "\U00020000\U0002a6df\U0002f800",
    "\u1ba9\u1780\u17b6\u1000\u102c\uaa60\u0e81", "\uff21\uff22\uff41\uff11\uff0c\uff01\uff5e", "\u300c\u5f15\u7528\u300d\u2026\u2014\u2014\u201c\u201d",
    "\U0001f600\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea", " \U0001f600", "a\U0001f600b", "\u00a0x", "a\u00a0b\u3000c\u2003d\u1680e", "\u2003\u2003x", "\u3000\u3000\u4f60", "\u0085x", "\u2028\u2029y",
    "HTTPServer iPhone McDonald ABCdef abcDEF ABC", "\u00c9COLE \u00e9cole \u00c9cole \u00c9A \u00e9A A\u00e9B", "\u01c5x \u01c8\u01cb", "\u02b0x \u02c6", "AB\u00e9CD EF", "\u0130\u0131", "\u10d0\u1c90\u10a0", "X\u0301Y\u0301z",
    "foo_bar(baz[0]) == {x: 'y'};", "https://example.org/a?b=c&d=e#f", "//comment\n/* x */\n", "!!!\n\n", "?!\r\n", "...//\n/", "#hashtag @name $5 50% a+b=c ~^|`", "a.b,c;d:e!f?g", "-word _word .word (word", "\"Quoted\" 'single'", "<b>x</b>", "= = ==", "\u20ac5 \u00a35 \u00a9\u00ae\u2122 \u221a2 \u2260",
    "<sentinel:12>", "<sentinel:>", "<sentinel:1", "IMGIMGABCDZ", "IMGIMGABCDEZ", "IMGIMGZ", "    \t  \n   ", "|pipe|(paren)", "\u0964\u06d4\u060c\u3001\u3002", "a\u2026b",
    "\x00", "\x00a", "a\x01\x7f", "\x1c\x1d\x1e\x1f", "\x0b\x0c", "\ufeffBOM", "\ufffd", "\u200b\u200c\u200d", "\ue000\uf8ff", "\U0010ffff", "\u0378", "\u2581 low \u2581\u2581line", "\u00ad-\u2010",
    " " * 3 + "x", " " * 4 + "x", " " * 5 + "x", " " * 8, " " * 9 + "x", " " * 17 + "y", " " * 300 + "z", " " * 513 + "z", " " * 514 + "z", " " * 1100, "\u3000" * 513 + "z", "\u00a0" * 511, "\u2003" * 260, "\n" * 20, "=" * 40, "ab" * 30, "9" * 100, "the hello world 123 \n\n",
]

POOLS = [
    "abcxyzstmdrevl", "ABCXYZSTMDREVL", " ", "  ", "\n", "\r", "\t", "0123456789", "'", "'\u2019`\"", ".,;:!?-_/()[]{}@#$%^&*+=<>~|\\",
    "\u00e9\u00c9\u00df\u0130\u01c5\u02b0\u00aa\u01bb", "\u0301\u0308\u093f\u0e34\u20dd\ufe0f", "\u4e00\u9fa5\u9fa6\u4e16\u754c\u3400\uf900", "\u3042\u30a2\u30fb\u30fc\u3131\uac00\u3105", "\u0661\u0967\u00b2\u00bd\u2167\uff11\u3007",
    "\uff0c\u3002\uff01\u2026\u2014\u201c\u3001\u300a\ufe30", "\u00a0\u3000\u2003\u2028\u0085\u1680", "\u20ac\u00a9\u221e\u2190\U0001f600\u200d\U0001f3fd", "\x00\x01\x1f\x7f\u200b\u00ad\ufeff\ue000\u0378\ufffd", "\u0434\u0416\u03b1\u03a9\u0561\u10d0\u13a0\u1c90\U00010400",
    "\u0e01\u0e81\u1780\u1000\uaa60\u1100\u0915\u0627", "\u060c\u06d4\u0964\u061f\u05d0\u07c0",
]


def names(llama):
    """All values that llama.cpp compares the key with."""
    text = open(os.path.join(llama, "vendor/llama.cpp/src/llama-vocab.cpp"), encoding="utf-8").read()
    return sorted(set(re.findall(r'tokenizer_pre == "([^"]+)"', text)))


def borders(llama):
    """Texts of the characters at the ends of the ranges in llama.cpp's expressions, and of their neighbours."""
    text = open(os.path.join(llama, "vendor/llama.cpp/src/llama-vocab.cpp"), encoding="utf-8").read()
    text = text[text.index("struct llm_tokenizer_bpe :"):text.index("struct llm_tokenizer_bpe_session")]
    ends = {ord(c) for c in text if ord(c) > 127}
    near = sorted(c for c in {e + d for e in ends for d in (-1, 0, 1)} if not 0xd800 <= c < 0xe000)
    return ["".join(chr(c) + "a1"[i % 2] for i, c in enumerate(near[n:n + 12])) for n in range(0, len(near), 12)]


def texts(seed, count, llama):
    r = random.Random(seed)
    out = WRITTEN + borders(llama) if seed == 1 else []
    while len(out) < count:
        s, own = "", r.sample(POOLS, r.choice([2, 3, 4, 6, len(POOLS)]))
        for _ in range(r.randint(1, 14)):
            if r.random() < 0.5:
                s += r.choice(r.choice(own)) * r.choice([1, 1, 1, 2, 3, 4, 7])
            else:
                pool = r.choice(own)
                s += "".join(r.choice(pool) for _ in range(r.randint(1, 6)))
        out.append(s)
    return out


def stand_in(b):
    if b <= 32:
        return chr(256 + b)
    if 127 <= b <= 160:
        return chr(0x121 + b - 127)
    return chr(0x143) if b == 173 else chr(b)


def dense(byte_level):
    """Tokens, their types and the rules."""
    if byte_level:
        unit = [stand_in(b) for b in range(256)]
        words = ["\u0120the", "hello", "\u00e4\u00b8\u0138\u00e7\u0137\u012e", "\u010a\u010a\u010a", "123", "\u0120\u0120\u0120", "ABC", "12345"]
    else:
        unit = list("abcxyzstmdrevlABCXYZ0123456789.,!\u2581\n") + ["\u00e9", "\u4e16", "\u754c", "\U0001f600"]
        words = ["\n\n\n", "hello", "\u2581the"]
    n = len(unit)
    tokens = ["<unk>", "<s>", "</s>"] + unit
    types = [2, 3, 3] + [1] * n
    if not byte_level:
        tokens += ["<0x%02X>" % b for b in range(256)]
        types += [6] * 256
    merges = []
    for i in range(n * n):
        j = i * 40503 % (n * n) if n == 256 else i * 1009 % (n * n)
        a, b = unit[j // n], unit[j % n]
        merges.append(a + " " + b)
        if a + b not in words:
            tokens.append(a + b)
            types.append(1)
    tokens += words + ["<extra>", "<|im_end|>"]
    types += [1] * len(words) + [4, 3]
    return tokens, types, merges


RAW = {"gemma4", "granite-embed-multi-311m", "sarvam-moe", "whitespace"}


def write(path, pre, vocabs):
    tokens, types, merges = vocabs[pre not in RAW]
    w = gguf.GGUFWriter(path, "llama")
    w.add_tokenizer_model("whitespace" if pre == "whitespace" else "gpt2")
    w.add_tokenizer_pre(pre)
    w.add_token_list(tokens)
    w.add_token_types(types)
    w.add_token_merges(merges)
    w.add_bos_token_id(1)
    w.add_eos_token_id(2)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.close()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--llama", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--count", type=int, default=550)
    p.add_argument("--ids")
    a = p.parse_args()
    lib = bindings(a.llama)
    lines = texts(a.seed, a.count, a.llama)
    with open(os.path.join(a.out, "hard.json"), "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(t) for t in lines) + "\n]\n")
    vocabs = {b: dense(b) for b in (True, False)}
    every = {}
    with open(os.path.join(a.out, "pretoken.txt"), "w") as f, tempfile.TemporaryDirectory() as tmp:
        for name in names(a.llama):
            path = os.path.join(tmp, "v.gguf")
            write(path, name, vocabs)
            oracle = Oracle(lib, path)
            ids = [oracle.encode(t) for t in lines]
            oracle.close()
            if a.ids:
                every[name] = ids
            sums = []
            for i in range(0, len(ids), STEP):
                flat = [x for row in ids[i:i + STEP] for x in row + [-1]]
                sums.append(hashlib.sha256(struct.pack("<%di" % len(flat), *flat)).hexdigest()[:8])
            f.write("%s %d %s\n" % (name, sum(map(len, ids)), " ".join(sums)))
    if a.ids:
        json.dump(every, open(a.ids, "w"))


main()
