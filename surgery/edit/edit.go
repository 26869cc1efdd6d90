package edit

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"

	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/train/model"
)

// FormatVersion is the version of the edit file that Save writes; Load refuses
// later ones.
const FormatVersion = 1

// Edit is a change of a model's weights, by role, and how it came about. The
// weights it asks for are W' = carriers(W) + every other form of the part.
type Edit struct {
	Meta  Meta
	Parts map[model.Role]*Part
}

// Meta says where an edit comes from. It travels in the file's metadata.
type Meta struct {
	Parent     string             // sha256 of the file it was made on, hex
	Arch       string             // architecture of that file
	Method     string             // "repo", "dpo", ...
	Parameters json.RawMessage    // every hyperparameter, one JSON value
	Seeds      []uint64           // of training
	Data       map[string]string  // sha256 of the data files, by name
	Tool       string             // version of the program
	Metrics    map[string]float64 // measured when the edit was made
	Strength   float64            // product of all Scale calls; 1 as trained
}

// Part is the change of one tensor; unused forms are nil. Rows and Cols are the
// tensor's shape, a gain counting as one row.
type Part struct {
	Rows, Cols int
	Delta      []float32 // [Rows, Cols] added to the weights (to the gain, where the role is one)
	Columns    *Columns  // added to some columns: the neurons of ffn_down
	LowRank    *LowRank  // a product added to the weights
	Carriers   *Carriers // relative moves of block scales and minimums
}

// Columns is a change of some columns of a matrix.
type Columns struct {
	Index []int32   // columns, ascending
	X     []float32 // [Rows, len(Index)]
}

// LowRank is the change A B.
type LowRank struct {
	Rank int
	A    []float32 // [Rows, Rank]
	B    []float32 // [Rank, Cols]
}

// Carriers moves the f16 fields of a quantized tensor and leaves its codes: with
// a of Scale and b of Min of the block, d becomes d(1+a); m of Q4_1 and Q5_1
// becomes m + d b, dmin of Q4_K and Q5_K becomes dmin(1+b).
type Carriers struct {
	Type  quant.Type // of the tensor the moves were made for
	Grid  string     // sha256 of that tensor's bytes, hex
	Scale []float32  // [Rows, Cols/Group]
	Min   []float32  // the same, nil where the type has no minimum
}

// New returns an edit without parts.
func New(meta Meta) *Edit {
	if meta.Strength == 0 {
		meta.Strength = 1
	}
	return &Edit{Meta: meta, Parts: map[model.Role]*Part{}}
}

// Roles lists the edited roles in the order of blocks, then kinds.
func (e *Edit) Roles() []model.Role {
	roles := make([]model.Role, 0, len(e.Parts))
	for r := range e.Parts {
		roles = append(roles, r)
	}
	sort.Slice(roles, func(i, j int) bool {
		if roles[i].Block != roles[j].Block {
			return roles[i].Block < roles[j].Block
		}
		return roles[i].Kind < roles[j].Kind
	})
	return roles
}

// Scale multiplies the edit by a strength; 0 makes it change nothing.
func (e *Edit) Scale(strength float64) {
	e.Meta.Strength *= strength
	for _, p := range e.Parts {
		for _, x := range p.linear() {
			for i := range x {
				x[i] = float32(float64(x[i]) * strength)
			}
		}
	}
}

// linear lists the slices in which the part is linear; one factor of a product.
func (p *Part) linear() [][]float32 {
	s := [][]float32{p.Delta}
	if p.Columns != nil {
		s = append(s, p.Columns.X)
	}
	if p.LowRank != nil {
		s = append(s, p.LowRank.A)
	}
	if p.Carriers != nil {
		s = append(s, p.Carriers.Scale, p.Carriers.Min)
	}
	return s
}

// IsZero reports whether the part changes nothing.
func (p *Part) IsZero() bool {
	for _, s := range p.linear() {
		if slices.ContainsFunc(s, func(x float32) bool { return x != 0 }) {
			return false
		}
	}
	return true
}

