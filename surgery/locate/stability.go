package locate

import (
	"math"
	"sort"

	"gonum.org/v1/gonum/stat"
)

// topCounts are the sizes of the leading groups that Stability compares.
var topCounts = []int{10, 30, 100, 300, 1000}

// Stability says how far the rankings of two halves of the data agree.
type Stability struct {
	// Spearman is the rank correlation of the signed scores of all neurons.
	Spearman float64 `json:"spearman"`
	// Jaccard is, by n, the number of neurons among the first n of both halves
	// over the number among the first n of either.
	Jaccard map[int]float64 `json:"jaccard"`
}

// compare compares the scores of two halves.
func compare(a, b [][]float64) Stability {
	x, y := flat(a), flat(b)
	s := Stability{Spearman: spearman(x, y), Jaccard: map[int]float64{}}
	ox, oy := bySize(x), bySize(y)
	for _, n := range topCounts {
		if n > len(x) {
			break
		}
		s.Jaccard[n] = jaccard(ox[:n], oy[:n])
	}
	return s
}

func flat(a [][]float64) []float64 {
	var x []float64
	for _, row := range a {
		x = append(x, row...)
	}
	return x
}

func bySize(x []float64) []int {
	order := indices(len(x))
	sort.SliceStable(order, func(i, j int) bool { return math.Abs(x[order[i]]) > math.Abs(x[order[j]]) })
	return order
}

func indices(n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	return order
}

func jaccard(a, b []int) float64 {
	in := map[int]bool{}
	for _, i := range a {
		in[i] = true
	}
	both := 0
	for _, i := range b {
		if in[i] {
			both++
		}
	}
	return float64(both) / float64(len(a)+len(b)-both)
}

// spearman is the correlation of ranks, ties sharing their mean rank; 0 where one
// side is constant.
func spearman(x, y []float64) float64 {
	r := stat.Correlation(ranks(x), ranks(y), nil)
	if math.IsNaN(r) {
		return 0
	}
	return r
}

func ranks(x []float64) []float64 {
	order := indices(len(x))
	sort.SliceStable(order, func(i, j int) bool { return x[order[i]] < x[order[j]] })
	out := make([]float64, len(x))
	for lo := 0; lo < len(order); {
		hi := lo
		for hi < len(order) && x[order[hi]] == x[order[lo]] {
			hi++
		}
		for _, i := range order[lo:hi] {
			out[i] = float64(lo+hi-1) / 2
		}
		lo = hi
	}
	return out
}
