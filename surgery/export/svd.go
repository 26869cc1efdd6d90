package export

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/detox-surgery/detox-surgery/simd"
)

// Rank says how many directions of a change are kept.
type Rank struct {
	Max    int     // of any tensor
	Energy float64 // share of the squared norm that is enough; 0: Max directions
}

// factors is a matrix B A of low rank: scale folded in, both factors equally large.
type factors struct {
	rank   int
	a      []float32 // [rank, K]
	b      []float32 // [N, rank]
	energy float64   // share of the squared norm that it keeps
	norm2  float64   // squared Frobenius norm of what it stands for
}

// The randomized method takes a few directions more than are wanted and multiplies
// by the matrix and its transpose so often, which separates close singular values.
const (
	oversample = 10
	powerSteps = 4
	firstGuess = 16 // directions to begin with where the energy decides
)

// dropBelow is the share of the largest squared singular value under which one is
// rounding of the float32 products.
const dropBelow = 1e-12

// truncate returns the best approximation of w by the directions that r asks for,
// up to the error of the randomized method (Halko, Martinsson and Tropp 2011, arXiv
// 0909.4061, algorithms 4.4 and 5.1). A matrix of zeros has rank 0. The result
// depends on w, r and seed only.
func truncate(p *simd.Pool, w *simd.Dense, r Rank, seed uint64) factors {
	f := factors{}
	for _, x := range w.Data {
		f.norm2 += float64(x) * float64(x)
	}
	if f.norm2 == 0 {
		f.energy = 1
		return f
	}
	side := min(w.N, w.K)
	most := min(r.Max, side)
	want := most
	if r.Energy > 0 {
		want = min(firstGuess, most)
	}
	for ; ; want = min(4*want, most) {
		q := rangeOf(p, w, min(want+oversample, side), seed)
		s := newSpectrum(p, w, q)
		f.rank = s.choose(want, r.Energy, f.norm2)
		f.energy = min(1, s.sum(f.rank)/f.norm2)
		if r.Energy == 0 || want == most || f.energy >= r.Energy {
			s.fill(&f, w)
			return f
		}
	}
}

// rangeOf returns l orthonormal rows of length N that nearly span the columns of w;
// exactly, if l is the smaller side of w.
func rangeOf(p *simd.Pool, w *simd.Dense, l int, seed uint64) []float32 {
	x, y := make([]float32, l*w.K), make([]float32, l*w.N)
	steps := powerSteps
	switch l {
	case w.N:
		identity(y, l)
		return y
	case w.K:
		identity(x, l)
		steps = 0
	default:
		rng := rand.New(rand.NewPCG(seed, uint64(l)))
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
	}
	for step := 0; ; step++ {
		simd.MatMulT(p, l, x, w.K, w, 0, y, w.N)
		orthonormalize(y, l, w.N)
		if step == steps {
			return y
		}
		simd.MatMul(p, l, y, w.N, w, 0, x, w.K)
		orthonormalize(x, l, w.K)
	}
}

func identity(x []float32, n int) {
	for i := range n {
		x[i*n+i] = 1
	}
}

// orthonormalize makes the l rows of x orthonormal, each with what the rows before
// leave of it; what is left of a row that they span already becomes zero. Twice is
// enough (Giraud, Langou and Rozložník 2005).
func orthonormalize(x []float32, l, n int) {
	for i := range l {
		row := x[i*n : (i+1)*n]
		before := simd.SumSquares(row)
		for range 2 {
			for j := range i {
				other := x[j*n : (j+1)*n]
				simd.Axpy(row, -simd.Dot(row, other), other)
			}
		}
		scale := float32(0)
		if after := simd.SumSquares(row); after > 1e-12*before {
			scale = float32(1 / math.Sqrt(after))
		}
		simd.Scale(row, scale, row)
	}
}

// spectrum is the singular value decomposition of w within the span of q.
type spectrum struct {
	l       int
	q       []float32  // [l, N]
	b       []float32  // [l, K], q w
	squares []float64  // squared singular values, descending
	vectors *mat.Dense // [l, l], their directions in q as columns
}

func newSpectrum(p *simd.Pool, w *simd.Dense, q []float32) *spectrum {
	l := len(q) / w.N
	s := &spectrum{l: l, q: q, b: make([]float32, l*w.K)}
	simd.MatMul(p, l, q, w.N, w, 0, s.b, w.K)
	gram := mat.NewSymDense(l, nil)
	for i := range l {
		for j := range i + 1 {
			var dot float64
			bj := s.b[j*w.K : (j+1)*w.K]
			for k, v := range s.b[i*w.K : (i+1)*w.K] {
				dot += float64(v) * float64(bj[k])
			}
			gram.SetSym(i, j, dot)
		}
	}
	var eig mat.EigenSym
	if !eig.Factorize(gram, true) {
		panic("export: symmetric matrix without eigenvalues")
	}
	s.squares = eig.Values(nil) // ascending
	slices.Reverse(s.squares)
	var v mat.Dense
	eig.VectorsTo(&v)
	s.vectors = mat.NewDense(l, l, nil)
	for i := range l {
		for j := range l {
			s.vectors.Set(i, j, v.At(i, l-1-j))
		}
	}
	return s
}

// sum is that of the first n squared singular values.
func (s *spectrum) sum(n int) float64 {
	var sum float64
	for _, x := range s.squares[:n] {
		sum += max(0, x)
	}
	return sum
}

// choose is the number of directions to keep, most at the most.
func (s *spectrum) choose(most int, energy, norm2 float64) int {
	var sum float64
	for i, x := range s.squares[:min(most, len(s.squares))] {
		if x <= dropBelow*s.squares[0] {
			return i
		}
		if sum += x; energy > 0 && sum >= energy*norm2 {
			return i + 1
		}
	}
	return min(most, len(s.squares))
}

// fill makes the factors of the first f.rank directions: direction i is e_i of q, so
// that w is about Σ (qᵀ e_i)(e_iᵀ b).
func (s *spectrum) fill(f *factors, w *simd.Dense) {
	f.a, f.b = make([]float32, f.rank*w.K), make([]float32, w.N*f.rank)
	left, right := make([]float64, w.N), make([]float64, w.K)
	for i := range f.rank {
		clear(left)
		clear(right)
		for j := range s.l {
			e := s.vectors.At(j, i)
			for k, v := range s.q[j*w.N : (j+1)*w.N] {
				left[k] += e * float64(v)
			}
			for k, v := range s.b[j*w.K : (j+1)*w.K] {
				right[k] += e * float64(v)
			}
		}
		root := math.Sqrt(math.Sqrt(s.squares[i])) // of the singular value
		for k, v := range right {
			f.a[i*w.K+k] = float32(v / root)
		}
		for k, v := range left {
			f.b[k*f.rank+i] = float32(v * root)
		}
	}
}
