package edit

import (
	"bytes"
	"math"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/train/model"
)

// TensorResult says what writing did to one tensor.
type TensorResult struct {
	Role   string `json:"role"`
	Name   string `json:"name"` // in the container
	Type   string `json:"type"` // as written
	From   string `json:"from"` // as it was
	Method string `json:"method"`
	Tied   bool   `json:"tied,omitempty"` // it is the embedding and the head; edited once

	Codes  float64 `json:"codes_changed"`  // share of codes (of values, for plain floats)
	Scales float64 `json:"scales_changed"` // share of f16 block fields
	Norm   float64 `json:"relative_norm"`  // of the float edit: ‖Δ‖ / ‖W‖
	// Survived is the projection of the written change on the float edit: 1 if
	// all of it is there, 0 if nothing is. Cosine is the same over both norms.
	Survived float64 `json:"survived"`
	Cosine   float64 `json:"cosine"`
	// FunctionalError is the error of the layer's output on the calibration
	// activations over the effect of the edit there: 0 if the written tensor does
	// what the float edit does, 1 if it does what the original did. Survival is
	// measured in the weights where Calibrated is false.
	FunctionalError float64 `json:"functional_error"`
	Calibrated      bool    `json:"calibrated"`
}

// sums gathers the inner products behind a TensorResult.
type sums struct {
	orig, edit, written, both float64 // ‖W‖², ‖Δ‖², ‖Δ'‖², Δ·Δ'
	wrong, effect             float64 // (Δ'−Δ) H (Δ'−Δ), Δ H Δ
}

// measure compares original, float edit and written bytes.
func (j *job) measure(out []byte) TensorResult {
	p := j.part
	res := TensorResult{
		Role: j.role.String(), Name: j.t.Name, Type: j.to.String(), From: j.t.Type.String(),
		Method: j.method(), Calibrated: j.hess != nil,
	}
	var s sums
	w := newEdited(j.t, p)
	for lo := 0; lo < p.Rows; lo += chunkRows {
		j.measureRows(w, out, lo, min(p.Rows, lo+chunkRows), &s)
	}
	res.Codes, res.Scales = changed(j.t, j.to, out)
	res.Norm = ratio(math.Sqrt(s.edit), math.Sqrt(s.orig))
	res.Survived = ratio(s.both, s.edit)
	res.Cosine = ratio(s.both, math.Sqrt(s.edit*s.written))
	res.FunctionalError = math.Sqrt(ratio(s.wrong, s.effect))
	return res
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func (j *job) measureRows(w *edited, out []byte, lo, hi int, s *sums) {
	n := j.part.Cols
	size := j.to.RowBytes(n)
	orig, want, got := make([]float32, (hi-lo)*n), make([]float32, (hi-lo)*n), make([]float32, (hi-lo)*n)
	j.pool.Do(hi-lo, func(r, _ int) {
		a, b := r*n, (r+1)*n
		j.t.DequantRows(orig[a:b], n, lo+r, lo+r+1)
		w.DequantRows(want[a:b], n, lo+r, lo+r+1)
		j.to.Decode(got[a:b], out[(lo+r)*size:(lo+r+1)*size])
	})
	for i, o := range orig {
		want[i] -= o // Δ
		got[i] -= o  // Δ'
	}
	s.orig += dot(orig, orig)
	s.edit += dot(want, want)
	s.written += dot(got, got)
	s.both += dot(want, got)
	s.effect += j.energy(want, orig)
	for i, x := range want {
		got[i] -= x
	}
	s.wrong += j.energy(got, orig)
}

// energy is the sum of x H xᵀ over the rows of x, plainly ‖x‖² if there is no H.
func (j *job) energy(x, scratch []float32) float64 {
	if j.hess == nil {
		return dot(x, x)
	}
	n := j.part.Cols
	simd.Gemm(j.pool, false, false, len(x)/n, n, n, x, n, j.hess.H, n, 0, scratch, n)
	return dot(x, scratch)
}

// changed is the share of codes and of f16 block fields that differ.
func changed(t *gguf.Tensor, to quant.Type, out []byte) (codes, scales float64) {
	if to != t.Type {
		return 1, 1
	}
	raw, cols := t.Raw(), t.Cols()
	g, ok := to.Grid()
	if !ok {
		n, size := 0, to.Bytes()
		for i := 0; i < len(raw); i += size {
			if !bytes.Equal(raw[i:i+size], out[i:i+size]) {
				n++
			}
		}
		return float64(n) / float64(len(raw)/size), 0
	}
	c := [2][]int16{make([]int16, cols), make([]int16, cols)}
	f := [2][]float32{make([]float32, 2*cols/g.Group), make([]float32, 2*cols/g.Group)}
	size, half := to.RowBytes(cols), cols/g.Group
	var nc, nf int
	for r := range t.Rows() {
		for k, b := range [2][]byte{raw, out} {
			b = b[r*size : (r+1)*size]
			to.Codes(c[k], b)
			if g.HasMin {
				to.Carriers(f[k][:half], f[k][half:], b)
			} else {
				to.Carriers(f[k][:half], nil, b)
			}
		}
		nc += differ(c[0], c[1])
		nf += differ(f[0], f[1])
	}
	fields := t.Rows() * half
	if g.HasMin {
		fields *= 2
	}
	return float64(nc) / float64(t.Rows()*cols), float64(nf) / float64(fields)
}

func differ[T comparable](a, b []T) int {
	n := 0
	for i := range a {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

// Norm is the size of an edit of one tensor.
type Norm struct {
	Role model.Role
	Edit float64 // ‖Δ‖, Frobenius
	Base float64 // ‖W‖
}

// Norms measures the float edit on a model that it fits.
func (e *Edit) Norms(m *model.Model) ([]Norm, error) {
	if err := e.Check(m); err != nil {
		return nil, err
	}
	var norms []Norm
	for _, r := range e.Roles() {
		t := m.Tensor(r)
		w := newEdited(t, e.Parts[r])
		orig, want := make([]float32, t.Cols()), make([]float32, t.Cols())
		var base, diff float64
		for i := range t.Rows() {
			t.DequantRows(orig, t.Cols(), i, i+1)
			w.DequantRows(want, t.Cols(), i, i+1)
			base += dot(orig, orig)
			for j, o := range orig {
				want[j] -= o
			}
			diff += dot(want, want)
		}
		norms = append(norms, Norm{r, math.Sqrt(diff), math.Sqrt(base)})
	}
	return norms, nil
}
