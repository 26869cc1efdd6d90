"""Writes tokenizers.zip and sums.json: small tokenizers of every kind, with the ids that the tokenizers library gives.

    VENV/bin/python make.py --smollm2 MODELS/onnx/hf      # tokenizers 0.23, transformers 5.23 for the forms of old

The tokenizers are trained here, on the texts of ../../testdata/hard.json (tokenizers.zip, a folder each), or have for a
vocabulary every two bytes with the rules in a scrambled order ("pre" in sums.json), so that any difference between two
pre-tokenizers shows. Sums are those of ../../testdata/pretoken.py: of the ids of 50 texts each.

The library's unigram trainer does not give the same vocabulary twice; the two files are always written together.
"plain" is without special tokens in the text, "special" with them, "full" with what stands around a text besides.
"""
import argparse
import hashlib
import json
import os
import struct
import sys
import zipfile

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = os.path.dirname(os.path.abspath(__file__))
SHARED = os.path.join(HERE, "..", "..", "testdata")
sys.path.insert(0, SHARED)
STEP = 50
BLANK = "\u2581"


def sums(all):
    out = []
    for i in range(0, len(all), STEP):
        flat = [x for row in all[i:i + STEP] for x in row + [-1]]
        out.append(hashlib.sha256(struct.pack("<%di" % len(flat), *flat)).hexdigest()[:8])
    return "%d %s" % (sum(map(len, all)), " ".join(out))


def ids(tok, lines, special=True, framed=False):
    tok.encode_special_tokens = not special
    return [tok.encode(s, add_special_tokens=framed).ids for s in lines]


# ---- pre-tokenizers of bytes

END = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
TAIL = r"|\s*[\r\n]+|\s+(?!\S)|\s+"
UP = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
LOW = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
CASED = "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-\u1f7dᾀ-ᾴᾶ-ᾼ\u1fbeῂ-ῄῆ-ῌῐ-\u1fd3ῖ-\u1fdbῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\u2126ℨ\u212a-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃"


def split(regex, behavior="Isolated", invert=False):
    return {"type": "Split", "pattern": {"Regex": regex}, "behavior": behavior, "invert": invert}


def digits(one):
    return {"type": "Digits", "individual_digits": one}


def level(regex=True, prefix=False):
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": regex}


def seq(*steps):
    return {"type": "Sequence", "pretokenizers": list(steps)}


