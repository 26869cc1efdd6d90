package mix

import (
	"io"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/simd"
)

// quantizationVersion is ggml's GGML_QNT_VERSION.
const quantizationVersion = 2

// Write writes f with its tensors in the types of targets. Keys, the order of tensors
// and the bytes of those that keep their type are those of f; general.file_type and
// general.quantization_version become the recipe's. The result does not depend on the
// number of workers. progress, which may be nil, gets the tensors done.
func Write(w io.Writer, f *gguf.File, r *Recipe, targets []Target, o *Options, pool *simd.Pool, progress func(done, total int)) (int64, error) {
	e := gguf.Edits{Data: map[string]gguf.Replacement{}, Set: []gguf.KV{
		{Key: "general.quantization_version", Value: gguf.ValueOf(uint32(quantizationVersion))},
		{Key: "general.file_type", Value: gguf.ValueOf(r.FileType)},
	}}
	c := &converter{pool: pool, src: make([][]float32, pool.Workers())}
	total := 0
	for _, t := range targets {
		if t.To == t.Type {
			continue
		}
		weights, err := o.Importance.of(t.Tensor)
		if err != nil {
			return 0, err
		}
		total++
		e.Data[t.Name] = gguf.Replacement{Type: t.To, Make: func() ([]byte, error) {
			b := c.convert(t, weights)
			if c.done++; progress != nil {
				progress(c.done, total)
			}
			return b, nil
		}}
	}
	return f.WriteTo(w, e)
}

type converter struct {
	pool *simd.Pool
	src  [][]float32 // by worker
	dst  []byte
	done int
}

// chunkFloats is about how many weights a worker converts at a time.
const chunkFloats = 1 << 16

// convert encodes a tensor again; weights [cols] or [experts, cols] or nil.
func (c *converter) convert(t Target, weights []float32) []byte {
	rows, cols := t.Rows(), t.Cols()
	size := t.To.RowBytes(cols)
	if cap(c.dst) < rows*size {
		c.dst = make([]byte, rows*size)
	}
	dst := c.dst[:rows*size]
	step := max(1, chunkFloats/cols)
	perExpert := rows
	if n := len(weights) / cols; n > 1 {
		perExpert = rows / n
	}
	c.pool.Do((rows+step-1)/step, func(task, worker int) {
		lo, hi := task*step, min(rows, (task+1)*step)
		if len(c.src[worker]) < (hi-lo)*cols {
			c.src[worker] = make([]float32, (hi-lo)*cols)
		}
		x := c.src[worker][:(hi-lo)*cols]
		t.DequantRows(x, cols, lo, hi)
		if weights == nil || !t.To.Weighs() {
			t.To.Encode(dst[lo*size:hi*size], x)
			return
		}
		for r := lo; r < hi; r++ {
			e := r / perExpert * cols
			t.To.EncodeWeighted(dst[r*size:(r+1)*size], x[(r-lo)*cols:(r-lo+1)*cols], weights[e:e+cols])
		}
	})
	return dst
}
