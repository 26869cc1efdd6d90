package model_test

import (
	"testing"

	"github.com/detox-surgery/detox-surgery/train/model"
)

// BenchmarkInt8 measures what llama-bench calls pp512 and tg64: a pass over 512
// tokens, and 64 tokens after an empty context, with the choice of each.
func BenchmarkInt8(b *testing.B) {
	for name := range files {
		for _, rounded := range []bool{false, true} {
			b.Run("model="+name+"/int8="+map[bool]string{false: "no", true: "yes"}[rounded], func(b *testing.B) {
				m := open(b, name)
				prompt := make([]int32, 512)
				for j := range prompt {
					prompt[j] = int32(1000 + j*7919%20000)
				}
				b.Run("pp512", func(b *testing.B) {
					s := m.NewSession(1, len(prompt))
					s.SetInt8(rounded)
					slots, ids := []int{0}, [][]int32{prompt}
					s.Extend(slots, ids) // llama-bench warms up as well
					b.ReportAllocs()
					for b.Loop() {
						s.Reset(0)
						s.Extend(slots, ids)
					}
					b.ReportMetric(float64(b.N*len(prompt))/b.Elapsed().Seconds(), "tokens/s")
				})
				b.Run("tg64", func(b *testing.B) {
					o := model.GenOptions{MaxNew: 64, Stop: []int32{}, Int8: rounded}
					model.Generate(m, [][]int32{prompt[:1]}, o)
					b.ReportAllocs()
					for b.Loop() {
						model.Generate(m, [][]int32{prompt[:1]}, o)
					}
					b.ReportMetric(float64(b.N*64)/b.Elapsed().Seconds(), "tokens/s")
				})
			})
		}
	}
}
