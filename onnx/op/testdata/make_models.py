#!/usr/bin/env python3
"""Makes models.zip: small random language models and classifiers as torch exports them and as onnxruntime's optimizer for transformers
rewrites them, with onnxruntime's results of the graph as it stands. In the form of nodes.zip, see make_nodes.py.

    make_models.py        (torch 2.15.0, transformers 5.23.0, onnxscript 0.7.2, onnx 1.23.2, onnxruntime 1.32.0, Python 3.11)

NAME-ts is of the TorchScript exporter (opset 14 or 17), NAME-ex of torch.export (opset 18), NAME-sdpa of torch.export (opset 23), NAME-opt the
first one rewritten.
"""
import io
import os
import sys
import tempfile
import warnings
import zipfile
from contextlib import redirect_stderr, redirect_stdout

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")
import numpy as np
import onnx
import onnxruntime as ort
import torch
import transformers as hf
from onnx import numpy_helper

HERE = os.path.dirname(os.path.abspath(__file__))
BASE = dict(vocab_size=40, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=24, max_position_embeddings=32)
CLASS = dict(BASE, num_labels=3, pad_token_id=1)
LM = dict(BASE, num_key_value_heads=1, head_dim=8, pad_token_id=0, bos_token_id=1, eos_token_id=2)
# name: (configuration, class, inputs, model type of the optimizer)
MODELS = {
    "bert": (hf.BertConfig(**CLASS), hf.BertForSequenceClassification, 3, "bert"),
    "distilbert": (hf.DistilBertConfig(vocab_size=40, dim=16, n_layers=1, n_heads=2, hidden_dim=24, max_position_embeddings=32, num_labels=3), hf.DistilBertForSequenceClassification, 2, "bert"),
    "roberta": (hf.RobertaConfig(**CLASS), hf.RobertaForSequenceClassification, 2, "bert"),
    "albert": (hf.AlbertConfig(**dict(CLASS, embedding_size=8)), hf.AlbertForSequenceClassification, 3, None),
    "deberta": (hf.DebertaV2Config(**dict(CLASS, relative_attention=True, position_buckets=4, pos_att_type=["p2c", "c2p"], share_att_key=True, norm_rel_ebd="layer_norm", type_vocab_size=0)),
                hf.DebertaV2ForSequenceClassification, 2, None),
    "gpt2": (hf.GPT2Config(vocab_size=40, n_positions=32, n_embd=16, n_layer=1, n_head=2), hf.GPT2LMHeadModel, 2, "gpt2"),
    "llama": (hf.LlamaConfig(**LM), hf.LlamaForCausalLM, 2, None),
    "qwen2": (hf.Qwen2Config(**{k: v for k, v in LM.items() if k != "head_dim"}), hf.Qwen2ForCausalLM, 2, None),
    "qwen3": (hf.Qwen3Config(**LM), hf.Qwen3ForCausalLM, 2, None),
    "gemma2": (hf.Gemma2Config(**dict(LM, num_hidden_layers=2, sliding_window=3, query_pre_attn_scalar=8)), hf.Gemma2ForCausalLM, 2, None),
    "gemma3": (hf.Gemma3TextConfig(**dict(LM, num_hidden_layers=2, sliding_window=3, query_pre_attn_scalar=8, layer_types=["sliding_attention", "full_attention"])), hf.Gemma3ForCausalLM, 2, None),
    "phi": (hf.PhiConfig(**{k: v for k, v in LM.items() if k not in ("num_key_value_heads", "head_dim")}), hf.PhiForCausalLM, 2, None),
    "phi3": (hf.Phi3Config(**{k: v for k, v in LM.items() if k != "head_dim"}), hf.Phi3ForCausalLM, 2, None),
    "neox": (hf.GPTNeoXConfig(**BASE), hf.GPTNeoXForCausalLM, 2, None),
    "falcon": (hf.FalconConfig(vocab_size=40, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, new_decoder_architecture=True, num_kv_heads=1, alibi=False), hf.FalconForCausalLM, 2, None),
    "olmo2": (hf.Olmo2Config(**{k: v for k, v in LM.items() if k != "head_dim"}), hf.Olmo2ForCausalLM, 2, None),
}


class Logits(torch.nn.Module):
    def __init__(self, m, n):
        super().__init__()
        self.m, self.n = m, n

    def forward(self, input_ids, attention_mask, token_type_ids=None):
        extra = {"token_type_ids": token_type_ids} if self.n == 3 else {}
        if "CausalLM" in type(self.m).__name__ or "LMHead" in type(self.m).__name__:
            extra["use_cache"] = False
        return self.m(input_ids=input_ids, attention_mask=attention_mask, **extra).logits


