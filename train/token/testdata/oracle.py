"""llama.cpp's tokenizer through the ctypes bindings of llama-cpp-python, the function that the llama-tokenize tool calls."""
import os
import sys
import types


def bindings(root):
    """The ctypes module of the bindings, without the package around it, which needs more than this script does."""
    os.environ["LLAMA_CPP_LIB_PATH"] = os.path.join(root, "vendor/llama.cpp/build/bin")
    package = types.ModuleType("llama_cpp")
    package.__path__ = [os.path.join(root, "llama_cpp")]
    sys.modules["llama_cpp"] = package
    import llama_cpp.llama_cpp as lib
    return lib


class Oracle:
    def __init__(self, lib, path):
        self.lib = lib
        params = lib.llama_model_default_params()
        params.vocab_only = True
        self.model = lib.llama_model_load_from_file(path.encode(), params)
        assert self.model, path
        self.vocab = lib.llama_model_get_vocab(self.model)

    def close(self):
        self.lib.llama_model_free(self.model)

    def encode(self, text, special=False, framed=False):
        raw = text if isinstance(text, bytes) else text.encode()
        room = len(raw) + 16
        out = (self.lib.llama_token * room)()
        n = self.lib.llama_tokenize(self.vocab, raw, len(raw), out, room, framed, special)
        if n < 0:
            room = -n
            out = (self.lib.llama_token * room)()
            n = self.lib.llama_tokenize(self.vocab, raw, len(raw), out, room, framed, special)
        assert n >= 0, n
        return list(out[:n])

    def decode(self, ids):
        """The pieces of the ids, one after another, without control tokens."""
        room = 256
        out = b""
        for i in ids:
            buf = (self.lib.ctypes.c_char * room)()
            n = self.lib.llama_token_to_piece(self.vocab, i, buf, room, 0, False)
            assert n >= 0, n
            out += bytes(buf[:n])
        return out

    def ends(self):
        return [i for i in range(self.lib.llama_vocab_n_tokens(self.vocab)) if self.lib.llama_vocab_is_eog(self.vocab, i)]
