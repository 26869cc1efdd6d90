package model_test

import (
	"testing"

	"github.com/detox-surgery/detox-surgery/train/model"
)

// BenchmarkGenerate continues prompts of 60 tokens by 20; tokens/s counts new
// ones, prompt included in the time.
func BenchmarkGenerate(b *testing.B) {
	for name := range files {
		for _, bench := range []struct {
			name   string
			n      int
			sample bool
		}{{"one", 1, false}, {"greedy", 64, false}, {"sampled", 64, true}} {
			b.Run("model="+name+"/"+bench.name, func(b *testing.B) {
				m := open(b, name)
				prompts := make([][]int32, bench.n)
				for i := range prompts {
					for j := range 60 {
						prompts[i] = append(prompts[i], int32(1000+(i*7919+j*104729)%20000))
					}
				}
				const fresh = 20
				o := model.GenOptions{MaxNew: fresh, Sample: bench.sample, TopP: 0.9, Seed: 1, Stop: []int32{}}
				b.ReportAllocs()
				for b.Loop() {
					model.Generate(m, prompts, o)
				}
				b.ReportMetric(float64(b.N*bench.n*fresh)/b.Elapsed().Seconds(), "new-tokens/s")
				b.ReportMetric(float64(b.N*bench.n*(60+fresh))/b.Elapsed().Seconds(), "tokens/s")
			})
		}
	}
}
