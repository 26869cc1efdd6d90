package edit

import "github.com/detox-surgery/detox-surgery/gguf/quant"

// superBlock is the number of weights in a K-quant block. Its minimums multiply
// quantized sub-minimums, while those of Q4_1 and Q5_1 are added to the weights;
// their relative moves differ accordingly.
const superBlock = 256

// moveCarriers writes the carriers of a row moved by a and b (nil: no minimum)
// into dst, which holds the row.
func moveCarriers(t quant.Type, dst []byte, a, b []float32) {
	d, m := make([]float32, len(a)), make([]float32, len(a))
	if b == nil {
		m = nil
	}
	t.Carriers(d, m, dst)
	for i := range d {
		if m != nil && t.Block() == superBlock {
			m[i] *= 1 + b[i]
		} else if m != nil {
			m[i] += d[i] * b[i]
		}
		d[i] *= 1 + a[i]
	}
	t.SetCarriers(dst, d, m)
}

// rowMover computes the weights of a row with its carriers moved, in float32 and
// without rounding the carriers: what the edit asks for.
type rowMover struct{ scale, offset []float32 }

// move changes the weights w of a row stored as raw. With w = s c + o it is
// (w-o)(1+a) + o', so the codes are not needed.
func (mv *rowMover) move(t quant.Type, w []float32, raw []byte, a, b []float32) {
	g, _ := t.Grid()
	n := len(w) / g.Sub
	if cap(mv.scale) < n {
		mv.scale, mv.offset = make([]float32, n), make([]float32, n)
	}
	scale, offset := mv.scale[:n], mv.offset[:n]
	t.RowGrid(raw, scale, offset)
	for i := range n {
		k := i * g.Sub / g.Group
		o := offset[i]
		moved := o
		if b != nil && t.Block() == superBlock {
			moved = o * (1 + b[k])
		} else if b != nil {
			moved = o + scale[i]*b[k]
		}
		f := 1 + a[k]
		sub := w[i*g.Sub : (i+1)*g.Sub]
		for j, x := range sub {
			sub[j] = (x-o)*f + moved
		}
	}
}
