package eval

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Interval is an estimate with its 95 % percentile bootstrap interval.
type Interval struct {
	Value float64 `json:"value"`
	Lo    float64 `json:"lo"`
	Hi    float64 `json:"hi"`
	N     int     `json:"n"` // units resampled
}

const (
	resamples     = 10_000
	bootstrapSeed = 20_260_223
)

// Bootstrap is the mean of values; the values are resampled as units, so pass one
// value per prompt.
func Bootstrap(values []float64) Interval {
	ones := make([]float64, len(values))
	for i := range ones {
		ones[i] = 1
	}
	return BootstrapRatio(values, ones)
}

// BootstrapRatio is Σ num / Σ den, for rates among a part of the units (den 0 or 1).
// Resamples whose denominator is 0 are left out. Empty input gives a zero Interval.
func BootstrapRatio(num, den []float64) Interval {
	if len(num) != len(den) {
		panic("eval: numerator and denominator of different length")
	}
	n := len(num)
	iv := Interval{N: n}
	if sum(den) == 0 {
		return iv
	}
	iv.Value = sum(num) / sum(den)
	r := rand.New(rand.NewPCG(bootstrapSeed, uint64(n)))
	stats := make([]float64, 0, resamples)
	for range resamples {
		var a, b float64
		for range n {
			i := r.IntN(n)
			a, b = a+num[i], b+den[i]
		}
		if b > 0 {
			stats = append(stats, a/b)
		}
	}
	slices.Sort(stats)
	iv.Lo, iv.Hi = percentile(stats, 0.025), percentile(stats, 0.975)
	return iv
}

// PairedDifference is the mean of b - a over the same units.
func PairedDifference(a, b []float64) Interval {
	if len(a) != len(b) {
		panic("eval: runs of different length cannot be paired")
	}
	d := make([]float64, len(a))
	for i := range a {
		d[i] = b[i] - a[i]
	}
	return Bootstrap(d)
}

// percentile interpolates between the order statistics of sorted values.
func percentile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	f := at - float64(i)
	return sorted[i]*(1-f) + sorted[i+1]*f
}