def quiet(f):
    log = io.StringIO()
    with warnings.catch_warnings(), redirect_stdout(log), redirect_stderr(log), torch.no_grad():
        warnings.simplefilter("ignore")
        return f()


def strip(m):
    for n in m.graph.node:
        del n.metadata_props[:]
        n.doc_string = ""
    del m.graph.value_info[:]
    del m.metadata_props[:]
    return m


def variants(name, model, n, kind, folder):
    ids = torch.tensor([[5, 7, 30, 11, 9], [4, 8, 15, 3, 3]])
    args = [ids, torch.ones_like(ids), torch.zeros_like(ids)][:n]
    names = ["input_ids", "attention_mask", "token_type_ids"][:n]
    dyn = {k: {0: "batch", 1: "sequence"} for k in names}
    w, path = Logits(model, n).eval(), os.path.join(folder, "m.onnx")

    def ts(opset):
        model.set_attn_implementation("eager")
        torch.onnx.export(w, tuple(args), path, input_names=names, output_names=["logits"], opset_version=opset, dynamo=False, dynamic_axes=dyn)
        return onnx.load(path)

    def ex(opset, attn):
        model.set_attn_implementation(attn)
        d = {k: torch.export.Dim(k) for k in ("batch", "sequence")}
        p = torch.onnx.export(w, tuple(args), None, input_names=names, output_names=["logits"], opset_version=opset, dynamo=True,
                              dynamic_shapes={k: {0: d["batch"], 1: d["sequence"]} for k in names})
        p.save(path)
        return onnx.load(path)

    def opt():
        from onnxruntime.transformers.optimizer import optimize_model
        ts(17)
        m = optimize_model(path, model_type=kind, num_heads=2, hidden_size=16, opt_level=0)
        return m.model

    yield "ts", lambda: ts(14)
    yield "ex", lambda: ex(18, "eager")
    if name in ("bert", "llama", "gemma3", "qwen3"):
        yield "sdpa", lambda: ex(23, "sdpa")
    if kind:
        yield "opt", opt


def main():
    torch.manual_seed(3)
    torch.set_num_threads(1)
    feed = {"input_ids": np.array([[3, 9, 27, 5, 38, 14, 2], [7, 21, 11, 6, 1, 1, 1]]), "attention_mask": np.array([[1] * 7, [1] * 4 + [0] * 3]), "token_type_ids": np.array([[0, 0, 0, 1, 1, 1, 1]] * 2)}
    count = 0
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(os.path.join(HERE, "models.zip"), "w") as z:
        for name, (config, kind, n, opt) in MODELS.items():
            model = kind(config).eval()
            for p in model.parameters():
                p.requires_grad_(False)
                p.copy_(torch.randn_like(p) * 0.3 + (1 if p.ndim == 1 else 0))
            for suffix, make in variants(name, model, n, opt, folder):
                try:
                    m = strip(quiet(make))
                    so = ort.SessionOptions()
                    so.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
                    so.log_severity_level, so.intra_op_num_threads = 4, 1
                    s = ort.InferenceSession(m.SerializeToString(), so, providers=["CPUExecutionProvider"])
                    ins = {}
                    for i in s.get_inputs():
                        ins[i.name] = feed[i.name].astype({"tensor(int64)": np.int64, "tensor(int32)": np.int32}[i.type])
                    result = s.run(["logits"], ins)[0]
                    with torch.no_grad():
                        want = Logits(model, n)(*[torch.from_numpy(feed[k]) for k in list(feed)[:n]]).numpy()
                    far = np.abs(result - want)[feed["attention_mask"] != 0 if result.ndim == 3 else slice(None)].max()
                    if not far < 1e-3:
                        raise RuntimeError(f"{far} from torch")
                except Exception as e:
                    print(f"{name}-{suffix} left out: {type(e).__name__} {str(e).splitlines()[0] if str(e) else ''}"[:250])
                    continue
                m.graph.initializer.extend(numpy_helper.from_array(v, k) for k, v in ins.items())
                m.graph.initializer.append(numpy_helper.from_array(result, "expect:logits"))
                for key, value in (("rtol", "1e-4"), ("atol", "2e-5")):
                    m.metadata_props.add(key=key, value=value)
                z.writestr(zipfile.ZipInfo(f"{name}-{suffix}.onnx", (1980, 1, 1, 0, 0, 0)), m.SerializeToString(deterministic=True), zipfile.ZIP_DEFLATED, 9)
                count += 1
    print(count, "models", file=sys.stderr)


if __name__ == "__main__":
    main()
