package export

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/detox-surgery/detox-surgery/simd"
)

// matrixOf makes an [n, k] matrix with singular values that fall by the factor decay,
// rank of them.
func matrixOf(n, k, rank int, decay float64, seed uint64) *simd.Dense {
	rng := rand.New(rand.NewPCG(seed, 9))
	normal := func(rows, cols int) *mat.Dense {
		x := make([]float64, rows*cols)
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		return mat.NewDense(rows, cols, x)
	}
	left, right := normal(n, rank), normal(rank, k)
	for j := range rank {
		for i := range n {
			left.Set(i, j, left.At(i, j)*math.Pow(decay, float64(j))*1e-3)
		}
	}
	var p mat.Dense
	p.Mul(left, right)
	w := &simd.Dense{N: n, K: k, Data: make([]float32, n*k)}
	for i := range n {
		for j := range k {
			w.Data[i*k+j] = float32(p.At(i, j))
		}
	}
	return w
}

// errorOf is the squared distance of the factors from w.
func errorOf(w *simd.Dense, f *factors) float64 {
	var sum float64
	for r := range w.N {
		for c := range w.K {
			x := float64(w.Data[r*w.K+c])
			for i := range f.rank {
				x -= float64(f.b[r*f.rank+i]) * float64(f.a[i*w.K+c])
			}
			sum += x * x
		}
	}
	return sum
}

// squares are the squared singular values by gonum's full decomposition.
func squares(t *testing.T, w *simd.Dense) []float64 {
	t.Helper()
	d := mat.NewDense(w.N, w.K, nil)
	for i, x := range w.Data {
		d.Set(i/w.K, i%w.K, float64(x))
	}
	var svd mat.SVD
	if !svd.Factorize(d, mat.SVDNone) {
		t.Fatal("no decomposition")
	}
	s := svd.Values(nil)
	for i := range s {
		s[i] *= s[i]
	}
	return s
}

// TestTruncateAgainstFullDecomposition: the error is that of the best approximation of
// that rank, and the share of energy that is reported is the one that is kept.
func TestTruncateAgainstFullDecomposition(t *testing.T) {
	pool := simd.NewPool(2)
	defer pool.Close()
	for _, c := range []struct {
		n, k, rank int
		decay      float64
		want       int
	}{{40, 70, 40, 0.9, 6}, {70, 40, 40, 0.97, 12}, {64, 64, 64, 1, 5}, {30, 200, 30, 0.8, 30}, {5, 300, 5, 1, 16}, {300, 1, 1, 1, 3}} {
		w := matrixOf(c.n, c.k, c.rank, c.decay, 3)
		f := truncate(pool, w, Rank{Max: c.want}, 7)
		s := squares(t, w)
		all, kept := 0.0, 0.0
		for i, x := range s {
			all += x
			if i < c.want {
				kept += x
			}
		}
		if f.rank != min(c.want, len(s)) {
			t.Errorf("%+v: rank %d", c, f.rank)
		}
		if math.Abs(f.norm2-all) > 1e-6*all || math.Abs(f.energy-kept/all) > 2e-3 {
			t.Errorf("%+v: norm² %g, energy %g; want %g, %g", c, f.norm2, f.energy, all, kept/all)
		}
		if got := errorOf(w, &f) / all; math.Abs(got-(1-f.energy)) > 1e-5 {
			t.Errorf("%+v: the factors lose %g, reported %g", c, got, 1-f.energy)
		}
	}
}

// TestTruncateFindsTheRank: of a matrix of low rank nothing is lost and no more
// directions are made than there are.
func TestTruncateFindsTheRank(t *testing.T) {
	w := matrixOf(90, 130, 4, 0.3, 5)
	f := truncate(nil, w, Rank{Max: 16}, 1)
	if e := errorOf(w, &f) / f.norm2; f.rank != 4 || e > 1e-11 || f.energy < 1-1e-6 {
		t.Errorf("rank %d, error %g, energy %g", f.rank, e, f.energy)
	}
	zero := truncate(nil, &simd.Dense{N: 3, K: 4, Data: make([]float32, 12)}, Rank{Max: 2}, 1)
	if zero.rank != 0 || zero.energy != 1 {
		t.Errorf("zeros: rank %d, energy %g", zero.rank, zero.energy)
	}
}

// TestTruncateByEnergy: the fewest directions that keep the share, and not more than
// the limit.
func TestTruncateByEnergy(t *testing.T) {
	w := matrixOf(120, 100, 100, 0.96, 6)
	s := squares(t, w)
	var all float64
	for _, x := range s {
		all += x
	}
	want, sum := 0, 0.0
	for sum < 0.99*all {
		sum += s[want]
		want++
	}
	f := truncate(nil, w, Rank{Max: 100, Energy: 0.99}, 2)
	if want <= firstGuess || f.rank < want || f.rank > want+1 || f.energy < 0.99 {
		t.Errorf("rank %d with %g, want %d", f.rank, f.energy, want)
	}
	if f := truncate(nil, w, Rank{Max: 20, Energy: 0.99}, 2); f.rank != 20 || f.energy >= 0.99 {
		t.Errorf("limited to 20: rank %d with %g", f.rank, f.energy)
	}
}

func TestTruncateSameForAnyWorkers(t *testing.T) {
	w := matrixOf(200, 150, 60, 0.95, 8)
	one := truncate(nil, w, Rank{Max: 24}, 3)
	pool := simd.NewPool(3)
	defer pool.Close()
	three := truncate(pool, w, Rank{Max: 24}, 3)
	if !slices.Equal(one.a, three.a) || !slices.Equal(one.b, three.b) {
		t.Error("the factors depend on the number of workers")
	}
}

func BenchmarkTruncate(b *testing.B) {
	pool := simd.NewPool(0)
	defer pool.Close()
	w := matrixOf(576, 1536, 300, 0.99, 8)
	for _, r := range []Rank{{Max: 16}, {Max: 128, Energy: 0.9999}} {
		b.Run("", func(b *testing.B) {
			for b.Loop() {
				truncate(pool, w, r, 3)
			}
		})
	}
}
