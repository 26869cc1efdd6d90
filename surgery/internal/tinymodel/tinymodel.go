// Package tinymodel makes small random language models in GGUF files for tests
// of the packages around it: a llama without tokenizer, of any tensor type.
package tinymodel

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/train/model"
)

// The shape of every tiny model. All widths are multiples of 256, the block of
// the K types.
const (
	Blocks = 2
	Width  = 256
	FFN    = 512
	Heads  = 4
	Vocab  = 64
)

// Config says how a tiny model is made.
type Config struct {
	Type   quant.Type // of all matrices
	Seed   uint64
	Untied bool                                     // a head of its own
	Change func(name string, rows int, w []float32) // called for every tensor before it is encoded; may be nil
}

// tensor is a tensor to write: 1-D if rows is 0.
type tensor struct {
	name       string
	rows, cols int
	std        float64
}

func tensors(c *Config) []tensor {
	ts := []tensor{{"token_embd.weight", Vocab, Width, 1}}
	for l := range Blocks {
		p := "blk." + string(rune('0'+l)) + "."
		w, f := 1/math.Sqrt(Width), 1/math.Sqrt(FFN)
		ts = append(ts,
			tensor{p + "attn_norm.weight", 0, Width, 0}, tensor{p + "attn_q.weight", Width, Width, w},
			tensor{p + "attn_k.weight", Width, Width, w}, tensor{p + "attn_v.weight", Width, Width, w},
			tensor{p + "attn_output.weight", Width, Width, w}, tensor{p + "ffn_norm.weight", 0, Width, 0},
			tensor{p + "ffn_gate.weight", FFN, Width, w}, tensor{p + "ffn_up.weight", FFN, Width, w},
			tensor{p + "ffn_down.weight", Width, FFN, f})
	}
	ts = append(ts, tensor{"output_norm.weight", 0, Width, 0})
	if c.Untied {
		ts = append(ts, tensor{"output.weight", Vocab, Width, 1 / math.Sqrt(Width)})
	}
	return ts
}

// Bytes is the file.
func Bytes(c Config) []byte {
	rng := rand.New(rand.NewPCG(c.Seed, 1))
	ts := tensors(&c)
	le := binary.LittleEndian
	str := func(b []byte, s string) []byte { return append(le.AppendUint64(b, uint64(len(s))), s...) }
	kvs := keys()
	head := le.AppendUint32([]byte("GGUF"), 3)
	head = le.AppendUint64(head, uint64(len(ts)))
	head = le.AppendUint64(head, uint64(len(kvs)))
	head = append(head, joinKeys(kvs)...)
	var data []byte
	for _, t := range ts {
		typ, n := c.Type, max(t.rows, 1)*t.cols
		w := make([]float32, n)
		for i := range w {
			w[i] = float32(rng.NormFloat64() * t.std)
			if t.rows == 0 {
				w[i] = 1
			}
		}
		if c.Change != nil {
			c.Change(t.name, t.rows, w)
		}
		head = str(head, t.name)
		if t.rows == 0 {
			typ = quant.F32
			head = le.AppendUint64(le.AppendUint32(head, 1), uint64(t.cols))
		} else {
			head = le.AppendUint64(le.AppendUint64(le.AppendUint32(head, 2), uint64(t.cols)), uint64(t.rows))
		}
		head = le.AppendUint64(le.AppendUint32(head, uint32(typ)), uint64(len(data)))
		b := make([]byte, n/typ.Block()*typ.Bytes())
		if typ.CanEncode() {
			typ.Encode(b, w)
		} else {
			randomBlocks(rng, typ, b, t.std)
		}
		data = pad(append(data, b...))
	}
	return append(pad(head), data...)
}

// randomBlocks makes blocks of a type without encoder: any bytes, with scales that
// give the weights of a row a standard deviation of std.
func randomBlocks(rng *rand.Rand, typ quant.Type, b []byte, std float64) {
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	g, _ := typ.Grid()
	w, d := make([]float32, typ.Block()), make([]float32, typ.Block()/g.Group)
	for ; len(b) > 0; b = b[typ.Bytes():] {
		for i := range d {
			d[i] = 1
		}
		typ.SetCarriers(b, d, nil)
		typ.Decode(w, b[:typ.Bytes()])
		var sum float64
		for _, x := range w {
			sum += float64(x) * float64(x)
		}
		for i := range d {
			d[i] = float32(std / math.Sqrt(sum/float64(len(w))))
		}
		typ.SetCarriers(b, d, nil)
	}
}

func pad(b []byte) []byte { return append(b, make([]byte, -len(b)&31)...) }

type key struct {
	name  string
	value any
}

func keys() []key {
	return []key{
		{"general.architecture", "llama"},
		{"general.name", "tiny"},
		{"llama.block_count", uint32(Blocks)},
		{"llama.context_length", uint32(128)},
		{"llama.embedding_length", uint32(Width)},
		{"llama.feed_forward_length", uint32(FFN)},
		{"llama.attention.head_count", uint32(Heads)},
		{"llama.attention.head_count_kv", uint32(Heads)},
		{"llama.attention.layer_norm_rms_epsilon", float32(1e-5)},
	}
}

func joinKeys(kvs []key) []byte {
	le := binary.LittleEndian
	var b []byte
	for _, k := range kvs {
		b = append(le.AppendUint64(b, uint64(len(k.name))), k.name...)
		switch v := k.value.(type) {
		case string:
			b = le.AppendUint32(b, uint32(gguf.String))
			b = append(le.AppendUint64(b, uint64(len(v))), v...)
		case uint32:
			b = le.AppendUint32(le.AppendUint32(b, uint32(gguf.Uint32)), v)
		case float32:
			b = le.AppendUint32(le.AppendUint32(b, uint32(gguf.Float32)), math.Float32bits(v))
		}
	}
	return b
}

// Write writes the file into a folder of the test and returns its path.
func Write(tb testing.TB, c Config) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "tiny.gguf")
	if err := os.WriteFile(path, Bytes(c), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// Open writes the file and opens the model in it.
func Open(tb testing.TB, c Config) *model.Model {
	tb.Helper()
	return OpenPath(tb, Write(tb, c))
}

// OpenPath opens the model in a file for the time of the test.
func OpenPath(tb testing.TB, path string) *model.Model {
	tb.Helper()
	f, err := gguf.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = f.Close() }) // only read
	m, err := model.Open(f)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}
