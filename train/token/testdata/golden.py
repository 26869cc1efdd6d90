"""Writes the golden files of train/token with llama.cpp's own tokenizer as oracle.

    VENV/bin/python golden.py --llama LLAMA_CPP_PYTHON_SDIST --models MODELS --data SHARED/data --out .

Oracle: libllama of llama-cpp-python 0.3.36 (llama.cpp 0.5.0-dev), through its Python bindings, the function that the
llama-tokenize tool calls; --check N compares N lines with that tool too.
Output, per model and corpus, `MODEL.CORPUS.txt`: for every line the number of tokens and the first 8 hex digits of the SHA-256 of
the ids as little-endian int32. `MODEL.edge.json`: awkward texts with their ids, plain and with special tokens parsed, and
what jinja2 makes of chats with the file's template. `templates.json`: chats with other templates, by jinja2 3.1.6.
"""
import argparse
import hashlib
import json
import os
import struct
import subprocess

from oracle import Oracle, bindings

MODELS = {
    "smollm2": "SmolLM2-135M-Instruct.Q4_1.gguf",
    "gemma3": "gemma-3-270m-q4_k_m.gguf",
}

EDGE = [
    "Hello", " Hello", "Hello ", "  Hello", "Hello   world", "a\tb", "a\n\nb", "\n", "\n\n\n", " ", "  ", "   \n  x", "x  \n", "x\r\ny",
    "1234567", " 1 22  333", "3.14159, 2,718", "x1y2z3", "\u00bd \u2167 \u0663\u0664", "1\u00b2",
    "it's we've I'll you'd I'm they're 'twas IT'S 'S", "'", "''s", "don't''t", "' s",
    "na\u00efve caf\u00e9 \u00dcber stra\u00dfe", "e\u0301 combining", "\u00e5ngstr\u00f6m", "\u4f60\u597d\u4e16\u754c", "\u3053\u3093\u306b\u3061\u306f", "\uc548\ub155",
    "\u0645\u0631\u062d\u0628\u0627", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", "\U0001f600\U0001f469\u200d\U0001f469\u200d\U0001f467", "a\u00a0b\u3000c\u2003d", "\u2581 low line", "\u2581\u2581x",
    "!!! ?!? ... -- \u2014 \u201cquoted\u201d", "foo_bar(baz[0]) == {x: 'y'};", "https://example.org/a?b=c&d=e#f", "#hashtag @name $5 50% a+b=c ~^|`",
    "<|im_start|>user\nhi<|im_end|>", "<|endoftext|>", "<bos>", "<start_of_turn>user\nhi<end_of_turn>\n", "</s>", "<b>bold</b> <table><tr><td>", "<unused5>", "[multimodal]",
    "<0x41>", "\x00\x01\x7f", "\ufffd", "\U0010ffff", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "                                        end",
    "\n" * 40, " \n \n ", "tab\t\t\ttabs", "mixed \t \n whitespace", "\u0085next line", "supercalifragilisticexpialidocious", "ThisIsCamelCase",
]

TEMPLATES = {
    # After the manner of Gemma: the system turn becomes part of the first user turn, roles must alternate.
    "turns": """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- set prefix = messages[0]['content'] + '\n\n' -%}
    {%- set rest = messages[1:] -%}
{%- else -%}
    {%- set prefix = "" -%}
    {%- set rest = messages -%}
{%- endif -%}
{%- for message in rest -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception("roles must alternate") }}
    {%- endif -%}
    {%- if message['role'] == 'assistant' -%}{%- set role = "model" -%}{%- else -%}{%- set role = message['role'] -%}{%- endif -%}
    {{ '<start_of_turn>' + role + '\n' }}{{ prefix if loop.first else "" }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- endif -%}
    {{ '<end_of_turn>\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{ '<start_of_turn>model\n' }}
{%- endif -%}
""",
    # Blocks on lines of their own, attributes instead of items, a namespace, the last turn treated apart.
    "blocks": """{# a comment #}
{% set ns = namespace(system=false) %}
{% for m in messages %}
    {% if m.role == 'system' %}
        {% set ns.system = true %}
    {% endif %}
[{{ loop.index }}/{{ messages | length }} {{ m.role | upper }}] {{ m.content }}{{ eos_token if not loop.last else '' }}
{% endfor %}
{% if not ns.system and add_generation_prompt %}
[NO SYSTEM]
{% endif %}
""",
}

