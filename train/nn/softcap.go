package nn

import (
	"math"

	"github.com/detox-surgery/detox-surgery/simd"
)

// SoftCap replaces every x by c*tanh(x/c), as Gemma 2 does with scores and logits,
// on the workers of p. A cap of 0 leaves x as it is.
func SoftCap(p *simd.Pool, x []float32, c float32) {
	if c == 0 {
		return
	}
	p.Do(tasksFor(len(x), floatsPerTask), func(task, _ int) {
		lo, hi := chunk(task, floatsPerTask, len(x))
		for i, v := range x[lo:hi] {
			x[lo+i] = c * float32(math.Tanh(float64(v/c)))
		}
	})
}
