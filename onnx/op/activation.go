package op

import "math"

// parametric makes a kernel of an activation with parameters.
func parametric(f func(c *call) func(x float32) float32) kernel {
	return func(c *call) []*Value { return one(c.mapFloats(c.floats(0), f(c))) }
}

func leakyRelu(c *call) func(float32) float32 {
	alpha := c.float("alpha", 0.01)
	return func(x float32) float32 {
		if x < 0 {
			return alpha * x
		}
		return x
	}
}

func elu(c *call) func(float32) float32 {
	alpha := c.float("alpha", 1)
	return func(x float32) float32 {
		if x < 0 {
			return alpha * float32(math.Expm1(float64(x)))
		}
		return x
	}
}

func hardSigmoid(c *call) func(float32) float32 {
	alpha, beta := c.float("alpha", 0.2), c.float("beta", 0.5)
	return func(x float32) float32 { return max(0, min(1, alpha*x+beta)) }
}

func hardSwish(x float32) float32 { return x * max(0, min(1, x/6+0.5)) }

// swish is x sigmoid(alpha x); com.microsoft's QuickGelu is the same with another
// default.
func swish(fallback float32) func(c *call) func(float32) float32 {
	return func(c *call) func(float32) float32 {
		alpha := c.float("alpha", fallback)
		return func(x float32) float32 { return x * sigmoid(alpha*x) }
	}
}

func celu(c *call) func(float32) float32 {
	alpha := float64(c.float("alpha", 1))
	return func(x float32) float32 {
		return max(0, x) + min(0, float32(alpha*math.Expm1(float64(x)/alpha)))
	}
}

func selu(c *call) func(float32) float32 {
	alpha, gamma := c.float("alpha", 1.67326319217681884765625), c.float("gamma", 1.05070102214813232421875)
	return func(x float32) float32 {
		if x <= 0 {
			return gamma * alpha * float32(math.Expm1(float64(x)))
		}
		return gamma * x
	}
}

func thresholdedRelu(c *call) func(float32) float32 {
	alpha := c.float("alpha", 1)
	return func(x float32) float32 {
		if x > alpha {
			return x
		}
		return 0
	}
}

// shrink takes what is near zero for zero and moves the rest there.
func shrink(c *call) []*Value {
	bias, near := c.float("bias", 0), c.float("lambd", 0.5)
	f := func(x float32) float32 {
		switch {
		case x < -near:
			return x + bias
		case x > near:
			return x - bias
		}
		return 0
	}
	return numberMap(f, func(x int64) int64 { return int64(f(float32(x))) })(c)
}
