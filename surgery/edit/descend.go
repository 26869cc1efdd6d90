package edit

import (
	"math"
	"slices"

	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/simd"
)

// Error propagation starts by giving each weight the code nearest to its aim. Where
// steps are large against the edit that does harm, and afterwards some codes still
// stand where a move, alone or together with a second one that takes back most of
// what the first does wrong, brings the output nearer to the edit.

const (
	pairs = 8  // moves of a row that are tried as the first of a pair
	moves = 32 // moves or pairs made in a row at most
)

const never float32 = math.MaxFloat32 / 4 // the cost of a move that cannot be made

// first is a move that may be the first of a pair: at is twice the column, and one
// more for the code above.
type first struct {
	at   int
	cost float32
	loss float32 // cost over the cost of the same step from no error
}

// descend moves codes of each row to the next above or below, one or two at a time,
// while that lowers the output error.
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

// descent is the state of one row. delta and cost are of the moves of each column
// to the code below and above: what they add to the weight and, alone, to the error.
type descent struct {
	ch          *chunk
	codes       []int16
	scale       []float32
	grad        []float32 // err H
	delta, cost [2][]float32
	order       []first // by loss
}

func newDescent(ch *chunk, r int) *descent {
	d := &descent{ch: ch, codes: row(ch, ch.codes, r, 1), scale: row(ch, ch.scale, r, ch.grid.Sub), grad: row(ch, ch.curved, r, 1)}
	for side := range 2 {
		d.delta[side], d.cost[side] = make([]float32, ch.cols), make([]float32, ch.cols)
	}
	d.order = make([]first, 0, pairs)
	return d
}

// list prices the moves of every column to its neighbours and picks those with the
// least loss.
func (d *descent) list() {
	g, n := &d.ch.grid, d.ch.cols
	d.order = d.order[:0]
	for j, c := range d.codes {
		s, diag := d.scale[j/g.Sub], d.ch.curve.h[j*n+j]
		for side, to := range neighbours(g, c) {
			delta, cost := s*float32(to-c), never
			if delta != 0 {
				cost = delta * (2*d.grad[j] + delta*diag)
				d.consider(2*j+side, cost, cost/(delta*delta*diag))
			}
			d.delta[side][j], d.cost[side][j] = delta, cost
		}
	}
}

// consider keeps the moves with the least loss in order.
func (d *descent) consider(at int, cost, loss float32) {
	n := len(d.order)
	if n == pairs {
		if loss >= d.order[n-1].loss {
			return
		}
		n--
	} else {
		d.order = d.order[:n+1]
	}
	for n > 0 && d.order[n-1].loss > loss {
		d.order[n] = d.order[n-1]
		n--
	}
	d.order[n] = first{at, cost, loss}
}

// neighbours are the codes below and above c, c itself at the ends.
func neighbours(g *quant.Grid, c int16) [2]int16 {
	if g.Levels == nil {
		return [2]int16{max(c-1, int16(g.MinCode)), min(c+1, int16(g.MaxCode))}
	}
	i, _ := slices.BinarySearch(g.Levels, c)
	return [2]int16{g.Levels[max(i-1, 0)], g.Levels[min(i+1, len(g.Levels)-1)]}
}

// move makes the best move there is, of one code or of a pair, and reports whether
// there was one.
func (d *descent) move() bool {
	d.list()
	n, least, one, two := d.ch.cols, float32(0), -1, -1
	for _, f := range d.order {
		if f.cost < least {
			one, two, least = f.at, -1, f.cost
		}
		j := f.at / 2
		twice := 2 * d.delta[f.at%2][j]
		h := d.ch.curve.h[j*n : (j+1)*n]
		below, above := d.delta[0][:n], d.delta[1][:n]
		costBelow, costAbove := d.cost[0][:n], d.cost[1][:n]
		for k, x := range h {
			x *= twice
			if c := f.cost + costBelow[k] + x*below[k]; c < least && k != j {
				one, two, least = f.at, 2*k, c
			}
			if c := f.cost + costAbove[k] + x*above[k]; c < least && k != j {
				one, two, least = f.at, 2*k+1, c
			}
		}
	}
	if one < 0 {
		return false
	}
	d.make(one)
	if two >= 0 {
		d.make(two)
	}
	return true
}

// make makes the move of column at/2.
func (d *descent) make(at int) {
	j, n := at/2, d.ch.cols
	d.codes[j] = neighbours(&d.ch.grid, d.codes[j])[at%2]
	simd.Axpy(d.grad, d.delta[at%2][j], d.ch.curve.h[j*n:(j+1)*n])
}
