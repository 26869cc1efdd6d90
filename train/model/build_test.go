package model

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/detox-surgery/detox-surgery/gguf"
)

// kv and tensor are what small GGUF files are built from. Values are string,
// uint32, int32, uint16, float32, []string, []float32 or []uint32; tensors are
// F32 with dimensions in ggml order.
type kv struct {
	key   string
	value any
}

type tensor struct {
	name string
	dims []uint64
	data []float32
}

// valueTypes are the type numbers of GGUF.
func valueType(v any) uint32 {
	switch v.(type) {
	case uint16:
		return 2
	case uint32:
		return 4
	case int32:
		return 5
	case float32:
		return 6
	case string:
		return 8
	}
	return 9
}

func putString(w *bytes.Buffer, s string) {
	put(w, uint64(len(s)))
	w.WriteString(s)
}

func put(w *bytes.Buffer, v any) {
	if err := binary.Write(w, binary.LittleEndian, v); err != nil {
		panic(err)
	}
}

func putValue(w *bytes.Buffer, v any) {
	switch v := v.(type) {
	case string:
		putString(w, v)
	case []string:
		put(w, uint32(8))
		put(w, uint64(len(v)))
		for _, s := range v {
			putString(w, s)
		}
	case []float32:
		put(w, uint32(6))
		put(w, uint64(len(v)))
		put(w, v)
	case []uint32:
		put(w, uint32(4))
		put(w, uint64(len(v)))
		put(w, v)
	default:
		put(w, v)
	}
}

// openFile writes a GGUF file and opens it.
func openFile(tb testing.TB, kvs []kv, tensors []tensor) *gguf.File {
	tb.Helper()
	var w bytes.Buffer
	w.WriteString("GGUF")
	put(&w, uint32(3))
	put(&w, uint64(len(tensors)))
	put(&w, uint64(len(kvs)))
	for _, e := range kvs {
		putString(&w, e.key)
		put(&w, valueType(e.value))
		putValue(&w, e.value)
	}
	pad := func() {
		for w.Len()%32 != 0 {
			w.WriteByte(0)
		}
	}
	offset := uint64(0)
	for _, x := range tensors {
		putString(&w, x.name)
		put(&w, uint32(len(x.dims)))
		put(&w, x.dims)
		put(&w, uint32(0))
		put(&w, offset)
		offset += uint64(len(x.data)*4+31) / 32 * 32
	}
	pad()
	for _, x := range tensors {
		put(&w, x.data)
		pad()
	}
	path := filepath.Join(tb.TempDir(), "model.gguf")
	if err := os.WriteFile(path, w.Bytes(), 0o600); err != nil {
		tb.Fatal(err)
	}
	f, err := gguf.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = f.Close() })
	return f
}

// tinyConfig is a model small enough to build in a test: 7 blocks, so that
// Gemma's sixth, which has no window, is among them.
var tinyConfig = Config{Blocks: 7, Width: 32, FFN: 48, Heads: 4, KVHeads: 2, HeadDim: 8, Vocab: 61, Window: 8}

// tinyParts returns the keys and random tensors of a small model.
func tinyParts(arch string) ([]kv, []tensor) {
	c := &tinyConfig
	kvs := []kv{
		{"general.architecture", arch},
		{arch + ".block_count", uint32(c.Blocks)},
		{arch + ".context_length", uint32(64)},
		{arch + ".embedding_length", uint32(c.Width)},
		{arch + ".feed_forward_length", uint32(c.FFN)},
		{arch + ".attention.head_count", uint32(c.Heads)},
		{arch + ".attention.head_count_kv", uint32(c.KVHeads)},
		{arch + ".attention.layer_norm_rms_epsilon", float32(1e-5)},
		{arch + ".attention.sliding_window", uint32(c.Window)},
	}
	var a *architecture
	for _, x := range architectures {
		if x.name == arch && !x.experts {
			a = x
		}
	}
	rng := rand.New(rand.NewPCG(7, 11))
	var tensors []tensor
	for _, r := range (&Model{cfg: *c, arch: a, tied: true}).expected() {
		if slices.Contains(a.optional, r.Kind) {
			continue
		}
		k := kinds[r.Kind]
		x := tensor{name: r.TensorName(), dims: []uint64{uint64(k.cols(c))}}
		n, mean, spread := k.cols(c), 1.0, 0.1
		if r.Kind.IsMatrix() {
			x.dims = append(x.dims, uint64(k.rows(c)))
			n, mean, spread = n*k.rows(c), 0, 0.25
		}
		x.data = make([]float32, n)
		for i := range x.data {
			x.data[i] = float32(mean + spread*rng.NormFloat64())
		}
		tensors = append(tensors, x)
	}
	return kvs, tensors
}

func tiny(tb testing.TB, arch string) *Model {
	tb.Helper()
	kvs, tensors := tinyParts(arch)
	m, err := Open(openFile(tb, kvs, tensors))
	if err != nil {
		tb.Fatal(err)
	}
	return m
}
