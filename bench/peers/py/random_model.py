"""A random llama model whose widths are multiples of 256, so that all of its
matrices can be K-quants, with the tokenizer of another GGUF; as F16."""
import sys

try:
    import gguf
    import numpy as np
except ImportError as e:
    print(f"{e}", file=sys.stderr)
    sys.exit(77)

source, path = sys.argv[1:]
width, ffn, blocks, heads, kv = 1024, 2816, 8, 16, 4
reader = gguf.GGUFReader(source)
writer = gguf.GGUFWriter(path, "llama")
for key, field in reader.fields.items():
    if not key.startswith("tokenizer.") or key.endswith("chat_template"):
        continue
    kind = field.types[0]
    writer.add_key_value(key, field.contents(), kind, field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None)
vocab = len(reader.fields["tokenizer.ggml.tokens"].data)
writer.add_block_count(blocks)
writer.add_context_length(2048)
writer.add_embedding_length(width)
writer.add_feed_forward_length(ffn)
writer.add_head_count(heads)
writer.add_head_count_kv(kv)
writer.add_layer_norm_rms_eps(1e-5)
writer.add_rope_dimension_count(width // heads)
writer.add_rope_freq_base(10000.0)
writer.add_vocab_size(vocab)
writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
rng = np.random.default_rng(1)


def matrix(name, rows, cols):
    w = rng.standard_normal((rows, cols), dtype=np.float32) / np.sqrt(cols)
    writer.add_tensor(name + ".weight", w.astype(np.float16))


def gain(name):
    writer.add_tensor(name + ".weight", np.ones(width, dtype=np.float32))


matrix("token_embd", vocab, width)
matrix("output", vocab, width)
gain("output_norm")
for i in range(blocks):
    b = f"blk.{i}."
    gain(b + "attn_norm")
    matrix(b + "attn_q", width, width)
    matrix(b + "attn_k", width // heads * kv, width)
    matrix(b + "attn_v", width // heads * kv, width)
    matrix(b + "attn_output", width, width)
    gain(b + "ffn_norm")
    matrix(b + "ffn_gate", ffn, width)
    matrix(b + "ffn_up", ffn, width)
    matrix(b + "ffn_down", width, ffn)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
