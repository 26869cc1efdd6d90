#!/usr/bin/env python3
"""Makes arch/NAME.gguf and arch/NAME.json, small random models of every architecture and their goldens.

    make_arch.py --llama DIR [NAME ...]

DIR is llama.cpp's source. Each model is made by transformers, its matrices rounded to float16, converted by llama.cpp's
convert_hf_to_gguf.py with a vocabulary of bytes, and run by PyTorch in float64. NAME.json: ids; logits at some positions
and vocabulary entries; loss = mean cross-entropy of next tokens; grad = per block the Frobenius norm of the gradient of the
matrix that is ffn_down in the file, and some entries of it (row, column, value).
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

V, D, F, L, T = 288, 32, 64, 2, 40

BASE = dict(vocab_size=V, hidden_size=D, intermediate_size=F, num_hidden_layers=L, num_attention_heads=4, bos_token_id=256,
            eos_token_id=257, pad_token_id=None, max_position_embeddings=128, tie_word_embeddings=False)
GQA = dict(BASE, num_key_value_heads=2)

# name: (config class, arguments, path of the matrix that is ffn_down in the file)
MODELS = {
    "llama": ("LlamaConfig", dict(GQA, rope_parameters={
        "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 32}, attention_bias=True), "mlp.down_proj"),
    "mistral": ("MistralConfig", dict(GQA, sliding_window=None, intermediate_size=256), "mlp.down_proj"),
    "qwen2": ("Qwen2Config", dict(GQA), "mlp.down_proj"),
    "qwen3": ("Qwen3Config", dict(GQA, head_dim=16), "mlp.down_proj"),
    "olmo2": ("Olmo2Config", dict(GQA), "mlp.down_proj"),
    "granite": ("GraniteConfig", dict(GQA, embedding_multiplier=3.0, residual_multiplier=0.4, attention_multiplier=0.2,
                                      logits_scaling=2.5), "mlp.down_proj"),
    "gemma": ("GemmaConfig", dict(GQA, tie_word_embeddings=True, head_dim=16), "mlp.down_proj"),
    "gemma2": ("Gemma2Config", dict(GQA, tie_word_embeddings=True, head_dim=16, query_pre_attn_scalar=16, sliding_window=16,
                                    attn_logit_softcapping=5.0, final_logit_softcapping=4.0), "mlp.down_proj"),
    # The factor is on blocks with a window too.
    "gemma2linear": ("Gemma2Config", dict(GQA, tie_word_embeddings=True, head_dim=16, query_pre_attn_scalar=16, sliding_window=16,
                                          rope_parameters={"rope_type": "linear", "rope_theta": 100.0, "factor": 2.5}), "mlp.down_proj"),
    "phi3": ("Phi3Config", dict(GQA, original_max_position_embeddings=1024, max_position_embeddings=2048, rope_parameters={
        "rope_type": "longrope", "rope_theta": 10000.0, "short_factor": [1.0, 1.1, 1.3, 1.7], "long_factor": [2.0, 3.0, 4.0, 5.0],
        "original_max_position_embeddings": 1024}), "mlp.down_proj"),
    # Sequences of 40 are beyond the original context of 32.
    "phi3long": ("Phi3Config", dict(GQA, original_max_position_embeddings=32, rope_parameters={
        "rope_type": "longrope", "rope_theta": 10000.0, "short_factor": [1.0, 1.1, 1.3, 1.7], "long_factor": [2.0, 3.0, 4.0, 5.0],
        "original_max_position_embeddings": 32}), "mlp.down_proj"),
    # With this base and original context the ramp of YaRN covers all four pairs, and three of four.
    "llamayarn": ("LlamaConfig", dict(GQA, rope_parameters={
        "rope_type": "yarn", "rope_theta": 100.0, "factor": 4.0, "original_max_position_embeddings": 256}), "mlp.down_proj"),
    "qwen2yarn": ("Qwen2Config", dict(GQA, rope_parameters={
        "rope_type": "yarn", "rope_theta": 100.0, "factor": 8.0, "original_max_position_embeddings": 1024, "beta_fast": 32.0,
        "beta_slow": 1.0}), "mlp.down_proj"),
    "qwen3yarn": ("Qwen3Config", dict(GQA, head_dim=16, rope_parameters={
        "rope_type": "yarn", "rope_theta": 1000.0, "factor": 4.0, "original_max_position_embeddings": 512}), "mlp.down_proj"),
    "llamalinear": ("LlamaConfig", dict(GQA, rope_parameters={"rope_type": "linear", "rope_theta": 100.0, "factor": 3.0}), "mlp.down_proj"),
    "mixtral": ("MixtralConfig", dict(GQA, sliding_window=None, num_local_experts=4, num_experts_per_tok=2), "mlp.experts.down_proj"),
    "qwen3moe": ("Qwen3MoeConfig", dict(GQA, head_dim=16, num_experts=6, num_experts_per_tok=3, moe_intermediate_size=32,
                                        norm_topk_prob=True, decoder_sparse_step=1), "mlp.experts.down_proj"),
    "gpt2": ("GPT2Config", dict(vocab_size=V, n_embd=D, n_layer=L, n_head=4, n_positions=512, n_inner=4 * D, bos_token_id=256,
                                eos_token_id=257), "mlp.c_proj"),
    "starcoder2": ("Starcoder2Config", dict(GQA, sliding_window=None, use_bias=True), "mlp.c_proj"),
    "gptneox": ("GPTNeoXConfig", dict(BASE, rotary_pct=0.5, hidden_act="gelu_new"), "mlp.dense_4h_to_h"),
    "stablelm": ("StableLmConfig", dict(GQA, partial_rotary_factor=0.5, use_qkv_bias=True), "mlp.down_proj"),
    "falcon": ("FalconConfig", dict(vocab_size=V, hidden_size=D, ffn_hidden_size=4 * D, num_hidden_layers=L, num_attention_heads=4,
                                    multi_query=True, parallel_attn=True, bias=False, alibi=False, bos_token_id=256,
                                    eos_token_id=257, activation="gelu_new", max_position_embeddings=128), "mlp.dense_4h_to_h"),
}

# Keys that the converter reads and transformers no longer writes, or writes otherwise, by model_type.
PATCHES = {"gpt2": {"n_ctx": 512}, "gpt_neox": {"rotary_pct": 0.5}, "falcon": {"num_kv_heads": 1}}


def bytes_to_unicode():
    bs = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    cs, n = bs[:], 0
    for b in range(256):
        if b not in bs:
            bs.append(b)
            cs.append(256 + n)
            n += 1
    return dict(zip(bs, map(chr, cs)))


def set_vocab(self):
    table = bytes_to_unicode()
    tokens = [table[b] for b in range(256)] + ["<s>", "</s>"] + ["th"] + ["[unused%d]" % i for i in range(V - 259)]
    types = [1] * 256 + [3, 3, 1] + [5] * (V - 259)
    w = self.gguf_writer
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("gpt-2")
    w.add_token_list(tokens)
    w.add_token_types(types)
    w.add_token_merges(["t h"])
    w.add_bos_token_id(256)
    w.add_eos_token_id(257)
    w.add_add_bos_token(False)
    rope = self.hparams.get("rope_parameters") or {}
    if self.hparams.get("model_type") == "gemma2" and "factor" in rope:  # the converter leaves it out
        import gguf
        w.add_rope_freq_base(rope["rope_theta"])
        w.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        w.add_rope_scaling_factor(rope["factor"])


def convert(llama, source, target, outtype="f16"):
    """Runs llama.cpp's converter with this vocabulary; called in a process of its own."""
    sys.path[:0] = [llama, os.path.join(llama, "gguf-py")]
    import convert_hf_to_gguf as c
    find = c.get_model_class

    def patched(*a, **k):
        cls = find(*a, **k)

        def init(self, *a, **k):
            cls.__init__(self, *a, **k)
            self.hparams.update(PATCHES.get(self.hparams.get("model_type"), {}))

        return type(cls.__name__, (cls,), {"__init__": init, "set_vocab": set_vocab, "model_arch": cls.model_arch})

    c.get_model_class = patched
    sys.argv = ["convert", source, "--outfile", target, "--outtype", outtype]
    c.main()


