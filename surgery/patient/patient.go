// Package patient opens a model in whatever container it comes: GGUF, or ONNX with the
// tokenizer beside it. What it gives is the same for both: keys and tensors, a forward
// pass, and a way to write edited tensors back.
package patient

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/onnx"
	"github.com/detox-surgery/detox-surgery/onnx/layout"
	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/surgery/edit"
	"github.com/detox-surgery/detox-surgery/train/model"
	"github.com/detox-surgery/detox-surgery/train/onnxlm"
	"github.com/detox-surgery/detox-surgery/train/token/hf"
)

// Patient is an open model.
type Patient struct {
	File *gguf.File      // keys and tensors, in memory for ONNX
	ONNX *onnxlm.Patient // nil for GGUF

	companions string // folder of tokenizer and configuration; empty: none
	tokenizer  []gguf.KV
	close      func() error
}

// IsONNX reports whether a path is that of an ONNX model or of a folder with one.
func IsONNX(path string) bool {
	info, err := os.Stat(path)
	return strings.HasSuffix(path, ".onnx") || err == nil && info.IsDir()
}

// Open opens a model, of a split GGUF model all files. It checks ONNX graphs on the pool, see [onnxlm.Open].
func Open(path string, pool *simd.Pool) (*Patient, error) { return open(path, pool, nil) }

// OpenWritten opens a model that was made of this one, with this one's tokenizer where
// there is none beside it.
func (p *Patient) OpenWritten(path string, pool *simd.Pool) (*Patient, error) {
	return open(path, pool, p.tokenizer)
}

func open(path string, pool *simd.Pool, keys []gguf.KV) (*Patient, error) {
	if IsONNX(path) {
		return openONNX(path, pool, keys)
	}
	f, err := gguf.OpenWhole(path)
	if err != nil {
		return nil, err
	}
	return &Patient{File: f, close: f.Close}, nil
}

func openONNX(path string, pool *simd.Pool, keys []gguf.KV) (*Patient, error) {
	file, dir, err := layout.Find(path)
	if err != nil {
		return nil, err
	}
	p := &Patient{companions: dir, tokenizer: keys}
	if dir != "" {
		own, err := hf.Dir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if own != nil {
			p.tokenizer = own
		}
	}
	m, err := onnx.Open(file)
	if err != nil {
		return nil, err
	}
	if p.ONNX, err = onnxlm.Open(m, p.tokenizer, pool); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	p.File, p.close = p.ONNX.File, m.Close
	return p, nil
}

// Model opens the forward pass; each call gives a model of its own on the same weights.
func (p *Patient) Model() (*model.Model, error) {
	if p.ONNX != nil {
		return p.ONNX.Model()
	}
	return model.Open(p.File)
}

// Close closes the files. Models must not be used afterwards.
func (p *Patient) Close() error { return p.close() }

// Size is the size of the model's files in bytes.
func (p *Patient) Size() int64 {
	if p.ONNX == nil {
		return p.File.Size()
	}
	n := p.ONNX.ONNX.Size()
	for _, f := range p.ONNX.ONNX.Files {
		n += int64(len(f.Bytes()))
	}
	return n
}

// Container is how edits of this model are written; nil for GGUF, what edit.Write does
// by itself.
func (p *Patient) Container() edit.Container {
	if p.ONNX == nil {
		return nil
	}
	return &container{p}
}

// Check makes sure that everything the edit touches can be written.
func (p *Patient) Check(e *edit.Edit) error {
	if p.ONNX == nil {
		return nil
	}
	for r := range e.Parts {
		if !p.ONNX.Writable(r.TensorName()) {
			return fmt.Errorf("%w: %s is computed in the graph of %s and cannot be edited", model.ErrUnsupported, r, p.File.Path())
		}
	}
	return nil
}