CHATS = [
    [("user", "Hi there")],
    [("system", "Be brief."), ("user", "2+2?"), ("assistant", "4"), ("user", "  And 3 + 3 ?\n")],
    [("user", "It's <b>bold</b> & \"quoted\" \u00e9\U0001f600")],
]


def corpora(data):
    wiki = [l for l in open(os.path.join(data, "wikitext-2/test.txt"), newline="\n").read().split("\n") if l.strip()]
    rows = open(os.path.join(data, "paradetox/pairs.tsv"), newline="\n").read().split("\n")[1:501]
    pairs = [cell for row in rows for cell in row.split("\t")[:2]]
    return {"wikitext": wiki[:1000], "paradetox": pairs}


def line_hash(ids):
    return "%d %s" % (len(ids), hashlib.sha256(struct.pack("<%di" % len(ids), *ids)).hexdigest()[:8])


def check(tool, path, text, ids):
    shown = subprocess.run([tool, "-m", path, "--ids", "--no-bos", "--no-parse-special", "--no-escape", "--stdin"], input=text.encode(),
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    assert json.loads(shown) == ids, (text, shown, ids)


def chats(path):
    """The file's template rendered by jinja2, with the settings of transformers."""
    import gguf
    import jinja2.sandbox
    fields = gguf.GGUFReader(path).fields
    if "tokenizer.chat_template" not in fields:
        return []
    tokens = fields["tokenizer.ggml.tokens"]
    text = lambda key: tokens.contents(int(fields[key].contents()))
    env = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    template = env.from_string(fields["tokenizer.chat_template"].contents())
    out = []
    for chat in CHATS:
        messages = [{"role": r, "content": c} for r, c in chat]
        for prompt in (False, True):
            rendered = template.render(messages=messages, add_generation_prompt=prompt,
                                       bos_token=text("tokenizer.ggml.bos_token_id"), eos_token=text("tokenizer.ggml.eos_token_id"))
            out.append({"messages": messages, "prompt": prompt, "text": rendered})
    return out


def handmade():
    """The chats rendered with TEMPLATES, for a vocabulary whose bos is <|endoftext|> and whose eos is <|im_end|>."""
    import jinja2.sandbox
    env = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    out = []
    for source in TEMPLATES.values():
        for chat in CHATS:
            messages = [{"role": r, "content": c} for r, c in chat]
            for prompt in (False, True):
                rendered = env.from_string(source).render(messages=messages, add_generation_prompt=prompt, bos_token="<|endoftext|>", eos_token="<|im_end|>")
                out.append({"template": source, "messages": messages, "prompt": prompt, "text": rendered})
    return out


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--llama", required=True)
    p.add_argument("--models", required=True)
    p.add_argument("--data", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--check", type=int, default=5)
    a = p.parse_args()
    with open(os.path.join(a.out, "templates.json"), "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(c) for c in handmade()) + "\n]\n")
    lib = bindings(a.llama)
    tool = os.path.join(a.llama, "vendor/llama.cpp/build/bin/llama-tokenize")
    for name, file in MODELS.items():
        path = os.path.join(a.models, file)
        oracle = Oracle(lib, path)
        for corpus, lines in corpora(a.data).items():
            with open(os.path.join(a.out, f"{name}.{corpus}.txt"), "w") as f:
                for line in lines:
                    f.write(line_hash(oracle.encode(line)) + "\n")
            for line in lines[::max(1, len(lines) // max(1, a.check))]:
                check(tool, path, line, oracle.encode(line))
        edge = [{"text": t, "plain": oracle.encode(t), "special": oracle.encode(t, True)} for t in EDGE]
        rows = ",\n  ".join(json.dumps(e) for e in edge)
        chat = ",\n  ".join(json.dumps(c) for c in chats(path))
        with open(os.path.join(a.out, f"{name}.edge.json"), "w") as f:
            f.write('{"ends": %s,\n "edge": [\n  %s\n ],\n "chat": [\n  %s\n ]}\n' % (json.dumps(oracle.ends()), rows, chat))


main()
