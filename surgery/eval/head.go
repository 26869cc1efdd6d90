package eval

import (
	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

// logitFloats bounds the logits that exist at once.
const logitFloats = 1 << 24

// headRows calls f with the logits of some rows of h [T, D], a bounded number at a
// time and in order: row first+i of rows has its logits at logits[i*V:]. rows are
// indices into h.
func headRows(p *simd.Pool, h []float32, head simd.Matrix, rows []int, f func(first, n int, logits []float32)) {
	v := head.Rows()
	chunk := max(1, min(len(rows), logitFloats/v))
	y := make([]float32, chunk*v)
	for at := 0; at < len(rows); at += chunk {
		part := rows[at:min(at+chunk, len(rows))]
		logitsOf(p, h, head, part, y)
		f(at, len(part), y)
	}
}

// logitsOf writes the logits of some rows of h to y [len(rows), V].
func logitsOf(p *simd.Pool, h []float32, head simd.Matrix, rows []int, y []float32) {
	d := head.Cols()
	x := make([]float32, len(rows)*d)
	for i, r := range rows {
		copy(x[i*d:(i+1)*d], h[r*d:])
	}
	nn.HeadLogits(p, len(rows), x, head, y)
}
