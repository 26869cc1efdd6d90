package op

import "math"

// erfGelu is x Phi(x).
func erfGelu(x float32) float32 {
	return float32(0.5 * float64(x) * (1 + math.Erf(float64(x)/math.Sqrt2)))
}

// tanhGelu is its approximation by the hyperbolic tangent.
func tanhGelu(x float32) float32 {
	v := float64(x)
	return float32(0.5 * v * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(v+0.044715*v*v*v))))
}

func gelu(c *call) func(float32) float32 {
	if c.str("approximate", "none") == "tanh" {
		return tanhGelu
	}
	return erfGelu
}

// biasGelu makes a kernel of com.microsoft's BiasGelu and FastGelu: a function of
// the sum of input and bias.
func biasGelu(f func(x float32) float32) kernel {
	return func(c *call) []*Value {
		x := c.floats(0)
		if b := c.optFloats(1); b != nil {
			x = c.binary(&addition, x, b)
		}
		return one(c.mapFloats(x, f))
	}
}
