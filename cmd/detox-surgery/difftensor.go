package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/train/model"
)

// number is null in JSON where it is not finite.
type number float64

func (x number) MarshalJSON() ([]byte, error) {
	if f := float64(x); !math.IsNaN(f) && !math.IsInf(f, 0) {
		return json.Marshal(f)
	}
	return []byte("null"), nil
}

// tensorDiff describes one tensor that differs. What cannot be compared, as weights of
// other shapes or codes of other types, is 0, an error NaN and a row -1.
type tensorDiff struct {
	Name    string       `json:"name"`
	TypeA   string       `json:"type_a"`
	TypeB   string       `json:"type_b"`
	DimsA   []uint64     `json:"dims_a"` // in the order of the file: columns first
	DimsB   []uint64     `json:"dims_b"`
	Bytes   int64        `json:"bytes_changed"`
	Codes   float64      `json:"codes_changed"`   // share of the integer codes that differ
	Scales  float64      `json:"scales_changed"`  // share of the carriers (scales and minimums of blocks) that differ
	Weights float64      `json:"weights_changed"` // share of the weights whose value differs
	NMSE    number       `json:"nmse"`            // squared error over squared norm of A
	MaxAbs  number       `json:"max_abs"`         // largest change of a weight
	TopRow  int          `json:"top_row"`         // row with the largest change
	Top     []vectorDiff `json:"top,omitempty"`

	sized, decoded, coded bool // whether bytes, weights, codes and scales were compared
}

// vectorDiff is a row, or a column where that is a value vector, of a changed tensor.
type vectorDiff struct {
	Kind     string `json:"kind"`             // row or value
	Expert   *int   `json:"expert,omitempty"` // in mixtures
	Index    int    `json:"index"`            // for a value vector the neuron; from 0 in each expert
	Change   number `json:"change"`           // norm of the difference
	Relative number `json:"relative"`         // to the norm in A
	Share    number `json:"share"`            // of the squared difference of the tensor
}

// energy is the squared norm of a difference and of what it is from.
type energy struct{ diff, base float64 }

func (e *energy) add(diff, base float64) {
	e.diff += diff
	e.base += base
}

func diffTensor(t, u *gguf.Tensor, top int) tensorDiff {
	d := tensorDiff{
		Name: t.Name, TypeA: t.Type.String(), TypeB: u.Type.String(), DimsA: t.Dims, DimsB: u.Dims,
		NMSE: number(math.NaN()), MaxAbs: number(math.NaN()), TopRow: -1, sized: len(t.Raw()) == len(u.Raw()),
	}
	if d.sized {
		d.Bytes = int64(differ(t.Raw(), u.Raw()))
	}
	if slices.Equal(t.Dims, u.Dims) && t.Type.CanDecode() && u.Type.CanDecode() {
		d.compareWeights(t, u, top)
		d.compareFields(t, u)
	}
	return d
}

// compareWeights decodes both tensors, of one shape.
func (d *tensorDiff) compareWeights(t, u *gguf.Tensor, top int) {
	d.decoded = true
	k, n := t.Cols(), t.Rows()
	perExpert, mixture := n, len(t.Dims) > 2
	if mixture {
		perExpert = int(t.Dims[1])
	}
	rows := make([]energy, n)
	var values []energy // of every expert after the other
	if role, ok := model.RoleOfTensor(t.Name); ok && top > 0 && (role.Kind == model.FFNDown || role.Kind == model.FFNDownExps) {
		values = make([]energy, k*(n/max(1, perExpert)))
	}
	x, y := make([]float32, k), make([]float32, k)
	changed, most := 0, 0.0
	for r := range rows {
		t.DequantRows(x, k, r, r+1)
		u.DequantRows(y, k, r, r+1)
		for i := range x {
			e := change(x[i], y[i])
			if e != 0 {
				changed++
				most = max(most, e)
			}
			base := float64(x[i]) * float64(x[i])
			rows[r].add(e*e, base)
			if values != nil {
				values[r/perExpert*k+i].add(e*e, base)
			}
		}
	}
	var all energy
	for r, e := range rows {
		all.add(e.diff, e.base)
		if e.diff > 0 && (d.TopRow < 0 || e.diff > rows[d.TopRow].diff) {
			d.TopRow = r
		}
	}
	d.NMSE = number(ratio(all.diff, all.base))
	d.MaxAbs = number(most)
	d.Weights = float64(changed) / float64(max(1, n*k))
	d.Top = append(topVectors("row", rows, perExpert, mixture, all.diff, top), topVectors("value", values, k, mixture, all.diff, top)...)
}

