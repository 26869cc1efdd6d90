package eval

import (
	"math"
	"slices"
)

// Classification is how well scores separate two classes.
type Classification struct {
	N        int     `json:"n"`
	AUC      float64 `json:"auc"`      // probability that a toxic text scores above a clean one, ties count half
	ECE      float64 `json:"ece"`      // mean |confidence - frequency| over 10 equal bins of the score
	Accuracy float64 `json:"accuracy"` // at threshold 0.5
}

// Classify compares scores in [0, 1] with labels of the same length.
func Classify(scores []float64, toxic []bool) Classification {
	if len(scores) != len(toxic) {
		panic("eval: as many labels as scores are needed")
	}
	c := Classification{N: len(scores), AUC: auc(scores, toxic)}
	if c.N == 0 {
		return c
	}
	const bins = 10
	var sum, pos [bins]float64
	for i, s := range scores {
		if (s > 0.5) == toxic[i] {
			c.Accuracy++
		}
		b := min(bins-1, max(0, int(s*bins)))
		sum[b] += s
		if toxic[i] {
			pos[b]++
		}
	}
	for b := range bins {
		c.ECE += math.Abs(sum[b] - pos[b])
	}
	c.Accuracy /= float64(c.N)
	c.ECE /= float64(c.N)
	return c
}

// auc is the normalised rank-sum statistic; NaN if a class is empty.
func auc(scores []float64, toxic []bool) float64 {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, k int) int {
		switch {
		case scores[i] < scores[k]:
			return -1
		case scores[i] > scores[k]:
			return 1
		}
		return 0
	})
	positives, rankSum := 0, 0.0
	for i := 0; i < len(order); {
		k := i
		for k < len(order) && scores[order[k]] == scores[order[i]] {
			k++
		}
		mid := float64(i+k+1) / 2 // ranks start at 1
		for _, x := range order[i:k] {
			if toxic[x] {
				positives++
				rankSum += mid
			}
		}
		i = k
	}
	p, n := float64(positives), float64(len(order)-positives)
	return (rankSum - p*(p+1)/2) / (p * n)
}
