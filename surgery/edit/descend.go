package edit

import (
	"slices"

	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/simd"
)

// Where steps are large against the edit, every single code that moves makes the
// output worse, and so does error propagation, which starts by giving each weight
// the code nearest to its aim. Two codes may still do what the edit asks for when
// one takes back most of what the other does wrong. descend looks for such pairs.

// pairs is how many codes of a row are tried as the first of a pair, those that
// cost least alone; moves is how many are made.
const (
	pairs = 48
	moves = 64
)

// flip is the move of one code to the next above or below: by delta, which changes
// the row's error by cost if nothing else moves.
type flip struct {
	col   int
	to    int16
	delta float32
	cost  float32
}

// descend moves single codes and pairs of codes of each row while that lowers the
// output error; so it never raises it.
func (ch *chunk) descend() {
	if ch.curve == nil || ch.grid.Vector > 0 {
		return
	}
	ch.pool.Do(ch.rows, func(r, _ int) {
		d := newDescent(ch, r)
		for range moves {
			if !d.move() {
				break
			}
		}
		ch.typ.SetCodes(ch.rowRaw(r), d.codes)
	})
	ch.load()
}

// descent is the state of one row.
type descent struct {
	ch    *chunk
	codes []int16
	scale []float32
	grad  []float32 // err H
	flips []flip    // two for each column at most
	order []int32   // of flips by cost
}

func newDescent(ch *chunk, r int) *descent {
	return &descent{ch: ch, codes: row(ch, ch.codes, r, 1), scale: row(ch, ch.scale, r, ch.grid.Sub), grad: row(ch, ch.curved, r, 1)}
}

// list finds the flips and the order of their costs.
func (d *descent) list() {
	d.flips, d.order = d.flips[:0], d.order[:0]
	g := &d.ch.grid
	for j, c := range d.codes {
		s := d.scale[j/g.Sub]
		if s == 0 {
			continue
		}
		for _, to := range neighbours(g, c) {
			if to != c {
				d.flips = append(d.flips, d.price(flip{col: j, to: to, delta: s * float32(to-c)}))
			}
		}
	}
	for i := range d.flips {
		d.order = append(d.order, int32(i))
	}
	slices.SortStableFunc(d.order, func(a, b int32) int {
		switch x, y := d.flips[a].cost, d.flips[b].cost; {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
}

// neighbours are the codes below and above c, c itself at the ends.
func neighbours(g *quant.Grid, c int16) [2]int16 {
	if g.Levels == nil {
		return [2]int16{max(c-1, int16(g.MinCode)), min(c+1, int16(g.MaxCode))}
	}
	i, _ := slices.BinarySearch(g.Levels, c)
	return [2]int16{g.Levels[max(i-1, 0)], g.Levels[min(i+1, len(g.Levels)-1)]}
}

func (d *descent) price(f flip) flip {
	h := d.ch.curve.h[f.col*d.ch.cols+f.col]
	f.cost = f.delta * (2*d.grad[f.col] + f.delta*h)
	return f
}

// move makes the best move there is, of one code or of a pair, and reports whether
// there was one.
func (d *descent) move() bool {
	d.list()
	n, least := d.ch.cols, float32(0)
	var first, second *flip
	for _, i := range d.order[:min(pairs, len(d.order))] {
		f := &d.flips[i]
		if f.cost < least {
			first, second, least = f, nil, f.cost
		}
		h := d.ch.curve.h[f.col*n : (f.col+1)*n]
		for k := range d.flips {
			p := &d.flips[k]
			if c := f.cost + p.cost + 2*f.delta*p.delta*h[p.col]; c < least && p.col != f.col {
				first, second, least = f, p, c
			}
		}
	}
	if first == nil {
		return false
	}
	d.make(first)
	if second != nil {
		d.make(second)
	}
	return true
}

func (d *descent) make(f *flip) {
	d.codes[f.col] = f.to
	simd.Axpy(d.grad, f.delta, d.ch.curve.h[f.col*d.ch.cols:(f.col+1)*d.ch.cols])
}
