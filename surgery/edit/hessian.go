package edit

import (
	"gonum.org/v1/gonum/mat"

	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/train/model"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

// damping is the share of the mean diagonal that is added to the diagonal of H
// before it is factored (GPTQ's percdamp).
const damping = 0.01

// Hessian is H = XᵀX over the rows of activations that enter a matrix: the
// curvature of the squared error of its output in its weights.
type Hessian struct {
	N    int       // columns of the matrix
	Rows int       // activations seen
	H    []float32 // [N, N]
}

// NewHessian returns an empty one for a matrix of n columns.
func NewHessian(n int) *Hessian { return &Hessian{N: n, H: make([]float32, n*n)} }

// Add adds t activations [t, N].
func (h *Hessian) Add(p *simd.Pool, t int, x []float32) {
	simd.Gemm(p, true, false, h.N, h.N, t, x, h.N, x, h.N, 1, h.H, h.N)
	h.Rows += t
}

// lambda is what damping adds to each element of the diagonal.
func (h *Hessian) lambda() float32 {
	var sum float64
	for i := range h.N {
		sum += float64(h.H[i*h.N+i])
	}
	return float32(damping*sum/float64(h.N)) + 1e-12
}

// curvature is a Hessian made ready for rounding: damped, and factored as U Uᵀ
// with U upper triangular.
type curvature struct {
	n      int
	lambda float32
	h      []float32 // [n, n] damped
	u      []float32 // [n, n]
}

// newCurvature damps and factors h; it returns nil if h has no Cholesky factor.
func newCurvature(h *Hessian) *curvature {
	n := h.N
	c := &curvature{n: n, lambda: h.lambda(), h: make([]float32, n*n), u: make([]float32, n*n)}
	copy(c.h, h.H)
	for i := range n {
		c.h[i*n+i] += c.lambda
	}
	// The lower Cholesky factor of H with rows and columns in reverse order is U
	// in reverse order.
	rev := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			rev.SetSym(i, j, float64(c.h[(n-1-j)*n+n-1-i]))
		}
	}
	var chol mat.Cholesky
	if !chol.Factorize(rev) {
		return nil
	}
	up := chol.RawU() // rev = upᵀ up, so U[i, j] = up[n-1-j, n-1-i]
	for i := range n {
		for j := i; j < n; j++ {
			c.u[i*n+j] = float32(up.At(n-1-j, n-1-i))
		}
	}
	return c
}

// Calibration has the activations' second moments of the matrices it is given for.
type Calibration map[model.Role]*Hessian

// Calibrate runs sequences through the model as it is now (attach the edit first
// to calibrate on the edited model) and collects H for those roles whose input
// the forward pass keeps: ffn_down, the head, and attn_q, attn_k, attn_v above
// the first block. Other roles are left out.
func Calibrate(m *model.Model, seqs [][]int32, roles []model.Role) Calibration {
	cal := Calibration{}
	for _, r := range roles {
		if w := m.Matrix(r); w != nil && calibrates(m, r) {
			cal[r] = NewHessian(w.Cols())
		}
	}
	if len(cal) == 0 {
		return cal
	}
	tp := nn.NewTape(m.Pool(), false)
	const tokens = 512 // on the tape at once
	for lo := 0; lo < len(seqs); {
		hi, n := lo, 0
		for ; hi < len(seqs) && (hi == lo || n+len(seqs[hi]) <= tokens); hi++ {
			n += len(seqs[hi])
		}
		h := m.Forward(tp, model.NewBatch(seqs[lo:hi]...), model.ForwardOptions{KeepBlocks: true, KeepActs: true})
		for _, r := range roles {
			if hs := cal[r]; hs != nil {
				x := input(m, tp, h, r)
				hs.Add(m.Pool(), x.T, x.X)
			}
		}
		tp.Reset()
		lo = hi
	}
	return cal
}

func calibrates(m *model.Model, r model.Role) bool {
	switch r.Kind { //nolint:exhaustive // the others have no kept input
	case model.FFNDown, model.Output:
		return m.Config().Experts == 0 || r.Kind == model.Output
	case model.TokenEmbd:
		return m.Tied()
	case model.AttnQ, model.AttnK, model.AttnV, model.AttnQKV:
		return r.Block > 0
	}
	return false
}

// input is what enters the matrix of a role.
func input(m *model.Model, tp *nn.Tape, h *model.Hidden, r model.Role) *nn.Value {
	switch r.Kind { //nolint:exhaustive // see calibrates
	case model.FFNDown:
		return h.Acts[r.Block]
	case model.AttnQ, model.AttnK, model.AttnV, model.AttnQKV:
		return m.AttnInput(tp, h.Blocks[r.Block-1], r.Block)
	}
	return h.Last
}
