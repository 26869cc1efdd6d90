package nn

import "math"

func exp32(x float32) float32 { return float32(math.Exp(float64(x))) }

func fill(x []float32, v float32) {
	for i := range x {
		x[i] = v
	}
}

// sum32 adds a short block in float32.
func sum32(x []float32) float32 {
	var s0, s1, s2, s3 float32
	i := 0
	for ; i+4 <= len(x); i += 4 {
		s0 += x[i]
		s1 += x[i+1]
		s2 += x[i+2]
		s3 += x[i+3]
	}
	for ; i < len(x); i++ {
		s0 += x[i]
	}
	return (s0 + s1) + (s2 + s3)
}