// Add adds the changes of o, which is left as it is. Carriers add where both
// edits were made on the same tensor and are an error where they were not.
func (e *Edit) Add(o *Edit) error {
	for _, r := range o.Roles() {
		p, q := e.Parts[r], o.Parts[r]
		if p == nil {
			e.Parts[r] = q.clone()
			continue
		}
		if p.Rows != q.Rows || p.Cols != q.Cols {
			return fmt.Errorf("edit: %s is [%d, %d] in one edit and [%d, %d] in the other", r, p.Rows, p.Cols, q.Rows, q.Cols)
		}
		if err := p.add(q.clone()); err != nil {
			return fmt.Errorf("edit: %s: %w", r, err)
		}
	}
	return nil
}

func (p *Part) clone() *Part {
	q := *p
	q.Delta = slices.Clone(p.Delta)
	if c := p.Columns; c != nil {
		q.Columns = &Columns{slices.Clone(c.Index), slices.Clone(c.X)}
	}
	if l := p.LowRank; l != nil {
		q.LowRank = &LowRank{l.Rank, slices.Clone(l.A), slices.Clone(l.B)}
	}
	if c := p.Carriers; c != nil {
		q.Carriers = &Carriers{c.Type, c.Grid, slices.Clone(c.Scale), slices.Clone(c.Min)}
	}
	return &q
}

// add adds q of the same shape, of which nothing is used afterwards.
func (p *Part) add(q *Part) error {
	switch a, b := p.Carriers, q.Carriers; {
	case a == nil:
		p.Carriers = b
	case b == nil:
	case a.Grid != b.Grid || a.Type != b.Type:
		return fmt.Errorf("carriers of two different tensors do not add")
	default:
		addTo(a.Scale, b.Scale)
		addTo(a.Min, b.Min)
	}
	if p.Delta == nil {
		p.Delta = q.Delta
	} else if q.Delta != nil {
		addTo(p.Delta, q.Delta)
	}
	if p.Columns == nil {
		p.Columns = q.Columns
	} else if q.Columns != nil {
		p.Columns = p.Columns.plus(q.Columns, p.Rows)
	}
	if p.LowRank == nil {
		p.LowRank = q.LowRank
	} else if q.LowRank != nil {
		p.LowRank = p.LowRank.plus(q.LowRank, p.Rows)
	}
	return nil
}

func addTo(dst, src []float32) {
	for i, x := range src {
		dst[i] += x
	}
}

// plus is the sum over the union of both sets of columns.
func (c *Columns) plus(o *Columns, rows int) *Columns {
	index := slices.Concat(c.Index, o.Index)
	slices.Sort(index)
	index = slices.Compact(index)
	s := &Columns{index, make([]float32, rows*len(index))}
	for _, part := range []*Columns{c, o} {
		for k, i := range part.Index {
			to, _ := slices.BinarySearch(index, i)
			for r := range rows {
				s.X[r*len(index)+to] += part.X[r*len(part.Index)+k]
			}
		}
	}
	return s
}

// plus concatenates the factors.
func (l *LowRank) plus(o *LowRank, rows int) *LowRank {
	s := &LowRank{Rank: l.Rank + o.Rank, B: slices.Concat(l.B, o.B)}
	for r := range rows {
		s.A = append(s.A, l.A[r*l.Rank:(r+1)*l.Rank]...)
		s.A = append(s.A, o.A[r*o.Rank:(r+1)*o.Rank]...)
	}
	return s
}

// HasFloats reports whether the part has a form other than carriers.
func (p *Part) HasFloats() bool {
	return p.Delta != nil || p.Columns != nil || p.LowRank != nil
}

// addFloats adds the float forms of row r to dst, all columns of the row.
func (p *Part) addFloats(dst []float32, r int) {
	if p.Delta != nil {
		addTo(dst, p.Delta[r*p.Cols:(r+1)*p.Cols])
	}
	if c := p.Columns; c != nil {
		for k, i := range c.Index {
			dst[i] += c.X[r*len(c.Index)+k]
		}
	}
	if l := p.LowRank; l != nil {
		for k := range l.Rank {
			a := l.A[r*l.Rank+k]
			for j, b := range l.B[k*p.Cols : (k+1)*p.Cols] {
				dst[j] += a * b
			}
		}
	}
}