// change is the size of a weight's change, infinite where only one of both is a NaN.
func change(x, y float32) float64 {
	if math.Float32bits(x) == math.Float32bits(y) { // also infinities, whose difference is a NaN
		return 0
	}
	e := math.Abs(float64(y) - float64(x))
	if math.IsNaN(e) {
		return math.Inf(1)
	}
	return e
}

// ratio is a/b, and 0 where both are.
func ratio(a, b float64) float64 {
	if a == 0 {
		return 0
	}
	return a / b
}

// topVectors lists the n vectors that changed most, the first of equals first. They are
// those of experts, per of them each, in a mixture.
func topVectors(kind string, es []energy, per int, mixture bool, total float64, n int) []vectorDiff {
	var order []int
	for i, e := range es {
		if e.diff > 0 && n > 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(es[j].diff, es[i].diff) })
	var out []vectorDiff
	for _, i := range order[:min(n, len(order))] {
		e := es[i]
		v := vectorDiff{
			Kind: kind, Index: i, Change: number(math.Sqrt(e.diff)),
			Relative: number(math.Sqrt(ratio(e.diff, e.base))), Share: number(e.diff / total),
		}
		if mixture {
			expert := i / per
			v.Expert, v.Index = &expert, i%per
		}
		out = append(out, v)
	}
	return out
}

// compareFields compares the codes and the carriers of tensors of one type and shape.
func (d *tensorDiff) compareFields(t, u *gguf.Tensor) {
	g, ok := t.Type.Grid()
	if !ok || t.Type != u.Type {
		return
	}
	d.coded = true
	k, size := t.Cols(), t.Type.RowBytes(t.Cols())
	fields := k / g.Group
	all := fields
	if g.HasMin {
		all *= 2
	}
	var codes [2][]int16
	var carriers [2][]float32
	for s := range 2 {
		codes[s], carriers[s] = make([]int16, k), make([]float32, all)
	}
	var nc, nf int
	for r := range t.Rows() {
		for s, x := range [2]*gguf.Tensor{t, u} {
			b := x.Raw()[r*size : (r+1)*size]
			x.Type.Codes(codes[s], b)
			var m []float32
			if g.HasMin {
				m = carriers[s][fields:]
			}
			x.Type.Carriers(carriers[s][:fields], m, b)
		}
		nc += differ(codes[0], codes[1])
		for i, c := range carriers[0] {
			if math.Float32bits(c) != math.Float32bits(carriers[1][i]) {
				nf++
			}
		}
	}
	d.Codes = float64(nc) / float64(max(1, t.Rows()*k))
	d.Scales = float64(nf) / float64(max(1, t.Rows()*all))
}

func differ[T comparable](a, b []T) int {
	n := 0
	for i, x := range a {
		if x != b[i] {
			n++
		}
	}
	return n
}

// columns are the cells of a line of the table, a dash where nothing was compared.
func (d *tensorDiff) columns() []string {
	typ := d.TypeA
	if d.TypeA != d.TypeB {
		typ += " -> " + d.TypeB
	}
	if !slices.Equal(d.DimsA, d.DimsB) {
		typ += fmt.Sprintf(" %v -> %v", d.DimsA, d.DimsB)
	}
	out := []string{d.Name, typ, "-", "-", "-", "-", "-", "-", "-"}
	if d.sized {
		out[2] = fmt.Sprint(d.Bytes)
	}
	if d.coded {
		out[3], out[4] = fmt.Sprintf("%.3f %%", 100*d.Codes), fmt.Sprintf("%.3f %%", 100*d.Scales)
	}
	if d.decoded {
		out[5] = fmt.Sprintf("%.2f %%", 100*d.Weights)
		out[6], out[7], out[8] = fmt.Sprintf("%.3g", d.NMSE), fmt.Sprintf("%.3g", d.MaxAbs), fmt.Sprint(d.TopRow)
	}
	return out
}
