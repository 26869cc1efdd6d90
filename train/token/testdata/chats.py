"""Writes chats.json: what jinja2 3.1.6 makes of conversations with the templates of llama.cpp's folder models/templates.

    VENV/bin/python chats.py --llama LLAMA_CPP_PYTHON_SDIST --out .

The settings are those of transformers: blocks trimmed, loop controls, tojson without escapes, raise_exception; tools and documents are
none, and there is no strftime_now, so that a text does not depend on the day. Per template, for each conversation without and
with the prompt for an answer: the first 8 hex digits of the SHA-256 of the text, or "" where the template refuses or needs more.
"""
import argparse
import glob
import hashlib
import json
import os

import jinja2
import jinja2.ext
import jinja2.sandbox

CHATS = [
    [("user", "Hi there")],
    [("system", "Be brief."), ("user", "2+2?"), ("assistant", "4"), ("user", "  And 3 + 3 ?\n")],
    [("user", "It's <b>bold</b> & \"quoted\" \u00e9\U0001f600"), ("assistant", "Yes.\n\nReally: {x: 1}")],
    [("user", "a"), ("assistant", "<think>\nhm\n</think>\n\nb"), ("user", "c"), ("assistant", "d"), ("user", "e")],
]


def refuse(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def environment():
    env = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = refuse
    return env


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--llama", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--texts")
    a = p.parse_args()
    env, rows, texts = environment(), [], {}
    for path in sorted(glob.glob(os.path.join(a.llama, "vendor/llama.cpp/models/templates/*.jinja"))):
        name, out = os.path.basename(path), []
        source = open(path, encoding="utf-8", newline="").read()
        for chat in CHATS:
            for prompt in (False, True):
                try:
                    text = env.from_string(source).render(
                        messages=[{"role": r, "content": c} for r, c in chat], add_generation_prompt=prompt, tools=None, documents=None,
                        bos_token="<|endoftext|>", eos_token="<|im_end|>")
                    out.append(hashlib.sha256(text.encode()).hexdigest()[:8])
                except Exception as e:
                    text = repr(e)
                    out.append("")
                texts.setdefault(name, []).append(text)
        rows.append(json.dumps(name) + ": " + json.dumps(out))
    chats = json.dumps([[{"role": r, "content": c} for r, c in chat] for chat in CHATS])
    with open(os.path.join(a.out, "chats.json"), "w") as f:
        f.write('{"chats": %s,\n"templates": {\n%s\n}}\n' % (chats, ",\n".join(rows)))
    if a.texts:
        json.dump(texts, open(a.texts, "w"))


main()
