package gguf

import "io"

// Write writes a new file of version 3 with these keys and tensors, in this order, and
// returns its size. Tensors may be those of other files or of [NewTensor].
func Write(w io.Writer, kvs []KV, tensors []*Tensor) (int64, error) {
	encoded := make([][]byte, len(kvs))
	for i, kv := range kvs {
		encoded[i] = appendKV(nil, kv)
	}
	return NewFile("", nil, nil).assemble(w, encoded, tensors)
}
