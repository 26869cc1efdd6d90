package gguf

import "github.com/detox-surgery/detox-surgery/gguf/quant"

// NewTensor makes a tensor that is in no file. dims is in ggml's order, raw the
// encoded rows.
func NewTensor(name string, dims []uint64, typ quant.Type, raw []byte) *Tensor {
	t := &Tensor{Name: name, Dims: dims, Type: typ, Size: int64(len(raw)), raw: raw}
	if len(raw) != t.Rows()*typ.RowBytes(t.Cols()) {
		panic(errRows)
	}
	return t
}

const errRows = "gguf: bytes of a tensor do not fit its dimensions and type"

// NewFile makes what Open would give for a file with these keys and tensors, for models
// of other containers. It has no bytes: it cannot be written, and its tensors may be of
// types that GGUF does not have. path names where the model came from. Of keys and
// tensors that come twice the first counts.
func NewFile(path string, kvs []KV, tensors []*Tensor) *File {
	f := &File{Version: 3, KV: kvs, Tensors: tensors, Alignment: 32, path: path, keys: map[string]int{}, names: map[string]*Tensor{}}
	for i, kv := range kvs {
		if _, ok := f.keys[kv.Key]; !ok {
			f.keys[kv.Key] = i
		}
	}
	for _, t := range tensors {
		if f.names[t.Name] == nil {
			f.names[t.Name] = t
		}
	}
	return f
}
