package simd_test

import (
	"fmt"

	"github.com/detox-surgery/detox-surgery/simd"
)

func ExampleSoftmax() {
	p := make([]float32, 3)
	simd.Softmax(p, []float32{0, 0, 0.6931472})
	fmt.Printf("%.2f\n", p)
	// Output: [0.25 0.25 0.50]
}
