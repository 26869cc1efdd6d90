package nn

import "math"

// BCE returns Σ weight[i] (softplus(z[i]) - labels[i] z[i]), the binary
// cross-entropy of logits z [T, 1] against labels in [0, 1], and adds its
// gradient to that of z.
func BCE(tp *Tape, logits *Value, labels, weight []float32) float64 {
	if logits.D != 1 || len(labels) != logits.T || len(weight) != logits.T {
		panic(errShape)
	}
	var g []float32
	if tp.grad && logits.needs {
		g = tp.Seed(logits)
	}
	var loss float64
	for i, x := range logits.X {
		z, y, w := float64(x), float64(labels[i]), float64(weight[i])
		loss += w * (max(z, 0) + math.Log1p(math.Exp(-math.Abs(z))) - y*z)
		if g != nil {
			g[i] += float32(w * (1/(1+math.Exp(-z)) - y))
		}
	}
	return loss
}
