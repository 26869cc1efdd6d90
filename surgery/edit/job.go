package edit

import (
	"fmt"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/train/model"
)

// job is the writing of one tensor.
type job struct {
	role     model.Role
	t        *gguf.Tensor
	part     *Part
	to       quant.Type // type to write
	rounding Rounding   // as asked
	hess     *Hessian   // nil: not calibrated
	curve    *curvature
	pool     *simd.Pool
}

// exact reports whether nothing but carriers moves on the tensor's own grid.
func (j *job) exact() bool { return j.to == j.t.Type && !j.part.HasFloats() }

// method is the rounding that run will use, in words for the report.
func (j *job) method() string {
	switch {
	case j.exact():
		return "carriers"
	case !quantized(j.to) || j.to != j.t.Type:
		return "encode"
	case j.rounding == Auto:
		return string(Aware)
	}
	return string(j.rounding)
}

func quantized(t quant.Type) bool { return t.Block() > 1 }

// check refuses what cannot be written, before anything is.
func (j *job) check() error {
	if j.exact() {
		return nil
	}
	_, grid := j.t.Type.Grid()
	if j.to == j.t.Type && quantized(j.to) && !grid {
		return unsupported(fmt.Sprintf("edit: %s is %s, which cannot be edited in place; ask for a higher type for edited tensors", j.role, j.t.Type))
	}
	if !j.to.CanEncode() && j.method() == string(Nearest) {
		return unsupported(fmt.Sprintf("edit: %s is %s, for which there is no encoder: %s cannot write it, %s can", j.role, j.to, Nearest, Aware))
	}
	if !j.to.CanEncode() && j.to != j.t.Type {
		return unsupported(fmt.Sprintf("edit: %s cannot be written as %s", j.role, j.to))
	}
	if j.part.Cols%j.to.Block() != 0 {
		return unsupported(fmt.Sprintf("edit: %s has rows of %d weights, not a multiple of the %d in a block of %s", j.role, j.part.Cols, j.to.Block(), j.to))
	}
	return nil
}

// unsupported is an error that is model.ErrUnsupported.
type unsupported string

func (u unsupported) Error() string     { return string(u) }
func (u unsupported) Is(err error) bool { return err == model.ErrUnsupported }

// calibrated reports whether a rounding looks at the activations.
func calibrated(r Rounding) bool { return r == Codes || r == Refit || r == Aware }

// run returns the bytes of the written tensor.
func (j *job) run() ([]byte, error) {
	p := j.part
	out := make([]byte, p.Rows*j.to.RowBytes(p.Cols))
	if calibrated(Rounding(j.method())) && j.hess != nil {
		if j.curve = newCurvature(j.hess); j.curve == nil {
			return nil, fmt.Errorf("edit: %s: the second moments of its calibration activations have no Cholesky factor", j.role)
		}
	}
	w := newEdited(j.t, p)
	for lo := 0; lo < p.Rows; lo += chunkRows {
		hi := min(p.Rows, lo+chunkRows)
		raw := out[lo*j.to.RowBytes(p.Cols) : hi*j.to.RowBytes(p.Cols)]
		j.rows(w, raw, lo, hi)
	}
	return out, nil
}

// rows writes rows lo to hi into raw.
func (j *job) rows(w *edited, raw []byte, lo, hi int) {
	size := j.to.RowBytes(j.part.Cols)
	if j.to == j.t.Type {
		copy(raw, j.t.Raw()[lo*size:hi*size])
	}
	if c := j.part.Carriers; c != nil && j.to == j.t.Type {
		n := len(c.Scale) / j.part.Rows
		for r := lo; r < hi; r++ {
			moveCarriers(c.Type, raw[(r-lo)*size:(r-lo+1)*size], c.Scale[r*n:(r+1)*n], c.mins(r, n))
		}
	}
	if j.exact() {
		return
	}
	want := make([]float32, (hi-lo)*j.part.Cols)
	j.pool.Do(hi-lo, func(r, _ int) {
		w.DequantRows(want[r*j.part.Cols:(r+1)*j.part.Cols], j.part.Cols, lo+r, lo+r+1)
	})
	method := j.method()
	for _, r := range roundings {
		if string(r.name) == method {
			r.round(j, raw, want)
			return
		}
	}
	j.encode(raw, want)
}

// encode writes every row anew.
func (j *job) encode(raw []byte, want []float32) {
	n, size := j.part.Cols, j.to.RowBytes(j.part.Cols)
	j.pool.Do(len(want)/n, func(r, _ int) { j.to.Encode(raw[r*size:(r+1)*size], want[r*n:(r+1)*n]) })
}

// nearest encodes the blocks anew in which a weight changes and leaves the
// others, since encoding is not idempotent for every type.
func (j *job) nearest(raw []byte, want []float32) {
	block, size := j.to.Block(), j.to.Bytes()
	now := make([]float32, block)
	for i := range len(want) / block {
		b, w := raw[i*size:(i+1)*size], want[i*block:(i+1)*block]
		j.to.Decode(now, b)
		for k, x := range now {
			if x != w[k] {
				j.to.Encode(b, w)
				break
			}
		}
	}
}

func (j *job) onGrid(raw []byte, want []float32) {
	newChunk(j.to, raw, want, j.part.Cols, nil, j.pool).roundGrid()
}

func (j *job) awareCodes(raw []byte, want []float32) {
	newChunk(j.to, raw, want, j.part.Cols, j.curve, j.pool).roundCodes()
}

func (j *job) refit(raw []byte, want []float32) {
	newChunk(j.to, raw, want, j.part.Cols, j.curve, j.pool).refit()
}

func (j *job) aware(raw []byte, want []float32) {
	newChunk(j.to, raw, want, j.part.Cols, j.curve, j.pool).roundAware()
}
