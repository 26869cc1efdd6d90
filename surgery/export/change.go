package export

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/surgery/edit"
	"github.com/detox-surgery/detox-surgery/train/model"
)

// ErrNothing is returned where a form cannot hold any of the change.
var ErrNothing = errors.New("export: there is nothing to export")

// Change is what happens to the weights of one tensor of the parent.
type Change struct {
	Name       string // of the tensor in the parent
	Experts    int    // matrices that lie in it one after another; 1 but for mixtures
	Rows, Cols int    // N and K of a matrix
	from, to   simd.Matrix
}

// Left is a changed tensor that a form does not hold, and why.
type Left struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// delta writes the change of matrix i to dst [Rows, Cols].
func (c *Change) delta(dst []float32, i int) {
	c.to.DequantRows(dst, c.Cols, i*c.Rows, (i+1)*c.Rows)
	row := make([]float32, c.Cols)
	for r := range c.Rows {
		c.from.DequantRows(row, c.Cols, i*c.Rows+r, i*c.Rows+r+1)
		for k, x := range row {
			dst[r*c.Cols+k] -= x
		}
	}
}

// changes lists what the input does to the parent, in the order of its tensors.
func (in *Input) changes() ([]Change, []Left, error) {
	if in.Edit != nil {
		return editChanges(in.Parent, in.Edit)
	}
	return fileChanges(in.Parent, in.Edited)
}

// editChanges are those of a float edit, nothing rounded.
func editChanges(f *gguf.File, e *edit.Edit) ([]Change, []Left, error) {
	m, err := model.Open(f)
	if err != nil {
		return nil, nil, err
	}
	at, err := edit.Attach(m, e)
	if err != nil {
		return nil, nil, err
	}
	defer at.Detach()
	var out []Change
	var left []Left
	for _, r := range e.Roles() {
		t := m.Tensor(r)
		switch {
		case e.Parts[r].IsZero():
		case m.Gain(r) != nil:
			left = append(left, Left{t.Name, reasonVector})
		default:
			out = append(out, newChange(t, m.Original(r), m.Matrix(r)))
		}
	}
	return out, left, nil
}

const reasonVector = "a vector; adapters hold matrices"

// fileChanges compares two files with the same tensors.
func fileChanges(a, b *gguf.File) ([]Change, []Left, error) {
	if err := sameModel(a, b); err != nil {
		return nil, nil, err
	}
	var out []Change
	var left []Left
	for _, t := range a.Tensors {
		u := b.Tensor(t.Name)
		switch {
		case t.Type == u.Type && bytes.Equal(t.Raw(), u.Raw()):
		case !t.Type.CanDecode() || !u.Type.CanDecode():
			return nil, nil, fmt.Errorf("export: %w: tensor %s is %s in one file and %s in the other, which cannot be decoded", model.ErrUnsupported, t.Name, t.Type, u.Type)
		case t.Rows() == 1 || strings.HasSuffix(t.Name, ".bias"):
			left = append(left, Left{t.Name, reasonVector})
		default:
			out = append(out, newChange(t, t, u))
		}
	}
	return out, left, nil
}

// sameModel reports whether b can be an edited a. The error is edit.ErrMismatch.
func sameModel(a, b *gguf.File) error {
	archA, _ := a.String("general.architecture")
	archB, _ := b.String("general.architecture")
	if archA != archB {
		return fmt.Errorf("%w: %s is of architecture %q, %s of %q", edit.ErrMismatch, a.Path(), archA, b.Path(), archB)
	}
	if len(a.Tensors) != len(b.Tensors) {
		return fmt.Errorf("%w: %s has %d tensors, %s has %d", edit.ErrMismatch, a.Path(), len(a.Tensors), b.Path(), len(b.Tensors))
	}
	for _, t := range a.Tensors {
		u := b.Tensor(t.Name)
		if u == nil {
			return fmt.Errorf("%w: %s has no tensor %s", edit.ErrMismatch, b.Path(), t.Name)
		}
		if !slices.Equal(t.Dims, u.Dims) {
			return fmt.Errorf("%w: tensor %s has shape %v in %s and %v in %s", edit.ErrMismatch, t.Name, t.Dims, a.Path(), u.Dims, b.Path())
		}
	}
	return nil
}

func newChange(t *gguf.Tensor, from, to simd.Matrix) Change {
	c := Change{Name: t.Name, Experts: 1, Rows: t.Rows(), Cols: t.Cols(), from: from, to: to}
	if len(t.Dims) > 2 {
		c.Rows = int(t.Dims[1])
		c.Experts = t.Rows() / max(1, c.Rows)
	}
	return c
}

// hashOf is the sha256 of a file in hex.
func hashOf(f *gguf.File) string {
	h := sha256.Sum256(f.Bytes())
	return hex.EncodeToString(h[:])
}