RAW = level(False)
PRE = [
    level(), seq(split(GPT2), RAW), seq(split(r"'(?:[sdmt]|ll|ve|re)" + GPT2[GPT2.index("| ?"):]), RAW), level(prefix=True),
    seq(digits(True), level()), seq(split(r"\p{N}"), level()), seq(digits(True), split(GPT2), RAW),
    seq({"type": "Punctuation", "behavior": "Contiguous"}, level(), digits(False), split("[0-9][0-9][0-9]")),
    seq(split(END + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*" + TAIL), RAW),
    seq(split(END + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*" + TAIL, "Removed", True), RAW),
    seq(split(r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*" + TAIL), RAW),
    seq(split(END + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*" + TAIL), RAW),
    seq(split(r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"), RAW),
    seq(split(END + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*" + TAIL), RAW),
    seq(split(END + "|[^\r\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\r\n]+|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"), RAW),
    seq(split(r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*" + TAIL), RAW),
    seq(split(r"\p{N}{1,3}"), split(END + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*" + TAIL), RAW),
    seq(split(UP + "|" + LOW + r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + TAIL), RAW),
    seq(split(UP + END + "?|" + LOW + END + r"?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + TAIL, "Removed", True), RAW),
    seq(split("[\r\n]"), split(r"\s?[%s]+" % CASED), split(r"\s?[!-/:-~！-／：-～‘-‟　-。]+"), split(r"\s+$"), split("[一-龥ࠀ-一가-퟿]+"), digits(True), RAW),
    seq(split("[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"), split("[一-龥ࠀ-一가-퟿]+"), digits(True), RAW),
    seq(split(r"\p{N}{1,3}"), split("[一-龥぀-ゟ゠-ヿ]+"),
        split("[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"), RAW),
    seq(split(r" ?[^(\s|[.,!?…。，、।۔،])]+"), RAW), seq(split(r" ?[^(\s|.,!?…。，、।۔،)]+"), digits(True), RAW),
]


def stand_ins():
    keep = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    more = iter(range(256, 512))
    return [chr(b) if b in keep else chr(next(more)) for b in range(256)]


def dense(pre):
    unit, n = stand_ins(), 256
    tokens, merges = list(unit), []
    for i in range(n * n):
        j = i * 40503 % (n * n)
        merges.append((unit[j // n], unit[j % n]))
        tokens.append("".join(merges[-1]))
    tok = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, merges))
    d = json.loads(tok.to_str())
    d["pre_tokenizer"] = pre
    return Tokenizer.from_str(json.dumps(d))


# ---- trained tokenizers

ADDED = [AddedToken("<extra>", normalized=False), AddedToken("<mask>", lstrip=True, special=True), AddedToken("<|user|>", rstrip=True, special=True)]


def bpe(lines, pre, specials, norm=None, post=None, size=420, **model):
    tok = Tokenizer(models.BPE(**model))
    tok.pre_tokenizer = pre
    if norm:
        tok.normalizer = norm
    alphabet = pre_tokenizers.ByteLevel.alphabet() if not model.get("byte_fallback") and not model.get("unk_token") else []
    tok.train_from_iterator(lines, trainers.BpeTrainer(vocab_size=size, special_tokens=specials, initial_alphabet=alphabet, show_progress=False))
    return finish(tok, post)


def finish(tok, post, added=ADDED):
    d = json.loads(tok.to_str())  # bytes are special to the trainer only
    d["added_tokens"] = [a for a in d["added_tokens"] if a["content"] not in hexes()]
    tok = Tokenizer.from_str(json.dumps(d))
    tok.add_tokens(added)
    if post:
        first, last = post
        single = ([first] if first else []) + ["$A"] + ([last] if last else [])
        tok.post_processor = processors.TemplateProcessing(single=" ".join(single), special_tokens=[(t, tok.token_to_id(t)) for t in post if t])
    return tok


def regex(pattern):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def hexes():
    return ["<0x%02X>" % b for b in range(256)]


def table():
    import unicodedata
    chars = "\uff21\uff22\uff41\uff11\ufb01\ufb02\u2460\u00a0\u3000\u2003\u00bd\u00b2\u2167\uff0c\uff01"
    t = {c: unicodedata.normalize("NFKC", c) for c in chars}
    t.update({"A\u030a": "\u00c5", "e\u0301": "\u00e9", "\n": " ", "\t": " ", "\u00ad": "", "\x01": "", "x\u0301y": "XY"})
    return t


def precompiled():
    from families import charsmap
    return normalizers.Precompiled(bytes(charsmap(table())))


def unigram(lines, norm, pre, post=None, fallback=False, size=700):
    tok = Tokenizer(models.Unigram())
    tok.normalizer, tok.pre_tokenizer = norm, pre
    specials = ["<s>", "<pad>", "</s>", "<unk>"] + (hexes() if fallback else [])
    tok.train_from_iterator(lines[:150], trainers.UnigramTrainer(vocab_size=size + len(specials), special_tokens=specials[:4], unk_token="<unk>", show_progress=False))
    d = json.loads(tok.to_str())
    if fallback:
        d["model"]["vocab"] += [[h, 0.0] for h in hexes()]
        d["model"]["byte_fallback"] = True
    return finish(Tokenizer.from_str(json.dumps(d)), post)


def wordpiece(lines, size=500, **options):
    tok = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=20))
    tok.normalizer, tok.pre_tokenizer = normalizers.BertNormalizer(**options), pre_tokenizers.BertPreTokenizer()
    tok.train_from_iterator(lines, trainers.WordPieceTrainer(vocab_size=size, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], limit_alphabet=300, show_progress=False))
    return tok


def trained(lines):
    meta, n, p = pre_tokenizers.Metaspace, normalizers, pre_tokenizers
    spm = dict(byte_fallback=True, unk_token="<unk>", fuse_unk=True)
    head = ["<unk>", "<s>", "</s>"] + hexes()
    llama = n.Sequence([n.Prepend(BLANK), n.Replace(" ", BLANK)])
    yield "gpt2", bpe(lines, p.ByteLevel(add_prefix_space=False), ["<|endoftext|>"]), {}
    yield "gpt2-prefix", bpe(lines, p.ByteLevel(add_prefix_space=True), ["<|endoftext|>"]), {}
    yield "llama3", bpe(lines, regex(END + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*" + TAIL), ["<|begin_of_text|>", "<|eot_id|>"],
                        post=("<|begin_of_text|>", None), ignore_merges=True), {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"}
    yield "qwen2", bpe(lines, regex(END + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*" + TAIL), ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
                       norm=n.NFC()), {"eos_token": "<|im_end|>", "add_bos_token": False}
    tok = bpe(lines, p.ByteLevel(add_prefix_space=False), ["<s>", "<pad>", "</s>", "<unk>"])
    tok.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    yield "roberta", tok, {"bos_token": "<s>", "eos_token": "</s>"}
    yield "spm-prepend", bpe(lines, meta(prepend_scheme="never", split=True), head, size=650, norm=llama, post=("<s>", None), **spm), {"bos_token": "<s>", "eos_token": "</s>"}
    yield "spm-first", bpe(lines, meta(prepend_scheme="first", split=False), head, size=650, post=("<s>", None), **spm), {"bos_token": "<s>", "eos_token": "</s>"}
    yield "spm-always", bpe(lines, meta(), head, size=650, post=("<s>", "</s>"), **spm), {"bos_token": "<s>", "eos_token": "</s>"}
    yield "spm-gemma", bpe(lines, p.Split(" ", "merged_with_previous"), head + ["\n\n", "\n"], size=650, norm=n.Replace(" ", BLANK), post=("<s>", None), **spm), {"bos_token": "<s>"}
    yield "bpe-unknown", bpe(lines[:60], meta(), ["<unk>"], size=200, unk_token="<unk>", fuse_unk=False), {}
    yield "bpe-fused", bpe(lines[:60], meta(prepend_scheme="never", split=False), ["<unk>"], size=200, unk_token="<unk>", fuse_unk=True), {}
    yield "unigram-t5", unigram(lines, precompiled(), p.Sequence([p.WhitespaceSplit(), meta()]), (None, "</s>")), {"eos_token": "</s>"}
    yield "unigram-xlmr", unigram(lines, n.Sequence([precompiled(), n.Replace(Regex(" {2,}"), " ")]), meta(), ("<s>", "</s>")), {}
    yield "unigram-albert", unigram(lines, n.Sequence([n.Replace("``", '"'), n.NFKD(), n.StripAccents(), n.Lowercase(), n.Strip()]), meta(prepend_scheme="first")), {}
    yield "unigram-bytes", unigram(lines, n.NFKC(), p.Sequence([p.Digits(individual_digits=True), meta(split=False)]), fallback=True), {}
    for name, options in {"bert": {}, "bert-cased": dict(lowercase=False), "bert-accents": dict(strip_accents=False, clean_text=False), "bert-no-han": dict(handle_chinese_chars=False)}.items():
        yield name, finish(wordpiece(lines, **options), ("[CLS]", "[SEP]"), [AddedToken("<extra>")]), {"cls_token": "[CLS]", "sep_token": "[SEP]"}
    tok = wordpiece(lines)
    tok.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    yield "bert-old", tok, {}


def folder(z, name, files):
    for path, text in files.items():
        info = zipfile.ZipInfo(name + "/" + path, (2020, 1, 1, 0, 0, 0))
        info.compress_type = zipfile.ZIP_DEFLATED
        z.writestr(info, text)


def old_form(name, tok, config):
    """The same tokenizer in the files before tokenizer.json."""
    d = json.loads(tok.to_str())
    added = {str(a["id"]): {k: v for k, v in a.items() if k != "id"} for a in d["added_tokens"]}
    vocab = d["model"]["vocab"]
    if name in ("gpt2", "qwen2", "roberta"):
        kind = {"gpt2": "GPT2Tokenizer", "qwen2": "Qwen2Tokenizer", "roberta": "RobertaTokenizer"}[name]
        return {"vocab.json": json.dumps(vocab, ensure_ascii=False), "merges.txt": "#version: 0.2\n" + "".join(" ".join(r) + "\n" for r in d["model"]["merges"]),
                "tokenizer_config.json": json.dumps({"tokenizer_class": kind, **config, "added_tokens_decoder": added})}
    if name == "bert":
        return {"vocab.txt": "".join(w + "\n" for w in sorted(vocab, key=vocab.get)), "tokenizer_config.json": json.dumps({"tokenizer_class": "BertTokenizer"}),
                "added_tokens.json": json.dumps({"<extra>": len(vocab)})}
    return None


def through_transformers(files):
    import tempfile
    from transformers import AutoTokenizer
    with tempfile.TemporaryDirectory() as tmp:
        for path, text in files.items():
            open(os.path.join(tmp, path), "w").write(text)
        json.dump({"model_type": "bert" if "vocab.txt" in files else "gpt2"}, open(os.path.join(tmp, "config.json"), "w"))
        return AutoTokenizer.from_pretrained(tmp).backend_tokenizer


def record(out, every, name, tok, texts):
    plain, special, full = ids(tok, texts, False), ids(tok, texts), ids(tok, texts, True, True)
    every[name] = {"plain": plain, "special": special, "full": full}
    out["trained"][name] = {"plain": sums(plain), "special": sums(special), "full": sums(full)}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--smollm2", help="the folder hf of shared/models/make_onnx.py")
    p.add_argument("--ids", help="write all ids, to find a difference with (DETOX_TOKEN_IDS)")
    a = p.parse_args()
    lines = json.load(open(os.path.join(SHARED, "hard.json")))
    texts = lines + json.load(open(os.path.join(SHARED, "families.json")))["more"]
    out = {"pre": [], "trained": {}}
    for pre in PRE:
        got = ids(dense(pre), texts)
        out["pre"].append({"pre_tokenizer": pre, "sums": sums(got)})
    every = {}
    with zipfile.ZipFile(os.path.join(HERE, "tokenizers.zip"), "w") as z:
        for name, tok, config in trained(lines):
            d = json.loads(tok.to_str())
            if name == "gpt2":  # the form of old
                d["model"]["merges"] = [" ".join(r) for r in d["model"]["merges"]]
            folder(z, name, {"tokenizer.json": json.dumps(d, ensure_ascii=False), **({"tokenizer_config.json": json.dumps(config)} if config else {})})
            record(out, every, name, Tokenizer.from_str(json.dumps(d)), texts)
            old = old_form(name, tok, config)
            if old:
                folder(z, name + "-files", old)
                record(out, every, name + "-files", through_transformers(old), texts)
    with zipfile.ZipFile(os.path.join(HERE, "tokenizers.zip")) as z:
        assert len(out["trained"]) == len({n.split("/")[0] for n in z.namelist()})
    if a.smollm2:
        record(out, every, "smollm2", Tokenizer.from_file(os.path.join(a.smollm2, "tokenizer.json")), texts)
    with open(os.path.join(HERE, "sums.json"), "w") as f:
        f.write('{"pre": [\n%s\n],\n"trained": {\n%s\n}}\n' % (
            ",\n".join(json.dumps(r, ensure_ascii=False) for r in out["pre"]), ",\n".join("%s: %s" % (json.dumps(k), json.dumps(v)) for k, v in out["trained"].items())))
    if a.ids:
        json.dump({"texts": texts, "pre": [ids(dense(p), texts) for p in PRE], "trained": every}, open(a.ids, "w"))


if __name__ == "__main__":
    main()