def build(name, folder):
    import torch
    import transformers
    cls, args, down = MODELS[name]
    config = getattr(transformers, cls)(**args)
    torch.manual_seed(sum(map(ord, name)))
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32).eval()
    if "experts" in down:
        model.set_experts_implementation("eager")
    with torch.no_grad():
        for key, p in model.named_parameters():
            if p.dim() > 1:
                p.normal_(0, 0.25)
                p.copy_(p.half().float())
            elif key.endswith("bias"):
                p.normal_(0, 0.2)
            else:
                p.add_(0.1 * torch.randn_like(p))
    model.save_pretrained(folder)
    return model.double(), down


def layers(model):
    for m in model.modules():
        if type(m).__name__ == "ModuleList" and len(m) == L:
            return m
    raise SystemExit("no blocks")


def golden(model, down):
    import torch
    import torch.nn.functional as fn
    g = torch.Generator().manual_seed(5)
    ids = torch.randint(0, 256, (1, T), generator=g)
    weights = []
    for block in layers(model):
        m = block
        for part in down.split("."):
            m = getattr(m, part)
        # The experts of a block are one parameter of three dimensions.
        weights.append((getattr(m, "weight", m), type(m).__name__ == "Conv1D"))
    logits = model(input_ids=ids, use_cache=False).logits[0]
    loss = fn.cross_entropy(logits[:-1], ids[0, 1:])
    loss.backward()
    at, entries = [0, 1, 7, 15, 16, 25, T - 1], list(range(0, V, 17))
    grads = []
    for w, transposed in weights:
        gw = w.grad.T if transposed else w.grad.reshape(-1, w.shape[-1])
        picks = [(int(torch.randint(0, gw.shape[0], (1,), generator=g)), int(torch.randint(0, gw.shape[1], (1,), generator=g)))
                 for _ in range(12)]
        grads.append({"norm": gw.norm().item(), "entries": [[r, c, gw[r, c].item()] for r, c in picks]})
    return {"ids": ids[0].tolist(), "at": at, "entries": entries, "loss": loss.item(),
            "logits": [[round(logits[t, v].item(), 6) for v in entries] for t in at], "grad": grads}


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--llama", required=True)
    ap.add_argument("--convert", nargs=2)
    ap.add_argument("names", nargs="*")
    o = ap.parse_args()
    if o.convert:
        return convert(o.llama, *o.convert)
    import torch
    import transformers
    out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "arch")
    os.makedirs(out, exist_ok=True)
    for name in o.names or MODELS:
        with tempfile.TemporaryDirectory() as tmp:
            model, down = build(name, tmp)
            target = os.path.join(out, name + ".gguf")
            r = subprocess.run([sys.executable, __file__, "--llama", o.llama, "--convert", tmp, target], capture_output=True, text=True)
            if r.returncode:
                print(name, "FAILED", r.stderr[-1500:])
                continue
            record = golden(model, down)
            record["versions"] = "torch %s, transformers %s" % (torch.__version__, transformers.__version__)
            with open(os.path.join(out, name + ".json"), "w") as f:
                json.dump(record, f, separators=(",", ":"))
                f.write("\n")
            print(name, os.path.getsize(target), "loss %.4f" % record["loss"])


if __name__ == "__main__":
    main()
